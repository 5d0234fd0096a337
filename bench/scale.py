"""Studies that are large in samples or in dimension: time, and growth of memory."""

import statistics

from bench.child import call
from bench.harness import WORKERS, Row, Table, alternate, check, check_mean, limit

GROWTH_MB = 10.0
# Ten times the samples, or the dimension, may cost so many times the time, or memory: linear, and
# noise.
LINEAR = 11.0
ROWS_OF_LARGE = 20_000_000

NOTE = f"""\
One call of `prevalence("goe", [n], samples=…, workers={WORKERS})` in a process of its own, which
has run a study of 10⁶ samples of n = 10 before.  Growth is the peak of the resident memory during
the call, less what was resident before it.  *Ratio to a tenth* compares medians: linear is 10."""


def run(quick: bool) -> Table:
    repeats = 1 if quick else 3
    rows = _many(10**8 if quick else 10**9, repeats)
    return Table("scale", NOTE, rows + _large(repeats))


def _studies(sizes: list[tuple[int, int]], repeats: int):
    """Seconds and growth in MB by (n, samples)."""
    growth: dict[str, list[float]] = {str(size): [] for size in sizes}

    def measure(n: int, samples: int) -> float:
        found = call("study", n, samples)
        check(found["samples"] == samples, "every sample has an index")
        check_mean(found["mean"], n / 2, found["variance"], samples, f"mean index, n = {n}")
        growth[str((n, samples))].append(max(found["growth"], 0) / 1e6)
        return found["seconds"]

    seconds = alternate({str(size): lambda size=size: measure(*size) for size in sizes}, repeats)
    return [(seconds[str(size)], growth[str(size)]) for size in sizes]


def _many(samples: int, repeats: int) -> list[Row]:
    sizes = [(10, samples // 10), (10, samples)]
    rows, seconds = [], []
    for (n, m), (times, growth) in zip(sizes, _studies(sizes, repeats), strict=True):
        size = f"n = {n}, {m:.0e} samples".replace("e+0", "e")
        rows.append(limit("time", size, times, "s"))
        rows.append(limit("growth of memory", size, growth, "MB", at_most=GROWTH_MB))
        seconds.append(statistics.median(times))
    ratio = [seconds[1] / seconds[0]]
    rows.append(limit("time, ratio to a tenth", size, ratio, "×", at_most=LINEAR, target="linear"))
    return rows


def _large(repeats: int) -> list[Row]:
    sizes = [(n, ROWS_OF_LARGE // n) for n in (10**5, 10**6)]
    rows, memory = [], []
    for (n, m), (times, growth) in zip(sizes, _studies(sizes, repeats), strict=True):
        size = f"n = {n:,}, {m} samples"
        rows.append(limit("time", size, times, "s"))
        rows.append(limit("growth of memory", size, growth, "MB"))
        memory.append(statistics.median(growth))
    ratio = [memory[1] / memory[0]]
    rows.append(limit("memory, ratio to a tenth", size, ratio, "×", at_most=LINEAR, target="O(n)"))
    return rows
