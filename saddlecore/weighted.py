"""Indices of GOE matrices with a random shift, weighted by |det| as Kac & Rice's formula has it.

Critical points of a smooth random function are not a fair sample of its Hessians: each counts
|det H| times.  For isotropic Gaussian fields and for spherical spin glasses H is, up to its scale,
T − sI with T a GOE matrix and s ~ N(μ, τ²) independent of it, τ ≤ 1 in the scale of the chain of
`saddlecore.hermite` (Fyodorov, Phys. Rev. Lett. 92, 2004; Auffinger, Ben Arous & Černý, Comm. Pure
Appl. Math. 66, 2013).  The determinant comes free: it is the chain's last minor p_n, times the
powers of two that were scaled out.

Inside the semicircle E|det(T − s)| grows like exp(s²/2), so that plain weights would be carried by
few samples.  s is therefore drawn from a normal law q where the weighted shifts are, and a sample
has the weight |det(T − s)| N(s; μ, τ²)/q(s).  What is left is the determinant's own spread, with a
variance of ln(weight) that grows like ln n.

Sums must not depend on their order, so they are whole numbers.  A weight v, in units near its mean,
and v² become digits in base 2²⁶, each from −2²⁵ to 2²⁵ (but the first), and every digit has a bin
of its own beside the count of samples: eight bins for an index.

    bin      0    1     2       3       4      5      6       7
    sum of   1    digits of v: 2⁶ 2⁻²⁰ 2⁻⁴⁶    of v²: 2³⁸ 2¹² 2⁻¹⁴ 2⁻⁴⁰
"""

import math

import numpy as np

from saddlecore.chains import WIDTH, scale_of
from saddlecore.gammas import exp, gamma_rows
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import bits_of, fma, from_bits, width, zeros
from saddlecore.memory import aligned, aligned_words, load, store
from saddlecore.streams import CHUNK, chunk_buffers, draw_chunk, log, number

__all__ = ["BINS", "DIGITS", "SQUARE_DIGITS", "shift_proposal", "weighted_index",
           "weighted_index_scalar"]  # fmt: skip

#: Bins for an index.
BINS = 8
#: Powers of two that the digits of v and of v² stand for.
DIGITS = (6, -20, -46)
SQUARE_DIGITS = (38, 12, -14, -40)

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_52 = np.uint64(52)
_63 = np.uint64(63)
_SPAN = 16  # rows between scalings, as in `hermite`
_BASE = 2.0**26
_ROUND = 6755399441055744.0  # 3·2⁵¹: adding it rounds to a whole number, held in the low bits
_ROUND_BITS = np.uint64(0x4338000000000000)
_LN_2 = 0.6931471805599453
_HALF_LN_TAU = 0.9189385332046727  # ½ ln 2π
_LN_PI = 1.1447298858494002
_FARTHEST = 2.0**20  # radii, as in `hermite`
_LARGEST = 22.18  # below 32 ln 2: a weight stays below 2³²
_SMALLEST = -100.0


# --- where to draw shifts -------------------------------------------------------------------------


@device
def _log_mean(n, s):
    """ln E|det(T − s)| but for a summand of order 1, of order ln n beyond the semicircle.

    E|det(T_n − s)| = √2 Γ((n + 1)/2) exp(s²/2) ρ(s), ρ the density of the n + 1 eigenvalues of the
    next larger matrix: a semicircle, and exp(−∫ √(x² − R²) dx) beyond it.
    """
    h = 0.5 * (n + 1)
    log_gamma = (h - 0.5) * log(h) - h + _HALF_LN_TAU + 1.0 / (12.0 * h)
    radius = math.sqrt(4.0 * h)
    square = (abs(s) - radius) * (abs(s) + radius)
    root = math.sqrt(max(abs(square), 1.0))
    found = 0.5 * _LN_2 + log_gamma - _LN_PI
    if square < 0.0:
        return found + log(root) + 0.5 * s * s
    # s²/2 less the integral of √(x² − R²), without a difference of large numbers.
    total = abs(s) + root
    return found - log(root) + 2.0 * h * (abs(s) / total + log(total / radius))


@device
def _mode(n, mean, variance):
    """Where N(s; μ, τ²) E|det(T − s)| is largest, to leading order."""
    # ln E|det| has the slope s − √(s² − R²), the root only outside the semicircle: bisect.
    radius = math.sqrt(2.0 * n)
    low, high = 0.0, abs(mean) + variance * radius
    for _ in range(60):
        s = 0.5 * (low + high)
        slope = s - math.sqrt(max((s - radius) * (s + radius), 0.0))
        if abs(mean) - s + variance * slope > 0.0:
            low = s
        else:
            high = s
    return math.copysign(0.5 * (low + high), mean)


@device
def _proposal(n, mean, variance):
    farthest = _FARTHEST * math.sqrt(2.0 * n)
    mean = min(max(mean, -farthest), farthest)
    if variance == 0.0:
        return mean, 0.0, 0.0, 0.0, np.rint(_log_mean(n, mean) / _LN_2)
    # The curvature of the logarithm, that of a semicircle's best normal law included.
    spread = 1.0 / math.sqrt(1.0 / variance - 1.0 + 2.0 / (n + 1))
    centre = _mode(n, mean, variance)
    linear = (mean - centre) * spread / variance
    quadratic = 0.5 * (1.0 - spread * spread / variance)
    return centre, spread, linear, quadratic, np.rint(_log_mean(n, centre) / _LN_2)


@kernel
def shift_proposal(n, mean, variance):
    """How `weighted_index` draws shifts and what its weights stand for.

    Returns
    -------
    centre, spread : float64
        s = centre + spread · x, x ~ N(0, 1).
    linear, quadratic, power : float64
        v = |det(T − s)| exp(linear · x + quadratic · x²) / 2^power.
    """
    return _proposal(n, mean, variance)


# --- a sample's weight ----------------------------------------------------------------------------


@device
def _weight(p, scales, scalings, x, law):
    """v from the last minor, the sum of the scales' exponents, and the shift's proposal."""
    _, _, linear, quadratic, power = law
    # A scale 2^m has the exponent field m + 1023.
    doublings = 1023.0 * scalings - number(scales) - power
    value = log(max(abs(p), 1e-300)) + fma(doublings, _LN_2, x * fma(x, quadratic, linear))
    return exp(min(max(value, _SMALLEST), _LARGEST))


@device
def _store_digits(value, unit, out, first, digits, w):
    """Split value / unit into whole digits in base 2²⁶, the first in units, and round the last."""
    rest = value / unit
    for j in range(first, first + digits):
        shifted = rest + _ROUND
        store(out, j * w, bits_of(shifted) - _ROUND_BITS)
        rest = (rest - (shifted - _ROUND)) * _BASE


@device
def _record(z, state, g, scalings, law, digits, origin, first, stop, counts):
    """Add the samples origin … origin + w − 1 of group g, those in first … stop − 1."""
    numbers, words = state
    w = width(z)
    p, x = load(z, numbers[g, 0], 0), load(z, numbers[g, 2], 0)
    v = _weight(p, load(z, words[g, 1], 0), scalings, x, law)
    _store_digits(v, 2.0**6, digits, 0, 3, w)
    _store_digits(v * v, 2.0**38, digits, 3, 4, w)
    # Differences, because origin + w might overflow.
    for k in range(max(first - origin, 0), min(stop - origin, w)):
        start = words[g, 0, k] * np.uint64(BINS)
        counts[start] += 1
        for j in range(BINS - 1):
            counts[start + np.uint64(j + 1)] += np.int64(digits[np.uint64(j * w + k)])


# --- the chain ------------------------------------------------------------------------------------


@device
def _begin(z, buffers, state, g, rows, law):
    """Draw the shift of group g from the number that row 0 leaves unused, and start its chain."""
    numbers, words = state
    w = width(z)
    x = from_bits(load(z, buffers[0], g * rows * w))
    store(numbers[g, 0], 0, x * 0.0 + 1.0)
    store(numbers[g, 1], 0, x * 0.0)
    store(numbers[g, 2], 0, x)
    words[g] = np.uint64(0)


@device
def _advance(z, buffers, state, g, rows, law):
    """Carry group g's minors over a chunk of rows."""
    a, squared = buffers[2], buffers[3]
    numbers, words = state
    w = width(z)
    p, before = load(z, numbers[g, 0], 0), load(z, numbers[g, 1], 0)
    s = fma(load(z, numbers[g, 2], 0), law[1], law[0])
    negatives, scales = load(z, words[g, 0], 0), load(z, words[g, 1], 0)
    for start in range(0, rows, _SPAN):
        for r in range(start, min(start + _SPAN, rows)):
            at = (g * rows + r) * w
            p, before = fma(load(z, a, at) - s, p, -(load(z, squared, at) * before)), p
            negatives += (bits_of(p) ^ bits_of(before)) >> _63
        scale = scale_of(p, before)
        scales += bits_of(scale) >> _52
        p, before = p * scale, before * scale
    store(numbers[g, 0], 0, p)
    store(numbers[g, 1], 0, before)
    store(words[g, 0], 0, negatives)
    store(words[g, 1], 0, scales)


@allocating
def _count_chains(z, key, mean, variance, n, first, count, counts):
    k0, k1 = key & _LOW, key >> _32
    w = width(z)
    law = _proposal(n, mean, variance)
    constants = gamma_rows(z, 1.0, 0, n)
    buffers = chunk_buffers(w)
    groups = max(1, CHUNK // n)
    rows_at_once = CHUNK // groups
    # Of each group: two minors and x; the index and the sum of the scales' exponents.
    state = (aligned(groups * 3 * w).reshape(groups, 3, w),
             aligned_words(groups * 2 * w).reshape(groups, 2, w))  # fmt: skip
    digits = aligned_words((BINS - 1) * w)
    stop = first + count
    for base in range(first - first % w, stop, groups * w):
        used = min(groups, (stop - base + w - 1) // w)
        scalings = 0
        for top in range(0, n, rows_at_once):
            rows = min(rows_at_once, n - top)
            draw_chunk(z, buffers, base, used, top, rows, constants, k0, k1)
            scalings += (rows + _SPAN - 1) // _SPAN
            for g in range(used):
                if top == 0:
                    _begin(z, buffers, state, g, rows, law)
                _advance(z, buffers, state, g, rows, law)
        for g in range(used):
            _record(z, state, g, scalings, law, digits, base + g * w, first, stop, counts)


@kernel
def weighted_index(key, mean, variance, n, first, count, counts):
    """Add weighted histograms of the index of T − s, s ~ N(mean, variance), to `counts`.

    Parameters
    ----------
    key : uint64
        Key of the random streams.
    mean, variance : float64
        In the scale where T has the diagonal N(0, 1) and its eigenvalues fill a semicircle of
        radius √(2n); the variance is at most 1.
    n, first, count : int64
        Samples first … first + count − 1.
    counts : ((n + 1) BINS,) int64
        Bins of index 0, then of index 1, …; added to.
    """
    _count_chains(zeros(WIDTH), np.uint64(key), mean, variance, n, first, count, counts)


@kernel
def weighted_index_scalar(key, mean, variance, n, first, count, counts):
    """`weighted_index` from the same source, one sample at a time."""
    _count_chains(zeros(1), np.uint64(key), mean, variance, n, first, count, counts)
