"""Index laws of critical points of random landscapes: shifted GOE matrices weighted by |det|."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.laws._chain import chain_laws

Floats: TypeAlias = NDArray[np.float64]

#: Dimensions beyond take minutes.
MAX_DIM = 50


def landscape_law(n: int, mean: float, variance: float) -> Floats:
    """ln of the fraction of critical points of index k = 0 … n.

    The Hessian at a critical point is a GOE matrix less s times the identity, s ~ N(mean, variance)
    independent of it, weighted by |det| (Kac–Rice; Fyodorov, Phys. Rev. Lett. 92, 2004): in the
    units of the chain the fractions are ∫ N(s) E(|det(H − s)|; k eigenvalues below s) ds, by the
    trapezoidal rule.

    Parameters
    ----------
    n : int
    mean, variance : float
        See :meth:`saddlelab.ensembles._kac_rice.KacRice.shift_law`.
    """
    if variance == 0.0:
        law = _weighted(n, mean)
    elif mean == 0.0:
        # Half a step off 0: s < 0 is s > 0 mirrored.
        shifts = _nodes(n, 0.0, variance)
        rows = [_weighted(n, s) - s * s / (2.0 * variance) for s in shifts if s > 0.0]
        law = np.logaddexp.reduce(np.array(rows + [row[::-1] for row in rows]), axis=0)
    else:
        shifts = _nodes(n, mean, variance)
        rows = [_weighted(n, s) - (s - mean) ** 2 / (2.0 * variance) for s in shifts]
        law = np.logaddexp.reduce(np.array(rows), axis=0)
    found: Floats = law - np.logaddexp.reduce(law)
    return found


def _weighted(n: int, shift: float) -> Floats:
    return dict(chain_laws(1.0, shift, [n], weighted=True))[n]


def _nodes(n: int, mean: float, variance: float) -> list[float]:
    """Nodes of the trapezoidal rule, symmetric about 0 but not at it where the mean is 0.

    Weighting by |det| multiplies N(mean, τ²) by exp(s²/2) and by what is of order 1 inside the
    semicircle, a sum of products of Hermite functions, which oscillates no faster than 2 edges.
    What is left is a normal law of variance V = τ²/(1 − τ²), or none at all where τ² = 1.
    """
    edge = math.sqrt(2.0 * n)
    spread = math.sqrt(variance / max(1.0 - variance, 1e-12))
    centre = mean / max(1.0 - variance, 1e-12)
    step = 2.0 * math.pi / (2.7 * edge + 8.5 * max(1.0, 1.0 / spread))
    # Beyond the edges the Hermite functions end.  The rare indices are from far shifts: the law of
    # an index k may be tilted by 2 edges.
    beyond = edge + (4.5 if spread <= 1.0 else 8.5)
    reach = 8.6 * spread + 4.0 * edge * spread**2
    far = 8.6 * min(spread, 1.0)
    low = max(min(-beyond, centre - far), centre - reach)
    high = min(max(beyond, centre + far), centre + reach)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [(i + 0.5) * step for i in range(first, last)]
