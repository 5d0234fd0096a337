"""Rare minima beside exact probabilities, and honest errors."""

import functools

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import rare as reference
from scipy import stats

import saddlelab
from saddlecore.foresight import cell_of, fill_grid, stirling, t_weights
from saddlelab import index_law, rare_prevalence
from saddlelab.rare import RareEvent

EPS = np.finfo(float).eps
# Errors that a test allows: a normal variate is beyond with probability 6e-6, and seeds are fixed.
SIGMAS = 4.5
BETA = {"goe": 1, "gue": 2, "gse": 4}


@functools.cache
def exact(beta, n, shift=0.0):
    return reference.log_definite(beta, n, shift)


def assert_near(event, truth, relative=0.02):
    assert event.log_error <= 1.2 * relative
    rounding = 100 * EPS * event.n * (1.0 + abs(truth))  # a row adds terms of this size
    assert abs(event.log_probability - truth) <= SIGMAS * event.log_error + rounding


# --- beside exact probabilities ------------------------------------------------------------------


# P(positive definite): n = 2 … 7 and 10 of the GOE, from closed forms.
CLOSED = {
    2: 0.1464466094067262378,
    3: 0.0249209209607234826,
    4: 0.0024567092597862237,
    5: 1.4011468546339970e-4,
    6: 4.6201874775489931e-6,
    7: 8.8046128063254893e-8,
    10: 2.2656531581084170e-14,
}


@pytest.mark.parametrize("n", CLOSED)
def test_goe_is_positive_definite_as_often_as_the_closed_forms_say(n):
    event = rare_prevalence("goe", n, rel_error=0.002, rng=n)
    assert_near(event, np.log(CLOSED[n]), 0.002)
    assert event.probability == pytest.approx(CLOSED[n], rel=SIGMAS * event.log_error)


@pytest.mark.parametrize("n", [1, 10, 33, 50, 100])
def test_goe_down_to_1e_1210(n):
    assert_near(rare_prevalence("goe", n, rng=3 * n), exact(1, n))


@pytest.mark.parametrize("ensemble", ["gue", "gse"])
@pytest.mark.parametrize("n", [1, 2, 5, 12, 25])
def test_other_gaussian_ensembles(ensemble, n):
    event = rare_prevalence(ensemble, n, rel_error=0.005, rng=n)
    assert_near(event, exact(BETA[ensemble], n), 0.005)


@pytest.mark.parametrize("shift", [-2.0, -0.9, -0.2, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("n", [3, 12])
def test_shifted_gue(n, shift):
    event = rare_prevalence("gue", n, shift=shift, rng=n)
    assert_near(event, exact(2, n, shift))


@pytest.mark.parametrize(
    ("beta", "n", "shift"),
    [(1.0, 3, -0.5), (0.3, 6, 0.0), (0.05, 5, 0.1), (2.5, 3, 0.1), (1.0, 20, -1.0)],
)
def test_what_is_not_rare_beside_plain_samples(beta, n, shift):
    event = rare_prevalence("beta", n, beta=beta, shift=shift, rel_error=0.005, rng=1)
    samples, rng = 400_000, np.random.default_rng(5)
    p = reference.chain_probability(n, beta, shift, 0, samples, rng)
    sd = np.sqrt((1 - p) / (p * samples) + event.log_error**2)
    assert abs(event.log_probability - np.log(p)) <= SIGMAS * sd


def test_large_deviations():
    """−ln P = (ln 3/4) n² + ½ ln(1 + 2/√3) n + (ln n)/24 + 0.01722 + O(1/n)."""
    for n in (60, 120):
        event = rare_prevalence("goe", n, rng=n)
        line = np.log(3) / 4 * n**2 + np.log(1 + 2 / np.sqrt(3)) / 2 * n + np.log(n) / 24 + 0.01722
        assert abs(event.log_probability + line) <= SIGMAS * event.log_error + 0.02 / n + 1e-5


@pytest.mark.parametrize(
    ("ensemble", "n", "most", "shift"),
    [
        ("goe", 1, 0, 0.0),
        ("goe", 2, 1, 0.0),
        ("goe", 7, 1, 0.0),
        ("goe", 20, 1, 0.0),
        ("goe", 20, 2, 0.3),
        ("goe", 20, 9, 0.0),
        ("gue", 15, 1, -0.4),
        ("gse", 20, 2, 0.0),
        ("goe", 50, 2, 0.0),
    ],
)
def test_few_negative_eigenvalues(ensemble, n, most, shift):
    event = rare_prevalence(ensemble, n, max_index=most, shift=shift, rng=n + most)
    law = index_law(ensemble, n, shift=shift).log_probabilities
    assert_near(event, np.logaddexp.reduce(law[: most + 1]))


def test_few_positive_eigenvalues_are_few_negative_ones_of_the_mirrored_law():
    event = rare_prevalence("gue", 8, kind="maximum", max_index=1, shift=0.3, rng=2)
    law = index_law("gue", 8, shift=0.3).log_probabilities
    assert_near(event, np.logaddexp(law[-1], law[-2]))
    assert str(event).startswith("P(index >= 7) = ")


def test_a_maximum_is_a_minimum_of_the_mirrored_law():
    event = rare_prevalence("gue", 8, kind="maximum", shift=0.3, rng=2)
    assert_near(event, exact(2, 8, -0.3))


# --- its own error -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ensemble", "n", "most", "parameters"),
    [
        ("goe", 12, 0, {}),
        ("gue", 6, 0, {"shift": -0.5}),
        ("goe", 3, 0, {}),
        ("goe", 12, 1, {}),
        ("gue", 4, 2, {}),
    ],
)
def test_errors_are_honest(ensemble, n, most, parameters, record_property):
    """Over 100 seeds (estimate − exact)/error has mean 0 and standard deviation 1 ± 0.2."""
    law = index_law(ensemble, n, **parameters).log_probabilities
    truth = np.logaddexp.reduce(law[: most + 1])
    found = [
        rare_prevalence(ensemble, n, max_index=most, samples=1, rng=s, **parameters)
        for s in range(100)
    ]
    z = np.array([(event.log_probability - truth) / event.log_error for event in found])
    record_property("mean", round(z.mean(), 3))
    record_property("sd", round(z.std(ddof=1), 3))
    assert abs(z.mean()) <= 0.4
    assert 0.8 <= z.std(ddof=1) <= 1.2


def test_the_aim_is_reached():
    for rel_error in (0.02, 0.004):
        event = rare_prevalence("goe", 30, rel_error=rel_error, rng=0)
        assert event.log_error <= 1.2 * rel_error
    assert rare_prevalence("goe", 5, samples=10_000, rng=0).samples == 10_112


# --- reproducible --------------------------------------------------------------------------------


def test_the_same_bits_for_any_number_of_threads():
    events = [rare_prevalence("goe", 15, samples=20_000, rng=7, workers=w) for w in (1, 2, 3)]
    assert events[0] == events[1] == events[2]
    assert rare_prevalence("goe", 15, samples=20_000, rng=8) != events[0]


def test_generators_are_seeds():
    event = rare_prevalence("goe", 3, samples=1, rng=np.random.default_rng(4))
    assert rare_prevalence("goe", 3, samples=1, rng=event.seed) == event


def test_the_beta_ensemble_at_1_has_the_law_of_the_goe():
    event = rare_prevalence("beta", 9, beta=1.0, rel_error=0.01, rng=0)
    assert_near(event, exact(1, 9), 0.01)


# --- what it says --------------------------------------------------------------------------------


def make(log_probability, log_error):
    return RareEvent("goe", {}, 9, "minimum", 0, log_probability, log_error, 128, 0.5, 0)


def test_text():
    assert str(make(-1000 * np.log(10) + np.log(2.5), 0.012)) == (
        "P(minimum) = 2.50e-1000 ± 1.2 %, goe, n = 9 (128 particles)"
    )
    assert str(make(np.log(0.1464), 0.004)).startswith("P(minimum) = 1.464e-01 ± 0.4 %")
    assert str(make(np.log(0.09999), 0.01)).startswith("P(minimum) = 1.00e-01")
    assert "goe" in repr(make(-1.0, 0.1))


def test_what_underflows_is_kept_in_logs():
    event = make(-2785.0, 0.01)
    assert event.probability == 0.0
    assert event.log10 == pytest.approx(-2785.0 / np.log(10), rel=4 * EPS)


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (("ginibre", 5), {}, "`ensemble` must be .* got 'ginibre', which is not symmetric"),
        (("goe", 0), {}, "`n` must be a positive integer"),
        (("goe", 1001), {}, "`n` must be at most 1000"),
        (("goe", 5), {"kind": "saddle"}, "`kind` must be 'minimum' or 'maximum', got 'saddle'"),
        (("goe", 5), {"max_index": -1}, "`max_index` must be a positive integer or 0, got -1"),
        (("goe", 5), {"max_index": 5}, "`max_index` must be at most 4, got 5"),
        (("goe", 1000), {"max_index": 99}, "`max_index` must be at most 1. for this event"),
        (("gse", 1000), {"shift": 1.0}, "`n` must be smaller for this ensemble and shift"),
        (("goe", 5), {"rel_error": 0.0}, "`rel_error` must be positive"),
        (("goe", 5), {"rel_error": 2.0}, "`rel_error` must be .* at most 1"),
        (("goe", 5), {"samples": 0}, "`samples` must be a positive integer or None"),
        (("goe", 5), {"sample": 10}, "did you mean 'samples'"),
        (("goe", 5), {"rng": -1}, "`rng` must be a non-negative integer"),
        (("goe", 5), {"workers": 0}, "`workers` must be a positive integer"),
        (("beta", 5), {"beta": -1.0}, "`beta` must be positive"),
    ],
)
def test_bad_arguments(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        rare_prevalence(*arguments, **keywords)


def test_an_aim_that_takes_too_many_particles_is_refused(monkeypatch):
    monkeypatch.setattr("saddlelab.rare.MAX_SAMPLES", 2**14)
    with pytest.raises(ValueError, match=r"`rel_error` must be at least 0\.00\d+ for this event"):
        rare_prevalence("goe", 30, rel_error=1e-4, rng=0)


def test_lost_particles_are_no_estimate(monkeypatch):
    monkeypatch.setattr("saddlecore.rare.run_islands", lambda *args: args[-2].fill(-np.inf))
    with pytest.raises(RuntimeError, match="lost their way at n = 12"):
        rare_prevalence("gue", 12, rng=0)


def test_it_is_exported():
    assert saddlelab.rare_prevalence is rare_prevalence


# --- the tables ----------------------------------------------------------------------------------


@numba.njit
def cell(grid, y):
    return cell_of(grid, y)


@numba.njit
def weights(grid, alpha, x, table, out):
    return t_weights(grid, alpha, x, table, out)


@numba.njit
def stirlings(S):
    return stirling(S)


def test_the_grid_is_even_in_the_angle():
    cells, r = 300, 2.5
    grid = (*np.zeros((4, cells)), np.pi / (2 * cells), r)
    fill_grid(grid)
    edges, nodes, logs, widths, angle, _ = grid
    # Rounding of a sum of angles, near a right one.
    bound = 4 * EPS * cells * (1 + nodes / r)
    assert np.all(np.abs(np.arctan(edges / r) / angle - np.arange(cells)) <= cells * bound)
    assert np.all(np.abs(nodes / (r * np.tan((np.arange(cells) + 0.5) * angle)) - 1) <= bound)
    np.testing.assert_allclose(logs, np.log(nodes), rtol=0, atol=4 * EPS * cells)
    np.testing.assert_allclose(widths, np.log(angle * (r + nodes**2 / r)), atol=16 * EPS)
    assert [cell(grid, y) for y in nodes] == list(range(cells))
    assert [cell(grid, y) for y in (0.0, 1e300)] == [0, cells - 1]


@given(st.floats(0.05, 300.0), st.floats(1e-6, 1e3))
def test_weights_of_t_are_probabilities(alpha, x):
    """With a table of ones: cells have the gamma law's mass, where they are near."""
    cells, r = 400, max(np.sqrt(alpha), 1.0)
    grid = (*np.zeros((4, cells)), np.pi / (2 * cells), r)
    fill_grid(grid)
    out = np.zeros(cells)
    stop, total, top = weights(grid, alpha, x, np.zeros(cells), out)
    assert total == pytest.approx(out.sum(), rel=cells * EPS)
    assert np.all(out[stop + 1 :] == 0)
    mass = stats.gamma.cdf(x * grid[0][stop], alpha)
    # The midpoint rule, and not where cells are too wide for it.
    if x * grid[4] * r < 0.05 and mass > 0.999:
        assert out[:stop].sum() * np.exp(top) == pytest.approx(mass, rel=0.02)
    far = stats.gamma.sf(x * grid[0][stop], alpha)
    if far > 1e-250:  # Chernoff's is a bound; both are rounded, the larger the exponent the more
        rounding = 16 * EPS * (alpha + x * grid[0][stop]) * (1.0 + abs(np.log(alpha / x)))
        assert np.log(out[stop]) + top >= np.log(far) - max(rounding, 1e-12)


@given(st.floats(1e-3, 1e6))
def test_stirling(S):
    from mpmath import mp

    with mp.workdps(30):
        truth = float(mp.loggamma(S) - S * mp.log(S) + S)
    # Three terms of about this size are added below S = 9.
    size = max(1.0, 30.0 + abs(S * np.log(S))) if S < 9 else 1.0
    assert stirlings(S) == pytest.approx(truth, abs=8 * EPS * size, rel=8 * EPS)
