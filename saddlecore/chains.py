"""What the chains of minors share: their width, their scaling, and the histogram they fill.

A chain carries leading principal minors of a tridiagonal matrix, as a pair that the recurrence
extends by a row, and counts their sign changes (Sylvester's law).  Its group of samples takes all
lanes of one value; the pair is scaled by a power of two now and then, which changes no sign.
"""

import numpy as np

from saddlecore.jit import device
from saddlecore.laneops import bits_of, from_bits

__all__ = ["WIDTH", "record", "scale_of"]

# Sixteen lanes: two registers of AVX-512, whose chains of latency overlap.
WIDTH = 16

_POWER = np.uint64(0x7FF0000000000000)
_INVERSE = np.uint64(0x7FE0000000000000)


@device
def scale_of(x, y):
    """2^(1023 − exponent of the larger): it brings the larger of |x| and |y| to near 1."""
    return from_bits(_INVERSE - (bits_of(max(abs(x), abs(y))) & _POWER))


@device
def record(index, w, origin, first, stop, counts, offset):
    """Add the indices of samples origin … origin + w − 1, those in first … stop − 1."""
    start = np.uint64(offset)  # unsigned: a negative index would be looked at twice
    if first <= origin and stop - origin >= w:  # origin + w might overflow
        for k in range(w):
            counts[start + index[k]] += 1
    else:
        for k in range(max(first - origin, 0), min(stop - origin, w)):
            counts[start + index[k]] += 1
