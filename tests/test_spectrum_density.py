"""Stochastic Lanczos quadrature: moments, densities, fractions and their errors."""

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from reference import spectrum as reference

from saddlelab.spectrum import _quadrature as quadrature
from saddlelab.spectrum import curvature_fractions, spectral_density
from saddlelab.spectrum._checks import generator
from saddlelab.spectrum._operator import as_operator

EPS = np.finfo(float).eps
seeds = st.integers(0, 2**32 - 1)


def product(values):
    return lambda v: values * v


def density_of(values, **options):
    return spectral_density(product(values), n=len(values), **options)


def semicircle(n):
    """Quantiles of Wigner's law of variance 1, at which n eigenvalues have its moments."""
    x = np.linspace(-2, 2, 200_001)
    below = 0.5 + x * np.sqrt(4 - x**2) / (4 * np.pi) + np.arcsin(x / 2) / np.pi
    return np.interp((np.arange(n) + 0.5) / n, below, x)


def starts_of(seed, probes, n):
    starts = np.random.default_rng(seed).standard_normal((probes, n))
    return starts / np.linalg.norm(starts, axis=1)[:, None]


# --- the quadrature ------------------------------------------------------------------------------


@given(st.integers(2, 12), st.integers(1, 3), seeds)
def test_moments_below_twice_the_steps_are_those_of_the_probe(n, probes, seed):
    """Σ w θʲ = zᵀHʲz for j < 2m, by j products."""
    H = reference.rotated(np.random.default_rng(seed), np.linspace(-1.5, 1, n))
    steps = max(1, n // 2)
    nodes, weights, _ = quadrature.quadratures(
        as_operator(H, None), probes, steps, np.random.default_rng(seed)
    )
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=8 * n * EPS)
    for i, z in enumerate(starts_of(seed, probes, n)):
        for j in range(2 * steps):
            # The j-th power multiplies a relative error by j.
            tolerance = 32 * (j + 1) * n * EPS * 1.5**j
            assert abs(weights[i] @ nodes[i] ** j - reference.moment(H, z, j)) <= tolerance


@pytest.mark.parametrize("values", [np.linspace(-1, 2, 12), 1 / np.arange(1.0, 13.0) ** 2])
def test_nodes_and_weights_are_those_of_sixty_digits(values):
    """Full reorthogonalisation: no copies of nodes that have converged, at any step."""
    H = reference.rotated(np.random.default_rng(1), values)
    (z,) = starts_of(3, 1, 12)
    for steps in (1, 3, 8):
        nodes, weights, _ = quadrature.quadratures(
            as_operator(H, None), 1, steps, np.random.default_rng(3)
        )
        expected, expected_weights = reference.gauss_quadrature(H, z, steps)
        np.testing.assert_allclose(nodes[0], expected, atol=1e4 * EPS, rtol=0)
        np.testing.assert_allclose(weights[0], expected_weights, atol=1e4 * EPS, rtol=0)


def test_residuals_bound_the_distance_to_an_eigenvalue():
    values = np.r_[np.linspace(-1, 1, 500), 3.0, 4.0]
    nodes, _, residuals = quadrature.quadratures(
        as_operator(product(values), 502), 4, 30, np.random.default_rng(0)
    )
    distances = np.abs(nodes[:, :, None] - values).min(axis=2)
    assert (distances <= residuals + 502 * EPS * 4).all()
    assert residuals.min() < 1e-10  # the outliers have converged
    assert np.median(residuals) > 1e-3


@pytest.mark.parametrize("values", [np.ones(400), np.zeros(400), np.repeat([-1.0, 2.0, 5.0], 200)])
def test_an_invariant_krylov_space_gives_the_spectrum(values):
    found = density_of(values, probes=3, steps=9, rng=0)
    distinct = np.unique(values)
    assert found.products == 3 * len(distinct)
    for nodes, weights in zip(found.nodes, found.weights, strict=True):
        np.testing.assert_allclose(nodes[: len(distinct)], distinct, atol=1e3 * EPS)
        assert (weights[len(distinct) :] == 0).all()
    assert (found.residuals == 0).all()


def test_blocks_and_single_probes_give_the_same(monkeypatch):
    values = np.linspace(-1, 2, 300)
    together = density_of(values, probes=5, steps=12, rng=1)
    monkeypatch.setattr(quadrature, "_TOGETHER", 300 * 12)
    apart = density_of(values, probes=5, steps=12, rng=1)
    np.testing.assert_array_equal(together.nodes, apart.nodes)
    np.testing.assert_array_equal(together.weights, apart.weights)


def test_without_reorthogonalisation_the_measure_is_nearby(monkeypatch):
    """Where the basis would be too large: copies of converged nodes share their weight."""
    values = np.r_[np.linspace(-1, 1, 1990), np.arange(2.0, 12.0)]
    full = density_of(values, probes=4, steps=60, rng=1)
    monkeypatch.setattr(quadrature, "_MOST_NUMBERS", 1)
    short = density_of(values, probes=4, steps=60, rng=1)
    assert np.abs(short.nodes - full.nodes).max() > 1e-3  # it is another path
    np.testing.assert_allclose(short.weights.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(short.moments(8).value, full.moments(8).value, rtol=1e-9)
    t = np.array([-0.5, 0.0, 1.5, 6.5])
    np.testing.assert_allclose(
        short.fraction_below(t).value, full.fraction_below(t).value, atol=2e-3
    )


# --- known laws ----------------------------------------------------------------------------------


def test_moments_of_the_semicircle():
    """1, 0, 1, 0, 2, 0, 5: of quantiles, and of a GOE matrix to its fluctuations of order 1/n."""
    expected = [reference.semicircle_moment(j) for j in range(7)]
    assert expected == [1, 0, 1, 0, 2, 0, 5]
    found = density_of(semicircle(20_000), steps=30, rng=0).moments(7)
    # Interpolating the law at the quantiles' midpoints is off by less than 1/n at the edges.
    assert (np.abs(found.value - expected) <= 4 * found.error + 10 / 20_000).all()
    n = 600
    A = np.random.default_rng(0).standard_normal((n, n))
    found = spectral_density((A + A.T) / math.sqrt(2 * n), steps=20, probes=20, rng=1).moments(7)
    assert (np.abs(found.value - expected) <= 4 * found.error + 30 / n).all()


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_moments_and_atom_of_marchenko_and_pastur(ratio):
    """1, 1 + c, 1 + 3c + c², and 1 − 1/c of the eigenvalues at 0 when c > 1."""
    n = 800
    X = np.random.default_rng(0).standard_normal((n, int(n / ratio)))
    samples = X.shape[1]
    found = spectral_density(
        lambda v: X @ (X.T @ v) / samples, n=n, steps=60, probes=10, rng=1
    )
    assert not found.exact
    expected = [1.0] + [reference.marchenko_pastur_moment(j, ratio) for j in (1, 2, 3)]
    assert expected[1:3] == [1.0, 1 + ratio]
    assert expected[3] == 1 + 3 * ratio + ratio**2
    moments = found.moments(4)
    assert (np.abs(moments.value - expected) <= 4 * moments.error + 100 / n).all()
    edge = (1 - math.sqrt(ratio)) ** 2
    atom = found.fraction_below(edge / 2)
    assert abs(atom.value - max(0.0, 1 - 1 / ratio)) <= 4 * atom.error + 1e-9
    assert abs(found.fraction_below(1e3).value - 1) <= 1e-12


@pytest.mark.parametrize("steps", [20, 50, 100])
def test_the_density_of_the_semicircle(steps):
    """Its distance from the law is that of its errors, and what a width of a node blurs."""
    found = density_of(semicircle(20_000), steps=steps, rng=0)
    step = np.diff(found.grid)[0]
    assert abs(found.density.sum() * step - 1) <= 1e-3
    off = np.abs(found.density - reference.semicircle_density(found.grid)).sum() * step
    assert off <= 2 * found.error.sum() * step + 0.5 / steps
    assert (found.density >= 0).all()


def test_the_density_of_all_eigenvalues():
    """400 quantiles of the law, and 400 eigenvalues of GOE, whose distances fluctuate."""
    A = np.random.default_rng(0).standard_normal((400, 400))
    for H, most in ((np.diag(semicircle(400)), 0.01), ((A + A.T) / math.sqrt(800), 0.1)):
        found = spectral_density(H)
        assert found.exact
        step = np.diff(found.grid)[0]
        assert abs(found.density.sum() * step - 1) <= 1e-3
        off = np.abs(found.density - reference.semicircle_density(found.grid)).sum() * step
        assert off <= most


# --- errors --------------------------------------------------------------------------------------


def test_errors_over_probes_are_calibrated():
    """20 probes: t with 19 degrees of freedom has the deviation 1.057."""
    values, runs = semicircle(800) + 0.5, 200
    found = [density_of(values, probes=20, steps=25, rng=seed) for seed in range(runs)]
    truth = {
        "trace": (values.sum(), [each.trace_estimate for each in found]),
        "below 0": (np.mean(values < 0), [each.fraction_below(0.0) for each in found]),
        "below 1": (np.mean(values < 1), [each.fraction_below(1.0) for each in found]),
    }
    for name, (expected, estimates) in truth.items():
        z = np.array([(each.value - expected) / each.error for each in estimates])
        assert abs(z.std() - 1) <= 0.2, name
        assert abs(z.mean()) <= 0.35, name  # four errors of the mean, and the nodes' resolution
    powers = np.array([np.mean(values**j) for j in range(4)])
    z = np.array([(m.value - powers)[1:] / m.error[1:] for m in (f.moments(4) for f in found)])
    assert (np.abs(z.std(axis=0) - 1) <= 0.2).all()
    assert (np.abs(z.mean(axis=0)) <= 4 * 1.057 / math.sqrt(runs)).all()


def test_small_operators_are_exact():
    values = np.array([-1.0, -1.0, 0.0, 0.5, 2.0])
    H = reference.rotated(np.random.default_rng(0), values)
    found = spectral_density(H)
    assert found.exact
    assert found.products == 5
    np.testing.assert_allclose(found.nodes[0], values, atol=20 * EPS)
    assert (found.error == 0).all()
    assert found.trace_estimate.error == 0
    assert abs(found.trace_estimate.value - values.sum()) <= 40 * EPS
    t = np.array([-2.0, -0.5, 0.25, 1.0, 3.0])
    np.testing.assert_allclose(found.fraction_below(t).value, [0, 0.4, 0.6, 0.8, 1.0])
    for bound in found.fraction_bounds(t):
        np.testing.assert_allclose(bound, [0, 0.4, 0.6, 0.8, 1.0])


def test_an_eigenvalue_at_the_point_is_not_below_it():
    found = spectral_density(np.diag([0.0, 0.0, 1.0, 2.0]))
    assert found.fraction_below(0.0).value == 0.0
    assert found.fraction_below(np.nextafter(0, 1)).value == 0.5
    assert found.fraction_below(2.0).value == 0.75


def test_one_probe_has_no_error():
    found = density_of(semicircle(500), probes=1, steps=10, rng=0)
    assert np.isnan(found.error).all()
    assert np.isnan(found.trace_estimate.error)
    assert np.isfinite(found.density).all()


@given(seeds, st.integers(2, 40))
def test_bounds_hold_for_each_probe(seed, steps):
    """Chebyshev, Markov and Stieltjes: of the measure of the very same probe."""
    rng = np.random.default_rng(seed)
    values = np.sort(rng.choice([rng.standard_normal(100), np.repeat(rng.normal(size=5), 20)]))
    found = density_of(values, probes=1, steps=min(steps, 99), rng=seed)
    z = generator(seed).standard_normal(100)
    z /= np.linalg.norm(z)
    for t in (-1.0, -0.1, 0.0, 0.7):
        if np.abs(values - t).min() > 1e-9:
            low, high = found.fraction_bounds(t)
            truth = (z**2)[values < t].sum()
            assert low - 1e4 * EPS <= truth <= high + 1e4 * EPS
            assert low - 1e4 * EPS <= found.fraction_below(t).value <= high + 1e4 * EPS


@pytest.mark.parametrize("scale", [1e-290, 1e290])
def test_densities_have_no_scale(scale):
    values = np.linspace(-1, 2, 700)
    one, two = (density_of(s * values, probes=3, steps=15, rng=2) for s in (1.0, scale))
    np.testing.assert_allclose(two.nodes / scale, one.nodes, rtol=1e5 * EPS, atol=1e5 * EPS)
    np.testing.assert_allclose(two.weights, one.weights, rtol=1e6 * EPS, atol=1e5 * EPS)
    below = two.fraction_below(0.5 * scale).value
    assert abs(below - one.fraction_below(0.5).value) <= 1e6 * EPS


def test_a_given_grid_is_used():
    grid = np.array([-3.0, -1.0, 0.0, 0.5, 5.0])
    found = density_of(semicircle(500), grid=grid, probes=4, steps=10, rng=0)
    np.testing.assert_array_equal(found.grid, grid)
    assert found.density.shape == found.error.shape == (5,)
    assert (found.widths >= 2 * 0.5).all()


# --- fractions of curvature ----------------------------------------------------------------------


@given(seeds, st.integers(1, 40))
def test_fractions_of_a_small_matrix_are_exact(seed, n):
    rng = np.random.default_rng(seed)
    values = rng.integers(-2, 3, n).astype(float)
    found = curvature_fractions(reference.rotated(rng, values), tol=1e-6)
    parts = (found.negative, found.zero, found.positive)
    expected = reference.fractions(values, 1e-6)
    np.testing.assert_allclose([part.value for part in parts], expected, atol=4 * EPS)
    assert [part.error for part in parts] == [0.0, 0.0, 0.0]
    assert abs(found.smallest.value - values.min()) <= 20 * n * EPS
    if values.max() != 0:
        ratio = abs(values.min()) / abs(values.max())
        assert abs(found.ratio.value - ratio) <= 40 * n * EPS * (1 + ratio)


def test_fractions_of_the_zero_matrix():
    found = curvature_fractions(np.zeros((3, 3)))
    assert (found.negative.value, found.zero.value, found.positive.value) == (0.0, 1.0, 0.0)
    assert np.isnan(found.ratio.value)


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.7, 3.0])
def test_fractions_of_a_shifted_semicircle(shift):
    values = semicircle(5000) + shift
    found = curvature_fractions(product(values), n=5000, rng=0)
    expected = reference.fractions(values, found.tol)
    for part, truth in zip((found.negative, found.zero, found.positive), expected, strict=True):
        assert abs(part.value - truth) <= 4 * part.error + 1e-12
        assert part.error < 0.02
    for end, truth in ((found.smallest, values.min()), (found.largest, values.max())):
        assert np.abs(values - end.value).min() <= end.error + 5000 * EPS * 5
        assert abs(end.value - truth) <= 0.01
    ratio = abs(values.min()) / abs(values.max())
    assert abs(found.ratio.value - ratio) <= found.ratio.error + 0.01


def test_an_atom_that_cannot_be_placed_is_in_the_error():
    """60 % of the eigenvalues are 0, amid a bulk that no 80 nodes can separate from them."""
    values = np.r_[np.zeros(6000), 0.05 * semicircle(4000)]
    found = curvature_fractions(product(values), n=10_000, steps=80, rng=0)
    for part, truth in zip(
        (found.negative, found.zero, found.positive),
        reference.fractions(values, found.tol),
        strict=True,
    ):
        assert abs(part.value - truth) <= 3 * part.error
    low, high = spectral_density(product(values), n=10_000, steps=80, rng=0).fraction_bounds(-1e-6)
    assert low <= 0.2 <= high


def test_an_atom_apart_from_the_rest_is_placed():
    values = np.r_[np.zeros(6000), np.linspace(-3, -1, 1000), np.linspace(1, 3, 3000)]
    found = curvature_fractions(product(values), n=10_000, tol=1e-6, rng=0)
    for part, truth in ((found.negative, 0.1), (found.zero, 0.6), (found.positive, 0.3)):
        assert abs(part.value - truth) <= 4 * part.error
        assert part.error < 0.02


# --- pictures ------------------------------------------------------------------------------------


@pytest.fixture
def no_display():
    with mpl.rc_context(), mpl.style.context("default"):
        mpl.use("agg")
        yield
        plt.close("all")


def test_a_density_is_drawn_on_given_axes(no_display):
    found = density_of(semicircle(500), probes=4, steps=10, rng=0)
    ax = Figure().subplots()
    assert found.plot(ax) is ax
    assert plt.get_fignums() == []
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, found.grid)
    np.testing.assert_array_equal(y, np.maximum(found.density, found.density.max() * 1e-6))
    assert ax.get_yscale() == "log"


def test_a_density_makes_its_own_axes_and_keeps_the_style(no_display):
    before = dict(mpl.rcParams)
    ax = density_of(semicircle(500), probes=4, steps=10, rng=0).plot(linewidth=5)
    assert plt.get_fignums() == [ax.figure.number]
    assert ax.lines[0].get_linewidth() == 5
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("values", [[0.0], [3.0, 3.0], [-1.0, 1.0], [1e-300, 2e-300], [1e300]])
def test_every_density_can_be_drawn(values, no_display, tmp_path):
    figure = Figure(layout="constrained")
    spectral_density(np.diag(values)).plot(figure.subplots())
    density_of(np.repeat(values, 1001), probes=1, steps=5, rng=0).plot(figure.subplots())
    figure.savefig(tmp_path / "density.png")
