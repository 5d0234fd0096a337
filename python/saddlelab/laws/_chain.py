"""Index laws of the β-Hermite ensembles from Sturm's chain: any β, any shift, all tails."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.arguments import worker_count
from saddlelab.laws._grid import BLOCK, HalfLine, half_line
from saddlelab.threads import over_threads

Floats: TypeAlias = NDArray[np.float64]
#: Densities (blocks, BLOCK, columns), and a power of two for each block and column.
State: TypeAlias = tuple[Floats, Floats]

_LN_2 = math.log(2.0)


def chain_laws(
    beta: float, shift: float, dims: Collection[int], weighted: bool = False
) -> Iterator[tuple[int, Floats]]:
    """Yield n and ln P(k of n eigenvalues lie below `shift`), k = 0 … n, for increasing `dims`.

    Weighted, it is ln E(|det(H − shift)|; k eigenvalues lie below), which does not sum to 1.

    Parameters
    ----------
    beta : float
        β > 0.
    shift : float
        In the scale of the chain, whose diagonal is N(0, 1).
    dims : collection of int
    weighted : bool, optional
        Each pivot, a factor of the determinant, then multiplies the density.
    """
    last = max(dims)
    columns = -(-(last + 1) // BLOCK) * BLOCK
    line = half_line(0.5 * beta, shift)
    up, down = _first_state(line, shift, columns)
    for n in range(1, last + 1):
        if weighted:
            for values, _ in (up, down):
                values *= line.nodes.reshape(-1, BLOCK, 1)
        if n in dims:
            yield n, _log_law(line, up, down, n)
        if n < last:
            after = half_line(0.5 * beta * (n + 1), shift)
            up, down = _step(0.5 * beta * n, shift, line, after, up, down, n)
            line = after


def _empty(line: HalfLine, columns: int) -> State:
    blocks = len(line.nodes) // BLOCK
    # The engine may write up to 15 columns beyond.
    width = columns + BLOCK
    powers = np.full((blocks, width), saddlecore.sturm_law.NOTHING)
    return _aligned(blocks * BLOCK * width).reshape(blocks, BLOCK, width), powers


def _aligned(count: int) -> Floats:
    """Zeros from a multiple of 64 bytes on, as registers want them."""
    raw = np.zeros(count + 8)
    start = -(raw.ctypes.data // 8) % 8
    return raw[start : start + count]


def _first_state(line: HalfLine, shift: float, columns: int) -> tuple[State, State]:
    """Density of d_1 = a − shift: no negative one (column 0) for d > 0, one for d < 0."""
    states = _empty(line, columns), _empty(line, columns)
    for k, (state, sign) in enumerate(zip(states, (1.0, -1.0), strict=True)):
        exponent = -0.5 * (sign * line.nodes.reshape(-1, BLOCK) + shift) ** 2
        power = np.floor(exponent.max(axis=1) / _LN_2) + 1.0
        state[1][:, k] = power
        value = np.exp(exponent - power[:, None] * _LN_2) / math.sqrt(2.0 * math.pi)
        state[0][:, :, k] = value
    return states


def _step(
    alpha: float, shift: float, line: HalfLine, after: HalfLine, up: State, down: State, n: int
) -> tuple[State, State]:
    """Carry the densities of d_n on the two half lines to those of d_{n+1}."""
    law = transition(alpha)
    columns = up[0].shape[2] - BLOCK
    blocks = len(after.nodes) // BLOCK
    out = _empty(after, columns), _empty(after, columns)
    # Unshifted the law is symmetric: k negative ones of n before d < 0 mirror n − k before d > 0.
    signs = (1,) if shift == 0.0 else (1, -1)

    def part(task: tuple[int, int]) -> None:
        sign, block = task
        saddlecore.sturm_law.propagate(
            law, sign * after.nodes + shift, block, block + 1, (line.rule, line.rule), (up, down),
            out[0 if sign > 0 else 1], n + 1, 0 if sign > 0 else 1,
        )  # fmt: skip

    tasks = [(sign, block) for sign in signs for block in range(blocks)]
    over_threads(part, tasks, worker_count(None))
    if shift == 0.0:
        for to, of in zip(out[1], out[0], strict=True):
            to[..., 1 : n + 2] = of[..., n::-1]
    for state, first in zip(out, (0, 1), strict=True):
        state[1][:, first + n + 1 :] = saddlecore.sturm_law.NOTHING
        state[0][:, :, first + n + 1 :] = 0.0
    return out


def _log_law(line: HalfLine, up: State, down: State, n: int) -> Floats:
    weights = line.weights.reshape(-1, BLOCK)
    sums = [np.einsum("br,brk->bk", weights, state[0][..., : n + 1]) for state in (up, down)]
    mass = np.concatenate(sums)
    power = np.concatenate([state[1][:, : n + 1] for state in (up, down)])
    top = np.where(mass > 0.0, power, -np.inf).max(axis=0)
    total = np.sum(np.ldexp(mass, np.maximum(power - top, -1100.0).astype(np.int64)), axis=0)
    found: Floats = np.log(total) + top * _LN_2
    return found


# --- the transition ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def transition(alpha: float) -> tuple[float, float, Floats]:
    """α, κ and the Chebyshev series of G, for the engine's `sturm_density`."""
    # A κ above α keeps G smooth where α is small; above 2 the series would be longer than needed.
    kappa = max(alpha, 2.0 + 0.75 * alpha)
    count = 128 if alpha < 8.0 else 48
    angle = (np.arange(count) + 0.5) * math.pi / count
    values = np.empty(count)
    saddlecore.sturm_density.saddle_integrals(alpha, kappa, (np.cos(angle) + 1.0) / 2.0, values)
    order = np.arange(count)
    series = 2.0 / count * (np.cos(np.outer(order, angle)) @ values)
    series[0] /= 2.0
    # Beyond is the rounding of the values.
    kept = int(np.flatnonzero(np.abs(series) > 1e-14 * np.abs(series).max())[-1]) + 1
    factor = math.exp(_log_peak(alpha)) / math.sqrt(2.0 * math.pi)
    return alpha, kappa, np.ascontiguousarray(series[:kept] * factor)


def _log_peak(alpha: float) -> float:
    """ln(α^α e^−α / Γ(α)), by Stirling's series where the difference would cancel."""
    if alpha < 20.0:
        return alpha * math.log(alpha) - alpha - math.lgamma(alpha)
    square = 1.0 / alpha**2
    series = 1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    return 0.5 * math.log(alpha / (2.0 * math.pi)) - series / alpha
