"""P(index = 0) of the β-Hermite ensembles where no other index is wanted: for any n."""

from __future__ import annotations

import functools
import math

import numpy as np

from saddlelab.laws._chain import chain_laws

#: c₃ and what multiplies 1/n, 1/n², …, in 18 digits from exact arithmetic (c₃, and β = 1) or fitted
#: to chains of n = 16 … 200, whose logarithms are good to 3e-16 of themselves.
_SERIES = {
    1.0: (-0.01722316679095404, -0.0152510584910, -0.00805955702, 0.00726217483, 0.0056667956),
    2.0: (-0.1436191377102614, 0.0, -1.0 / 1152.0, 0.0, 0.00318),
    4.0: (-0.3926778895942578, 0.0076255297, -0.00201494, -0.000905, 0.00029),
}
#: Dimensions that a series of an unlisted β is fitted to.
_FIRST, _LAST, _TERMS = 40, 200, 5
#: Below, the chain itself.
SMALL = 200


def log_minimum(beta: float, n: int) -> float:
    """ln P(no negative eigenvalue), relative error 1e-12 at most.

    −β (ln 3/4) n² (Dean & Majumdar, Phys. Rev. Lett. 97, 2006) with further terms whose form was
    found numerically for β = 1, 2, 4, and fits the chains of every β that was tried; not proved.
    """
    if n <= SMALL:
        return float(dict(chain_laws(beta, 0.0, [n]))[n][0])
    powers = float(n) ** -np.arange(float(_TERMS))
    return _leading(beta, n) + float(np.dot(_series(beta), powers))


def _leading(beta: float, n: int) -> float:
    return (
        -beta * math.log(3.0) / 4.0 * n * n
        - (1.0 - beta / 2.0) * math.log1p(2.0 / math.sqrt(3.0)) * n
        - (3.0 - beta / 2.0 - 2.0 / beta) / 12.0 * math.log(n)
    )


@functools.lru_cache(maxsize=64)
def _series(beta: float) -> tuple[float, ...]:
    if beta in _SERIES:
        return _SERIES[beta]
    dims = np.arange(_FIRST, _LAST + 1)
    laws = chain_laws(beta, 0.0, range(_FIRST, _LAST + 1))
    rest = [law[0] - _leading(beta, n) for n, law in laws]
    powers = dims[:, None].astype(float) ** -np.arange(float(_TERMS))
    return tuple(np.linalg.lstsq(powers, np.array(rest), rcond=None)[0].tolist())
