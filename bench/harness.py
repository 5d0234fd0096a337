"""Timing ours and the peers in turn, and the rows of the tables."""

import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

#: Every contestant gets two threads.
WORKERS = 2
# OpenBLAS and OpenMP threads spin for a while after their last task, on the next one's core.
_PAUSE = 0.15
# A shorter measurement would be one of the clock, the thread pool and the caches' state.
_AT_LEAST = 0.1
# After a pause Linux may run two threads on one core for some tens of milliseconds.
_WARM = 0.1


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, as text; ``met`` is None where there is no target."""

    job: str
    size: str
    ours: str
    peer: str = ""
    theirs: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    note: str
    rows: list[Row]


class Stopwatch:
    """Times a call, or `loops` of it; keeps the answer of the last one."""

    def __init__(self, call: Callable[[], Any], loops: int | None = None) -> None:
        self._call = call
        call()  # warm-up: compiling, page faults
        self._loops = 1
        self._seconds = self()
        if loops is None:
            self._loops = max(1, math.ceil(_AT_LEAST / self._seconds))

    def warm_up(self) -> None:
        """Let a call that is short run for a while."""
        start = time.perf_counter()
        while self._seconds < _WARM and time.perf_counter() - start < _WARM:
            self._call()

    def __call__(self) -> float:
        """Return seconds per call, by default over as many calls as take 0.1 s."""
        start = time.perf_counter()
        for _ in range(self._loops):
            self.answer = self._call()
        return (time.perf_counter() - start) / self._loops


def alternate(measures: dict[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Take every measurement in turn, ``repeats`` times: drift of the machine hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(repeats):
        for name, measure in measures.items():
            time.sleep(_PAUSE)
            if isinstance(measure, Stopwatch):
                measure.warm_up()
            found[name].append(measure())
    return found


def check(holds: bool, what: str) -> None:
    """Stop the benchmark: a wrong answer has no speed."""
    if not holds:
        raise AssertionError(what)


def check_mean(ours: Any, theirs: float, variance: float, samples: int, what: str) -> None:
    """Check that two means agree within five standard errors of the smaller sample."""
    off = abs(float(ours) - theirs)
    bound = 5.0 * math.sqrt(variance / samples)
    check(off <= bound, f"{what}: {float(ours)} and {theirs} differ by more than {bound}")


def duration(values: list[float]) -> str:
    """Write seconds as "median (min–max) unit"."""
    middle = statistics.median(values)
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if middle >= size or unit == "ns":
            return spread([value / size for value in values], unit)
    raise AssertionError


def spread(values: list[float], unit: str) -> str:
    """Write "median (min–max) unit"."""
    middle = number(statistics.median(values))
    if len(values) == 1:
        return f"{middle} {unit}"
    return f"{middle} ({number(min(values))}–{number(max(values))}) {unit}"


def number(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(digits, 0)}f}"


def versus(
    job: str,
    size: str,
    ours: list[float],
    peer: str,
    theirs: list[float],
    *,
    at_least: float | None = None,
) -> Row:
    """Compare seconds per unit of the same work; the ratio is taken within each repeat."""
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    middle = statistics.median(ratios)
    return _tell(
        Row(
            job,
            size,
            duration(ours),
            peer,
            duration(theirs),
            spread(ratios, "×"),
            "" if at_least is None else f"≥ {at_least:,g} ×",
            None if at_least is None else middle >= at_least,
        )
    )


def cost(
    job: str,
    size: str,
    ours: list[float],
    peer: str,
    theirs: list[float],
    *,
    at_most: float | None = None,
) -> Row:
    """Compare with less work: how many times its time ours takes."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    row = limit(job, size, ratios, "×", at_most=at_most)
    return replace(row, ours=duration(ours), peer=peer, theirs=duration(theirs), ratio=row.ours)


def limit(
    job: str,
    size: str,
    values: list[float],
    unit: str,
    *,
    at_most: float | None = None,
    target: str | None = None,
) -> Row:
    """Hold a figure of ours (the median) against an upper limit."""
    met = None if at_most is None else statistics.median(values) <= at_most
    if target is None:
        target = "" if at_most is None else f"≤ {at_most:g} {unit}"
    return _tell(Row(job, size, spread(values, unit), target=target, met=met))


def _tell(row: Row) -> Row:
    text = " ".join(filter(None, (row.job, row.size, row.ours, row.peer, row.theirs, row.ratio)))
    print(text, file=sys.stderr, flush=True)
    return row
