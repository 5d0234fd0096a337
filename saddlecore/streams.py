"""Random streams in lanes: every sample owns its numbers, whatever computes it.

One Philox4x32-10 block (w0, w1, w2, w3) serves one row of a random matrix.  Its key is the
study's 64-bit key (low half, high half), its counter

    (sample mod 2³², sample div 2³², row, attempt).

With A = 2³² w0 + w1 and B = 2³² w2 + w3 it gives

    radius      U = (⌊A / 2¹²⌋ + ½) / 2⁵²  in (0, 1),  r = √(−2 ln U), negated if bit 63 of B is set
    angle       φ = (π/2) ((B mod 2³⁹) / 2³⁹ − ½)  in [−π/4, π/4)
    normals     (z0, z1) = (r cos φ, r sin φ), exchanged if bit 0 of A is set   (Box & Muller 1958)
    acceptance  V = (⌊B / 2³⁹⌋ mod 2²⁴ + ½) / 2²⁴

The sign and the exchange carry the quarter circle of φ to the whole circle.  Gamma variates are
Marsaglia & Tsang's (ACM TOMS 26, 2000), proposal z1, test V; when the proposal is refused the next
attempt's block is drawn, for that sample alone.

The same source serves any number of lanes and gives the same bits on every processor: no
libm, no contraction, fused multiply-adds only where they are written.
"""

import math

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import (
    all_lanes,
    bits_of,
    fma,
    from_bits,
    lane_numbers,
    lowest_bit,
    mask_bits,
    not_,
    select,
    width,
    zeros,
)
from saddlecore.memory import (
    aligned,
    aligned_words,
    load,
    store,
)
from saddlecore.philox import philox2x64

__all__ = [
    "acceptance",
    "chunk_buffers",
    "draw_chunk",
    "draw_words",
    "fill_streams",
    "fill_streams_scalar",
    "gamma_constants",
    "list_undecided",
    "log",
    "log_array",
    "normal_pair",
    "number",
    "uniform",
]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
_FRACTION = np.uint64(0x000FFFFFFFFFFFFF)
_SIGN = np.uint64(1 << 63)
_TOP_24 = np.uint64(0x000FFFFFF0000000)  # the first 24 bits of a fraction


# --- elementary functions: polynomials of least relative error, below 2⁻⁵³ -----------------------

_SQRT_HALF = np.uint64(0x3FE6A09E667F3BCD)
_BIAS = 2048
_SHIFT = np.uint64(0x3FE6A09E667F3BCD - (_BIAS << 52) & (1 << 64) - 1)
_TWO_52 = np.uint64(0x4330000000000000)  # the bits of 2⁵²
_LN2 = 0.6931471805599453


@device
def log(x):
    """Natural logarithm of a normal positive float64, to 2 ulp."""
    # x = 2^e m with m in [√½, √2), f = m − 1, s = f/(m + 1), z = s²:
    # ln m = 2 artanh s = 2s + s z p(z) = f − s (f − z p(z)), where f is exact.
    shifted = bits_of(x) - _SHIFT
    m = from_bits((shifted & _FRACTION) + _SQRT_HALF)
    # e + 2048 becomes a float64 as the low bits of 2⁵².
    e = from_bits((shifted >> np.uint64(52)) | _TWO_52) - (4503599627370496.0 + _BIAS)
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    # Estrin's scheme: the streams are bound by latency, and Horner's chain is twice as long.
    z2 = z * z
    low = fma(
        z2,
        fma(z, 0.22222197056726048, 0.2857142876064168),
        fma(z, 0.3999999999930234, 0.6666666666666765),
    )
    high = fma(z2, 0.14809710360655276, fma(z, 0.1531252814836419, 0.18183631680229329))
    p = fma(z2 * z2, high, low)
    return fma(-s, fma(-z, p, f), fma(e, _LN2, f))


@device
def quarter_circle(w):
    """√2 (cos, sin) of πw/2 for |w| ≤ ½."""
    z = w * w
    c = fma(z, 6.583583005207542e-07, -3.563837306438805e-05)
    c = fma(z, c, 0.0013000298886953307)
    c = fma(z, c, -0.029505417413671225)
    c = fma(z, c, 0.3587428584324977)
    c = fma(z, c, -1.7447160499096936)
    c = fma(z, c, 1.414213562373095)
    s = fma(z, 7.967585563362772e-08, -5.089250235931372e-06)
    s = fma(z, s, 0.00022689805134235255)
    s = fma(z, s, -0.006621000189652891)
    s = fma(z, s, 0.1127023928582841)
    s = fma(z, s, -0.9135311874994271)
    s = fma(z, s, 2.221441469079183)
    return c, s * w


# --- one row's numbers ----------------------------------------------------------------------


@device
def uniform(A):
    """U in (0, 1) with 52 random bits."""
    # 1.fraction − (1 − 2⁻⁵³) is exact.
    return from_bits((A >> np.uint64(12)) | _ONE) - (1.0 - 2.0**-53)


@device
def acceptance(B):
    """V in (0, 1) with 24 random bits."""
    return from_bits(((B >> np.uint64(11)) & _TOP_24) | _ONE) - (1.0 - 2.0**-25)


@device
def normal_pair(A, B):
    """Two independent standard normals."""
    r = math.sqrt(-log(uniform(A)))  # the √2 is in the quarter circle's
    r = from_bits(bits_of(r) ^ (B & _SIGN))
    c, s = quarter_circle(from_bits(((B << np.uint64(13)) & _FRACTION) | _ONE) - 1.5)
    exchange = (A & np.uint64(1)) != np.uint64(0)
    return r * select(exchange, s, c), r * select(exchange, c, s)


@device
def number(x):
    """The whole number in a uint64 below 2⁵², as float64."""
    return from_bits(x | _TWO_52) - 4503599627370496.0


@device
def _cube_root(d):
    """d^(1/3) for normal d > 0, the same bits on every machine."""
    # A third of the bits divides the exponent by three: right to 6 %.  Newton's iteration squares
    # that error four times.
    third = number(bits_of(d) >> np.uint64(12)) / 3.0 + 682.0 * 2.0**40
    y = from_bits((bits_of(third + 4503599627370496.0) & _FRACTION) << np.uint64(12))
    for _ in range(4):
        y = (2.0 * y + d / (y * y)) / 3.0
    return y


@device
def gamma_constants(alpha):
    """Constants (d, k, m, σ) of Marsaglia & Tsang's gamma variate of shape alpha ≥ 1.

    d = alpha − 1/3; the variate d (1 + x/√(9d))³ is computed as (k + m x)³.  Accepting it is right
    with probability exp(h(x)); the squeeze ``V < 1 − σ x⁴`` spares the logarithms.  For x > 0,
    1 − exp(h) ≤ x⁴/(108 d); for x < 0 it is larger, by a factor below 1 + 0.6 d^(−1/3) + 0.47/d
    wherever it is below 1 (the usual constant 0.0331 is its value at alpha = 1).  The squeeze fails
    where k + m x ≤ 0.  The variate does not depend on σ.
    """
    d = alpha - 1.0 / 3.0
    k = _cube_root(d)
    sigma = (1.0 + 0.6 / k + 0.47 / d) / (108.0 * d)
    return d, k, k / math.sqrt(9.0 * d), sigma


# --- a chunk of rows, stage by stage ------------------------------------------------------------
#
# A row's numbers are a chain of some 200 cycles of latency; a loop over whole rows lets the
# processor see hardly two of them at once.  So a chunk of rows goes through short loops, each
# of which overlaps many rows, with buffers that stay in the first-level cache:
#
#     draw_words -> draw_rows -> settle_gammas -> (the ensemble's recurrence)
#
# Buffers are indexed [group, row, lane]; group g holds samples base + g·w … base + g·w + w − 1.

# Rows of all groups together.  A chain of minors grows by about g^(CHUNK/2) before it is scaled, so
# at n = 2^31 this is near the most that float64 holds.
CHUNK = 60


@allocating
def chunk_buffers(w):
    """Words A (later z1) and B, normals, gammas; undecided lanes by row, as a list, packed."""
    size = CHUNK * w
    return (
        aligned_words(size),
        aligned_words(size),
        aligned(size),
        aligned(size),
        np.empty(CHUNK, np.uint64),
        np.empty((size, 3), np.int64),
        (aligned_words(5 * w).reshape(5, w), aligned(4 * w).reshape(4, w)),
    )


@device
def draw_words(z, buffers, base, groups, top, rows, k0, k1):
    """Fill the words of rows top … top + rows − 1."""
    words_A, words_B = buffers[0], buffers[1]
    w = width(z)
    for g in range(groups):
        # base is a multiple of w, so that a group's lanes share the high word.
        sample = np.uint64(base + g * w)
        low = lane_numbers(z) + (sample & _LOW)
        for r in range(rows):
            A, B = philox2x64(low, sample >> _32, np.uint64(top + r), np.uint64(0), k0, k1)
            store(words_A, (g * rows + r) * w, A)
            store(words_B, (g * rows + r) * w, B)


@device
def draw_rows(z, buffers, groups, top, rows, constants):
    """Fill the normals z0, the gammas proposed from z1, and the masks of the undecided lanes.

    z1 itself takes the place of A: a lane that stays undecided will want it.

    `constants` (4, rows) holds `gamma_constants` of every row.  A row with d = 0 has shape ½: its
    gamma is z1²/2; one with d < 0 has no gamma and gets 0.
    """
    words_A, words_B, normals, gammas, masks, _, _ = buffers
    w = width(z)
    for g in range(groups):
        for r in range(rows):
            at = (g * rows + r) * w
            B = load(z, words_B, at)
            z0, x = normal_pair(load(z, words_A, at), B)
            store(normals, at, z0)
            store(words_A, at, bits_of(x))
            d, k = constants[0, top + r], constants[1, top + r]
            m, sigma = constants[2, top + r], constants[3, top + r]
            x2 = x * x
            if d <= 0.0:
                store(gammas, at, x2 * (0.5 if d == 0.0 else 0.0))
                masks[g * rows + r] = np.uint64(0)
                continue
            t = fma(x, m, k)
            store(gammas, at, t * t * t)
            # No branch on it here: one mispredicted would drain all rows in flight.
            masks[g * rows + r] = mask_bits(not_(acceptance(B) < fma(x2 * x2, -sigma, 1.0)))


@device
def list_undecided(buffers, w, base, groups, top, rows):
    """Position, row and sample of every undecided lane; return how many there are."""
    masks, undecided = buffers[4], buffers[5]
    count = 0
    for g in range(groups):
        for r in range(rows):
            left = masks[g * rows + r]
            while left != np.uint64(0):
                j = lowest_bit(left)
                undecided[count, 0] = (g * rows + r) * w + j
                undecided[count, 1] = top + r
                undecided[count, 2] = base + g * w + j
                count += 1
                left &= left - np.uint64(1)
    return count


@device
def _marsaglia_tsang(x, B, d, k, m):
    """The variate of proposal x and whether the exact test accepts it."""
    t = fma(x, m, k)
    value = t * t * t
    v = value / d
    limit = fma(x * x, 0.5, d * (1.0 - v + log(v)))
    return value, (t > 0.0) & (log(acceptance(B)) < limit)


@device
def settle_gammas(z, buffers, count, constants, k0, k1):
    """Decide the lanes that the squeeze left open, packed together; draw again where refused."""
    proposals, words_B, _, gammas, _, undecided, packed = buffers
    w = width(z)
    words, numbers = packed
    for start in range(0, count, w):
        for j in range(w):
            i = min(start + j, count - 1)
            at, row, sample = undecided[i, 0], undecided[i, 1], undecided[i, 2]
            words[0, j], words[1, j] = proposals[at], words_B[at]
            words[2, j], words[3, j] = np.uint64(sample) & _LOW, np.uint64(sample) >> _32
            words[4, j] = np.uint64(row)
            for i in range(3):
                numbers[i, j] = constants[i, row]
        low, high, row_number = load(z, words[2], 0), load(z, words[3], 0), load(z, words[4], 0)
        d, k, m = load(z, numbers[0], 0), load(z, numbers[1], 0), load(z, numbers[2], 0)
        x, B = from_bits(load(z, words[0], 0)), load(z, words[1], 0)
        value, accepted = _marsaglia_tsang(x, B, d, k, m)
        attempt = np.uint64(0)
        # One redraw always: some lane needs it as a rule, and it overlaps the first test.
        while True:
            attempt += np.uint64(1)
            A, B = philox2x64(low, high, row_number, attempt, k0, k1)
            again, fits = _marsaglia_tsang(normal_pair(A, B)[1], B, d, k, m)
            value = select(accepted, value, again)
            accepted = accepted | fits
            if all_lanes(accepted):
                break
        store(numbers[3], 0, value)
        for j in range(min(w, count - start)):
            gammas[undecided[start + j, 0]] = numbers[3, j]


@device
def draw_chunk(z, buffers, base, groups, top, rows, constants, k0, k1):
    """All stages: normals and gammas of `groups` groups of samples at `rows` rows from `top`."""
    draw_words(z, buffers, base, groups, top, rows, k0, k1)
    draw_rows(z, buffers, groups, top, rows, constants)
    count = list_undecided(buffers, width(z), base, groups, top, rows)
    if count > 0:
        settle_gammas(z, buffers, count, constants, k0, k1)


# --- arrays: each sample's numbers, for tests and for Python --------------------------------------


@allocating
def _fill(z, key, first, row, alpha, uniforms, normals, gammas):
    k0, k1 = np.uint64(key) & _LOW, np.uint64(key) >> _32
    w = width(z)
    constants = np.zeros((4, row + 1))
    if alpha >= 1.0:
        constants[:, row] = gamma_constants(alpha)
    buffers = chunk_buffers(w)
    pair = np.empty((2, w))
    stop = first + len(uniforms)
    for base in range(first - first % w, stop, w):
        draw_chunk(z, buffers, base, 1, row, 1, constants, k0, k1)
        store(pair[1], 0, from_bits(load(z, buffers[0], 0)))
        draw_words(z, buffers, base, 1, row, 1, k0, k1)
        store(pair[0], 0, uniform(load(z, buffers[0], 0)))
        for j in range(max(first - base, 0), min(stop - base, w)):
            i = base + j - first
            uniforms[i] = pair[0, j]
            normals[i, 0], normals[i, 1] = buffers[2][j], pair[1, j]
            gammas[i] = buffers[3][j]


@kernel
def fill_streams(key, first, row, alpha, uniforms, normals, gammas):
    """The numbers of samples first, first + 1, … at one row.

    Parameters
    ----------
    key : uint64
    first, row : int64
    alpha : float64
        Shape of the gamma: ½ or at least 1.
    uniforms : (count,) float64, out
        U.
    normals : (count, 2) float64, out
        z0 and z1 of the first attempt.
    gammas : (count,) float64, out
    """
    _fill(zeros(8), key, first, row, alpha, uniforms, normals, gammas)


@kernel
def fill_streams_scalar(key, first, row, alpha, uniforms, normals, gammas):
    """`fill_streams` from the same source, one sample at a time."""
    _fill(zeros(1), key, first, row, alpha, uniforms, normals, gammas)


@kernel
def log_array(x, out):
    """out = log(x), eight at a time and the rest one by one: the same bits."""
    whole = len(x) - len(x) % 8
    z = zeros(8)
    for i in range(0, whole, 8):
        store(out, i, log(load(z, x, i)))
    for i in range(whole, len(x)):
        out[i] = log(x[i])
