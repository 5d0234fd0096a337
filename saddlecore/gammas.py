"""Gamma variates of any shape for the rows of a chain, and two of them from one block.

A row's constants say which of three ways its gamma takes:

    shape ≥ 1   Marsaglia & Tsang's (k + m x)³, accepted with probability exp(h(x))
    shape ½     x²/2, the half of a χ²₁
    shape < 1   Gamma(shape + 1) U^(1/shape) (Stuart, Biometrika 49, 1962)

U comes from the block of attempt 2³¹ of the same row: the A word for the first gamma of a row, B
for the second.  The β-Hermite chain draws a normal and a gamma from a block (`streams.draw_chunk`),
the β-Laguerre chain two gammas: both proposals are accepted together, by one V < exp(h₀ + h₁).
"""

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import (
    all_lanes,
    bits_of,
    fma,
    from_bits,
    lane_numbers,
    mask_bits,
    not_,
    select,
    width,
    zeros,
)
from saddlecore.memory import aligned, aligned_words, load, store
from saddlecore.philox import philox2x64
from saddlecore.streams import (
    acceptance,
    chunk_buffers,
    draw_chunk,
    draw_words,
    gamma_constants,
    list_undecided,
    log,
    normal_pair,
    number,
    uniform,
)

__all__ = [
    "boost_gammas",
    "boosted_rows",
    "draw_pairs",
    "exp",
    "exp_array",
    "fill_gammas",
    "fill_gammas_scalar",
    "gamma_rows",
    "pair_buffers",
]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_52 = np.uint64(52)
_ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
_BOOST = np.uint64(1 << 31)  # no proposal is refused so often
_ROUND = 6755399441055744.0  # 3·2⁵¹: adding it rounds to a whole number, held in the low bits


@device
def exp(x):
    """Exponential for |x| ≤ 700, to 2 ulp."""
    # x = k ln 2 + r with |r| ≤ ½ ln 2, e^r = 1 + r + r² P(r); ln 2 in two parts, k times the first
    # is exact.
    shifted = fma(x, 1.4426950408889634, _ROUND)
    k = shifted - _ROUND
    r = fma(k, -1.9082149292705877e-10, fma(k, -0.6931471803691238, x))
    p = fma(r, 2.5024639266311035e-08, 2.7631140150201755e-07)
    p = fma(r, p, 2.7557507361975543e-06)
    p = fma(r, p, 2.4801490307638598e-05)
    p = fma(r, p, 0.00019841269596971038)
    p = fma(r, p, 0.0013888888946713305)
    p = fma(r, p, 0.008333333333451529)
    p = fma(r, p, 0.0416666666665162)
    p = fma(r, p, 0.16666666666666483)
    p = fma(r, p, 0.5000000000000012)
    return (1.0 + fma(r * r, p, r)) * from_bits((bits_of(shifted) << _52) + _ONE)


# --- a row's constants ---------------------------------------------------------------------------


@allocating
def gamma_rows(z, beta, start, rows):
    """Constants (5, rows) of Gamma(β (start + r)/2), r = 0, 1, …

    They are d, k, m, σ of `gamma_constants`, and 1/shape where the shape is below 1 (the others are
    those of shape + 1 then), else 0.  d = 0 stands for shape ½ and d = −1 for shape 0, whose gamma
    is 0: the gamma is k x² there, and never refused.
    """
    w = width(z)
    length = (rows + w - 1) // w * w
    constants = aligned(5 * length).reshape(5, length)
    for first in range(0, rows, w):
        shape = 0.5 * number(lane_numbers(z) + np.uint64(start + first)) * beta
        none, half = shape == 0.0, shape == 0.5
        special = none | half
        small = (shape < 1.0) & not_(special)
        d, k, m, sigma = gamma_constants(shape + select(shape < 1.0, 1.0, 0.0))
        store(constants[0], first, select(none, -1.0, select(half, 0.0, d)))
        store(constants[1], first, select(none, 0.0, select(half, 0.5, k)))
        store(constants[2], first, select(special, 0.0, m))
        store(constants[3], first, select(special, 0.0, sigma))
        store(constants[4], first, select(small, 1.0 / shape, 0.0))
    return constants


@device
def boosted_rows(constants, rows):
    """How many rows reach as far as the last whose shape is below 1 and not ½."""
    for r in range(rows, 0, -1):
        if constants[4, r - 1] > 0.0:
            return r
    return 0


@device
def _power(u, exponent):
    """u^exponent for u in (0, 1), but at least e⁻⁵⁰⁰: no product of a few is denormal."""
    return exp(max(exponent * log(u), -500.0))


@device
def boost_gammas(z, gammas, base, groups, top, rows, constants, boosted, k0, k1):
    """Bring the gammas of rows below `boosted` from shape + 1 to their shape."""
    w = width(z)
    for g in range(groups):
        sample = np.uint64(base + g * w)
        low = lane_numbers(z) + (sample & _LOW)
        for r in range(min(rows, boosted - top)):
            exponent = constants[4, top + r]
            if exponent > 0.0:
                A, _ = philox2x64(low, sample >> _32, np.uint64(top + r), _BOOST, k0, k1)
                at = (g * rows + r) * w
                store(gammas, at, load(z, gammas, at) * _power(uniform(A), exponent))


# --- two gammas of a row from one block ----------------------------------------------------------


@allocating
def pair_buffers(w):
    """The buffers of a chunk (`streams.chunk_buffers`), and constants of both gammas, packed."""
    return chunk_buffers(w), aligned(6 * w).reshape(6, w), aligned_words(5 * w).reshape(5, w)


@device
def _proposed(x, constants, row):
    """The variate of proposal x at a row and a bound of the probability to refuse it."""
    x2 = x * x
    k = constants[1, row]
    if constants[0, row] <= 0.0:
        return k * x2, x2 * 0.0
    t = fma(x, constants[2, row], k)
    return t * t * t, x2 * x2 * constants[3, row]


@device
def _draw_pair_rows(z, buffers, groups, top, rows, one, two):
    """Fill both gammas proposed, and the masks of the undecided lanes."""
    words_A, words_B, first, second, masks = buffers[:5]
    w = width(z)
    for g in range(groups):
        for r in range(rows):
            at = (g * rows + r) * w
            B = load(z, words_B, at)
            x, y = normal_pair(load(z, words_A, at), B)
            gamma, doubt = _proposed(x, one, top + r)
            store(first, at, gamma)
            gamma, more = _proposed(y, two, top + r)
            store(second, at, gamma)
            # (1 − doubt)(1 − more) is larger
            masks[g * rows + r] = mask_bits(not_(acceptance(B) < 1.0 - (doubt + more)))


@device
def _weighed(x, d, k, m):
    """The variate of proposal x, h(x), and whether x is a proposal at all."""
    t = fma(x, m, k)
    value = t * t * t
    v = value / d
    h = fma(x * x, 0.5, d * (1.0 - v + log(v)))
    free = d <= 0.0
    return select(free, k * (x * x), value), select(free, 0.0, h), free | (t > 0.0)


@device
def _pair(A, B, one, two):
    """Both variates of a block, and whether they are accepted."""
    x, y = normal_pair(A, B)
    first, h, fits = _weighed(x, one[0], one[1], one[2])
    second, more, too = _weighed(y, two[0], two[1], two[2])
    return first, second, fits & too & (log(acceptance(B)) < h + more)


@device
def _settle_pairs(z, buffers, numbers, words, count, one, two, k0, k1):
    """Decide the lanes that the squeeze left open, packed together; draw again where refused."""
    words_A, words_B, first, second, _, undecided, _ = buffers
    w = width(z)
    for start in range(0, count, w):
        for j in range(w):
            i = min(start + j, count - 1)
            at, row, sample = undecided[i, 0], undecided[i, 1], undecided[i, 2]
            words[0, j], words[1, j] = words_A[at], words_B[at]
            words[2, j], words[3, j] = np.uint64(sample) & _LOW, np.uint64(sample) >> _32
            words[4, j] = np.uint64(row)
            for i in range(3):
                numbers[i, j], numbers[3 + i, j] = one[i, row], two[i, row]
        low, high, row_number = load(z, words[2], 0), load(z, words[3], 0), load(z, words[4], 0)
        c = load(z, numbers[0], 0), load(z, numbers[1], 0), load(z, numbers[2], 0)
        d = load(z, numbers[3], 0), load(z, numbers[4], 0), load(z, numbers[5], 0)
        x, y, accepted = _pair(load(z, words[0], 0), load(z, words[1], 0), c, d)
        attempt = np.uint64(0)
        while not all_lanes(accepted):
            attempt += np.uint64(1)
            A, B = philox2x64(low, high, row_number, attempt, k0, k1)
            again, other, fits = _pair(A, B, c, d)
            x, y = select(accepted, x, again), select(accepted, y, other)
            accepted = accepted | fits
        store(numbers[0], 0, x)
        store(numbers[1], 0, y)
        for j in range(min(w, count - start)):
            first[undecided[start + j, 0]] = numbers[0, j]
            second[undecided[start + j, 0]] = numbers[1, j]


@device
def _boost_pairs(z, buffers, base, groups, top, rows, one, two, boosted, k0, k1):
    first, second = buffers[2], buffers[3]
    w = width(z)
    for g in range(groups):
        sample = np.uint64(base + g * w)
        low = lane_numbers(z) + (sample & _LOW)
        for r in range(min(rows, boosted - top)):
            A, B = philox2x64(low, sample >> _32, np.uint64(top + r), _BOOST, k0, k1)
            at = (g * rows + r) * w
            if one[4, top + r] > 0.0:
                store(first, at, load(z, first, at) * _power(uniform(A), one[4, top + r]))
            if two[4, top + r] > 0.0:
                store(second, at, load(z, second, at) * _power(uniform(B), two[4, top + r]))


@device
def draw_pairs(z, buffers, base, groups, top, rows, one, two, boosted, k0, k1):
    """Fill the gammas of `one` and `two` (in the places of normals and gammas) of a chunk."""
    chunk, numbers, words = buffers
    draw_words(z, chunk, base, groups, top, rows, k0, k1)
    _draw_pair_rows(z, chunk, groups, top, rows, one, two)
    count = list_undecided(chunk, width(z), base, groups, top, rows)
    if count > 0:
        _settle_pairs(z, chunk, numbers, words, count, one, two, k0, k1)
    if top < boosted:
        _boost_pairs(z, chunk, base, groups, top, rows, one, two, boosted, k0, k1)


# --- arrays, for tests and for Python ------------------------------------------------------------


@allocating
def _fill(z, key, first, row, shape, singles, pairs):
    k0, k1 = np.uint64(key) & _LOW, np.uint64(key) >> _32
    w = width(z)
    one = np.zeros((5, row + 1))
    # β/2 is the shape of one step: rows of two shapes make the row asked for.
    one[:, row] = gamma_rows(z, 2.0 * shape[0], 1, 1)[:, 0]
    two = np.zeros((5, row + 1))
    two[:, row] = gamma_rows(z, 2.0 * shape[1], 1, 1)[:, 0]
    buffers = pair_buffers(w)
    stop = first + len(singles)
    for base in range(first - first % w, stop, w):
        draw_chunk(z, buffers[0], base, 1, row, 1, one, k0, k1)
        boost_gammas(z, buffers[0][3], base, 1, row, 1, one, row + 1, k0, k1)
        for j in range(max(first - base, 0), min(stop - base, w)):
            singles[base + j - first] = buffers[0][3][j]
        draw_pairs(z, buffers, base, 1, row, 1, one, two, row + 1, k0, k1)
        for j in range(max(first - base, 0), min(stop - base, w)):
            pairs[base + j - first, 0] = buffers[0][2][j]
            pairs[base + j - first, 1] = buffers[0][3][j]


@kernel
def fill_gammas(key, first, row, shape, singles, pairs):
    """The gammas of samples first, first + 1, … at one row.

    Parameters
    ----------
    key : uint64
    first, row : int64
    shape : (2,) float64
    singles : (count,) float64, out
        Of shape[0], as in a row of a normal and a gamma.
    pairs : (count, 2) float64, out
        Of both shapes, as in a row of two gammas.
    """
    _fill(zeros(8), key, first, row, shape, singles, pairs)


@kernel
def fill_gammas_scalar(key, first, row, shape, singles, pairs):
    """`fill_gammas` from the same source, one sample at a time."""
    _fill(zeros(1), key, first, row, shape, singles, pairs)


@kernel
def exp_array(x, out):
    """out = exp(x), eight at a time and the rest one by one: the same bits."""
    whole = len(x) - len(x) % 8
    z = zeros(8)
    for i in range(0, whole, 8):
        store(out, i, exp(load(z, x, i)))
    for i in range(whole, len(x)):
        out[i] = exp(x[i])
