"""From ``rng=`` to one recorded integer, and from that to the keys of the random streams."""

from __future__ import annotations

import operator
from hashlib import blake2b
from typing import TypeAlias

import numpy as np

RNG: TypeAlias = int | np.integer | np.random.SeedSequence | np.random.Generator | None


def resolve_seed(rng: RNG) -> int:
    """Return the non-negative integer that a study records as its seed.

    An integer is itself.  A SeedSequence gives 64 bits of its state, the same at every call; a
    Generator is advanced by one draw of 64 bits; None takes fresh entropy.
    """
    if rng is None:
        rng = np.random.SeedSequence()
    if isinstance(rng, np.random.SeedSequence):
        return int(rng.generate_state(1, np.uint64)[0])
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 2**64, dtype=np.uint64))
    rule = "`rng` must be a non-negative integer, a SeedSequence, a Generator or None"
    if isinstance(rng, bool):
        raise TypeError(f"{rule}, got {rng!r}")
    try:
        seed = operator.index(rng)
    except TypeError:
        raise TypeError(f"{rule}, got {rng!r}") from None
    if seed < 0:
        raise ValueError(f"{rule}, got {seed}")
    return seed


def stream_key(seed: int, ensemble: str, parameters: str, stream: int, n: int | None) -> int:
    """Return the 64-bit key of a random stream: BLAKE2b of what defines it.

    Parameters
    ----------
    seed : int
    ensemble, parameters : str
        Name, and the parameters as canonical JSON.
    stream : int
        Version of the ensemble's stream.
    n : int or None
        Dimension; None in a nested study, whose dimensions share one stream.
    """
    text = f"seed={seed} ensemble={ensemble} parameters={parameters} stream={stream} n={n}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
