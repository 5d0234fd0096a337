"""Random numbers for data and weights, from the same streams as the studies'."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.studies.seeds import stream_key

__all__ = ["Draws"]

Floats: TypeAlias = NDArray[np.float64]

#: Version of the streams; raised whenever the same seed would give other numbers.
_STREAM = 1


class Draws:
    """Uniforms and normals by row and purpose, whatever else is drawn.

    Parameters
    ----------
    seed : int
    name : str
        What the numbers are for; others have other numbers.
    **parameters
        Of what is drawn; only those that should change all numbers.

    Examples
    --------
    >>> draws = Draws(0, "example")
    >>> bool((draws.normals(3, 5)[:2, :4] == draws.normals(2, 4)).all())
    True
    """

    def __init__(self, seed: int, name: str, **parameters: Any) -> None:
        """Derive the key."""
        text = json.dumps(parameters, sort_keys=True)
        self._key = np.uint64(stream_key(seed, name, text, _STREAM, None))

    def normals(self, rows: int, size: int, purpose: int = 0) -> Floats:
        """(rows, size) independent standard normals."""
        out = np.empty((rows, size))
        saddlecore.draws.fill_normals(self._key, purpose, 0, out)
        return out

    def uniforms(self, rows: int, size: int, purpose: int = 0) -> Floats:
        """(rows, size) independent numbers in (0, 1)."""
        out = np.empty((rows, size))
        saddlecore.draws.fill_uniforms(self._key, purpose, 0, out)
        return out

    def order(self, size: int, purpose: int = 0) -> NDArray[np.int64]:
        """Return a uniformly random permutation of 0 … size − 1."""
        return np.argsort(self.uniforms(1, size, purpose)[0], kind="stable")
