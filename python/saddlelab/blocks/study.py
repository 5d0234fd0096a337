"""How saturated attention is at the start, against the length of queries and keys."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import dimensions, positive_integer, positive_number
from saddlelab.blocks.attention import attention
from saddlelab.blocks.study_result import SCALINGS, AttentionStudy
from saddlelab.draws import Draws
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["attention_saturation"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 10**5
#: Purposes of the numbers.
_QUERIES, _KEYS, _VALUES, _COTANGENT = range(4)


def attention_saturation(
    dims: Any = (4, 16, 64, 256),
    *,
    tokens: int = 64,
    runs: int = 16,
    threshold: float = 0.01,
    rng: RNG = None,
) -> AttentionStudy:
    """Measure softmax saturation of attention between random queries and keys, scaled and not.

    Entries of Q, K, V and of the derivative by the output are independent N(0, 1).  The logits then
    have variance 1 with 1/√d, and d without: beyond d ≈ 2 ln(tokens) most queries have chosen a
    key, and what passes backwards through the softmax shrinks.

    Parameters
    ----------
    dims : int or sequence of int, optional
        d, distinct.
    tokens : int, optional
        Queries, and keys; two at least.
    runs : int, optional
        Samples for each d.
    threshold : float, optional
        A row is saturated when its largest weight is beyond 1 − threshold.
    rng : int, SeedSequence, Generator or None, optional
        Same seed, same bits; those of one d do not depend on the others.

    Returns
    -------
    AttentionStudy

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Notes
    -----
    For many keys and normal logits of variance s² < 2 ln(keys) the mean entropy is
    ln(keys) − s²/2: this is the random energy model at inverse temperature s, which freezes beyond.

    The root mean square of ∂ℓ/∂Q does not vanish with d: few rows that have not chosen carry it,
    and without 1/√d it has no such factor either.  That of the median row falls once most have
    chosen.

    References
    ----------
    A. Vaswani et al., Attention is all you need, NeurIPS 2017, arXiv:1706.03762, section 3.2.1.
    B. Derrida, Random-energy model, Physical Review B 24 (1981) 2613.

    Examples
    --------
    >>> from saddlelab import blocks
    >>> found = blocks.attention_saturation([16, 256], runs=4, rng=0)
    >>> [[round(h, 1) for h in row] for row in found.mean("entropy").tolist()]
    [[3.7, 3.7], [1.3, 0.2]]
    """
    sizes = dimensions(dims)
    tokens = positive_integer("tokens", tokens, at_most=_MOST)
    if tokens < 2:
        raise ValueError("`tokens` must be at least 2, for of one there is no choice, got 1")
    count = positive_integer("runs", runs, at_most=_MOST)
    limit = positive_number("threshold", threshold, at_most=0.5)
    seed = resolve_seed(rng)
    found = np.array([_measure(d, tokens, count, limit, seed) for d in sizes])
    entropy, largest, saturated, jacobian, gradient, typical = found.transpose(1, 2, 0, 3)
    return AttentionStudy(
        np.array(sizes), entropy, largest, saturated, jacobian, gradient, typical, tokens, limit,
        seed,
    )  # fmt: skip


def _measure(d: int, tokens: int, runs: int, threshold: float, seed: int) -> Floats:
    """(6, scalings, runs) what is measured of each run."""
    draws = Draws(seed, "attention", d=d, tokens=tokens)
    Q, K, V, g = (
        draws.normals(runs, tokens * d, purpose).reshape(runs, tokens, d)
        for purpose in (_QUERIES, _KEYS, _VALUES, _COTANGENT)
    )
    out = np.empty((6, len(SCALINGS), runs))
    for k, scale in enumerate((1.0 / math.sqrt(d), 1.0)):
        block = attention(Q, K, V, scale=scale)
        rows, dQ = block.saturation(), block.backward(g).Q
        out[0, k] = rows.entropy.mean(axis=1)
        out[1, k] = rows.largest.mean(axis=1)
        out[2, k] = (rows.largest > 1.0 - threshold).mean(axis=1)
        out[3, k] = rows.jacobian.mean(axis=1)
        squares = (dQ * dQ).mean(axis=2)
        out[4, k] = np.sqrt(squares.mean(axis=1))
        out[5, k] = np.sqrt(np.median(squares, axis=1))
    return out
