"""How rare are minima and low indices: 1e-300 and far below, by sequential Monte Carlo."""

from __future__ import annotations

import functools
import inspect
import json
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import positive_integer, positive_number, worker_count
from saddlelab.ensembles import Ensemble, with_parameters
from saddlelab.ensembles._hermite import Hermite
from saddlelab.splitting import MAX_PARTICLES, Splitting, latents_of
from saddlelab.studies.seeds import RNG, resolve_seed, stream_key
from saddlelab.threads import over_threads

__all__ = ["RareEvent", "rare_prevalence"]

FloatArray: TypeAlias = NDArray[np.float64]
#: Ensemble, dimension, kind, index, seed, threads.
_Event: TypeAlias = tuple[Any, int, str, int, int, int]

#: Beyond, a run takes minutes.
MAX_DIM = 1000
#: Cells of a table for n = 1, and for each of the standard deviations that a pivot may be wide.
_FEWEST_CELLS, _CELLS, _MOST_CELLS = 128, 40, 1536
#: Numbers in the tables: 512 MB.
_MOST_NUMBERS = 2**26
MAX_SAMPLES = 2**24
#: Raised by one whenever the same seed would give another estimate than before.
_STREAM = 2
# Particles of an island, which resamples by itself; the spread of the islands gives the error.
_ISLAND = 128
_PILOT, _FEWEST = 32, 64
# A pilot's variance is itself uncertain.
_RESERVE = 1.3


@dataclass(frozen=True, slots=True)
class RareEvent:
    """The probability that a random Hessian is a minimum, or nearly one.

    Attributes
    ----------
    ensemble : str
        Name of the ensemble.
    parameters : dict
        Its parameters (a `shift` at its default is left out).
    n : int
        Dimension.
    kind : str
        ``"minimum"`` or ``"maximum"``.
    max_index : int
        How many eigenvalues may have the other sign.
    log_probability : float
        Natural logarithm of the probability.
    log_error : float
        Its standard error, and so the relative standard error of the probability.
    samples : int
        Particles, those of the pilot run left out.
    effective : float
        The least effective sample size at any row, as a fraction of the particles; where levels are
        split, the least fraction that survived one.
    seed : int
        What to pass as ``rng`` to get the same estimate again.
    """

    ensemble: str
    parameters: dict[str, Any]
    n: int
    kind: str
    max_index: int
    log_probability: float
    log_error: float
    samples: int
    effective: float
    seed: int

    @property
    def probability(self) -> float:
        """The probability; 0.0 where it is below the least float64."""
        return math.exp(self.log_probability)

    @property
    def log10(self) -> float:
        """The decimal logarithm of the probability."""
        return self.log_probability / math.log(10.0)

    @property
    def event(self) -> str:
        """The event in words, such as ``"minimum"`` or ``"index <= 2"``."""
        if self.max_index == 0:
            return self.kind
        if self.kind == "minimum":
            return f"index <= {self.max_index}"
        return f"index >= {self.n - self.max_index}"

    def __str__(self) -> str:
        """Say the probability in decimal, with its relative error."""
        exponent = math.floor(self.log10)
        digits = max(1, min(6, math.ceil(-math.log10(max(self.log_error, 1e-7)))))
        mantissa = f"{10.0 ** (self.log10 - exponent):.{digits}f}"
        if mantissa.startswith("10"):
            mantissa, exponent = f"{1:.{digits}f}", exponent + 1
        return (
            f"P({self.event}) = {mantissa}e{exponent:+03d} ± {100 * self.log_error:.2g} %, "
            f"{self.ensemble}, n = {self.n} ({self.samples} particles)"
        )


def rare_prevalence(
    ensemble: str | Ensemble,
    n: int,
    *,
    kind: Literal["minimum", "maximum"] = "minimum",
    max_index: int | None = None,
    rel_error: float | None = None,
    samples: int | None = None,
    rng: RNG = None,
    workers: int | None = None,
    **parameters: Any,
) -> RareEvent:
    """Estimate how probable it is that a random Hessian has at most few negative eigenvalues.

    The pivots of a β-Hermite matrix are a Markov chain, and the index is how many are negative.
    Particles walk along the chain by proposals that foresee the rows to come, and carry
    the weight that this costs; see `saddlecore.foresight` and `saddlecore.rare`.  Matrices of other
    ensembles are split at levels of an eigenvalue: those below a level are replaced by copies of
    the others, which move on, entry by entry, under the law of what is above it; see
    `saddlecore.splitting`.  That takes a time that grows like the square of ln P: 5 % are had in
    seconds where P is above about 1e-25 (n = 10 to 12 without a shift; matrices of signs end at
    n = 7), in 40 s of one core at 1e-51 (n = 20).  Both estimates of the probability are unbiased,
    whatever the foresight or the moves are worth, and independent of all exact laws.  Either is a
    function of ``(ensemble, parameters, n, kind, max_index, rel_error or samples, seed)``
    alone, for any number of `workers`.

    Parameters
    ----------
    ensemble : str or Ensemble
        ``"goe"``, ``"gue"``, ``"gse"``, or ``"beta"`` for any Dyson index, all with any shift; by
        splitting ``"wishart"``, ``"diagonal"``, ``"wigner"``, ``"wishart+goe"`` or ``"sparse"``.
    n : int
        Dimension, at most 1000, of matrices drawn entry by entry at most 60.
    kind : {"minimum", "maximum"}, optional
        No negative eigenvalue, or no positive one.
    max_index : int or None, optional
        So many negative ones (for maxima: positive ones) are allowed, 0 … n − 1: the probability
        of index <= max_index (of index >= n − max_index).  None: 0.
    rel_error : float or None, optional
        Relative standard error to aim at, between 10⁻⁴ and 1; a pilot run tells how many samples
        that takes.  The result says what was reached.  None: 0.02, by splitting 0.05.
    samples : int or None, optional
        Particles to use instead, rounded up to a multiple of 128, at least 8192 and at most 2²⁴; by
        splitting to a multiple of 512, at least 4096 and at most 2²².
    rng : int, SeedSequence, Generator or None, optional
        An integer is the seed.  Of a SeedSequence or a Generator 64 bits are taken.  None: a fresh
        one.  The result records it as ``seed``.
    workers : int or None, optional
        Threads.  None: all cores.
    **parameters
        The ensemble's parameters, as in :func:`saddlelab.prevalence`.

    Returns
    -------
    RareEvent

    Raises
    ------
    RuntimeError
        If no particle arrives, or not even a part of a pilot's.
    ValueError, TypeError
        If an argument is out of its range or of a wrong type; if the ensemble is none of those
        above, or has no such parameter; if `rel_error` would take more particles than there may be,
        or the tables of so large an `n`, `max_index` or shift too much memory.

    Examples
    --------
    >>> event = rare_prevalence("goe", 100, rng=0)
    >>> bool(abs(event.log_probability + 2785.12257) < 5 * event.log_error < 0.1)
    True
    """
    law = with_parameters(ensemble, parameters, _options())
    n = positive_integer("n", n, at_most=MAX_DIM)
    if kind not in ("minimum", "maximum"):
        raise ValueError(f"`kind` must be 'minimum' or 'maximum', got {kind!r}")
    if max_index is None:
        max_index = 0
    elif max_index != 0:
        max_index = positive_integer("max_index", max_index, at_most=n - 1, or_none=" or 0")
    chained = isinstance(law, Hermite)
    if rel_error is None:
        rel_error = 0.02 if chained else 0.05
    rel_error = positive_number("rel_error", rel_error, at_least=1e-4, at_most=1.0)
    if samples is not None:
        most = MAX_SAMPLES if chained else MAX_PARTICLES
        samples = positive_integer("samples", samples, at_most=most, or_none=" or None")
    threads, seed = worker_count(workers), resolve_seed(rng)
    event = (law, n, kind, int(max_index), seed, threads)
    estimate = _along_chain if chained else _by_splitting
    log_probability, log_error, effective, samples = estimate(event, rel_error, samples)
    return RareEvent(
        ensemble=law.name,
        parameters=law.parameters,
        n=n,
        kind=kind,
        max_index=int(max_index),
        log_probability=log_probability,
        log_error=log_error,
        samples=samples,
        effective=effective,
        seed=seed,
    )


def _along_chain(
    event: _Event, rel_error: float, samples: int | None
) -> tuple[float, float, float, int]:
    """Return ln P, its error, the least effective sample size and the number of particles."""
    chain = _Chain(*event)
    islands = _islands_for(chain, rel_error) if samples is None else -(-samples // _ISLAND)
    islands = max(islands, _FEWEST)
    return *chain.estimate("main", islands), islands * _ISLAND


def _by_splitting(
    event: _Event, rel_error: float, samples: int | None
) -> tuple[float, float, float, int]:
    """Do the same for an ensemble without a chain of pivots that are normal."""
    levels = Splitting(event[0], latents_of(event[0], event[1]), *event[1:])
    size = levels.size_for(rel_error) if samples is None else -(-samples // levels.islands)
    return levels.estimate(size)


def _islands_for(chain: _Chain, rel_error: float) -> int:
    """Ask a pilot run how many islands reach a relative error."""
    _, error, _ = chain.estimate("pilot", _PILOT)
    islands = math.ceil(_RESERVE * _PILOT * (error / rel_error) ** 2)
    if islands * _ISLAND > MAX_SAMPLES:
        least = rel_error * math.sqrt(islands * _ISLAND / MAX_SAMPLES)
        raise ValueError(
            f"`rel_error` must be at least {least:.2g} for this event (that takes {MAX_SAMPLES} "
            f"particles), got {rel_error}"
        )
    return islands


class _Chain:
    """The chain of one event, its tables, and the run of islands along it."""

    def __init__(
        self, law: Hermite, n: int, kind: str, max_index: int, seed: int, threads: int
    ) -> None:
        from saddlecore.foresight import fill_grid, fill_tables

        self._threads = threads
        self._stream = (law.name, law.parameters, f"{kind} {max_index}", n, seed)
        beta, s = law.dyson_index(), law.shift * math.sqrt(2.0 * law.dyson_index() * n)
        # −H has the spectrum of H mirrored: its maxima are minima.
        self._model = (s if kind == "minimum" else -s, 0.5 * beta * np.arange(1.0, n + 1.0))
        # Pivots are of this size.
        size = max(math.sqrt(0.5 * beta * n), 1.0) + 0.5 * abs(s)
        cells = _cells(n, max_index, size)
        self._grid = (*(np.zeros(cells) for _ in range(4)), 0.5 * math.pi / cells, size)
        shape = (n, 2, max_index + 1, cells)
        self._tables = np.zeros(shape), np.zeros(shape)
        fill_grid(self._grid)
        fill_tables(self._model, self._grid, self._tables)

    def estimate(self, purpose: str, islands: int) -> tuple[float, float, float]:
        """Return ln P, its standard error and the least effective fraction of all islands."""
        from saddlecore.rare import run_islands

        name, parameters, event, n, seed = self._stream
        text = json.dumps(parameters, sort_keys=True)
        key = np.uint64(stream_key(seed, f"{event} {purpose} {name}", text, _STREAM, n))
        logs, effective = np.zeros(islands), np.zeros(islands)

        def run(first: int) -> None:
            part = slice(first, first + share)
            run_islands(
                key, self._model, self._grid, self._tables, first, _ISLAND,
                logs[part], effective[part],
            )  # fmt: skip

        share = max(1, islands // (8 * self._threads))
        over_threads(run, range(0, islands, share), self._threads)
        top = float(logs.max())
        if not math.isfinite(top):
            raise RuntimeError(f"the particles of {name} {parameters} lost their way at n = {n}")
        weights = np.exp(logs - top)
        mean = math.fsum(weights) / islands
        error = math.sqrt(math.fsum((weights / mean - 1.0) ** 2) / (islands * (islands - 1)))
        return top + math.log(mean), error, float(effective.min())


def _cells(n: int, max_index: int, size: float) -> int:
    """How fine the tables must be; a complaint if that is too fine."""
    cells = max(_FEWEST_CELLS, 8 * math.ceil(size * _CELLS / 8.0))
    if cells > _MOST_CELLS:
        raise ValueError(
            f"`n` must be smaller for this ensemble and shift: {cells} cells, at most "
            f"{_MOST_CELLS}, got {n}"
        )
    most = _MOST_NUMBERS // (4 * n * cells) - 1
    if max_index > most:
        raise ValueError(f"`max_index` must be at most {most} for this event, got {max_index}")
    return cells


@functools.cache
def _options() -> tuple[str, ...]:
    """Names of the keyword arguments that are no parameters of an ensemble."""
    found = inspect.signature(rare_prevalence).parameters.values()
    return tuple(each.name for each in found if each.kind is each.KEYWORD_ONLY)
