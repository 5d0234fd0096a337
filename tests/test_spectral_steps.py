"""Second-order steps in lanes: decomposition, functions of the spectrum, models, Krylov spaces."""

import math

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from reference import spectral as reference

from saddlecore import spectral
from saddlecore.forms import GRADIENT, HVP, SLOTS, VALUE, pointer_at
from saddlecore.jit import allocating, c_function, entry
from saddlecore.laneops import width, zeros
from saddlecore.memory import aligned
from saddlecore.second_order import second_order_scratch, second_order_step
from saddlecore.spectral import (
    ADAPT,
    CUBIC,
    CURVATURE_RATE,
    DAMPED_NEWTON,
    ETA,
    MAX_RADIUS,
    NEGATIVE_CURVATURE,
    NEWTON,
    OPTIONS,
    RADIUS,
    SADDLE_FREE,
    SIGMA,
    TRUST_REGION,
)

EPS = np.finfo(float).eps
RULES = range(NEWTON, CUBIC + 1)
COUNT = 8


# --- one step of many starts ----------------------------------------------------------------------


@allocating
def _steps(like, rule, forms, k, f, g, H, x, kept, c, o, values):
    m, n, w = len(x), x.shape[1], width(like)
    scratch, here, at = second_order_scratch(like, n, k), aligned((1 + n) * (n + 2) * w), 0
    flat, alive = aligned(n * w), np.ones(w)
    for first in range(0, m, w):
        for q in range(w):
            row, at = first + q, 1 + n
            here[q] = f[row]
            for i in range(n):
                flat[i * w + q], here[(1 + i) * w + q] = x[row, i], g[row, i]
                for j in range(i + 1):
                    here[at * w + q] = H[row, i, j]
                    at += 1
        lanes = kept[:, first : first + w]
        second_order_step(like, rule, forms, n, 0, flat, here, lanes, c, o, alive, scratch)
        for q in range(w):
            for i in range(n):
                x[first + q, i] = flat[i * w + q]
            for i in range(k if k > 0 else n):
                values[first + q, i] = scratch[1][2][i * w + q]


@entry
def steps_in_lanes(rule, forms, k, f, g, H, x, kept, c, o, values):
    _steps(zeros(8), rule, forms, k, f, g, H, x, kept, c, o, values)


@entry
def steps_one_by_one(rule, forms, k, f, g, H, x, kept, c, o, values):
    _steps(zeros(1), rule, forms, k, f, g, H, x, kept, c, o, values)


@c_function
def nothing(x, n, out, data):
    out[0] = 0.0


@c_function
def product(x, n, out, data):
    """H v, H being at an address."""
    H = pointer_at(data, 0.0)
    for i in range(n):
        out[i] = 0.0
        for j in range(n):
            out[i] += H[i * n + j] * x[n + j]


@c_function
def slope(x, n, out, data):
    """H x, a gradient."""
    H = pointer_at(data, 0.0)
    for i in range(n):
        out[i] = 0.0
        for j in range(n):
            out[i] += H[i * n + j] * x[j]


@c_function
def wells(x, n, out, data):
    out[0] = 0.0
    for i in range(n):
        out[0] += x[i] ** 4 / 4.0 - x[i] ** 2 / 2.0 + x[i] * x[(i + 1) % n]


def wells_derivatives(x):
    """f, ∇f and H of `wells`, for n ≥ 3."""
    after, before = np.roll(x, -1), np.roll(x, 1)
    H = np.diag(3 * x**2 - 1) + np.roll(np.eye(len(x)), 1, axis=1) + np.roll(np.eye(len(x)), -1, 1)
    return np.sum(x**4 / 4 - x**2 / 2 + x * after), x**3 - x + after + before, H


def table(**forms):
    made = np.zeros((SLOTS, 2), np.int64)
    for slot, form in ((VALUE, "value"), (GRADIENT, "gradient"), (HVP, "hvp")):
        if form in forms:
            made[slot] = forms[form]
    return made


#: Every step is taken, whatever f is.
ALWAYS = {ETA: -np.inf, ADAPT: 0.0}


def options(**changes):
    o = np.zeros(OPTIONS)
    o[[CURVATURE_RATE, RADIUS, MAX_RADIUS, SIGMA]] = 1.0, 1.0, np.inf, 1.0
    for place, value in ALWAYS.items():
        o[place] = value
    for name, value in changes.items():
        o[getattr(spectral, name)] = value
    return o


def take(rule, H, g, o, *, k=0, rate=1.0, forms=None, f=None, x=None, kept=None, run=None):
    """Steps, eigenvalues and what lanes keep, for a stack of eight."""
    m, n = g.shape
    start = np.zeros((m, n)) if x is None else x
    there, kept = start.copy(), np.full((2, m), np.nan) if kept is None else kept.copy()
    values = np.full((m, k or n), np.nan)
    forms = table(value=(nothing(), 0)) if forms is None else forms
    (run or steps_in_lanes)(
        rule, forms, k, np.zeros(m) if f is None else f, g, H, there, kept,
        np.array([rate, 0.0, 0.0, 1.0]), o, values,
    )  # fmt: skip
    return there - start, values, kept[0]


# --- what rounding may do -------------------------------------------------------------------------


def rounding(H):
    """Error of eigenvalues: n reflections and 2n rotations of ‖H‖_F, and LAPACK's own."""
    return 8 * len(H) * EPS * np.linalg.norm(H)


def step_error(H, g, step, least):
    """Error of f(H)∇f for an f whose slopes are those of 1/λ at λ = `least` and beyond."""
    relative = rounding(H) * (1 + math.log(len(H))) / least
    return (8 * len(H) * EPS + relative) * (np.linalg.norm(g) / least + np.linalg.norm(step))


def residual_error(H, g, s, mu):
    n, norm = len(g), np.linalg.norm
    return 16 * n * EPS * ((norm(H) + abs(mu)) * norm(s) + norm(g))


# --- matrices -------------------------------------------------------------------------------------

SPECTRA = {
    "gaussian": lambda rng, n: rng.standard_normal(n),
    "repeated": lambda rng, n: rng.choice([-1.0, 1.0, 2.0], n),
    "some zero": lambda rng, n: rng.choice([-1.0, 0.0, 0.5], n),
    "all zero": lambda rng, n: np.zeros(n),
    "tiny": lambda rng, n: rng.choice([-1.0, 1.0], n) * 10.0 ** -rng.integers(0, 14, n),
    "pairs": lambda rng, n: np.resize([1.0, -1.0, 3.0, -3.0], n),
    "positive": lambda rng, n: rng.uniform(0.5, 2.0, n),
    "negative": lambda rng, n: -rng.uniform(0.5, 2.0, n),
    "far apart": lambda rng, n: 10.0 ** rng.uniform(-6, 6, n) * rng.choice([-1.0, 1.0], n),
}


def with_spectrum(rng, values, shape):
    n = len(values)
    if shape == "dense":
        return strategies.with_spectrum(rng, values)
    H = np.diag(values)
    if shape == "tridiagonal" and n > 1:
        off = rng.choice([0.0, 1.0, 1e-9, -2.0], n - 1)
        H = H + np.diag(off, 1) + np.diag(off, -1)
    return H


def gradient_of(rng, H, kind):
    n = len(H)
    g = rng.standard_normal(n)
    if kind == "zero":
        return np.zeros(n)
    if kind == "hard":
        values, Q = np.linalg.eigh(H)
        c = Q.T @ g
        c[values <= values[0] + rounding(H)] = 0.0
        return Q @ c
    if kind == "axis":
        return np.eye(n)[rng.integers(n)]
    return g * 10.0 ** rng.integers(-6, 3)


SHAPES, GRADIENTS = ("dense", "diagonal", "tridiagonal"), ("any", "zero", "hard", "axis")


@st.composite
def problems(draw, sides=strategies.sides):
    """Eight (H, g), each with a spectrum, a shape and a gradient of its own."""
    rng, n = np.random.default_rng(draw(strategies.seeds)), draw(sides)
    names = sorted(SPECTRA)
    spectra = [SPECTRA[names[k]](rng, n) for k in rng.integers(len(names), size=COUNT)]
    H = np.stack([with_spectrum(rng, v, SHAPES[rng.integers(len(SHAPES))]) for v in spectra])
    g = np.stack([gradient_of(rng, each, GRADIENTS[rng.integers(len(GRADIENTS))]) for each in H])
    return H, g


# --- decomposition --------------------------------------------------------------------------------


def all_hard(n, repeats=1):
    rng = np.random.default_rng(n)
    found = [A for _ in range(repeats) for name, A, _ in strategies.hard_matrices(rng, n)
             if name != "near_overflow"]  # fmt: skip
    while len(found) % COUNT:
        found.append(found[0])
    return np.stack(found)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 10, 12, 21, 40])
def test_eigenvalues_are_lapacks(n, record_property):
    H = all_hard(n, 4 if n <= 12 else 1)
    _, values, _ = take(NEWTON, H, np.ones(H.shape[:2]), options())
    worst = 0.0
    for each, found in zip(H, values, strict=True):
        scale = -np.frexp(np.abs(each).max())[1]
        each, found = np.ldexp(each, scale), np.ldexp(found, scale)
        error = np.abs(np.sort(found) - np.linalg.eigvalsh(each)).max()
        least = np.ldexp(5e-324, scale)  # eigenvalues may be subnormal
        assert error <= rounding(each) + least
        worst = max(worst, error / rounding(each)) if least < rounding(each) else worst
    record_property("largest error beside its bound", round(worst, 3))


@given(problems())
def test_eigenvalues_of_any_problem(problem):
    H, g = problem
    _, values, _ = take(NEWTON, H, g, options())
    for each, found in zip(H, values, strict=True):
        error = np.abs(np.sort(found) - np.linalg.eigvalsh(each)).max()
        assert error <= rounding(each)


@given(problems(st.sampled_from([1, 2, 3, 5, 9])), st.sampled_from(RULES), st.sampled_from([0, 1]))
def test_plain_numbers_give_the_same_bits(problem, rule, krylov):
    H, g = problem
    k, H = (len(H[0]) + 1) // 2 * krylov, np.broadcast_to(H[:1], H.shape).copy() if krylov else H
    forms = table(value=(nothing(), 0), hvp=(product(), H.ctypes.data))
    for o in (options(), options(DAMPING=0.1, ETA=0.1, ADAPT=1.0)):
        lanes = take(rule, H, g, o, k=k, forms=forms, rate=0.7)
        plain = take(rule, H, g, o, k=k, forms=forms, rate=0.7, run=steps_one_by_one)
        for one, other in zip(lanes, plain, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rule", RULES)
def test_lanes_do_not_meddle(rule):
    """A lane gives the same beside others that are not finite, zero, or slow to converge."""
    rng = np.random.default_rng(rule)
    H = np.stack([strategies.gaussian(rng, 6)[0] for _ in range(COUNT)])
    g, o = rng.standard_normal((COUNT, 6)), options(DAMPING=0.1)
    alone = take(rule, H, g, o)[0]
    H[1], H[3, 2, 4], H[3, 4, 2], H[4, 1, 0], H[6] = np.nan, np.inf, np.inf, np.nan, 0.0
    step, values, _ = take(rule, H, g, o, rate=0.25)
    beside = take(rule, H, g, o)[0]
    same = [0, 2, 5, 7]
    np.testing.assert_array_equal(beside[same], alone[same])
    for k in (1, 3, 4):
        assert np.isnan(values[k]).all()
        if rule not in (TRUST_REGION, CUBIC):  # they want f to fall, and here it is constant
            np.testing.assert_array_equal(step[k], -0.25 * g[k])


# --- functions of the spectrum --------------------------------------------------------------------


@given(problems(), st.sampled_from([0.0, 0.1, 3.0]), st.floats(0.1, 2.0))
def test_divided_steps_are_the_references(problem, damping, rate):
    H, g = problem
    for rule in (NEWTON, DAMPED_NEWTON, SADDLE_FREE):
        steps, *_ = take(rule, H, g, options(DAMPING=damping), rate=rate)
        for each, slope, step in zip(H, g, steps, strict=True):
            check_divided(rule, each, slope, step, damping, rate)


def check_divided(rule, H, g, step, damping, rate):
    """Where the divisors are beyond rounding; the others are tested by themselves."""
    values, Q = np.linalg.eigh(H)
    if rule == NEWTON:
        by, wanted = values, reference.newton(H, g, rate)
    elif rule == SADDLE_FREE:
        by, wanted = np.abs(values) + damping, reference.saddle_free(H, g, rate, damping)
    else:
        by = values + max(0.0, -values[0]) + damping
        wanted = reference.damped_newton(H, g, rate, damping)
    clear = np.abs(by) > 2 * rounding(H)
    if clear.all():
        error = rate * step_error(H, g, wanted / rate, np.abs(by).min())
        assert np.linalg.norm(step - wanted) <= error
    elif (np.abs(by[clear]) > 1e-3 * np.abs(by).max()).all() and clear.any():
        # Within the space of the others; what is huge outside of it leaks in.
        longest = max(wanted, step, key=np.linalg.norm)
        error = rate * step_error(H, g, longest / rate, np.abs(by[clear]).min())
        assert np.linalg.norm(Q[:, clear].T @ (step - wanted)) <= error * np.sqrt(len(H))


@pytest.mark.parametrize("rule", [NEWTON, DAMPED_NEWTON, SADDLE_FREE])
def test_flat_directions_are_left_out(rule):
    """Whole numbers of known rank: the step has nothing in the kernel."""
    rng, n = np.random.default_rng(rule), 5
    H, kernels = [], []
    for k in range(40 * COUNT):
        X = strategies.unimodular(rng, n)
        D = rng.integers(1, 4, n) * (1.0 if rule == DAMPED_NEWTON else rng.choice([-1.0, 1.0], n))
        D[: k % n] = 0.0
        H.append(strategies.congruence(X, D))
        kernels.append(np.linalg.qr(np.linalg.inv(X)[:, : k % n])[0])
    H, g = np.stack(H), rng.standard_normal((len(H), n))
    steps, values, _ = take(rule, H, g, options())
    for each, step, slope, lam, kernel in zip(H, steps, g, values, kernels, strict=True):
        size = np.abs(lam)
        assert np.sum(size <= n * EPS * size.max()) == kernel.shape[1]
        small = np.sort(size)[kernel.shape[1]]
        inside = kernel.T @ step
        assert np.linalg.norm(inside) <= step_error(each, slope, step, small)


@given(problems(), st.floats(0.1, 2.0), st.floats(0.1, 2.0))
def test_negative_curvature_is_followed_downhill(problem, rate, curvature_rate):
    H, g = problem
    o = options(CURVATURE_RATE=curvature_rate)
    steps, values, _ = take(NEGATIVE_CURVATURE, H, g, o, rate=rate)
    for each, slope, step, found in zip(H, g, steps, values, strict=True):
        along, error = step + rate * slope, rounding(each) + 4 * EPS * np.linalg.norm(rate * slope)
        low, n = np.linalg.eigvalsh(each)[0], len(slope)
        if not found.min() < -n * EPS * np.abs(found).max():
            assert np.abs(along).max() <= 4 * EPS * np.linalg.norm(rate * slope)
            continue
        length = np.linalg.norm(along)
        assert abs(length - curvature_rate * abs(low)) <= 4 * (1 + curvature_rate) * error
        # v is an eigenvector of a matrix nearby, the step is v to rounding of the other part.
        bend = along @ each @ along - low * length**2
        assert bend <= 8 * (error * length + np.linalg.norm(each) * error) * length + error**2
        assert along @ slope <= 8 * np.linalg.norm(slope) * (error + n * EPS * length)


def test_negative_curvature_leaves_a_saddle_from_the_saddle():
    H = np.stack([np.diag([1.0, -0.5, 2.0])] * COUNT)
    step, *_ = take(NEGATIVE_CURVATURE, H, np.zeros((COUNT, 3)), options(CURVATURE_RATE=2.0))
    np.testing.assert_array_equal(np.abs(step), [[0.0, 1.0, 0.0]] * COUNT)


@given(st.integers(2, 8), strategies.seeds)
def test_negative_curvature_is_the_references(n, seed):
    rng = np.random.default_rng(seed)
    values = np.append(-1.0, rng.uniform(-0.5, 1.0, n - 1))
    H = np.stack([strategies.with_spectrum(rng, values) for _ in range(COUNT)])
    g = rng.standard_normal((COUNT, n))
    steps, *_ = take(NEGATIVE_CURVATURE, H, g, options(CURVATURE_RATE=0.5), rate=0.3)
    for each, slope, step in zip(H, g, steps, strict=True):
        wanted = reference.negative_curvature(each, slope, 0.3, 0.5)
        if abs(np.linalg.eigh(each)[1][:, 0] @ slope) > 1e-6:
            gap = 0.5
            error = rounding(each) / gap + 8 * n * EPS * np.linalg.norm(slope)
            assert np.linalg.norm(step - wanted) <= error


def test_saddle_free_newton_doubles_its_distance_from_a_saddle():
    """f = (x² − y²)/2 from y = 1e-8: Newton is on the saddle at once, saddle-free is away in 27."""
    H, x = np.stack([np.diag([1.0, -1.0])] * COUNT), np.array([[1.0, 1e-8]] * COUNT)
    np.testing.assert_array_equal(x + take(NEWTON, H, x @ H[0], options(), x=x)[0], 0.0)
    for steps in range(1, 28):
        assert (x[:, 1] < 1.0).all()
        x = x + take(SADDLE_FREE, H, x @ H[0], options(), x=x)[0]
        np.testing.assert_array_equal(x, [[0.0, 1e-8 * 2.0**steps]] * COUNT)
    assert (x[:, 1] >= 1.0).all()


# --- models ---------------------------------------------------------------------------------------


def check_conditions(H, g, s, mu):
    """(H + μ) s = −g with H + μ ⪰ 0: what makes s a global minimiser, and only that."""
    residual = np.linalg.norm(H @ s + mu * s + g)
    assert residual <= residual_error(H, g, s, mu)
    assert np.linalg.eigvalsh(H)[0] + mu >= -rounding(H) - residual_error(H, g, s, mu)


@given(problems(), st.floats(-4, 3))
def test_trust_region_steps_are_global_minimisers(problem, exponent):
    (H, g), radius = problem, 10.0**exponent
    steps, _, kept = take(TRUST_REGION, H, g, options(RADIUS=radius))
    for each, slope, s in zip(H, g, steps, strict=True):
        n, length = len(slope), np.linalg.norm(s)
        assert length <= radius * (1 + 8 * n * EPS)
        if length < radius * (1 - 64 * n * EPS):
            mu = 0.0
        else:
            mu = -(s @ (each @ s + slope)) / length**2
            assert mu >= -residual_error(each, slope, s, 0.0) / length
        check_conditions(each, slope, s, mu)
    assert (kept <= radius).all()


@given(problems(), st.floats(-4, 4))
def test_cubic_steps_are_global_minimisers(problem, exponent):
    (H, g), M = problem, 10.0**exponent
    steps, *_ = take(CUBIC, H, g, options(SIGMA=M))
    for each, slope, s in zip(H, g, steps, strict=True):
        check_conditions(each, slope, s, M * np.linalg.norm(s) / 2)


def model(H, g, s):
    return g @ s + s @ H @ s / 2


@given(problems(st.integers(1, 5)), st.floats(-3, 2), st.integers(0, COUNT - 1))
def test_models_are_minimised_to_the_last_bits(problem, exponent, which):
    """Beside bisection in 60 digits; one lane each, for it is slow."""
    (H, g), size, norm = problem, 10.0**exponent, np.linalg.norm
    trusted = take(TRUST_REGION, H, g, options(RADIUS=size))[0][which]
    cubed = take(CUBIC, H, g, options(SIGMA=size))[0][which]
    H, g = H[which], g[which]
    for s, least, more in (
        (trusted, reference.trust_region(H, g, size), 0.0),
        (cubed, reference.cubic(H, g, size), size * norm(cubed) ** 3 / 6),
    ):
        error = 16 * len(g) * EPS * (norm(g) * norm(s) + norm(H) * norm(s) ** 2 + more)
        assert abs(model(H, g, s) + more - least) <= error


def test_hard_cases_reach_their_length():
    """∇f = 0, or orthogonal to the lowest eigenvector: exactly, so that no rounding helps."""
    H = np.stack([np.diag([-2.0, 1.0, 3.0]), np.diag([2.0, -1.0, -1.0])] * 4)
    g = np.stack([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]] * 2 + [[0.0, 0.0, 0.0]] * 4)
    s, *_ = take(TRUST_REGION, H, g, options(RADIUS=5.0))
    np.testing.assert_allclose(np.linalg.norm(s, axis=1), 5.0, rtol=8 * EPS)
    np.testing.assert_allclose(s[0, 1:], [-1 / 3, -1 / 5], rtol=8 * EPS)
    s, *_ = take(CUBIC, H, g, options(SIGMA=0.5))
    np.testing.assert_allclose(np.linalg.norm(s, axis=1), [8.0, 4.0] * 4, rtol=8 * EPS)


@given(strategies.seeds, st.integers(3, 7))
def test_ratio_tests_are_the_references(seed, n):
    """One step from random points of a function with many wells."""
    rng = np.random.default_rng(seed)
    x, forms = rng.standard_normal((COUNT, n)), table(value=(wells(), 0))
    f, g, H = (np.array(each) for each in zip(*map(wells_derivatives, x), strict=True))
    kept = np.stack([10.0 ** rng.uniform(-2, 1.5, COUNT), np.full(COUNT, np.nan)])
    o = options(ETA=0.1, MAX_RADIUS=8.0, ADAPT=1.0, LEAST_SIGMA=0.05)
    for rule in (TRUST_REGION, CUBIC):
        proposed = take(rule, H, g, options(), x=x, kept=kept)[0]
        moved, _, after = take(rule, H, g, o, forms=forms, f=f, x=x, kept=kept)
        for k, s in enumerate(proposed):
            length, size = np.linalg.norm(s), kept[0, k]
            promised = -model(H[k], g[k], s) - (size * length**3 / 6 if rule == CUBIC else 0.0)
            fall = f[k] - wells_derivatives(x[k] + s)[0]
            noise = 64 * n * EPS * (abs(f[k]) + abs(promised))
            thresholds = (0.1, 0.25, 0.75) if rule == TRUST_REGION else (1.0,)
            if min(abs(fall - t * promised) for t in thresholds) <= noise:
                continue
            if rule == TRUST_REGION:
                taken, wanted = reference.next_radius(size, 8.0, 0.1, fall, promised, length)
            else:
                taken, wanted = reference.next_sigma(size, 0.05, fall, promised)
            assert after[k] == wanted
            np.testing.assert_array_equal(moved[k], s if taken else np.zeros(n))


@c_function
def undefined(x, n, out, data):
    out[0] = np.nan


@pytest.mark.parametrize("rule", [TRUST_REGION, CUBIC])
def test_a_step_to_where_f_is_not_a_number_is_refused(rule):
    H, g = np.stack([np.eye(3)] * COUNT), np.ones((COUNT, 3))
    o = options(ETA=0.1, ADAPT=1.0)
    step, _, kept = take(rule, H, g, o, forms=table(value=(undefined(), 0)))
    assert not step.any()
    np.testing.assert_array_equal(kept, 0.25 if rule == TRUST_REGION else 2.0)


@pytest.mark.parametrize("rule", [TRUST_REGION, CUBIC])
def test_methods_descend_to_minima_to_the_last_bits(rule):
    """Where f no longer changes but by rounding, steps go on being taken."""
    x, forms = np.random.default_rng(5).standard_normal((COUNT, 4)) * 3, table(value=(wells(), 0))
    kept = np.full((2, COUNT), np.nan)
    o = options(ADAPT=1.0, SIGMA=1e-3, LEAST_SIGMA=1e-6, ETA=0.1, MAX_RADIUS=100.0)
    for _ in range(60):
        f, g, H = (np.array(each) for each in zip(*map(wells_derivatives, x), strict=True))
        step, _, kept[0] = take(rule, H, g, o, forms=forms, f=f, x=x, kept=kept)
        x = x + step
        after = np.array([wells_derivatives(each)[0] for each in x])
        assert (after <= f + 32 * EPS * np.abs(f)).all()
    for each in x:
        _, slope, curvature = wells_derivatives(each)
        assert np.linalg.norm(slope) <= 64 * EPS * np.abs(curvature).sum()
        assert np.linalg.eigvalsh(curvature)[0] > 0
    assert (kept[0] >= 0.1).all() if rule == TRUST_REGION else (kept[0] <= 10.0).all()


@pytest.mark.parametrize("rule", [TRUST_REGION, CUBIC])
def test_flat_directions_are_not_walked_for_rounding(rule):
    """f depends on differences alone: the gradient along (1, …, 1) and its curvature are noise."""
    rng, n = np.random.default_rng(7), 6
    L = n * np.eye(n) - 1.0
    H = np.stack([s * L + rng.standard_normal((n, n)) * EPS for s in rng.uniform(0.1, 1.0, 800)])
    g = rng.standard_normal((len(H), n)) @ L
    step, *_ = take(rule, (H + H.transpose(0, 2, 1)) / 2, g, options(RADIUS=100.0, SIGMA=1e-3))
    assert (np.linalg.norm(step, axis=1) > 0.1).all()
    assert (np.abs(step.sum(axis=1)) <= 64 * n * EPS * np.linalg.norm(step, axis=1)).mean() > 0.9


# --- Krylov spaces --------------------------------------------------------------------------------


@given(problems(), st.sampled_from([SADDLE_FREE, DAMPED_NEWTON, TRUST_REGION, CUBIC]))
def test_as_many_vectors_as_variables_are_the_dense_step(problem, rule):
    """Also where ∇f spans only a part: the others are found all the same."""
    H, g = problem
    H = np.broadcast_to(H[:1], H.shape).copy()
    n, o = len(H[0]), options(DAMPING=1.0, RADIUS=0.3)
    forms = table(value=(nothing(), 0), hvp=(product(), H.ctypes.data))
    dense, _, _ = take(rule, H, g, o)
    krylov, values, _ = take(rule, H, g, o, k=n, forms=forms)
    exact = np.linalg.eigvalsh(H[0])
    # Vectors orthonormal to n·eps make an error of twice that in VᵀHV; H v has its own.
    assert np.abs(np.sort(values, axis=1) - exact).max() <= 4 * rounding(H[0])
    for slope, one, other in zip(g, dense, krylov, strict=True):
        if rule in (TRUST_REGION, CUBIC):
            length = np.linalg.norm(other)
            more = 0.0 if rule == TRUST_REGION else 1 / 6
            error = 4 * residual_error(H[0], slope, other, length) * length
            gap = model(H[0], slope, one) + more * np.linalg.norm(one) ** 3
            assert abs(model(H[0], slope, other) + more * length**3 - gap) <= error
        else:
            assert np.linalg.norm(one - other) <= 4 * step_error(H[0], slope, one, 1.0)


@given(st.integers(4, 20), strategies.seeds)
def test_a_krylov_step_minimises_over_its_space(n, seed):
    """The span of g, Hg, H²g by QR, the model restricted to it by plain products."""
    rng = np.random.default_rng(seed)
    H = np.stack([strategies.with_spectrum(rng, rng.uniform(-1, 1, n))] * COUNT)
    g, o = rng.standard_normal((COUNT, n)), options(DAMPING=0.5)
    forms = table(value=(nothing(), 0), hvp=(product(), H.ctypes.data))
    steps, *_ = take(SADDLE_FREE, H, g, o, k=3, forms=forms)
    for slope, step in zip(g, steps, strict=True):
        powers = np.stack([slope, H[0] @ slope, H[0] @ (H[0] @ slope)], axis=1)
        V = np.linalg.qr(powers / np.linalg.norm(powers, axis=0))[0]
        wanted = V @ reference.saddle_free(V.T @ H[0] @ V, V.T @ slope, 1.0, 0.5)
        condition = np.linalg.cond(powers / np.linalg.norm(powers, axis=0))
        error = step_error(H[0], slope, wanted, 0.5) * condition
        assert np.linalg.norm(step - wanted) <= error


def test_products_come_from_gradients_where_there_are_none():
    """Central differences of a linear gradient have no truncation, only rounding over the step."""
    rng, n = np.random.default_rng(3), 6
    H = np.stack([strategies.with_spectrum(rng, rng.uniform(-1, 1, n))] * COUNT)
    x = rng.standard_normal((COUNT, n))
    g, o = x @ H[0], options(DAMPING=0.5)
    by_products = table(value=(nothing(), 0), hvp=(product(), H.ctypes.data))
    by_gradients = table(value=(nothing(), 0), gradient=(slope(), H.ctypes.data))
    one = take(SADDLE_FREE, H, g, o, k=n, forms=by_products, x=x)[0]
    other = take(SADDLE_FREE, H, g, o, k=n, forms=by_gradients, x=x)[0]
    error = n * n * EPS * np.linalg.norm(H[0]) * 2.0**17  # of each product, for a unit vector
    bound = np.linalg.norm(g, axis=1) * error / 0.5**2
    assert (np.linalg.norm(one - other, axis=1) <= bound).all()
    assert np.abs(one - other).max() > 0
