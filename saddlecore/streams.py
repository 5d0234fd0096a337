"""Random streams in lanes: every sample owns its numbers, whatever computes it.

One Philox4x32-10 block (w0, w1, w2, w3) serves one row of a random matrix.  Its key is the
study's 64-bit key (low half, high half), its counter

    (sample mod 2³², sample div 2³², row, attempt + 2¹⁶ · purpose).

With A = 2³² w0 + w1 and B = 2³² w2 + w3 it gives

    radius      U = (⌊A / 2¹²⌋ + ½) / 2⁵²  in (0, 1),  r = √(−2 ln U), negated if A is odd
    angle       φ = (π/2) ((B mod 2⁴⁰) / 2⁴⁰ − ½)  in [−π/4, π/4)
    normals     (z0, z1) = (r cos φ, r sin φ), exchanged if bit 1 of A is set   (Box & Muller 1958)
    acceptance  V = (⌊B / 2⁴⁰⌋ + ½) / 2²⁴

The quarter turns and the mirror images that sign and exchange add make (z0, z1) uniform on the
circle.  Gamma variates are Marsaglia & Tsang's (ACM TOMS 26, 2000), proposal z1, test V; when the
proposal is refused the next attempt's block is drawn, for that sample alone.

The same source serves any number of lanes and gives the same bits on every processor: no
libm, no contraction, fused multiply-adds only where they are written.
"""

import math

import numpy as np

from saddlecore.jit import device, kernel, outlined
from saddlecore.lanes import (
    all_lanes,
    bits_of,
    fma,
    from_bits,
    lane_numbers,
    load,
    select,
    store,
    width,
    zeros,
)
from saddlecore.philox import philox4x32_loose

__all__ = ["fill_gamma", "fill_normal", "fill_uniform", "log", "log_array"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
_FRACTION = np.uint64(0x000FFFFFFFFFFFFF)
_SIGN = np.uint64(1 << 63)
_TOP_24 = np.uint64(0x000FFFFFF0000000)  # the first 24 bits of a fraction


# --- elementary functions: fma polynomials, minimax to below 2⁻⁵³ ---------------------------------

_SQRT_HALF = np.uint64(0x3FE6A09E667F3BCD)
_EXPONENT = np.uint64(0xFFF0000000000000)
_TWO_52_BITS = np.uint64(0x4330000000000000)
_BIAS = np.uint64(2048)
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # 21 zero bits at the end of high


@device
def log(x):
    """Natural logarithm of a normal positive float64, to 2 ulp."""
    # x = 2^e m with m in [√½, √2); ln m = 2 artanh s, s = (m − 1)/(m + 1).
    shifted = bits_of(x) - _SQRT_HALF
    m = from_bits(bits_of(x) - (shifted & _EXPONENT))
    # e + 2048 as a float64, by writing it into the low bits of 2⁵²
    biased = (shifted + (_BIAS << np.uint64(52))) >> np.uint64(52)
    e = from_bits(biased | _TWO_52_BITS) - (4503599627370496.0 + 2048.0)
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    p = fma(z, 0.14616449685043406, 0.15331721600556042)
    p = fma(z, p, 0.18182889125261723)
    p = fma(z, p, 0.2222221113479508)
    p = fma(z, p, 0.28571428625975487)
    p = fma(z, p, 0.39999999999899505)
    p = fma(z, p, 0.666666666666667)
    # ln m = f − s (f − z p): f is exact, the rest is small
    return fma(e, _LN2_HIGH, f - fma(s, fma(-z, p, f), -e * _LN2_LOW))


@device
def _cos_sin_quarter(w):
    """(cos, sin) of πw/2 for |w| ≤ ½."""
    z = w * w
    c = fma(z, -6.321256869628588e-09, 4.710609726757823e-07)
    c = fma(z, c, -2.520203677046026e-05)
    c = fma(z, c, 0.0009192602741831558)
    c = fma(z, c, -0.02086348076331121)
    c = fma(z, c, 0.2536695079010467)
    c = fma(z, c, -1.2337005501361697)
    c = fma(z, c, 1.0)
    s = fma(z, 5.633933781537854e-08, -3.59864335298231e-06)
    s = fma(z, s, 0.0001604411507421909)
    s = fma(z, s, -0.004681754132340976)
    s = fma(z, s, 0.07969262624604301)
    s = fma(z, s, -0.6459640975062443)
    s = fma(z, s, 1.5707963267948966)
    return c, s * w


# --- one row's numbers ----------------------------------------------------------------------


@device
def row_words(sample_low, sample_high, row, attempt, k0, k1):
    """The words A and B of one block."""
    w0, w1, w2, w3 = philox4x32_loose(sample_low, sample_high, row, attempt, k0, k1)
    return (w0 << _32) | (w1 & _LOW), (w2 << _32) | (w3 & _LOW)


@device
def uniform(A):
    """U in (0, 1) with 52 random bits."""
    # 1.fraction − (1 − 2⁻⁵³) is exact.
    return from_bits((A >> np.uint64(12)) | _ONE) - (1.0 - 2.0**-53)


@device
def acceptance(B):
    """V in (0, 1) with 24 random bits."""
    return from_bits(((B >> np.uint64(12)) & _TOP_24) | _ONE) - (1.0 - 2.0**-25)


@device
def normal_pair(A, B):
    """Two independent standard normals."""
    r = math.sqrt(-2.0 * log(uniform(A)))
    r = from_bits(bits_of(r) ^ (A << np.uint64(63)))
    w = from_bits(((B << np.uint64(12)) & _FRACTION) | _ONE) - 1.5
    c, s = _cos_sin_quarter(w)
    exchange = (A & np.uint64(2)) != np.uint64(0)
    return r * select(exchange, s, c), r * select(exchange, c, s)


@device
def gamma_constants(alpha):
    """Marsaglia & Tsang's d and c, and σ of the squeeze ``V < 1 − σ x⁴``, for alpha ≥ 1.

    Accepting is right with probability exp(h(x)), h(x) = x²/2 + d(1 − v + ln v).  For x > 0,
    1 − exp(h) ≤ x⁴/(108 d); for x < 0 it is larger by a factor below 1 + 0.6 d^(−1/3) + 0.47/d
    wherever it is below 1 (tested on a grid).  The usual constant 0.0331 is its value at alpha = 1.
    The squeeze only spares logarithms: the variate does not depend on it.
    """
    d = alpha - 1.0 / 3.0
    sigma = (1.0 + 0.6 * d ** (-1.0 / 3.0) + 0.47 / d) / (108.0 * d)
    return d, 1.0 / math.sqrt(9.0 * d), sigma


@outlined
def _gamma_exact(x, V, sample_low, sample_high, row, purpose, k0, k1, d, c):
    """Finish lanes that the squeeze left undecided, and draw again where the test refuses."""
    attempt = purpose
    t = fma(x, c, 1.0)
    v = t * t * t
    value = d * v
    accepted = (t > 0.0) & (log(V) < fma(x * x, 0.5, d * (1.0 - v + log(v))))
    while not all_lanes(accepted):
        attempt += np.uint64(1)
        A, B = row_words(sample_low, sample_high, row, attempt, k0, k1)
        x = normal_pair(A, B)[1]
        t = fma(x, c, 1.0)
        v = t * t * t
        value = select(accepted, value, d * v)
        retry = (t > 0.0) & (log(acceptance(B)) < fma(x * x, 0.5, d * (1.0 - v + log(v))))
        accepted = accepted | retry
    return value


@device
def gamma(x, B, sample_low, sample_high, row, purpose, k0, k1, d, c, sigma):
    """A gamma variate of shape d + 1/3 ≥ 1 from the proposal `x` and the block's word `B`."""
    t = fma(x, c, 1.0)
    V = acceptance(B)
    x2 = x * x
    if all_lanes((V < fma(x2 * x2, -sigma, 1.0)) & (t > 0.0)):
        return d * (t * t * t)
    return _gamma_exact(x, V, sample_low, sample_high, row, purpose, k0, k1, d, c)


# --- arrays: each sample's numbers, for tests and for Python --------------------------------------


@device
def _sample_counter(z, first):
    """The two counter words of samples first, first + 1, … in lanes."""
    samples = lane_numbers(z) + np.uint64(first)
    return samples & _LOW, samples >> _32


@device
def _fill(z, what, key, first, row, alpha, out):
    k0, k1 = key & _LOW, key >> _32
    row = np.uint64(row)
    purpose = np.uint64(0)
    w = width(z)
    scratch = np.empty((2, w))
    count = len(out)
    d, c, sigma = gamma_constants(max(alpha, 1.0))
    for base in range(0, count, w):
        low, high = _sample_counter(z, first + base)
        A, B = row_words(low, high, row, purpose, k0, k1)
        z0, z1 = normal_pair(A, B)
        if what == 0:
            z0 = uniform(A)
        elif what == 2:
            if alpha < 1.0:
                z0 = 0.5 * z1 * z1
            else:
                z0 = gamma(z1, B, low, high, row, purpose, k0, k1, d, c, sigma)
        store(scratch[0], 0, z0)
        store(scratch[1], 0, z1)
        for j in range(min(w, count - base)):
            for k in range(out.shape[1]):
                out[base + j, k] = scratch[k, j]


@kernel
def _fill_lanes(what, key, first, row, alpha, out):
    _fill(zeros(8), what, np.uint64(key), first, row, alpha, out)


@kernel
def _fill_scalar(what, key, first, row, alpha, out):
    _fill(zeros(1), what, np.uint64(key), first, row, alpha, out)


def _fillers(fill):
    def fill_uniform(key, first, row, out):
        """out[i] = U of sample first + i at that row."""
        fill(0, np.uint64(key), first, row, 1.0, out.reshape(-1, 1))

    def fill_normal(key, first, row, out):
        """out[i] = (z0, z1) of sample first + i at that row; out is (count, 2)."""
        fill(1, np.uint64(key), first, row, 1.0, out)

    def fill_gamma(key, first, row, alpha, out):
        """out[i] = the gamma variate of sample first + i; alpha is ½ or at least 1."""
        fill(2, np.uint64(key), first, row, float(alpha), out.reshape(-1, 1))

    return fill_uniform, fill_normal, fill_gamma


fill_uniform, fill_normal, fill_gamma = _fillers(_fill_lanes)
fill_uniform_scalar, fill_normal_scalar, fill_gamma_scalar = _fillers(_fill_scalar)


@kernel
def log_array(x, out):
    """out = log(x), eight at a time and the rest one by one: the same bits."""
    whole = len(x) - len(x) % 8
    z = zeros(8)
    for i in range(0, whole, 8):
        store(out, i, log(load(z, x, i)))
    for i in range(whole, len(x)):
        out[i] = log(x[i])
