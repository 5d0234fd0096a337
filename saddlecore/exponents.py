"""Powers of two: steps are chosen by their exponents, and so do not depend on any libm."""

import math

import numpy as np

from saddlecore.jit import device
from saddlecore.laneops import bits_of, from_bits

__all__ = ["exponent", "power_of_two"]

_EXPONENT = np.uint64(0x7FF)
_MANTISSA_BITS = np.uint64(52)
# A whole number below 2⁵² in the last bits of a float64 between 2⁵² and 2⁵³.
_AS_FLOAT = np.uint64(0x4330000000000000)
_TWO_52 = 4503599627370496.0
_BIAS = 1023.0


@device
def exponent(x):
    """⌊log₂|x|⌋ as a float; −1023 for 0 and subnormal numbers, 1024 for infinity and NaN."""
    return from_bits(((bits_of(x) >> _MANTISSA_BITS) & _EXPONENT) | _AS_FLOAT) - (_TWO_52 + _BIAS)


@device
def power_of_two(k):
    """2ᵏ for a whole k, held in [−1022, 1023]."""
    k = min(max(k, -1022.0), 1023.0)
    return from_bits(bits_of(math.floor(k) + (_TWO_52 + _BIAS)) << _MANTISSA_BITS)
