"""The functions to differentiate are their formulas, and their derivatives are exact."""

import mpmath
import numpy as np
import pytest
import sympy
from reference import exact
from reference.functions import CASES, exact_derivatives, rounding_errors

EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_there_are_enough_of_each_kind():
    assert len(CASES) >= 27
    kinds = [kind for case in CASES.values() for kind in case.kinds]
    assert {kind: kinds.count(kind) >= 20 for kind in set(kinds)} == dict.fromkeys(
        ("given", "ordinary", "tiny", "huge", "mixed"), True
    )


@EACH
def test_the_plain_function_is_the_formula(case):
    symbols, formula = case.formula
    for x in case.points:
        assert x.shape == (case.n,)
        error = abs(case.fun(x) - exact.value(symbols, formula, x))
        assert error <= exact.rounding_error(symbols, formula, x), x


@EACH
def test_fifty_digits_are_enough(case):
    """Twice as many round to the same floats (what vanishes exactly aside)."""
    symbols, formula = case.formula
    for x in case.points:
        fifty = exact.derivatives(symbols, formula, x)
        hundred = exact.derivatives(symbols, formula, x, digits=100)
        scale = max(1, *(abs(entry) for entry in flat(hundred)))
        for a, b in zip(flat(fifty), flat(hundred), strict=True):
            assert float(a) == float(b) or max(abs(a), abs(b)) <= scale * mpmath.mpf(10) ** -45


def flat(derivatives):
    value, gradient, hessian = derivatives
    return [value, *gradient, *(entry for row in hessian for entry in row)]


@EACH
def test_derivatives_are_those_of_differences_in_many_digits(case):
    """Central differences of the formula with 100 digits and h = 1e-20: nothing symbolic."""
    symbols, formula = case.formula
    x = case.points[-1]
    _, gradient, hessian = exact_derivatives(case, x)
    h = mpmath.mpf(10) ** -20
    with mpmath.workdps(100):
        centre = [mpmath.mpf(t) for t in x.tolist()]

        def f(*moves):
            at = list(centre)
            for i, step in moves:
                at[i] += step
            return exact.value(symbols, formula, at, digits=100)

        for i in range(case.n):
            slope = (f((i, h)) - f((i, -h))) / (2 * h)
            assert agrees(gradient[i], slope)
            for j in range(i + 1):
                across = f((i, h), (j, h)) - f((i, h), (j, -h))
                across -= f((i, -h), (j, h)) - f((i, -h), (j, -h))
                assert agrees(hessian[i, j], across / (4 * h * h))


def agrees(number, difference):
    """To an ulp, or where differences of order h² = 1e-40 cannot see it."""
    scale = 1e-30 * (1 + abs(difference))
    return abs(number - difference) <= exact.EPS * abs(difference) + scale


@EACH
def test_the_bounds_of_rounding_hold_for_the_formulas_in_float64(case):
    symbols, formula = case.formula
    gradient = [sympy.diff(formula, s) for s in symbols]
    hessian = [[sympy.diff(g, s) for s in symbols] for g in gradient]
    run = sympy.lambdify([symbols], [gradient, hessian])
    for x in case.points:
        _, *truths = exact_derivatives(case, x)
        for computed, truth, bound in zip(run(x), truths, rounding_errors(case, x), strict=True):
            # The truth itself is rounded once.
            assert (np.abs(np.array(computed) - truth) <= bound + exact.EPS * np.abs(truth)).all()


@EACH
def test_results_are_finite_floats_of_the_callers_own(case):
    for x in case.points:
        value, gradient, hessian = exact_derivatives(case, x)
        assert isinstance(value, float)
        assert np.isfinite(value)
        assert gradient.shape == (case.n,)
        assert hessian.shape == (case.n, case.n)
        assert np.isfinite(gradient).all()
        assert np.isfinite(hessian).all()
        assert np.array_equal(hessian, hessian.T)
        gradient[:] = hessian[:] = np.nan
        assert not np.isnan(exact_derivatives(case, x)[2]).any()
