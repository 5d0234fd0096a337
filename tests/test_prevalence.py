"""The study: same bits however it is run, honest intervals, errors that say what to pass."""

import multiprocessing
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import FrozenInstanceError, dataclass
from typing import ClassVar
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from saddlelab.ensembles import Ensemble, get_ensemble, names
from saddlelab.prevalence import PrevalenceStudy, prevalence
from saddlelab.studies import blocks as block_module
from saddlelab.studies import plan as plan_module
from saddlelab.studies import run as runner
from saddlelab.studies.blocks import EMPTY, Histogram, Run, count_block
from saddlelab.studies.result import KINDS
from saddlelab.studies.spec import MAX_BLOCK_ROWS, MIN_BLOCK_SAMPLES, StudySpec

DIMS = (1, 2, 3, 7, 20)
SAMPLES = 1000


def assert_same(study, other):
    assert study.dims.tolist() == other.dims.tolist()
    assert (study.samples, study.seed, study.nested) == (other.samples, other.seed, other.nested)
    for n in study.dims:
        np.testing.assert_array_equal(study.counts(n), other.counts(n))


@pytest.fixture(params=[False, True], ids=["plain", "nested"], scope="module")
def nested(request):
    return request.param


@pytest.fixture(scope="module")
def study(nested):
    return prevalence("goe", DIMS, samples=SAMPLES, rng=0, nested=nested, workers=1)


# --- the same bits -------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [1, 7, 64, 999, 1000, 10**6])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_same_bits_for_any_workers_and_blocks(study, nested, workers, block_size):
    other = prevalence(
        "goe", DIMS, samples=SAMPLES, rng=0, nested=nested, workers=workers, block_size=block_size
    )
    assert_same(study, other)


@given(samples=st.integers(1, 300), block_size=st.integers(1, 400), nested=st.booleans())
def test_same_bits_for_any_split(samples, block_size, nested):
    args = {"samples": samples, "rng": 5, "nested": nested, "workers": 1}
    whole = prevalence("goe", [2, 5], **args)
    assert_same(whole, prevalence("goe", [2, 5], block_size=block_size, **args))


def test_same_bits_in_processes(study, nested):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        other = prevalence(
            "goe", DIMS, samples=SAMPLES, rng=0, nested=nested, executor=pool, block_size=50
        )
    assert_same(study, other)


def test_an_executor_is_left_open(study, nested):
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            other = prevalence("goe", DIMS, samples=SAMPLES, rng=0, nested=nested, executor=pool)
            assert_same(study, other)


def test_default_blocks_of_a_study_of_many(nested):
    """Enough rows for blocks of the largest size, on as many threads as there are."""
    size = 4 * MAX_BLOCK_ROWS // 100
    args = {"samples": size, "rng": 1, "nested": nested}
    spec = StudySpec(get_ensemble("goe"), (100,), size, 1, nested)
    assert spec.parts()[0].blocks > 30
    assert_same(
        prevalence("goe", [100], **args),
        prevalence("goe", [100], workers=1, block_size=9999, **args),
    )


def test_a_plain_dimension_does_not_depend_on_the_others(nested):
    alone = prevalence("goe", 7, samples=SAMPLES, rng=0)
    beside = prevalence("goe", DIMS, samples=SAMPLES, rng=0)
    np.testing.assert_array_equal(alone.counts(7), beside.counts(7))


# --- the plan ------------------------------------------------------------------------------


def plan(spec, done=None):
    parts = spec.parts()
    runs = runner.missing_runs(parts, done or {})
    return parts, runner.pack(runs, parts, lambda: spec.block_rows)


@given(
    dims=st.sets(st.integers(1, 50), min_size=1, max_size=5),
    samples=st.integers(1, 200),
    block_size=st.integers(1, 60),
    data=st.data(),
)
def test_tasks_hold_every_missing_block_once(dims, samples, block_size, data):
    spec = StudySpec(get_ensemble("goe"), tuple(sorted(dims)), samples, 0, False, block_size)
    parts = spec.parts()
    everything = [(i, block) for i, part in enumerate(parts) for block in range(part.blocks)]
    done = data.draw(st.sets(st.sampled_from(everything)))
    by_part = {i: np.array(sorted(b for j, b in done if j == i)) for i in range(len(parts))}
    _, tasks = plan(spec, by_part)
    held = [(run.part, block) for task in tasks for run in task for block in range(*run[1:])]
    assert len(held) == len(set(held))
    assert set(held) == set(everything) - done
    assert sum(part.samples_in(block) for part in parts for block in range(part.blocks)) == (
        samples * len(parts)
    )


def test_the_largest_study_is_planned_lazily():
    """2**63 - 1 samples in blocks of one: nothing is counted ahead."""
    spec = StudySpec(get_ensemble("goe"), (10, 1000), 2**63 - 1, 0, False, 1)
    _, tasks = plan(spec)
    per_task = min(MAX_BLOCK_ROWS // 1000, plan_module.MAX_TASK_BLOCKS)
    assert next(tasks) == [Run(1, 0, per_task)]
    assert next(tasks) == [Run(1, per_task, 2 * per_task)]


def test_a_default_block_is_a_task():
    spec = StudySpec(get_ensemble("goe"), (50, 77), 200_000, 0, False)
    parts, tasks = plan(spec)
    assert all(len(task) == 1 for task in tasks)
    assert parts[0].blocks > 20


def test_the_last_samples_of_the_largest_study_can_be_counted():
    spec = StudySpec(get_ensemble("goe"), (3,), 2**63 - 1, 0, False)
    (part,) = spec.parts()
    block = part.blocks - 1
    assert count_block(spec.ensemble, part, block).counts.sum() == part.samples_in(block)


@pytest.mark.parametrize("n", [1, 10, 100, 1000, 10**6, 2**31 - 1])
def test_default_blocks_are_powers_of_two_of_bounded_cost(n):
    (part,) = StudySpec(get_ensemble("goe"), (n,), 10**12, 0, False).parts()
    assert part.block_size.bit_count() == 1
    assert part.block_size * n <= max(MAX_BLOCK_ROWS, MIN_BLOCK_SAMPLES * n)
    assert 2 * part.block_size * n > MAX_BLOCK_ROWS


class Recorder(Executor):
    """Runs tasks in two threads and keeps the largest number that were ever outstanding."""

    def __init__(self):
        self.pool, self.lock = ThreadPoolExecutor(2), threading.Lock()
        self.now = self.most = self.tasks = 0

    def submit(self, fn, /, *args, **kwargs):
        with self.lock:
            self.now += 1
            self.tasks += 1
            self.most = max(self.most, self.now)
        future = self.pool.submit(fn, *args, **kwargs)
        future.add_done_callback(self.finished)
        return future

    def finished(self, _):
        with self.lock:
            self.now -= 1


def test_few_tasks_are_in_flight(monkeypatch):
    monkeypatch.setattr(plan_module, "TASK_SECONDS", 1e-9)
    monkeypatch.setattr(plan_module, "_LAST_TASK_SECONDS", 1e-9)
    executor = Recorder()
    prevalence("goe", [100], samples=200_000, rng=0, executor=executor, workers=3)
    executor.pool.shutdown()
    assert executor.tasks > 30
    assert 3 <= executor.most <= 6


def test_an_error_in_a_worker_is_raised_and_the_rest_cancelled():
    class Failing(Executor):
        futures: ClassVar[list] = []

        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            self.futures.append(future)
            if len(self.futures) == 2:
                future.set_exception(ArithmeticError("broken worker"))
            return future

    with pytest.raises(ArithmeticError, match="broken worker"):
        prevalence("goe", [100], samples=10**6, rng=0, executor=Failing(), workers=2)
    assert [future.cancelled() for future in Failing.futures] == [True, False, True, True]


# --- the result ----------------------------------------------------------------------------


def test_counts_add_up(study):
    for n in DIMS:
        counts = study.counts(n)
        assert counts.dtype == np.int64
        assert counts.shape == (n + 1,)
        assert counts.sum() == SAMPLES
        assert counts.min() >= 0


def test_fractions_follow_from_the_counts(study):
    counts = [study.counts(n) for n in DIMS]
    low = np.array([c[0] for c in counts]) / SAMPLES
    high = np.array([c[-1] for c in counts]) / SAMPLES
    np.testing.assert_array_equal(study.fraction("minimum"), low)
    np.testing.assert_array_equal(study.fraction("maximum"), high)
    inner = np.array([c[1:-1].sum() for c in counts]) / SAMPLES
    np.testing.assert_array_equal(study.fraction("saddle"), inner)
    assert study.fraction("saddle")[0] == 0.0  # none exist in dimension 1


def test_moments_follow_from_the_counts(study):
    for place, n in enumerate(DIMS):
        indices = np.repeat(np.arange(n + 1), study.counts(n))
        few_roundings = 10 * np.finfo(float).eps * n**2
        assert abs(study.index_mean()[place] - indices.mean()) <= few_roundings
        assert abs(study.index_var()[place] - indices.var()) <= few_roundings


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_are_exact(study, kind, level):
    low, high = study.interval(kind, level)
    for place, hits in enumerate(study.kind_counts(kind).tolist()):
        exact = binomtest(hits, SAMPLES).proportion_ci(level, "exact")
        np.testing.assert_allclose([low[place], high[place]], exact, rtol=1e-9, atol=1e-15)


@given(hits=st.integers(0, 50), level=st.floats(0.01, 0.99))
def test_intervals_of_any_count(hits, level):
    counts = Histogram(np.array([0, 1]), np.array([hits, 50 - hits]))
    seen = counts.counts > 0
    spec = StudySpec(get_ensemble("goe"), (1,), 50, 0, False)
    study = PrevalenceStudy.from_parts(spec, [Histogram(counts.bins[seen], counts.counts[seen])])
    exact = binomtest(hits, 50).proportion_ci(level, "exact")
    np.testing.assert_allclose(
        np.ravel(study.interval("minimum", level)), exact, rtol=1e-9, atol=1e-15
    )


def test_a_zero_count_has_an_honest_upper_limit(study):
    low, high = study.interval("minimum")
    assert study.fraction("minimum")[-1] == low[-1] == 0.0
    # The limit p solves (1 - p)**samples = 0.025.
    assert high[-1] == pytest.approx(1 - 0.025 ** (1 / SAMPLES))
    assert study.interval("saddle")[1][-1] == 1.0


def test_bad_questions(study):
    with pytest.raises(ValueError, match=r"`n` must be a dimension of the study, .*, got 4"):
        study.counts(4)
    with pytest.raises(ValueError, match="`kind` must be 'minimum', 'maximum' or 'saddle', got"):
        study.fraction("minima")
    for level in (0, 1, -0.5, 95, float("nan")):
        with pytest.raises(ValueError, match="`level` must be between 0 and 1"):
            study.interval("saddle", level)


def test_results_cannot_be_changed(study):
    with pytest.raises(FrozenInstanceError):
        study.samples = 3
    with pytest.raises(ValueError, match="read-only"):
        study.dims[0] = 3


def test_table_has_a_line_per_dimension(study):
    lines = study.table().splitlines()
    assert lines[0].split()[:4] == ["n", "saddles", "minima", "maxima"]
    assert [int(line.split()[0]) for line in lines[1:]] == list(DIMS)
    assert "< 3.7e-03" in lines[-1]
    assert "> 1 - 3.7e-03" in lines[-1]


def test_a_long_table_is_thinned_to_what_was_asked():
    study = prevalence("goe", range(1, 301), samples=10, rng=0, nested=True)
    lines = study.table(max_rows=20).splitlines()
    assert lines[-1] == f"({300 - (len(lines) - 2)} dimensions left out)"
    assert 15 <= len(lines) - 2 <= 20
    assert [int(line.split()[0]) for line in lines[1:5]] == [1, 2, 3, 4]
    assert lines[-2].split()[0] == "300"


@pytest.mark.parametrize("name", ["study.npz", "no suffix"])
def test_saved_studies_are_read_back(study, tmp_path, name):
    study.to_npz(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    again = PrevalenceStudy.load(tmp_path / name)
    assert_same(study, again)
    assert (again.ensemble, again.parameters) == ("goe", {})


def test_a_huge_seed_is_saved(tmp_path):
    prevalence("goe", 2, samples=5, rng=2**100).to_npz(tmp_path / "s.npz")
    assert PrevalenceStudy.load(tmp_path / "s.npz").seed == 2**100


def test_other_files_are_not_read_as_studies(tmp_path):
    path = tmp_path / "other"
    for content in (b"", b"PK\x03\x04nonsense", b"text"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="`path` must be a saved study"):
            PrevalenceStudy.load(path)
    np.savez(path.with_suffix(".npz"), a=np.arange(3))
    with pytest.raises(ValueError, match="`path` must be a saved study"):
        PrevalenceStudy.load(path.with_suffix(".npz"))
    with pytest.raises(FileNotFoundError):
        PrevalenceStudy.load(tmp_path / "none.npz")


def test_a_dimension_of_a_million():
    study = prevalence("goe", 10**6, samples=3, rng=0)
    index, count = study.histogram(10**6)
    assert count.sum() == 3
    assert abs(index - 500_000).max() < 10
    assert study.fraction("saddle") == 1.0


def histograms():
    bins = st.dictionaries(st.integers(0, 30), st.integers(1, 2**40))
    return bins.map(lambda d: sorted(d.items())).map(
        lambda items: Histogram(
            np.array([b for b, _ in items], np.int64), np.array([c for _, c in items], np.int64)
        )
    )


@given(histograms(), histograms())
def test_histograms_add_bin_by_bin(a, b):
    dense = np.zeros(31, np.int64)
    dense[a.bins] += a.counts
    dense[b.bins] += b.counts
    total = a + b
    np.testing.assert_array_equal(total.bins, np.flatnonzero(dense))
    np.testing.assert_array_equal(total.counts, dense[total.bins])
    np.testing.assert_array_equal((a + EMPTY).bins, a.bins)


@given(st.lists(histograms(), max_size=20), st.integers(1, 100))
def test_tallies_are_sums(several, gathered):
    """However many are added at once."""
    with mock.patch.object(block_module, "_GATHERED_BINS", gathered):
        tally = block_module.Tally()
        for each in several:
            tally.add(each)
    total = sum(several, EMPTY)
    np.testing.assert_array_equal(tally.total().bins, total.bins)
    np.testing.assert_array_equal(tally.total().counts, total.counts)


# --- arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dims", [[5, 1, 3], (1, 3, 5), range(1, 6, 2), np.array([3, 5, 1]), {1, 3, 5}]
)
def test_dims_in_any_form(dims):
    study = prevalence("goe", dims, samples=20, rng=0)
    assert study.dims.tolist() == [1, 3, 5]
    assert study.dims.dtype == np.int64


def test_one_dimension_needs_no_list():
    assert prevalence("goe", np.int32(4), samples=3, rng=0).dims.tolist() == [4]


@pytest.mark.parametrize(
    ("dims", "error", "message"),
    [
        ([], ValueError, "`dims` must hold at least one dimension, got none"),
        ([3, 0], ValueError, "`dims` must be a positive integer, got 0"),
        (-2, ValueError, "`dims` must be a positive integer, got -2"),
        ([2, 4, 2], ValueError, "`dims` must not repeat a dimension, got 2 more than once"),
        ([2.5], ValueError, "`dims` must be a positive integer, got 2.5"),
        (np.array([1.0]), ValueError, "`dims` must be a positive integer, got"),
        ([True], TypeError, "`dims` must be a positive integer, got True"),
        ("10", TypeError, "`dims` must be positive integers, got '10'"),
        (["a"], TypeError, "`dims` must be a positive integer, got 'a'"),
        (None, TypeError, "`dims` must be a positive integer, got None"),
        ([2**31], ValueError, "`dims` must be at most 2147483647, got 2147483648"),
    ],
)
def test_bad_dims(dims, error, message):
    with pytest.raises(error, match=message):
        prevalence("goe", dims, samples=10)


@pytest.mark.parametrize("name", ["samples", "workers", "block_size"])
@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-3, ValueError), (2.5, ValueError), ("4", TypeError)]
)
def test_bad_numbers(name, value, error):
    args = {"samples": 10, name: value}
    with pytest.raises(error, match=rf"`{name}` must be a positive integer.*, got {value!r}"):
        prevalence("goe", 3, **args)


def test_too_many_samples():
    with pytest.raises(ValueError, match=f"`samples` must be at most {2**63 - 1}"):
        prevalence("goe", 3, samples=2**63)


def test_samples_must_be_said():
    with pytest.raises(TypeError, match="samples"):
        prevalence("goe", 3)


def test_a_bad_executor():
    with pytest.raises(TypeError, match="`executor` must have a method `submit`, got 4"):
        prevalence("goe", 3, samples=10, executor=4)


def test_nested_histograms_must_fit():
    with pytest.raises(ValueError, match="`dims` of a nested study must add up to at most"):
        prevalence("goe", [2**28, 2**29], samples=1, nested=True)


def test_unknown_ensembles():
    with pytest.raises(ValueError, match=r"`ensemble` must be one of .*goe.*did you mean 'goe'"):
        prevalence("geo", 3, samples=10)
    with pytest.raises(ValueError, match="got 'circular': unknown ensemble"):
        prevalence("circular", 3, samples=10)
    with pytest.raises(TypeError, match="`ensemble` must be a name, an Ensemble or a sampler"):
        prevalence(3, 3, samples=10)
    with pytest.raises(ValueError, match="must be one of"):
        prevalence("_base", 3, samples=10)


def test_every_ensemble_is_well_formed():
    assert "goe" in names()
    for name in names():
        ensemble = get_ensemble(name.upper())
        assert ensemble.name == name
        assert ensemble.stream >= 1
        assert ensemble.__doc__


@dataclass(frozen=True)
class Coins(Ensemble):
    """Diagonal matrices whose signs are those of a counter: an ensemble in a dozen lines."""

    period: int = 2
    name: ClassVar[str] = "coins"
    stream: ClassVar[int] = 1

    def index(self, key, n, first, count, counts):
        """Every `period`-th sample is a maximum, the others are minima."""
        maxima = sum((i % self.period) == 0 for i in range(first, first + count))
        counts[n] += maxima
        counts[0] += count - maxima


def test_an_ensemble_of_ones_own():
    study = prevalence(Coins(period=5), [1, 4], samples=100, rng=0, block_size=7)
    assert study.parameters == {"period": 5}
    np.testing.assert_array_equal(study.fraction("maximum"), [0.2, 0.2])
    with pytest.raises(ValueError, match="`nested` must be False: the ensemble 'coins'"):
        prevalence(Coins(), 4, samples=100, nested=True)


def test_progress_is_drawn_on_stderr(capsys):
    prevalence("goe", [10, 20], samples=1000, rng=0, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err
    assert "samples/s" in err


def test_no_progress_by_default(capsys):
    prevalence("goe", [10, 20], samples=1000, rng=0)
    assert capsys.readouterr() == ("", "")
