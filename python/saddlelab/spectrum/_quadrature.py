"""Gauss quadrature of spectral measures by Lanczos, many starts at a time."""

from __future__ import annotations

import math

import numpy as np

from saddlelab.spectrum._krylov import project
from saddlelab.spectrum._operator import Floats, SymmetricOperator

#: Numbers in the bases of the probes that advance together: 256 MiB, or what one probe takes.
_TOGETHER = 2**25
#: From 2 GiB for one probe on, the three-term recurrence has to do.
_MOST_NUMBERS = 2**28


def quadratures(
    operator: SymmetricOperator, probes: int, steps: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return nodes, weights and the nodes' residuals, each (probes, steps).

    For each probe z, uniform on the unit sphere: zᵀp(H)z = Σ weights · p(nodes) for every
    polynomial p of degree below 2·steps (Golub & Meurant 2010, chapter 6).  A Krylov space that is
    invariant has fewer nodes; the rest has weight 0.  Without reorthogonalisation, where the bases
    would be too large, nodes that have converged appear again and share their weight, and the
    quadrature is that of a nearby measure (Greenbaum, Linear Algebra Appl. 113, 1989).
    """
    n = operator.n
    rows = steps if n * steps <= _MOST_NUMBERS else min(steps, 2)
    together = max(1, min(probes, _TOGETHER // (n * rows)))
    parts = []
    for first in range(0, probes, together):
        starts = rng.standard_normal((min(together, probes - first), n))
        starts /= np.sqrt(np.einsum("ij,ij->i", starts, starts))[:, None]
        parts.append(_gauss(*_lanczos(operator, starts, steps, rows)))
    nodes, weights, residuals = (np.concatenate(part) for part in zip(*parts, strict=True))
    return nodes, weights, residuals


def _lanczos(
    operator: SymmetricOperator, starts: Floats, steps: int, rows: int
) -> tuple[Floats, Floats, list[int]]:
    """Return diagonals, off-diagonals (last: the residual's norm) and sizes of the Jacobi matrices.

    The last `rows` rows of each basis are kept; reorthogonalisation takes all `steps` of them.
    """
    probes, n = starts.shape
    V = np.empty((probes, rows, n))
    V[:, 0] = starts
    a, b = np.zeros((probes, steps)), np.zeros((probes, steps))
    sizes = [steps] * probes
    norm = 0.0
    going = list(range(probes))
    for j in range(steps):
        W = operator.apply(V[going, j % rows])
        norm = max(norm, math.sqrt(float(np.einsum("ij,ij->i", W, W).max())))
        enough = math.sqrt(n) * operator.eps * norm
        for i, w in zip(list(going), W, strict=True):
            if j:
                w -= b[i, j - 1] * V[i, (j - 1) % rows]
            a[i, j] = V[i, j % rows] @ w
            w -= a[i, j] * V[i, j % rows]
            gap, b[i, j] = project(w, V[i, : min(j + 1, rows)])
            if rows == steps:
                operator.check_symmetry(math.sqrt(float(gap[:j] @ gap[:j])), norm)
            if b[i, j] <= enough or j + 1 == n:
                b[i, j], sizes[i] = 0.0, j + 1
                going.remove(i)
            elif j + 1 < steps:
                V[i, (j + 1) % rows] = w / b[i, j]
        if not going:
            break
    return a, b, sizes


def _gauss(a: Floats, b: Floats, sizes: list[int]) -> tuple[Floats, Floats, Floats]:
    """Eigenvalues of the Jacobi matrices, squared first and last components of their vectors."""
    probes, steps = a.shape
    nodes, weights, residuals = (np.zeros((probes, steps)) for _ in range(3))
    for i, m in enumerate(sizes):
        J = np.diag(a[i, :m]) + np.diag(b[i, : m - 1], 1) + np.diag(b[i, : m - 1], -1)
        nodes[i, :m], vectors = np.linalg.eigh(J)
        nodes[i, m:] = nodes[i, m - 1]
        weights[i, :m] = vectors[0] ** 2
        residuals[i, :m] = b[i, m - 1] * np.abs(vectors[-1])
    return nodes, weights, residuals
