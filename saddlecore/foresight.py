"""Tables of what a chain of pivots has still before it, where some pivots may be negative.

The pivots d_0 … d_{n−1} of a β-Hermite matrix minus s (see `hermite`) are a Markov chain in two
steps: t = g/|d| with g ~ Gamma(α_i), then d_{i+1} = a − s ∓ t with a ~ N(0, 1), − after a positive
pivot.  The matrix has as many eigenvalues below s as there are negative pivots.  A table holds, for
every row, sign and count of negatives so far, roughly how probable it is that at most K are
negative in the end, on cells of |d| or of t that are equal in the angle arctan(|d|/r): a pivot near
0 makes the next one huge, with density ∝ 1/t², which is flat in the angle.

The sums are rough where a density is narrower than a cell: there it is taken for a point.  The
particles of `rare` weigh that out.

Arrays: ``grid`` = (edges (M,) of the cells, lower ones; nodes (M,); logarithms of these and of the
widths; the cells' angle; r); ``tables`` = two (n, 2, K + 1, M) of logarithms: of |d|, its own sign
counted, and of the t after it.
"""

import math

import numpy as np

from saddlecore.gammas import exp
from saddlecore.jit import allocating, device, kernel
from saddlecore.streams import log

__all__ = [
    "NOWHERE",
    "beyond",
    "cell_of",
    "fill_grid",
    "fill_tables",
    "is_point_pivot",
    "is_point_t",
    "pivot_weights",
    "stirling",
    "t_weights",
    "width_at",
]

_LN_2PI = 1.8378770664093453
#: The logarithm of no probability.
NOWHERE = -1e300
_HALF_LN_2PI = 0.9189385332046727
#: A normal density is taken for a point where cells are wider.
_WIDEST = 0.5


@allocating
def stirling(S):
    """ln Γ(S) − S ln S + S, for S > 0."""
    product, y = 1.0, S
    while y < 9.0:
        product *= y
        y += 1.0
    r = 1.0 / (y * y)
    series = ((-691.0 / 360360.0 * r + 1.0 / 1188.0) * r - 1.0 / 1680.0) * r + 1.0 / 1260.0
    series = series * r - 1.0 / 360.0
    tail = 0.5 * (_LN_2PI - log(y)) + (series * r + 1.0 / 12.0) / y
    if y == S:
        return tail
    return tail + y * (log(y) - 1.0) - S * (log(S) - 1.0) - log(product)


@device
def cell_of(grid, y):
    """The cell that holds y ≥ 0."""
    low, high = 0, len(grid[1])
    while high - low > 1:
        middle = (low + high) >> 1
        if grid[0][middle] <= y:
            low = middle
        else:
            high = middle
    return low


@device
def beyond(grid, y, angle):
    """The point that lies beyond y by a small angle."""
    r = grid[5]
    square = angle * angle
    step = angle * (1.0 + square * (1.0 / 3.0 + square * (2.0 / 15.0)))
    return (y + r * step) / max(1.0 - y / r * step, 1e-13)


@device
def width_at(grid, y):
    """The width of a cell at y."""
    return grid[4] * (grid[5] + y * (y / grid[5]))


@device
def is_point_pivot(grid, y):
    """Whether the next pivot, about y, has a density narrower than the cells there."""
    return width_at(grid, y) > _WIDEST


@device
def is_point_t(grid, alpha, x):
    """Whether t after a large x, about α/x, has."""
    return alpha < math.sqrt(max(alpha, 1.0)) * grid[4] * grid[5] * x


@kernel
def fill_grid(grid):
    """Fill the arrays of a grid whose angle and r are there."""
    edges, nodes, logs, widths, angle, _ = grid
    y = 0.0
    for m in range(len(nodes)):
        edges[m], nodes[m] = y, beyond(grid, y, 0.5 * angle)
        logs[m], widths[m] = log(nodes[m]), log(width_at(grid, nodes[m]))
        y = beyond(grid, nodes[m], 0.5 * angle)


@device
def _last_near(grid, alpha):
    """The cell from which on cells of t are wider than its standard deviation, a part 1/√α of t."""
    share = math.sqrt(max(alpha, 1.0)) * grid[4]
    half = grid[5] / (2.0 * share)
    return cell_of(grid, half * (1.0 + math.sqrt(max(1.0 - 4.0 * share * share, 0.0))))


@device
def _weights(out, top):
    """Replace the logarithms by weights, the largest 1; return their sum."""
    total = 0.0
    for m in range(len(out)):
        out[m] = exp(max(out[m] - top, -700.0))
    for one in out:
        total += one
    return total


@allocating
def t_weights(grid, alpha, x, table, out):
    """Fill `out` with the probability of every cell of t after x times the table's value there.

    The density in cell 0 is taken as t^{α−1}, which is large there if α < 1; elsewhere it is that
    at the node.  Far cells, where the density may be narrower, are one, for which Chernoff's bound
    is taken.  Returns its number, the sum, and the logarithm of a factor set aside.
    """
    _, nodes, logs, widths, _, _ = grid
    constant = alpha * (log(x) - log(alpha) + 1.0) - stirling(alpha)
    stop = _last_near(grid, alpha)
    for m in range(stop):
        out[m] = constant + (alpha - 1.0) * logs[m] - x * nodes[m] + widths[m] + table[m]
    out[0] = constant + alpha * log(grid[0][1]) - log(alpha) - x * nodes[0] + table[0]
    edge, mean = grid[0][stop], alpha / x
    log_far = alpha - x * edge + alpha * log(edge / mean) if edge > mean else 0.0
    out[stop] = log_far + table[cell_of(grid, max(edge, mean))]
    top = np.max(out[: stop + 1])
    out[stop + 1 :] = 0.0
    return stop, _weights(out[: stop + 1], top), top


@allocating
def pivot_weights(grid, centre, count, tables, out):
    """Fill `out` likewise for d ~ N(centre, 1): the cells of positive d, then of negative.

    Returns the sum and the logarithm of a factor set aside, −1e300 if there is nothing.
    """
    _, nodes, _, widths, _, _ = grid
    M = len(nodes)
    out[M:] = NOWHERE
    for m in range(M):
        y = nodes[m] - centre
        out[m] = widths[m] - _HALF_LN_2PI - 0.5 * y * y + tables[0, count, m]
    if count + 1 < tables.shape[1]:
        for m in range(M):
            y = nodes[m] + centre
            out[M + m] = widths[m] - _HALF_LN_2PI - 0.5 * y * y + tables[1, count + 1, m]
    top = np.max(out)
    return _weights(out, top), top


@allocating
def _fill_t(s, grid, after, table, out):
    """Fill the table of t (sign, count) before a row whose table is `after`."""
    stop = after.shape[1]
    for sign in range(2):
        for m in range(len(grid[1])):
            centre = -s + (grid[1][m] if sign == 1 else -grid[1][m])
            negative = int(centre < 0.0)
            for count in range(stop):
                if not is_point_pivot(grid, centre):
                    total, top = pivot_weights(grid, centre, count, after, out)
                    table[sign, count, m] = top + log(total)
                elif count + negative < stop:
                    cell = cell_of(grid, abs(centre))
                    table[sign, count, m] = after[negative, count + negative, cell]


@allocating
def _fill_pivot(alpha, grid, after, table, out):
    """Fill the table of |d| (sign, count) before a t whose table is `after`."""
    for m in range(len(grid[1])):
        x = grid[1][m]
        if is_point_t(grid, alpha, x):
            table[:, :, m] = after[:, :, cell_of(grid, alpha / x)]
            continue
        for sign in range(2):
            for count in range(after.shape[1]):
                _, total, top = t_weights(grid, alpha, x, after[sign, count], out)
                table[sign, count, m] = top + log(total)


@kernel
def fill_tables(model, grid, tables):
    """Fill the tables, from the last row to the first.

    Parameters
    ----------
    model : tuple (float64, (n,) float64)
        s; α of every row.
    grid : tuple
        Filled by `fill_grid`.
    tables : tuple of two (n, 2, K + 1, M) float64 arrays, out
        Natural logarithms.
    """
    s, alpha = model
    n, M = len(alpha), len(grid[1])
    out = np.empty(2 * M)
    tables[0][:], tables[1][:] = NOWHERE, NOWHERE
    tables[0][n - 1] = 0.0
    for row in range(n - 2, -1, -1):
        _fill_t(s, grid, tables[0][row + 1], tables[1][row], out)
        _fill_pivot(alpha[row], grid, tables[1][row], tables[0][row], out[:M])
