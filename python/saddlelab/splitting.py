"""Rare events of any ensemble that is a function of independent numbers: multilevel splitting."""

from __future__ import annotations

import json
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles import Ensemble
from saddlelab.ensembles._dense import Dense
from saddlelab.ensembles._latents import Latents
from saddlelab.studies.seeds import stream_key
from saddlelab.threads import over_threads

__all__ = ["MAX_DENSE", "MAX_PARTICLES", "Splitting", "latents_of"]

FloatArray: TypeAlias = NDArray[np.float64]

#: The largest dense matrices; far below it most events are too rare already.
MAX_DENSE = 60
MAX_PARTICLES = 2**22
#: Raised by one whenever the same seed would give another estimate than before.
_STREAM = 1
# Fraction that survives a level, fraction of moves that are made, moves at a level.
_PART, _AIM, _MOVES = 0.3, 0.5, 2
_MOST_LEVELS = 1024
# Particles that place the levels; islands that say how many particles an island needs.
_SCOUTS, _PILOT_ISLANDS, _PILOT_SIZE, _LARGEST_PILOT = 2048, 32, 128, 2048
_ISLANDS, _SMALLEST = 64, 64
# A pilot's variance is itself uncertain; estimates of islands must not spread much further.
_RESERVE, _SPREAD = 1.3, 0.25


class Splitting:
    """Levels of one event, and the runs of islands through them."""

    islands = _ISLANDS

    def __init__(
        self, law: Ensemble, latents: Latents, n: int, kind: str, max_index: int, seed: int,
        threads: int,
    ) -> None:  # fmt: skip
        """Place the levels by a run of their own."""
        if isinstance(law, Dense) and n > MAX_DENSE:
            raise ValueError(f"`n` must be at most {MAX_DENSE} for {law.name!r}, got {n}")
        self._stream = (law.name, law.parameters, f"{kind} {max_index}", n, seed)
        self._threads = threads
        self._latents = latents  # the engine reads its arrays
        self._problem = latents.problem(n, kind, max_index)
        self._levels, self._steps = self._place()

    def size_for(self, rel_error: float) -> int:
        """Ask a pilot run how many particles an island needs for a relative error."""
        variance = self._variance()
        size = variance * max(_RESERVE / (_ISLANDS * rel_error**2), 1.0 / _SPREAD)
        if size * _ISLANDS > MAX_PARTICLES:
            least = math.sqrt(_RESERVE * variance / MAX_PARTICLES)
            hint = f"`rel_error` must be at least {least:.2g} for this event"
            if variance * _ISLANDS > _SPREAD * MAX_PARTICLES:
                hint = "this event is too rare"
            raise ValueError(f"{hint} (at most {MAX_PARTICLES} particles), got {rel_error}")
        return math.ceil(size)

    def estimate(self, size: int) -> tuple[float, float, float, int]:
        """Return ln P, its standard error, the least fraction surviving a level, the particles."""
        size = max(_SMALLEST, -(-size // 8) * 8)
        logs, least = self._run("main", _ISLANDS, size)
        if np.mean(np.isfinite(logs)) < 0.5:
            raise RuntimeError(self._lost())
        top = float(logs.max())
        weights = np.exp(logs - top)
        mean = math.fsum(weights) / _ISLANDS
        squares = math.fsum((weights / mean - 1.0) ** 2)
        error = math.sqrt(squares / (_ISLANDS * (_ISLANDS - 1)))
        return top + math.log(mean), error, float(least.min()), size * _ISLANDS

    def _place(self) -> tuple[FloatArray, FloatArray]:
        from saddlecore.splitting import place_levels

        levels, steps = np.zeros(_MOST_LEVELS), np.zeros(_MOST_LEVELS)
        found = place_levels(
            self._key("levels"), self._problem, _PART, _AIM, _MOVES, _SCOUTS, levels, steps
        )
        if found == 0:
            raise RuntimeError(self._lost())
        return levels[:found].copy(), steps[:found].copy()

    def _variance(self) -> float:
        """The variance of an island's logarithm, times its size."""
        size = _PILOT_SIZE
        while True:
            logs, _ = self._run("pilot", _PILOT_ISLANDS, size)
            if np.all(np.isfinite(logs)):
                return float(size * logs.var(ddof=1))
            size *= 2
            if size > _LARGEST_PILOT:
                raise RuntimeError(self._lost())

    def _run(self, purpose: str, islands: int, size: int) -> tuple[FloatArray, FloatArray]:
        from saddlecore.splitting import split_islands

        logs, least = np.zeros(islands), np.zeros(islands)
        key = self._key(f"{purpose} {size}")

        def run(island: int) -> None:
            part = slice(island, island + 1)
            split_islands(
                key, self._problem, self._levels, self._steps, _MOVES, island, size,
                logs[part], least[part],
            )  # fmt: skip

        over_threads(run, range(islands), self._threads)
        return logs, least

    def _key(self, purpose: str) -> np.uint64:
        name, parameters, event, n, seed = self._stream
        text = json.dumps(parameters, sort_keys=True)
        return np.uint64(stream_key(seed, f"{event} {purpose} {name}", text, _STREAM, n))

    def _lost(self) -> str:
        name, parameters, event, n, _ = self._stream
        return (
            f"the particles of {name} {parameters} died out at n = {n}: the event ({event}) is "
            "impossible, or too rare for this method"
        )


def latents_of(law: Ensemble, n: int) -> Latents:
    """Return the ensemble's latents, or say why it has none."""
    found = law.latents(n)
    if found is not None:
        return found
    if law.weighted:
        why = "whose samples carry weights"
    elif law.name == "ginibre":
        why = "which is not symmetric"
    else:
        why = "of whose random numbers nothing is known"
    raise ValueError(f"`ensemble` must be one of independent entries or pivots, got {law.name!r}, "
                     f"{why}")  # fmt: skip


