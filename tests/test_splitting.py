"""Rare indices by splitting: beside exact laws, with honest errors, for every ensemble."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dense
from reference import splitting as reference

from saddlecore.entrywise import move_entries, sweep
from saddlecore.latents import assemble, move
from saddlecore.splitting import split_islands
from saddlelab import index_law, log_minimum_probability, prevalence, rare_prevalence
from saddlelab.ensembles import get_ensemble, names
from saddlelab.splitting import Splitting, latents_of

EPS = np.finfo(float).eps
# Errors that a test allows: a normal variate is beyond with probability 6e-6, and seeds are fixed.
SIGMAS = 4.5
BOTH = ["minimum", "maximum"]
ENTRIES = ("gaussian", "rademacher", "uniform", "laplace", "student")


def assert_near(event, truth, relative=0.05):
    assert event.log_error <= 1.4 * relative
    assert abs(event.log_probability - truth) <= SIGMAS * event.log_error + 1e-12


# --- beside exact probabilities ------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 10])
def test_the_goe_as_a_wigner_matrix(n):
    event = rare_prevalence("wigner", n, diagonal=2.0, rng=n)
    assert_near(event, log_minimum_probability("goe", n))


@pytest.mark.parametrize(("n", "most"), [(4, 1), (8, 1), (8, 3), (10, 2)])
def test_few_negative_eigenvalues(n, most):
    law = index_law("goe", n, shift=0.1).log_probabilities
    event = rare_prevalence("wigner", n, max_index=most, diagonal=2.0, shift=0.1, rng=n)
    assert_near(event, np.logaddexp.reduce(law[: most + 1]))
    event = rare_prevalence(
        "wigner", n, kind="maximum", max_index=most, diagonal=2.0, shift=0.1, rng=n
    )
    assert_near(event, np.logaddexp.reduce(law[n - most :]))


def test_diagonal_matrices():
    assert_near(rare_prevalence("diagonal", 20, rng=0), -20 * math.log(2))
    p = 0.5 * math.erfc(-0.7 / math.sqrt(2))
    event = rare_prevalence("diagonal", 9, kind="maximum", shift=0.7, rng=0)
    assert_near(event, 9 * math.log(p))


def test_uniform_entries_in_two_dimensions():
    assert_near(rare_prevalence("wigner", 2, entries="uniform", rng=1), -math.log(9))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
def test_matrices_of_signs(n):
    event = rare_prevalence("wigner", n, entries="rademacher", rng=n)
    assert_near(event, math.log(reference.signs_definite(n)))


@pytest.mark.parametrize("most", [0, 1, 2])
def test_signs_in_three_dimensions_zeros_included(most):
    law = reference.signs_law(3)
    event = rare_prevalence("wigner", 3, entries="rademacher", max_index=most, rng=most)
    assert_near(event, math.log(law[: most + 1].sum()))
    arguments = {"entries": "rademacher", "kind": "maximum", "max_index": most, "rng": most}
    if most == 0:  # all three are of rank one, and none is definite
        assert law[3] == 0
        with pytest.raises(RuntimeError, match="impossible, or too rare"):
            rare_prevalence("wigner", 3, **arguments)
    else:
        assert_near(rare_prevalence("wigner", 3, **arguments), math.log(law[3 - most :].sum()))


def test_sparse_matrices_of_every_pattern():
    law, sd = reference.sparse_law_3(1.5, np.random.default_rng(2), 20_000)
    event = rare_prevalence("sparse", 3, degree=1.5, rng=3)
    allowed = SIGMAS * math.hypot(event.log_error, sd[0] / law[0])
    assert abs(event.log_probability - math.log(law[0])) <= allowed


@pytest.mark.parametrize(("n", "ratio", "shift"), [(1, 0.25, 3.0), (1, 1.0, 0.1), (2, 0.5, 1.5),
                                                   (2, 0.25, 2.5)])  # fmt: skip
def test_small_wishart_matrices(n, ratio, shift):
    truth = reference.wishart_definite(n, round(n / ratio), shift)
    event = rare_prevalence("wishart", n, ratio=ratio, shift=shift, rng=n)
    assert_near(event, math.log(truth))


def test_wishart_of_fewer_data_than_parameters():
    """Six parameters, three data: three zeros, and three eigenvalues that may exceed the shift."""
    event = rare_prevalence("wishart", 6, ratio=2.0, shift=0.5, max_index=3, rng=0)
    rng = np.random.default_rng(1)
    J = rng.standard_normal((200_000, 3, 6))
    values = np.linalg.eigvalsh(J @ np.swapaxes(J, 1, 2) / 3.0)
    p = np.mean(values[:, 0] > 0.5)
    sd = math.hypot(event.log_error, math.sqrt((1 - p) / (p * len(values))))
    assert abs(event.log_probability - math.log(p)) <= SIGMAS * sd
    with pytest.raises(RuntimeError, match="impossible, or too rare"):
        rare_prevalence("wishart", 6, ratio=2.0, shift=0.5, max_index=2, rng=0)


@pytest.mark.parametrize(
    ("ensemble", "n", "most", "parameters", "kinds"),
    [
        ("wigner", 4, 0, {"entries": "laplace"}, BOTH),
        ("wigner", 4, 0, {"entries": "student", "nu": 2.5}, BOTH),
        ("wigner", 4, 0, {"entries": "student", "nu": 0.6}, BOTH),
        ("wigner", 4, 1, {"entries": "uniform", "shift": 0.3}, BOTH),
        ("wigner", 4, 0, {"entries": "student", "diagonal": 3.0}, BOTH),
        # Their maxima are too rare to be counted.
        ("wishart+goe", 5, 0, {"energy": 0.3}, ["minimum"]),
        ("wishart+goe", 6, 1, {"ratio": 2.0, "energy": 0.1}, ["minimum"]),
        ("sparse", 5, 0, {"degree": 2.0}, ["minimum"]),
        ("wishart", 6, 0, {"ratio": 0.5, "shift": 0.3}, ["minimum"]),
        ("wishart", 6, 0, {"ratio": 0.5, "shift": 0.3, "beta": 0.4}, ["minimum"]),
    ],
)
def test_what_is_not_rare_beside_a_study(ensemble, n, most, parameters, kinds):
    study = prevalence(ensemble, n, samples=400_000, rng=3, **parameters)
    for kind in kinds:
        counts = study.counts(n) if kind == "minimum" else study.counts(n)[::-1]
        p = counts[: most + 1].sum() / 400_000
        event = rare_prevalence(ensemble, n, kind=kind, max_index=most, rng=1, **parameters)
        sd = math.hypot(event.log_error, math.sqrt((1 - p) / (p * 400_000)))
        assert abs(event.log_probability - math.log(p)) <= SIGMAS * sd


def test_plain_loops_say_the_same():
    """The reference's splitting of the GOE, n = 3, whose levels are fixed by hand."""

    def least(z):
        H = np.diag(math.sqrt(2) * z[:3])
        H[0, 1], H[0, 2], H[1, 2] = z[3:]
        return np.linalg.eigvalsh(H, UPLO="U")[0]

    rng = np.random.default_rng(0)
    found = [reference.split(6, least, (-1.0, 0.0), 0.6, 100, 1, rng) for _ in range(20)]
    truth = math.exp(log_minimum_probability("goe", 3))
    assert abs(np.mean(found) - truth) <= SIGMAS * np.std(found, ddof=1) / math.sqrt(20)


# --- its own error -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ensemble", "n", "parameters", "truth", "seeds"),
    [
        ("wigner", 5, {"diagonal": 2.0}, log_minimum_probability("goe", 5), 100),
        ("diagonal", 12, {}, -12 * math.log(2), 200),
        ("wigner", 4, {"entries": "rademacher"}, math.log(reference.signs_definite(4)), 100),
        ("wishart", 2, {"ratio": 0.5, "shift": 1.5},
         math.log(reference.wishart_definite(2, 4, 1.5)), 400),
    ],
)  # fmt: skip
def test_errors_are_honest(ensemble, n, parameters, truth, seeds, record_property):
    """Over many seeds (estimate − exact)/error has mean 0 and standard deviation 1 ± 0.2."""
    found = [rare_prevalence(ensemble, n, samples=1, rng=s, **parameters) for s in range(seeds)]
    z = np.array([math.expm1(event.log_probability - truth) / event.log_error for event in found])
    record_property("mean", round(z.mean(), 3))
    record_property("sd", round(z.std(ddof=1), 3))
    assert abs(z.mean()) <= 0.4
    assert 0.8 <= z.std(ddof=1) <= 1.2


def test_the_estimate_is_unbiased_however_bad_the_levels():
    """Levels and steps as no pilot would place them, one move, eight particles."""
    found, none = np.zeros(40_000), np.zeros(40_000)
    problem = latents_of(get_ensemble("wigner", diagonal=2.0), 3).problem(3, "minimum", 0)
    split_islands(
        np.uint64(5), problem, np.array([-3.0, -0.1, 0.0]), np.full(3, 0.2), 1, 0, 8, found, none
    )
    p = np.exp(found)
    truth = math.exp(log_minimum_probability("goe", 3))
    assert abs(p.mean() - truth) <= SIGMAS * p.std() / math.sqrt(len(p))


# --- reproducible --------------------------------------------------------------------------------


def test_the_same_bits_for_any_number_of_threads():
    events = [rare_prevalence("wishart+goe", 5, rng=7, workers=w) for w in (1, 2, 3)]
    assert events[0] == events[1] == events[2]
    assert rare_prevalence("wishart+goe", 5, rng=8) != events[0]


# --- latents and moves ---------------------------------------------------------------------------


def words(key, first):
    return (np.uint64(key), np.uint64(0), np.arange(first, first + 8, dtype=np.uint64))


@functools.cache
def lanes():
    """Compiled for the tests: a move, a matrix, the inverse, and moves of entries, of 8 lanes."""
    import numba

    from saddlecore.laneops import lane_numbers, zeros

    @numba.njit
    def moved(parts, alpha, p, x, y, key, first, attempt, h):
        low = lane_numbers(zeros(8)) + np.uint64(first)
        move(parts, alpha, p, x, y, (np.uint64(key), np.uint64(0), low, low * np.uint64(0)),
             attempt, h)  # fmt: skip

    @numba.njit
    def matrix(form, numbers, n, x, level, A, T):
        assemble(zeros(8), form, numbers, n, x, level, A, T)

    @numba.njit
    def swept(A, n, column):
        for k in range(n):
            sweep(A, n, k, 1.0, column)

    @numba.njit
    def entries(form, numbers, n, most, x, y, A, T, rows):
        return move_entries(form, numbers, n, most, x, y, A, T, rows)

    return moved, matrix, swept, entries


def stack(A, n):
    upper = A.reshape(n, n, 8).transpose(2, 0, 1)
    return dense.symmetric(upper)


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32))
def test_sweeps_invert(n, seed):
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((8, n, n))
    H = H @ np.swapaxes(H, 1, 2) + np.eye(n)
    A = H.transpose(1, 2, 0).flatten()
    lanes()[2](A, n, np.zeros(8 * n))
    residual = -stack(A, n) @ H - np.eye(n)
    growth = np.linalg.cond(H).max() ** 2
    assert np.abs(residual).max() <= 8 * n**2 * EPS * growth


@pytest.mark.parametrize("most", [0, 2])
@pytest.mark.parametrize("name", [*ENTRIES, "sparse", "wishart+goe", "thin"])
def test_moves_keep_to_the_bound(name, most):
    """After moves made one by one the index is within the bound, and as a few moves say it."""
    moved, matrix, _, entries = lanes()
    n, level = 6, -4.0 if most == 0 else -0.5
    known = {"sparse": ("sparse", {}), "wishart+goe": ("wishart+goe", {}),
             "thin": ("wishart+goe", {"ratio": 2.0})}  # fmt: skip
    law = known.get(name, ("wigner", {"entries": name}))
    form, numbers, parts, alpha, _, _ = latents_of(get_ensemble(law[0], **law[1]), n).problem(
        n, "minimum", most
    )
    d = sum(parts)
    x, y = np.full(8 * d, 0.5), np.zeros(8 * d)
    A, T, rows = np.zeros(8 * n * n), np.zeros(8 * 64), tuple(np.zeros((4, 8 * n)))
    kept = 0
    for t in range(40):
        matrix(form, numbers, n, x, level, A, T)
        before = dense.index(stack(A, n))
        moved(parts, alpha, numbers[0], x, y, 9, 0, t, 0.7)
        entries(form, numbers, n, most, x, y, A, T, rows)
        matrix(form, numbers, n, x, level, A, T)
        after = dense.index(stack(A, n))
        good = before <= most
        kept += good.sum()
        assert np.all(after[good] <= most)
    assert kept > 0


@pytest.mark.parametrize("h", [0.2, 1.0])
def test_moves_keep_the_laws(h):
    """Moments of latents after two moves from fresh ones; each within its standard errors."""
    moved = lanes()[0]
    parts, alpha, p = (3, 3, 3, 3), np.array([0.3, 1.0, 7.0]), 0.3
    rng = np.random.default_rng(1)
    found = []
    for group in range(5_000):
        x = np.concatenate([
            rng.standard_normal((3, 8)), np.log(rng.standard_gamma(alpha, (8, 3))).T,
            rng.random((3, 8)), rng.random((3, 8)) < p,
        ]).ravel()  # fmt: skip
        y = np.zeros_like(x)
        moved(parts, alpha, p, x, y, 3, 8 * group, 0, h)
        moved(parts, alpha, p, y, x, 3, 8 * group, 1, h)
        found.append(x.reshape(12, 8))
    found = np.concatenate(found, axis=1)
    found[3:6] = np.exp(found[3:6])
    mean = np.concatenate([np.zeros(3), alpha, np.full(3, 0.5), np.full(3, p)])
    variance = np.concatenate([np.ones(3), alpha, np.full(3, 1 / 12), np.full(3, p * (1 - p))])
    count = found.shape[1]
    assert np.all(np.abs(found.mean(axis=1) - mean) <= SIGMAS * np.sqrt(variance / count))
    squares = (found - mean[:, None]) ** 2
    sd = squares.std(axis=1) / math.sqrt(count)
    assert np.all(np.abs(squares.mean(axis=1) - variance) <= SIGMAS * sd + EPS)


# --- what is refused -----------------------------------------------------------------------------


def test_every_ensemble_is_estimated_or_refused_in_words():
    for name in names():
        if name in ("gaussian-field", "p-spin", "ginibre"):
            with pytest.raises(ValueError, match=f"`ensemble` must be .* got '{name}'"):
                rare_prevalence(name, 3)
        else:
            assert rare_prevalence(name, 2, samples=1, rng=0).log_error < 0.2


def test_samplers_of_ones_own_are_refused():
    def sample(stream, out):
        out[0, 0] = stream.normal()

    with pytest.raises(ValueError, match="got 'custom', of whose random numbers nothing is known"):
        rare_prevalence(sample, 1)


def test_bad_arguments():
    with pytest.raises(ValueError, match="`n` must be at most 60 for 'wigner', got 61"):
        rare_prevalence("wigner", 61)
    with pytest.raises(ValueError, match="`samples` must be at most 4194304"):
        rare_prevalence("wigner", 3, samples=2**22 + 1)
    with pytest.raises(ValueError, match=r"`rel_error` must be at least .* for this event"):
        rare_prevalence("diagonal", 20, rel_error=1e-4, rng=0)


def test_what_is_certain():
    event = rare_prevalence("wishart", 4, shift=-1.0, rng=0)
    assert (event.log_probability, event.log_error, event.effective) == (0.0, 0.0, 1.0)


def test_particles_that_die_out_are_no_estimate(monkeypatch):
    monkeypatch.setattr(Splitting, "_run", lambda self, *args: (np.full(64, -np.inf),) * 2)
    for samples in (None, 1):
        with pytest.raises(RuntimeError, match="died out at n = 4"):
            rare_prevalence("wigner", 4, samples=samples, rng=0)


