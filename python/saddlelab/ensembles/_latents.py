"""Independent numbers that an ensemble's matrices are functions of."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Latents(NamedTuple):
    """What ``saddlecore.latents`` makes a matrix of; see there.

    ``form`` is the name of one of its forms; ``gammas`` holds shapes, the others are how many there
    are of a kind; a bit is 1 with ``probability``.  ``scale`` is that of the entries, ``factor`` of
    those on the diagonal besides; ``shift`` is subtracted from the diagonal in the end.
    """

    form: str
    shift: float
    normals: int = 0
    gammas: NDArray[np.float64] = np.zeros(0)
    uniforms: int = 0
    bits: int = 0
    probability: float = 0.5
    scale: float = 1.0
    factor: float = 1.0
    data: int = 1

    def problem(self, n: int, kind: str, max_index: int) -> tuple[Any, ...]:
        """Return the engine's tuple for at most ``max_index`` negative eigenvalues of ±H."""
        from saddlecore import latents

        sign = 1.0 if kind == "minimum" else -1.0
        numbers = (self.probability, self.scale, self.factor, self.shift, sign, self.data)
        parts = (self.normals, len(self.gammas), self.uniforms, self.bits)
        form = getattr(latents, self.form.upper())
        return form, np.array(numbers, float), parts, self.gammas, n, max_index
