"""Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror & Shaw (SC 2011).

A 32-bit word travels in the low half of a uint64, or of each lane of one; what stands in the high
half does not count.  Words may be lanes or plain numbers, mixed:
the types carry a number through the rounds as a number, so what all lanes share is computed once.
"""

import numpy as np

from saddlecore.jit import device
from saddlecore.laneops import (
    product_32,
    raise_half,
)

__all__ = ["philox2x64", "philox4x32"]

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@device
def _round(c0, c1, c2, c3, k0, k1):
    p0 = product_32(c0, _M0)
    p1 = product_32(c2, _M1)
    return (p1 >> _32) ^ c1 ^ k0, p1, (p0 >> _32) ^ c3 ^ k1, p0


@device
def _nine_rounds(c0, c1, c2, c3, k0, k1):
    # Not a loop: each round has types of its own while numbers turn into lanes.
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = k0 + _W0, k1 + _W1
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    return c0, c1, c2, c3, k0 + _W0, k1 + _W1


@device
def philox2x64(c0, c1, c2, c3, k0, k1):
    """The output words in pairs: (2³² w0 + w1, 2³² w2 + w3)."""
    c0, c1, c2, c3, k0, k1 = _nine_rounds(c0, c1, c2, c3, k0, k1)
    # The tenth round: its products hold both words of a pair where they are wanted.
    return (
        product_32(c2, _M1) ^ raise_half(c1 ^ k0),
        product_32(c0, _M0) ^ raise_half(c3 ^ k1),
    )


@device
def philox4x32(c0, c1, c2, c3, k0, k1):
    """The four 32-bit output words of the counter (c0, c1, c2, c3) under the key (k0, k1)."""
    A, B = philox2x64(c0, c1, c2, c3, k0, k1)
    return A >> _32, A & _LOW, B >> _32, B & _LOW
