"""Index law of the critical points of a smooth isotropic Gaussian field, all heights."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.laws._chain import chain_laws

Floats: TypeAlias = NDArray[np.float64]

#: Dimensions beyond take minutes.
MAX_DIM = 50


def field_law(n: int) -> Floats:
    """ln of the fraction of critical points of index k = 0 … n.

    The Hessian at a critical point is a GOE matrix less x times the identity, x independent and
    normal, weighted by |det| (Kac–Rice; Fyodorov, Phys. Rev. Lett. 92, 2004): in the units of the
    chain the fractions are ∫ exp(−s²) E(|det(H − s)|; k eigenvalues below s) ds, by the trapezoidal
    rule, half a step off 0.  s < 0 is s > 0 mirrored.
    """
    edge = math.sqrt(2.0 * n)
    # The integrand is a polynomial of Hermite functions: it oscillates no faster than 2 edges.
    step = 2.0 * math.pi / (2.7 * edge + 8.5)
    shifts = step * (np.arange(math.ceil((edge + 4.5) / step)) + 0.5)
    rows = [dict(chain_laws(1.0, float(s), [n], weighted=True))[n] - s * s for s in shifts]
    both = np.array(rows + [row[::-1] for row in rows])
    law = np.logaddexp.reduce(both, axis=0)
    found: Floats = law - np.logaddexp.reduce(law)
    return found
