"""Named landscapes with known critical points.

Each is a :class:`Surface`: a plain function, its bounds, its critical points and its source.

>>> from saddlelab import surfaces
>>> surfaces.rosenbrock([1.0, 1.0])
0.0
>>> surfaces.get("monkey_saddle").points().zeros.tolist()
[2]
"""

from __future__ import annotations

import difflib

from saddlelab.surfaces._base import Surface
from saddlelab.surfaces._known import KnownPoints
from saddlelab.surfaces.gaussians import gaussian_mixture, muller_brown, peaks
from saddlelab.surfaces.molecular import lennard_jones
from saddlelab.surfaces.networks import deep_linear, three_weights, two_weights
from saddlelab.surfaces.polynomials import (
    beale,
    booth,
    goldstein_price,
    himmelblau,
    matyas,
    six_hump_camel,
    three_hump_camel,
)
from saddlelab.surfaces.polynomials_n import (
    powell_singular,
    rosenbrock,
    styblinski_tang,
    trid,
    wood,
)
from saddlelab.surfaces.saddles import (
    dauphin_saddle,
    double_well,
    escape_saddle,
    monkey_saddle,
    quadratic_saddle,
    sin_cos,
    ten_saddle,
)
from saddlelab.surfaces.staircase import staircase
from saddlelab.surfaces.waves import (
    ackley,
    bohachevsky,
    branin,
    easom,
    griewank,
    levy,
    mccormick,
    rastrigin,
)

__all__ = [
    "KnownPoints",
    "Surface",
    "ackley",
    "beale",
    "bohachevsky",
    "booth",
    "branin",
    "catalogue",
    "dauphin_saddle",
    "deep_linear",
    "double_well",
    "easom",
    "escape_saddle",
    "gaussian_mixture",
    "get",
    "goldstein_price",
    "griewank",
    "himmelblau",
    "lennard_jones",
    "levy",
    "matyas",
    "mccormick",
    "monkey_saddle",
    "muller_brown",
    "names",
    "peaks",
    "powell_singular",
    "quadratic_saddle",
    "rastrigin",
    "rosenbrock",
    "sin_cos",
    "six_hump_camel",
    "staircase",
    "styblinski_tang",
    "ten_saddle",
    "three_hump_camel",
    "three_weights",
    "trid",
    "two_weights",
    "wood",
]

_CATALOGUE = {name: each for name, each in sorted(globals().items()) if isinstance(each, Surface)}


def names() -> tuple[str, ...]:
    """Names of all surfaces, sorted."""
    return tuple(_CATALOGUE)


def catalogue() -> dict[str, Surface]:
    """All surfaces by name (a new dict)."""
    return dict(_CATALOGUE)


def get(name: str) -> Surface:
    """Return the surface of that name.

    Raises
    ------
    ValueError
        If there is none; the nearest names are suggested.
    TypeError
        If `name` is no string.

    Examples
    --------
    >>> get("himmelblau")
    <surface himmelblau, n = 2>
    >>> get("rosenbrok")
    Traceback (most recent call last):
    ...
    ValueError: `name` must be one of surfaces.names(), got 'rosenbrok': did you mean 'rosenbrock'?
    """
    if not isinstance(name, str):
        raise TypeError(f"`name` must be a string, got {name!r}")
    if name not in _CATALOGUE:
        near = difflib.get_close_matches(name.lower(), _CATALOGUE, n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "none is like it"
        raise ValueError(f"`name` must be one of surfaces.names(), got {name!r}: {hint}")
    return _CATALOGUE[name]
