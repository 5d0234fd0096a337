"""Values, gradients and Hessians of sympy expressions in mpmath arithmetic."""

import functools

import mpmath
import numpy as np
import sympy

DIGITS = 50
EPS = np.finfo(float).eps


@functools.cache
def program(symbols, expression):
    """x -> (value, gradient, lower triangle of the Hessian), to be run in mpmath."""
    gradient = [sympy.diff(expression, s) for s in symbols]
    triangle = [sympy.diff(g, s) for i, g in enumerate(gradient) for s in symbols[: i + 1]]
    return sympy.lambdify([symbols], [expression, gradient, triangle], "mpmath", cse=True)


@functools.cache
def value_program(symbols, expression):
    return sympy.lambdify([symbols], expression, "mpmath")


def value(symbols, expression, x, digits=DIGITS):
    """The value alone, mpf."""
    with mpmath.workdps(digits):
        return mpmath.mpf(value_program(tuple(symbols), expression)([mpmath.mpf(t) for t in x]))


def derivatives(symbols, expression, x, digits=DIGITS):
    """(value, [g_i], [[H_ij]]) as mpf; the entries of `x` are taken exactly as they are."""
    with mpmath.workdps(digits):
        run = program(tuple(symbols), expression)
        value, gradient, triangle = run([mpmath.mpf(t) for t in x])
        n = len(symbols)
        H = [[mpmath.mpf(0)] * n for _ in range(n)]
        entries = iter(triangle)
        for i in range(n):
            for j in range(i + 1):
                H[i][j] = H[j][i] = mpmath.mpf(next(entries))
        return mpmath.mpf(value), [mpmath.mpf(g) for g in gradient], H


def rounded(derivatives):
    """The same as float64: a float, an (n,) and an (n, n) array, each entry rounded once."""
    value, gradient, H = derivatives
    return (
        float(value),
        np.array([float(g) for g in gradient]),
        np.array([[float(h) for h in row] for row in H]),
    )


def inertia(H, digits=DIGITS):
    """(negative, zero, positive) eigenvalues; zero is below the 2/3 power of the rounding."""
    with mpmath.workdps(digits):
        values = mpmath.eigsy(mpmath.matrix(H), eigvals_only=True)
        zero = mpmath.mpf(10) ** (-2 * digits // 3) * max(map(abs, values))
        negative = sum(value < -zero for value in values)
        positive = sum(value > zero for value in values)
        return negative, len(H) - negative - positive, positive


def critical_point_near(symbols, expression, x, digits=DIGITS):
    """Newton's iteration with the shortest steps, from a point almost critical: a list of mpf.

    Where critical points fill a curve it goes to the nearest one, to first order.
    """
    with mpmath.workdps(digits):
        x = mpmath.matrix([mpmath.mpf(t) for t in x])
        for _ in range(60):
            _, gradient, H = derivatives(symbols, expression, list(x), digits)
            step = shortest_solution(mpmath.matrix(H), mpmath.matrix(gradient))
            x -= step
            if mpmath.norm(step) <= mpmath.mpf(10) ** (5 - digits) * (1 + mpmath.norm(x)):
                return list(x)
    raise ArithmeticError(f"no convergence from {x}")


def shortest_solution(H, g):
    """Of H s = g, where eigenvalues below 1e-10 of the largest are zero that g has no part in."""
    values, Q = mpmath.eigsy(H)
    parts = Q.T * g
    floor = max(map(abs, values)) * mpmath.mpf(10) ** -10
    kept = [part / v if abs(v) > floor else 0 for part, v in zip(parts, values, strict=True)]
    return Q * mpmath.matrix(kept)


# --- how far float64 may be from the truth ------------------------------------------------------


def rounding_error(symbols, expression, x):
    """Bound of the error of evaluating the expression at x in float64.

    Each constant and each operation is off by its rounding, library functions by two ulps.  The
    factor 2 is for those who evaluate the same terms in another order.
    """
    known = {s: (float(t), 0.0) for s, t in zip(symbols, x, strict=True)}
    underflow = np.finfo(float).tiny  # 2⁵² times what one underflow can lose
    return 2 * _with_error(expression, known)[1] + underflow


def rounding_errors_of_derivatives(symbols, expression, x):
    """The same for the gradient and the Hessian, (n,) and (n, n), evaluated term by term."""
    known = {s: (float(t), 0.0) for s, t in zip(symbols, x, strict=True)}
    first, second = _derivatives_of(tuple(symbols), expression)
    bounds = [[_with_error(e, known)[1] for e in row] for row in (first, *second)]
    gradient, *hessian = 2 * np.array(bounds) + np.finfo(float).tiny
    return gradient, np.array(hessian)


@functools.cache
def _derivatives_of(symbols, expression):
    first = [sympy.diff(expression, s) for s in symbols]
    return first, [[sympy.diff(g, s) for s in symbols] for g in first]


def _with_error(expression, known):
    """(value, bound of its error), remembered for each subexpression."""
    if expression not in known:
        known[expression] = _apply(expression, known)
    return known[expression]


def _apply(e, known):
    if e.is_number:
        return float(e), EPS * abs(float(e))
    if isinstance(e, sympy.Piecewise):
        return _with_error(_piece(e, known), known)
    values, errors = map(np.array, zip(*(_with_error(part, known) for part in e.args), strict=True))
    largest, count = np.abs(values) + errors, len(values)
    if e.is_Add:
        return values.sum(), errors.sum() + (count - 1) * EPS * largest.sum()
    if e.is_Mul:
        grown = largest.prod()
        return values.prod(), grown - np.abs(values).prod() + (count - 1) * EPS * grown
    if e.is_Pow and e.exp.is_number:
        return _power(values[0], errors[0], float(e.exp))
    symbol = sympy.Dummy(real=True)
    f = e.func(symbol)
    value, slope = (float(sympy.N(g.subs(symbol, values[0]))) for g in (f, f.diff(symbol)))
    return value, abs(slope) * errors[0] + 2 * EPS * abs(value)


def _piece(e, known):
    """The piece that holds where the symbols are, which are exact."""
    symbols = e.free_symbols
    return next(p for p, where in e.args if where.subs({s: known[s][0] for s in symbols}))


def _power(base, error, p):
    """|t|^p is monotone: the error is largest at an end of the interval."""
    value, size = base**p, abs(base)
    end = (size + error) ** p if p > 0 else max(size - error, error) ** p
    return value, abs(end - abs(value)) + (1 + abs(p)) * EPS * max(end, abs(value))
