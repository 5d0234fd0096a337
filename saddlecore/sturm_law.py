"""Exact index laws: densities of Sturm's chain carried from n to n + 1.

The pivots of the tridiagonal β-Hermite model with s subtracted from its diagonal are a Markov chain
(Dumitriu & Edelman, J. Math. Phys. 43, 2002),

    d_1 = a − s,   d_{i+1} = a − s − g/d_i,   a ~ N(0, 1),  g ~ Gamma(iβ/2, 1),

and the index of the leading n × n block is the number of negative ones among d_1 … d_n.  With
f_k(d) the density of d_n on the event that k of the n are negative, each step is an integral over
d of T(d → y + s) f_k(d), where k grows by one for y < 0 (`saddlecore.sturm_density` has T).

All that is added is positive, so the relative accuracy of a double reaches into the last tail,
but the numbers span far more than its range.  They are therefore kept in blocks of `BLOCK` nodes,
each block and column k with a power of two of its own, and so are the blocks of the matrix of T.
"""

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import any_lane, bits_of, fma, from_bits, select, splat, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.streams import number
from saddlecore.sturm_density import density, exponent

__all__ = ["BLOCK", "HEAD", "propagate"]

#: Nodes in a block.
BLOCK = 16
#: Nodes of a density on the head of a half line: the first two blocks.
HEAD = 32
#: The power of two of a block of zeros.
NOTHING = -(2.0**50)

# The head's panels where the integrand is below e^−48 of its largest value are left out.
_NEGLIGIBLE = 48.0
# Blocks whose product might be this power of two below another's are left out.  A product can
# itself be 2^−250 of what the largest entries of both factors allow.
_LEAVE_OUT = -400.0
_LOG2_E = 1.4426950408889634
_LN_2 = 0.6931471805599453
_52 = np.uint64(52)
_EXPONENT = np.uint64(0x7FF0000000000000)
_INVERSE = np.uint64(0x7FE0000000000000)


# --- the matrix ----------------------------------------------------------------------------------


@device
def _power_of_two(e):
    """2^e for whole numbers −1022 ≤ e ≤ 1023, as float64."""
    # The sum's last bits are e + 1023; shifted, they are the exponent.
    return from_bits(bits_of(e + (4503599627370496.0 + 1023.0)) << _52)


@device
def _scale_of(top):
    """The power of two just above e^top."""
    return NOTHING if top == -np.inf else np.floor(top * _LOG2_E) + 1.0


@device
def _panel(z, law, y, nodes, weights, first, values, squares, out):
    """Fill a block (BLOCK targets, BLOCK nodes); return its power of two."""
    alpha, kappa, series = law
    largest = splat(z, -np.inf)
    for r in range(BLOCK):
        for j in range(0, BLOCK, 8):
            value, square = exponent(z, alpha, kappa, load(z, nodes, first + j), splat(z, y[r]))
            largest = max(largest, value)
            store(values, r * BLOCK + j, value)
            store(squares, r * BLOCK + j, square)
    store(out, 0, largest)
    top = -np.inf
    for j in range(8):
        top = max(top, out[j])
    scale = _scale_of(top)
    for r in range(BLOCK):
        for j in range(0, BLOCK, 8):
            at = r * BLOCK + j
            value = load(z, values, at) - scale * _LN_2
            value = density(z, kappa, series, value, load(z, squares, at))
            store(out, at, value * load(z, weights, first + j))
    return scale


@device
def _edges(z, law, y, edges, levels):
    """Exponents at the upper edges of the head's panels for each target; return the largest."""
    alpha, kappa, _ = law
    top = -np.inf
    for r in range(BLOCK):
        for j in range(0, edges.size, 8):
            value, _ = exponent(z, alpha, kappa, load(z, edges, j), splat(z, y[r]))
            store(levels, r * edges.size + j, value)
    for j in range(BLOCK * edges.size):
        top = max(top, levels[j])
    return top


@device
def _head_row(z, law, y, level, scale, fine, basis, values, sums):
    """Integrate T times each of the HEAD polynomials over the head, for one target."""
    alpha, kappa, series = law
    top = -np.inf
    for j in range(level.size):
        top = max(top, level[j])
    a, b, c, d = splat(z, 0.0), splat(z, 0.0), splat(z, 0.0), splat(z, 0.0)
    below = -np.inf
    for j in range(fine.size // BLOCK):
        if max(level[j], below) > top - _NEGLIGIBLE:
            for i in range(0, BLOCK, 8):
                at = load(z, fine, j * BLOCK + i)
                value, square = exponent(z, alpha, kappa, at, splat(z, y))
                store(values, i, density(z, kappa, series, value - scale * _LN_2, square))
            for i in range(BLOCK):
                value, at = splat(z, values[i]), (j * BLOCK + i) * HEAD
                a = fma(value, load(z, basis, at), a)
                b = fma(value, load(z, basis, at + 8), b)
                c = fma(value, load(z, basis, at + 16), c)
                d = fma(value, load(z, basis, at + 24), d)
        below = level[j]
    store(sums, 0, a)
    store(sums, 8, b)
    store(sums, 16, c)
    store(sums, 24, d)


@device
def _fill_strip(z, law, y, half, scratch, strip, scales):
    """Fill the rows of BLOCK targets: blocks of `strip`, flat, each with its power of two."""
    edges, fine, basis, nodes, weights = half
    values, squares, levels, sums = scratch
    top = _edges(z, law, y, edges, levels)
    scales[:2] = _scale_of(top)
    size = BLOCK * BLOCK
    for r in range(BLOCK):
        level = levels[r * edges.size : (r + 1) * edges.size]
        _head_row(z, law, y[r], level, scales[0], fine, basis, values, sums)
        for j in range(0, BLOCK, 8):
            store(strip, r * BLOCK + j, load(z, sums, j))
            store(strip, size + r * BLOCK + j, load(z, sums, BLOCK + j))
    for block in range(nodes.size // BLOCK):
        out = strip[(block + 2) * size : (block + 3) * size]
        scales[block + 2] = _panel(z, law, y, nodes, weights, block * BLOCK, values, squares, out)


# --- matrix times densities ----------------------------------------------------------------------


@device
def _multiply_block(z, a, scaled, sums):
    """sums += a · scaled, all (BLOCK, BLOCK)."""
    for r in range(0, BLOCK, 4):
        at = r * BLOCK
        s0, t0 = load(z, sums, at), load(z, sums, at + 8)
        s1, t1 = load(z, sums, at + 16), load(z, sums, at + 24)
        s2, t2 = load(z, sums, at + 32), load(z, sums, at + 40)
        s3, t3 = load(z, sums, at + 48), load(z, sums, at + 56)
        for j in range(BLOCK):
            b, c = load(z, scaled, j * BLOCK), load(z, scaled, j * BLOCK + 8)
            s0, t0 = fma(splat(z, a[at + j]), b, s0), fma(splat(z, a[at + j]), c, t0)
            s1, t1 = fma(splat(z, a[at + 16 + j]), b, s1), fma(splat(z, a[at + 16 + j]), c, t1)
            s2, t2 = fma(splat(z, a[at + 32 + j]), b, s2), fma(splat(z, a[at + 32 + j]), c, t2)
            s3, t3 = fma(splat(z, a[at + 48 + j]), b, s3), fma(splat(z, a[at + 48 + j]), c, t3)
        store(sums, at, s0), store(sums, at + 8, t0)
        store(sums, at + 16, s1), store(sums, at + 24, t1)
        store(sums, at + 32, s2), store(sums, at + 40, t2)
        store(sums, at + 48, s3), store(sums, at + 56, t3)


@device
def _tops(z, scales, state, column, tops):
    """Raise the 16 powers of two in `tops` to the largest that a product of blocks may have."""
    for block in range(scales.size):
        for j in range(0, BLOCK, 8):
            reach = load(z, state[1][block], column + j) + scales[block]
            store(tops, j, max(load(z, tops, j), reach))


@device
def _accumulate(z, strip, scales, state, column, tops, scaled, sums):
    """Add the products of a strip with 16 columns of a state to `sums`, relative to `tops`."""
    values, powers = state
    size = BLOCK * BLOCK
    for block in range(scales.size):
        e0 = load(z, powers[block], column) + scales[block] - load(z, tops, 0)
        e1 = load(z, powers[block], column + 8) + scales[block] - load(z, tops, 8)
        if any_lane(max(e0, e1) > _LEAVE_OUT):
            f0 = select(e0 > _LEAVE_OUT, _power_of_two(max(e0, splat(z, -1000.0))), splat(z, 0.0))
            f1 = select(e1 > _LEAVE_OUT, _power_of_two(max(e1, splat(z, -1000.0))), splat(z, 0.0))
            for j in range(BLOCK):
                row = values[block, j]
                store(scaled, j * BLOCK, load(z, row, column) * f0)
                store(scaled, j * BLOCK + 8, load(z, row, column + 8) * f1)
            _multiply_block(z, strip[block * size : (block + 1) * size], scaled, sums)


@device
def _normalise(z, sums, tops, values, powers, column):
    """Write 16 columns of a block to `column`, each below 1 with its power of two."""
    for j in range(0, BLOCK, 8):
        top = splat(z, 0.0)
        for r in range(BLOCK):
            top = max(top, abs(load(z, sums, r * BLOCK + j)))
        bits = bits_of(top) & _EXPONENT
        factor = from_bits(_INVERSE - bits)
        found = top > 1e-300
        for r in range(BLOCK):
            value = load(z, sums, r * BLOCK + j) * factor
            store(values[r], column + j, select(found, value, splat(z, 0.0)))
        power = load(z, tops, j) + number(bits >> _52) - 1023.0
        store(powers, column + j, select(found, power, splat(z, NOTHING)))


@allocating
def _scratch(blocks, edges):
    return (
        aligned(BLOCK * BLOCK), aligned(BLOCK * BLOCK), aligned(BLOCK * edges), aligned(HEAD),
        aligned(2 * blocks * BLOCK * BLOCK), np.empty(2 * blocks),
    )  # fmt: skip


@kernel
def propagate(law, targets, first, last, half, states, out, columns, shift):
    """Carry densities on both half lines to blocks first … last − 1 of targets on one of them.

    Parameters
    ----------
    law : (α, κ, (c,) float64)
        Shape of g, and the Chebyshev coefficients of G(p) in 2p − 1.
    targets : (m,) float64, m a multiple of BLOCK
        y + s.
    first, last : int64
    half : two tuples of five arrays, for d > 0 and for d < 0
        How to integrate over |d|.  Upper edges of the panels of the head, their number filled up
        to a multiple of 8 with the last; BLOCK Gauss nodes in each panel; the weight of each node
        times its values of the HEAD polynomials, flat; nodes and weights beyond the head.
    states : two pairs of arrays, for d > 0 and for d < 0
        (b, BLOCK, c) densities at the nodes, the index k along the last axis, and their (b, c)
        powers of two.
    out : pair of arrays
        The state at the targets, written at columns `shift` … `shift` + `columns` − 1 and up to
        15 beyond.
    columns : int64
        Read are that many, rounded up to a multiple of 16.
    shift : int64
        1 if y < 0, else 0.
    """
    z = zeros(8)
    counts = (states[0][1].shape[0], states[1][1].shape[0])
    blocks = max(counts[0], counts[1])
    edges = max(half[0][0].size, half[1][0].size)
    values, squares, levels, sums_, strips, scales = _scratch(blocks, edges)
    scratch = (values, squares, levels, sums_)
    size = blocks * BLOCK * BLOCK
    positive, negative = strips[:size], strips[size:]
    up, down = scales[: counts[0]], scales[blocks : blocks + counts[1]]
    tops, scaled, sums = aligned(BLOCK), aligned(BLOCK * BLOCK), aligned(BLOCK * BLOCK)
    for i in range(first, last):
        y = targets[i * BLOCK : (i + 1) * BLOCK]
        _fill_strip(z, law, y, half[0], scratch, positive, up)
        _fill_strip(z, law, -y, half[1], scratch, negative, down)
        for column in range(0, columns, BLOCK):
            tops[:] = NOTHING
            sums[:] = 0.0
            _tops(z, up, states[0], column, tops)
            _tops(z, down, states[1], column, tops)
            _accumulate(z, positive, up, states[0], column, tops, scaled, sums)
            _accumulate(z, negative, down, states[1], column, tops, scaled, sums)
            _normalise(z, sums, tops, out[0][i], out[1][i], column + shift)
