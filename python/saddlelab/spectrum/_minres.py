"""MINRES (Paige & Saunders, SIAM J. Numer. Anal. 12, 1975), for singular systems too."""

from __future__ import annotations

import math

import numpy as np

from saddlelab.spectrum._krylov import norm
from saddlelab.spectrum._operator import Floats, SymmetricOperator


def minres(operator: SymmetricOperator, b: Floats, tol: float, most: int) -> Floats:
    """Return x with ‖b − Hx‖ ≤ tol‖b‖, or the best of `most` products.

    It ends early at a least-squares solution, where ‖Hr‖ is rounding beside ‖H‖‖r‖: the residual r
    of a singular system is then in the kernel.  Symbols as in Choi, Paige & Saunders, SIAM J. Sci.
    Comput. 33 (2011), table 2.
    """
    beta = phi = norm(b)
    x = np.zeros_like(b)
    v, v_old = b / beta, x
    d, d_old = x, x
    c, s, delta, epsilon = -1.0, 0.0, 0.0, 0.0
    enough, beta, size = tol * phi, 0.0, 0.0
    for _ in range(most):
        p = operator.apply(v[None, :])[0]
        size = max(size, norm(p))
        alpha = float(v @ p)
        p -= alpha * v
        p -= beta * v_old
        beta = norm(p)
        delta, gamma = c * delta + s * alpha, s * delta - c * alpha
        epsilon_new, delta_new = s * beta, -c * beta
        if math.hypot(gamma, delta_new) <= operator.n * operator.eps * size:
            break
        length = math.hypot(gamma, beta)
        c, s = gamma / length, beta / length
        d, d_old = (v - delta * d - epsilon * d_old) / length, d
        x = x + (c * phi) * d
        phi *= s
        if phi <= enough or beta == 0.0:
            break
        v, v_old = p / beta, v
        delta, epsilon = delta_new, epsilon_new
    return x
