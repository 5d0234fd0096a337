"""Optimizers of second order, from `minimize`: their steps, where they end, Krylov spaces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import spectral as reference

from saddlelab import data_objective, minimize, objective, surfaces

EPS = 2.0**-52

METHODS = ["newton", "damped_newton", "saddle_free_newton", "negative_curvature", "trust_region",
           "cubic_newton"]  # fmt: skip


def quartic(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 0.25 * x[i] ** 4 - 0.5 * x[i] ** 2 + 0.3 * x[i] * x[i + 1] + 0.1 * x[i + 1] ** 3
    return total + 0.5 * x[len(x) - 1] ** 4


def derivatives(x):
    """∇f and H of `quartic`."""
    n = len(x)
    g, H = np.zeros(n), np.zeros((n, n))
    for i in range(n - 1):
        g[i] += x[i] ** 3 - x[i] + 0.3 * x[i + 1]
        g[i + 1] += 0.3 * x[i] + 0.3 * x[i + 1] ** 2
        H[i, i] += 3 * x[i] ** 2 - 1
        H[i + 1, i + 1] += 0.6 * x[i + 1]
        H[i, i + 1] += 0.3
        H[i + 1, i] += 0.3
    g[-1] += 2 * x[-1] ** 3
    H[-1, -1] += 6 * x[-1] ** 2
    return g, H


FORMULAS = [
    ("newton", 1.0, {}, lambda g, H: reference.newton(H, g, 1.0)),
    ("newton", 0.5, {}, lambda g, H: reference.newton(H, g, 0.5)),
    ("damped_newton", 1.0, {"damping": 0.2}, lambda g, H: reference.damped_newton(H, g, 1.0, 0.2)),
    ("saddle_free_newton", 1.0, {"damping": 0.1},
     lambda g, H: reference.saddle_free(H, g, 1.0, 0.1)),
    ("negative_curvature", 0.05, {"curvature_rate": 0.1},
     lambda g, H: reference.negative_curvature(H, g, 0.05, 0.1)),
]  # fmt: skip


@pytest.mark.parametrize("krylov", [0, 5])
@pytest.mark.parametrize(("method", "rate", "options", "formula"), FORMULAS,
                         ids=[f"{m} {r}" for m, r, _, _ in FORMULAS])  # fmt: skip
@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_steps_are_the_formulas(method, rate, options, formula, krylov, seed):
    x = np.random.default_rng(seed).uniform(-2.0, 2.0, 5)
    runs = minimize(quartic, x, method=method, lr=rate, steps=1, krylov=krylov, **options)
    g, H = derivatives(x)
    eigenvalues = np.abs(np.linalg.eigvalsh(H) + options.get("damping", 0.0) * (method[0] == "d"))
    step = np.asarray(formula(g, H), dtype=float)
    # The step's error grows with its own size, and with the condition of what is solved.
    bound = 2000 * EPS * max(1.0, np.abs(H).max() / eigenvalues.min()) * (1 + np.abs(step).max())
    np.testing.assert_allclose(runs.x - x, step, rtol=0.0, atol=bound)


def saddle(x):
    return 0.5 * (x[0] ** 2 - x[1] ** 2)


def test_newton_lands_on_the_saddle_and_the_verdict_says_so():
    runs = minimize(saddle, [1.0, 1e-8], method="newton", steps=10, tol=1e-12)
    assert (runs.steps, str(runs.kind), runs.index, bool(runs.success)) == (1, "saddle", 1, False)
    assert runs.certified


@pytest.mark.parametrize("krylov", [0, 2])
def test_saddle_free_newton_leaves_it_in_27_steps(krylov):
    """|y| doubles with each step from 1e-8 to 1."""
    runs = minimize(saddle, [1.0, 1e-8], method="saddle_free_newton", steps=27, record="x",
                    krylov=krylov)  # fmt: skip
    assert np.flatnonzero(np.abs(runs.history.x[:, 1]) >= 1.0).tolist() == [27]


@pytest.mark.parametrize("method", METHODS)
def test_all_but_newton_end_at_minima(method):
    x0 = np.random.default_rng(0).uniform(-5.0, 5.0, (200, 2))
    runs = minimize(surfaces.himmelblau, x0, method=method, steps=3000, tol=1e-9, lr=None)
    assert (runs.status == "converged").all()
    assert runs.certified.all()
    if method == "newton":
        assert {"minimum", "saddle", "maximum"} <= set(runs.kind)
    else:
        assert set(runs.kind) == {"minimum"}


@pytest.mark.parametrize("method", ["trust_region", "cubic_newton"])
@pytest.mark.parametrize("krylov", [0, 4])
def test_globalised_methods_never_go_up(method, krylov):
    x0 = np.random.default_rng(1).uniform(-2.0, 2.0, (40, 4))
    runs = minimize(surfaces.rosenbrock, x0, method=method, steps=200, record="value",
                    krylov=krylov, tol=1e-8, near=1e-6)  # fmt: skip
    values = runs.history.value
    size = np.nanmax(np.abs(values), axis=1, keepdims=True)
    rises = np.diff(values, axis=1)
    assert np.nanmax(rises / size) <= 8 * EPS
    assert set(runs.kind) == {"minimum"}


@pytest.mark.parametrize("method", ["negative_curvature", "trust_region", "cubic_newton"])
def test_negative_curvature_leaves_exactly_from_the_saddle(method):
    def well(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4

    runs = minimize(well, [0.0, 0.0], method=method, steps=3000, lr=0.05)
    assert str(runs.kind) == "minimum"


def test_however_the_hessian_is_had():
    """Exact, from a gradient's differences, from a product, from values, of a mean over data."""
    x0 = np.random.default_rng(2).uniform(-2.0, 2.0, (9, 5))
    exact = minimize(quartic, x0, method="damped_newton", steps=1, damping=1.0).x

    def slope(x, out):
        n = len(x)
        for i in range(n):
            out[i] = 0.0 * x[0]
        for i in range(n - 1):
            out[i] += x[i] ** 3 - x[i] + 0.3 * x[i + 1]
            out[i + 1] += 0.3 * x[i] + 0.3 * x[i + 1] ** 2
        out[n - 1] += 2.0 * x[n - 1] ** 3

    def branching(x):
        total = 0.0 if x[0] > -1e9 else 1.0
        for i in range(len(x) - 1):
            total += 0.25 * x[i] ** 4 - 0.5 * x[i] ** 2 + 0.3 * x[i] * x[i + 1]
            total += 0.1 * x[i + 1] ** 3
        return total + 0.5 * x[len(x) - 1] ** 4

    given_slope = objective(quartic, gradient=slope)
    for f, digits in ((given_slope, 1e-9), (branching, 1e-4)):
        found = minimize(f, x0, method="damped_newton", steps=1, damping=1.0).x
        np.testing.assert_allclose(found, exact, rtol=0.0, atol=digits * np.abs(exact).max())
    krylov = minimize(branching, x0, method="damped_newton", steps=1, damping=1.0, krylov=5).x
    np.testing.assert_allclose(krylov, exact, rtol=0.0, atol=1e-3 * np.abs(exact).max())
    line = data_objective(lambda w, r: 0.5 * (w[0] + w[1] * r[0] - r[1]) ** 2,
                          np.random.default_rng(3).standard_normal((30, 2)))  # fmt: skip
    assert minimize(line, [0.0, 0.0], method="newton", steps=20, tol=1e-9).success


@pytest.mark.parametrize("method", METHODS)
def test_same_bits_for_any_workers_and_resumed(method):
    x0 = np.random.default_rng(4).uniform(-2.0, 2.0, (100, 5))
    whole = minimize(quartic, x0, method=method, steps=12, workers=1)
    assert np.array_equal(minimize(quartic, x0, method=method, steps=12, workers=2).x, whole.x)
    assert np.array_equal(minimize(quartic, x0[3], method=method, steps=12).x, whole.x[3])
    begun = minimize(quartic, x0, method=method, steps=5)
    assert np.array_equal(minimize(quartic, begun, steps=7).x, whole.x)


def test_refused_steps_are_no_stall():
    x0 = np.random.default_rng(5).uniform(-5.0, 5.0, (50, 2))
    runs = minimize(surfaces.rosenbrock, x0, method="trust_region", steps=500, stall=1e-12,
                    max_radius=1e6, radius=1e4)  # fmt: skip
    assert set(runs.kind) == {"minimum"}


@pytest.mark.parametrize(("change", "message"), [
    ({"krylov": -1}, "`krylov` must be 0"),
    ({"damping": -1.0}, "`damping` must not be negative"),
    ({"clip_norm": 1.0}, "`clip_norm` is no option of saddle_free_newton"),
    ({"method": "trust_region", "radius": 0.0}, "`radius` must be positive"),
    ({"method": "trust_region", "eta": 1.0}, "`eta` must be at least 0 and below 1"),
    ({"method": "annealing"}, "there is saddlelab.annealing"),
])  # fmt: skip
def test_bad_input_is_refused(change, message):
    call = {"method": "saddle_free_newton", **change}
    with pytest.raises(ValueError, match=message):
        minimize(saddle, [1.0, 1.0], **call)
