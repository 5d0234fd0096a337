"""Samplers of the user's own: compiled ones with our streams, and plain Python's stacks."""

import functools
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numba
import numpy as np
import pytest
from laws import LIKELY, chi_square
from reference import dense
from reference import streams as reference
from scipy import stats

from saddlecore import samples
from saddlelab.ensembles import Custom, get_ensemble
from saddlelab.ensembles._digest import digest
from saddlelab.prevalence import CheckpointMismatchError, prevalence

KEY = np.uint64(11)
GOE3 = np.array([0.0249209209607, 0.475079079039, 0.475079079039, 0.0249209209607])
SCALE = np.sqrt(2.0)


def goe(stream, out):
    """The GOE, entry by entry."""
    for i in range(len(out)):
        out[i, i] = stream.normal() * SCALE
        for j in range(i):
            out[i, j] = out[j, i] = stream.normal()


def stacks(rng, n, count):
    """The GOE from NumPy."""
    A = rng.standard_normal((count, n, n))
    return A + A.transpose(0, 2, 1)


def branching(stream, out):
    for i in range(len(out)):
        for j in range(i + 1):
            x = stream.normal()
            if stream.uniform() < 0.25:
                x = 0.0
            out[i, j] = out[j, i] = x


@numba.njit
def entry(stream):
    return stream.sign() * stream.exponential()


def by_helper(stream, out):
    for i in range(len(out)):
        for j in range(i + 1):
            out[i, j] = out[j, i] = entry(stream)


def all_kinds(stream, out):
    out[0, 0], out[1, 1], out[2, 2] = stream.normal(), stream.uniform(), stream.exponential()
    out[0, 1] = out[1, 0] = stream.sign()
    out[0, 2] = out[2, 0] = stream.normal()
    out[1, 2] = out[2, 1] = stream.gamma(0.3)
    out[3, 3] = stream.gamma(2.5)
    out[3, 0] = out[0, 3] = out[3, 1] = out[1, 3] = 0.0
    out[3, 2] = out[2, 3] = stream.normal()


# --- streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [0, 5, 2**32 + 3, 2**62])
def test_numbers_are_those_of_the_streams(sample):
    """Each call takes the next block; the second normal of one is kept."""
    H = Custom(all_kinds).matrices(KEY, 4, sample, 1)[0]
    key = int(KEY)
    z0, z1 = reference.normal(key, sample, 0)
    third, _ = reference.normal(key, sample, 6)
    U = [reference.uniform(key, sample, k) for k in range(6)]
    sign = -1 if reference.block(key, sample, 3)[0] & 1 else 1
    gammas = [reference.gamma(key, sample, 4, 0.3), reference.gamma(key, sample, 5, 2.5)]
    truth = [z0, U[1], -reference.log(U[2]), sign, z1, *gammas, third]
    found = [H[0, 0], H[1, 1], H[2, 2], H[0, 1], H[0, 2], H[1, 2], H[3, 3], H[3, 2]]
    np.testing.assert_allclose(found, np.array(truth, float), rtol=64 * np.finfo(float).eps)


@pytest.mark.parametrize("function", [goe, all_kinds, by_helper])
def test_eight_at_once_are_those_one_by_one(function):
    sampler = Custom(function).sampler(4)
    one, eight = np.empty((21, 4, 4)), np.empty((21, 4, 4))
    samples.draw_samples(sampler.words(), KEY, 2**32 - 9, one)
    samples.draw_samples_lanes(sampler.words(), KEY, 2**32 - 9, eight)
    np.testing.assert_array_equal(one, eight)


def _gammas(shape):
    def sample(stream, out):
        out[:, :] = 0.0
        for i in range(len(out)):
            out[i, i] = stream.gamma(shape)

    return sample


@pytest.mark.parametrize("shape", [0.1, 0.5, 1.0, 7.0])
def test_gammas_of_any_shape(shape):
    H = Custom(_gammas(shape)).matrices(KEY, 20, 0, 300)
    found = H[:, range(20), range(20)].ravel()
    assert stats.kstest(found, stats.gamma(shape).cdf).pvalue > LIKELY


# --- studies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [goe, stacks])
def test_the_goe_of_ones_own(function):
    study = prevalence(function, 3, samples=200_000, rng=0)
    assert chi_square(study.counts(3), GOE3 / GOE3.sum()) > LIKELY
    assert study.ensemble == "custom"
    assert study.parameters == {"sample": function.__name__, "digest": digest(function)}


@pytest.mark.parametrize("function", [goe, branching, by_helper, stacks])
def test_counts_are_those_of_the_matrices(function):
    law, n = Custom(function), 6
    counts = np.zeros(n + 1, np.int64)
    law.index(KEY, n, 70, 900, counts)
    expected = np.bincount(dense.index(law.matrices(KEY, n, 70, 900)), minlength=n + 1)
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize("function", [goe, branching, stacks])
def test_same_bits_for_any_split(function):
    whole = prevalence(function, [2, 17], samples=1500, rng=1, workers=1)
    for block_size in (100, 64, 1400):
        other = prevalence(function, [2, 17], samples=1500, rng=1, workers=2, block_size=block_size)
        for n in (2, 17):
            np.testing.assert_array_equal(whole.counts(n), other.counts(n))


def test_other_processes_compile_their_own():
    args = {"samples": 300, "rng": 3, "block_size": 100}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        theirs = prevalence(Custom(goe), 3, executor=pool, **args)
    np.testing.assert_array_equal(theirs.counts(3), prevalence(goe, 3, **args).counts(3))
    assert pickle.loads(pickle.dumps(Custom(stacks))) == Custom(stacks)


def test_forms_say_what_runs_and_why_not():
    assert Custom(goe).forms == {"plain": "compiled", "lanes": "compiled"}
    forms = get_ensemble(branching).forms
    assert forms["plain"] == "compiled"
    assert forms["lanes"].startswith("no: it branches on a value (line ")
    assert Custom(stacks).forms["plain"] == "Python"


def test_what_has_other_methods_than_functions():
    class Sampler:
        def __init__(self, scale):
            self.scale = scale

        def __call__(self, rng, n, count):
            return self.scale * stacks(rng, n, count)

    counts = [prevalence(f, 3, samples=64, rng=0).counts(3).tolist()
              for f in (Sampler(2.0), functools.partial(stacks))]  # fmt: skip
    assert sum(counts[0]) == sum(counts[1]) == 64
    assert digest(Sampler(2.0)) != digest(Sampler(3.0))
    compiled = numba.njit(goe)
    assert digest(compiled) == digest(goe)
    assert prevalence(compiled, 3, samples=64, rng=0).counts(3).sum() == 64


# --- what identifies a study ---------------------------------------------------------------------


def make(scale, power=2):
    def sample(stream, out):
        # a comment is no code
        for i in range(len(out)):
            for j in range(i + 1):
                out[i, j] = out[j, i] = scale * stream.normal() ** power

    return sample


def test_the_digest_is_of_what_the_code_says():
    assert digest(make(1.0)) == digest(make(1.0))
    seen = [make(1.0), make(2.0), make(np.float64(1.0)), make(1.0, 3), make(np.ones(2)), goe]
    assert len({digest(f) for f in seen}) == len(seen)
    first = {"SCALE": 1.0}
    source = "def f(stream, out):\n    out[0, 0] = SCALE\n"
    exec(source, first)
    other = dict(first, SCALE=2.0)
    exec(source, other)
    assert digest(first["f"]) != digest(other["f"])


def test_a_checkpoint_is_resumed_with_the_same_code_only(tmp_path):
    args = {"samples": 300, "rng": 0, "checkpoint": tmp_path / "a.sqlite", "block_size": 100}
    study = prevalence(make(1.0, 3), 3, **args)
    again = prevalence(make(1.0, 3), 3, **args)
    np.testing.assert_array_equal(study.counts(3), again.counts(3))
    with pytest.raises(CheckpointMismatchError, match=r"its `parameters` is .*digest"):
        prevalence(make(2.0, 3), 3, **args)


# --- what is refused -----------------------------------------------------------------------------


class TooLargeError(Exception):
    pass


def raising(stream, out):
    goe_of(stream, out)
    if out[0, 0] > 3.0:
        raise TooLargeError("too large")


goe_of = numba.njit(goe)


def raising_stacks(rng, n, count):
    raise TooLargeError("too large")


@pytest.mark.parametrize(
    ("function", "said"), [(raising, r"n = 3, sample \d+$"), (raising_stacks, "samples 0 to 511$")]
)
def test_what_a_sampler_raises_is_raised(function, said):
    with pytest.raises(TooLargeError, match="too large") as caught:
        prevalence(function, 3, samples=3000, rng=0, workers=1)  # else any block may be first
    (note,) = caught.value.__notes__
    assert note.startswith(f"raised by the sampler `{function.__name__}` at n = 3, samp")
    assert re.search(said, note)


def test_the_sample_that_raised_is_the_first():
    first = 0
    while Custom(goe).matrices(np.uint64(5), 3, first, 1)[0, 0, 0] <= 3.0:
        first += 1
    with pytest.raises(TooLargeError) as caught:
        Custom(raising).index(np.uint64(5), 3, 0, 3000, np.zeros(4, np.int64))
    assert caught.value.__notes__[0].endswith(f"sample {first}")


def unfilled(stream, out):
    out[0, 0] = stream.normal()


def asymmetric(stream, out):
    for i in range(len(out)):
        for j in range(len(out)):
            out[i, j] = stream.normal()


def infinite(stream, out):
    out[:, :] = 1.0 / (0.0 * stream.uniform())


def asymmetric_stacks(rng, n, count):
    return rng.standard_normal((count, n, n))


def nan_stacks(rng, n, count):
    return np.full((count, n, n), np.nan)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unfilled, r"`sample` must give finite matrices, .* n = 3 sample 0 has H\[0, 1\] = nan"),
        (infinite, r"`sample` must give finite matrices, .* n = 3 sample 0 has H\[0, 0\] = inf"),
        (asymmetric, r"`sample` must give symmetric matrices, .* n = 3 sample 0 has H\[\d, \d\] ="),
        (asymmetric_stacks, r"must give symmetric matrices, but at n = 3 sample 0 has H\[\d, \d\]"),
        (nan_stacks, r"must give finite matrices, but at n = 3 sample 0 has H\[0, 0\] = nan"),
        (lambda rng, n, count: np.zeros((2, 2)), r"must return .* \(512, 3, 3\), .* \(2, 2\)"),
        (lambda rng, n, count: 1j * np.zeros((count, n, n)), "must return real numbers, .*complex"),
        (lambda rng, n, count: None, r"must return an array .* it returned shape \(\)"),
    ],
)
def test_matrices_that_are_none(function, message):
    with pytest.raises((ValueError, TypeError), match=message):
        prevalence(function, 3, samples=100, rng=0, workers=1)


def too_small(stream, out):
    out[3, 3] = 1.0


def uncompilable(stream, out):
    out[0, 0] = open("x")  # noqa: SIM115


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (uncompilable, "`sample` must be a function that Numba can compile, or take .rng, n,"),
        (lambda x: x, r"`sample` must take \(stream, out\) or \(rng, n, count\)"),
        (3, "`ensemble` must be a name, an Ensemble or a sampler, got 3"),
    ],
)
def test_functions_that_are_none(function, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        prevalence(function, 3, samples=100, checkpoint=tmp_path / "a.sqlite")
    assert not (tmp_path / "a.sqlite").exists()


def test_writing_beyond_the_matrix_is_an_error():
    with pytest.raises(IndexError) as caught:
        prevalence(too_small, 3, samples=10, rng=0)
    assert caught.value.__notes__ == ["raised by the sampler `too_small` at n = 3, sample 0"]


def test_there_is_no_nested_form():
    with pytest.raises(ValueError, match="`nested` must be False: the ensemble 'custom'"):
        prevalence(stacks, [2, 3], samples=10, nested=True)
