"""Critical points the slow way: many starts of scipy.optimize.root, and plain loops."""

from fractions import Fraction

import numpy as np
from scipy.optimize import root

EPS = np.finfo(float).eps


def multistart(gradient, hessian, bounds, starts, rng):
    """Roots of the gradient in a box, from uniform random starts: x (k, n) and index (k,)."""
    low, high = np.array(bounds, float).T
    found = []
    for start in rng.uniform(low, high, (starts, len(low))):
        # Powell's hybrid method says "success" of x that no longer moves, too.
        end = root(gradient, start, jac=hessian, tol=1e-13)
        x, H = end.x, np.asarray(hessian(end.x))
        if not np.isfinite(H).all() or np.linalg.cond(H) > 1e10:
            continue
        near = np.linalg.norm(np.linalg.solve(H, gradient(x))) < 1e-9 * max(1, np.linalg.norm(x))
        inside = ((low <= x) & (x <= high)).all()
        known = any(np.linalg.norm(x - other) < 1e-6 for other in found)
        if near and inside and not known:
            found.append(x)
    x = np.array(sorted(map(tuple, found))).reshape(-1, len(low))
    return x, np.array([index(hessian(row)) for row in x], int)


def index(H):
    """How many eigenvalues are negative."""
    return int(np.sum(np.linalg.eigvalsh(H) < 0))


def levenberg_marquardt(gradient, hessian, x, bounds, most):
    """min ‖∇f‖² with H. B. Nielsen's damping (IMM-REP-1999-05), every step by numpy.linalg.lstsq.

    Variables are measured in widths of the box.  Returns the end, ‖∇f‖ there, the number of
    evaluations and why it ended ("converged", "left", "not finite", "stopped").
    """
    low, high = np.array(bounds, float).T
    width = high - low
    x, damping, growth = np.array(x, float), 1e-2, 2.0
    g, H = width * gradient(x), np.outer(width, width) * hessian(x)
    if not np.isfinite(g).all():
        return x, np.inf, 1, "not finite"
    D = 0.0 * g
    for evaluations in range(2, most + 1):
        bits = (len(x) + 2) * EPS
        if (np.abs(g) <= bits * np.abs(H) @ (np.abs(x / width) + 1e-3)).all():
            return x, np.linalg.norm(g), evaluations, "converged"
        D = np.maximum(D, np.sum(H**2, axis=0))
        A, b = np.vstack([H, np.diag(np.sqrt(damping * D))]), np.append(-g, 0 * g)
        step = np.linalg.lstsq(A, b, rcond=None)[0]
        if all((abs(y - (low + high) / 2) > 1.5 * width).any() for y in (x, x + width * step)):
            return x, np.linalg.norm(g), evaluations, "left"
        there, before = width * gradient(x + width * step), g @ g
        ratio = (before - there @ there) / (step @ (-H @ g + damping * D * step))
        if np.isfinite(there).all() and there @ there < before:
            x, g = x + width * step, there
            H = np.outer(width, width) * hessian(x)
            damping *= min(1.0, max(0.1, 1 - (2 * ratio - 1) ** 3))
            growth = 2.0
        else:
            damping, growth = damping * growth, 2 * growth
    return x, np.linalg.norm(g), most, "stopped"


def unseen(counts):
    """Chao's lower bound of the number of classes not seen, and Good and Turing's coverage.

    A. Chao, Scand. J. Statist. 11 (1984) 265–270, bias-corrected; I. J. Good, Biometrika 40 (1953)
    237–264.
    """
    counts = list(map(int, counts))
    once, twice, total = counts.count(1), counts.count(2), sum(counts)
    missing = Fraction(once * (once - 1), 2 * (twice + 1))
    return missing, 1 - Fraction(once, total) if total else Fraction(0)


def turns(gradients, bounds, side):
    """How many times a plane field turns around a rectangle, and the largest turn of a step.

    From the angles between neighbours, atan2(g × g', g · g'); ``gradients`` takes (k, 2) points.
    """
    (a, b), (c, d) = bounds
    t = np.linspace(0, 1, side, endpoint=False)
    zero = 0 * t
    edges = [(a + (b - a) * t, zero + c), (zero + b, c + (d - c) * t),
             (b - (b - a) * t, zero + d), (zero + a, d - (d - c) * t)]  # fmt: skip
    g = gradients(np.hstack(edges).T)
    after = np.roll(g, -1, axis=0)
    angles = np.arctan2(g[:, 0] * after[:, 1] - g[:, 1] * after[:, 0], np.sum(g * after, axis=1))
    return float(angles.sum() / (2 * np.pi)), float(np.abs(angles).max())


def descend(gradient, x, step, most):
    """Euler's method with short steps along −∇f: the end."""
    x = np.array(x, float)
    for _ in range(most):
        x = x - step * gradient(x)
    return x
