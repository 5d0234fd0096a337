"""Independent entries of random matrices, in lanes: every law from the streams' own blocks.

A *sampler* is a form (see `saddlecore.forms`) that draws one matrix in each lane:

    x       a request, words of 64 bits: the key's halves, two that are a user's stream's own (see
            `saddlecore.sampling`), the sample number of each lane, and the stream's w words
    n       the dimension
    out     n² elements, of which the upper triangle is to be filled, and then its scratch
    data    the address of the ensemble's numbers (float64)

Block p of sample i has the counter (i mod 2³², i div 2³², p, attempt) under the study's key,
whatever the lanes beside it hold, and gives two words A and B of 64 bits (`saddlecore.streams`):

    Gaussian     a pair of normals
    uniform      √3 (2U − 1), U from A and from B
    Laplace      ± ln U / √2, from A and from B, the sign from bit 0
    Rademacher   128 signs
    Student-t    √(ν (U^(−2/ν) − 1)) cos 2πV, U from A and V from B: Bailey's form (Math. Comp. 62,
                 1994) of Box and Muller's, raw; divided by √(ν/(ν − 2)) where that exists

All but the raw Student-t have mean 0 and variance 1.  Entries are numbered along the rows of the
upper triangle, (0, 0), (0, 1), …; a block serves the next one, two or 128 of them.
"""

import math

import numpy as np

from saddlecore.gammas import exp
from saddlecore.jit import device
from saddlecore.laneops import all_lanes, bits_of, fma, from_bits, select, width
from saddlecore.memory import load, store
from saddlecore.philox import philox2x64
from saddlecore.streams import acceptance, log, normal_pair, quarter_circle, uniform

__all__ = ["COUNTER", "GAUSSIAN", "LAPLACE", "RADEMACHER", "REQUEST", "SCRATCH", "SPARE",
           "STUDENT", "UNIFORM", "asked", "block", "draw_gamma", "draw_pair", "fill_entries",
           "student"]  # fmt: skip

GAUSSIAN, RADEMACHER, UNIFORM, LAPLACE, STUDENT = range(5)

#: Words of a request before the sample numbers.
REQUEST = 4
#: Where a user's stream counts its blocks, and notes whether the second normal of one is left.
COUNTER, SPARE = 2, 3
# Blocks that go through each stage at once.
_CHUNK = 32
#: Elements of scratch that `fill_entries` wants.
SCRATCH = 2 * _CHUNK

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
_SIGN = np.uint64(1 << 63)
_FRACTION = np.uint64(0x000FFFFFFFFFFFFF)
_TWO_ROOT_3 = 2.0 * math.sqrt(3.0)
_ROOT_HALF = math.sqrt(0.5)


@device
def asked(z, words):
    """What a request's words say: the key's halves, the sample numbers' low and high halves."""
    samples = load(z, words, REQUEST)
    return words[0], words[1], samples & _LOW, samples >> _32


@device
def block(request, number, attempt):
    """The words A and B of a block of every lane's sample."""
    k0, k1, low, high = request
    return philox2x64(low, high, np.uint64(number), np.uint64(attempt), k0, k1)


@device
def _expm1(y):
    """exp(y) − 1 for 0 ≤ y ≤ 700, to 2⁻⁴³ of itself."""
    series = fma(y, fma(y, fma(y, fma(y, 1.0 / 120.0, 1.0 / 24.0), 1.0 / 6.0), 0.5), 1.0) * y
    return select(y < 2.0**-10, series, exp(y) - 1.0)


@device
def _cosine(B):
    """cos 2πV of the uniform angle that a word holds: a quarter circle, then two reflections."""
    c, s = quarter_circle(from_bits(((B << np.uint64(13)) & _FRACTION) | _ONE) - 1.5)
    exchange = (B & np.uint64(1 << 62)) != np.uint64(0)
    return from_bits(bits_of(select(exchange, s, c)) ^ (B & _SIGN)) * _ROOT_HALF


@device
def student(A, B, nu, scale):
    """A variate of Student's t with ν degrees of freedom, times `scale`."""
    return (scale * math.sqrt(nu)) * math.sqrt(_expm1((-2.0 / nu) * log(uniform(A)))) * _cosine(B)


@device
def _laplace(A):
    return from_bits(bits_of(log(uniform(A)) * _ROOT_HALF) ^ (A << np.uint64(63)))


@device
def draw_pair(law, A, B, nu, scale):
    """The two entries of a block; of Student's t there is one, twice."""
    if law == GAUSSIAN:
        return normal_pair(A, B)
    if law == UNIFORM:
        return fma(uniform(A), _TWO_ROOT_3, -0.5 * _TWO_ROOT_3), fma(
            uniform(B), _TWO_ROOT_3, -0.5 * _TWO_ROOT_3
        )
    if law == LAPLACE:
        return _laplace(A), _laplace(B)
    t = student(A, B, nu, scale)
    return t, t


@device
def _proposal(A, B, constants):
    """A normal, Marsaglia and Tsang's variate from the other, and whether that is accepted."""
    d, k, m, _ = constants
    z0, x = normal_pair(A, B)
    t = fma(x, m, k)
    value = t * t * t
    v = value / d
    limit = fma(x * x, 0.5, d * (1.0 - v + log(v)))
    return z0, value, (t > 0.0) & (log(acceptance(B)) < limit)


@device
def draw_gamma(request, number, constants):
    """A normal and a gamma variate of shape at least 1 from block `number`, independent.

    `constants` are the shape's, of `saddlecore.streams.gamma_constants`.
    """
    A, B = block(request, number, 0)
    normal, value, accepted = _proposal(A, B, constants)
    attempt = 0
    while not all_lanes(accepted):
        attempt += 1
        A, B = block(request, number, attempt)
        _, again, fits = _proposal(A, B, constants)
        value = select(accepted, value, again)
        accepted = accepted | fits
    return normal, value


@device
def _place(z, A, n, i, j, x, diagonal, shift):
    """Entry (i, j), and where the next one stands."""
    if i == j:
        x = fma(x, diagonal, -shift)
    store(A, (i * n + j) * width(z), x)
    if j + 1 < n:
        return i, j + 1
    return i + 1, i + 1


@device
def _fill_signs(z, request, A, n, diagonal, shift):
    i = j = 0
    for number in range((n * (n + 1) // 2 + 127) // 128):
        word, following = block(request, number, 0)
        for _ in range(2):
            for bit in range(64):
                if i == n:
                    break
                x = from_bits(((word << np.uint64(bit)) & _SIGN) | _ONE)
                i, j = _place(z, A, n, i, j, x, diagonal, shift)
            word = following


@device
def _fill_pairs(z, request, law, A, n, diagonal, shift, nu, scale, scratch):
    w = width(z)
    each = 1 if law == STUDENT else 2
    entries = n * (n + 1) // 2
    blocks = (entries + each - 1) // each
    i = j = 0
    for first in range(0, blocks, _CHUNK):
        count = min(_CHUNK, blocks - first)
        for k in range(count):
            one, other = block(request, first + k, 0)
            store(scratch, 2 * k * w, from_bits(one))
            store(scratch, (2 * k + 1) * w, from_bits(other))
        for k in range(count):
            one = bits_of(load(z, scratch, 2 * k * w))
            other = bits_of(load(z, scratch, (2 * k + 1) * w))
            x, y = draw_pair(law, one, other, nu, scale)
            store(scratch, 2 * k * w, x)
            store(scratch, (2 * k + 1) * w, y)
        step = 2 // each
        for k in range(min(each * count, entries - each * first)):
            x = load(z, scratch, step * k * w)
            i, j = _place(z, A, n, i, j, x, diagonal, shift)


@device
def fill_entries(z, request, law, A, n, diagonal, shift, nu, scale, scratch):
    """The upper triangle of a matrix with independent entries.

    Those on the diagonal are multiplied by `diagonal`, and `shift` is subtracted; `nu` and `scale`
    are Student's; `scratch` has `SCRATCH` elements.
    """
    if law == RADEMACHER:
        _fill_signs(z, request, A, n, diagonal, shift)
    else:
        _fill_pairs(z, request, law, A, n, diagonal, shift, nu, scale, scratch)
