"""Probabilities far below the range of float64: time, and the error beside the exact law."""

import math

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, limit

DIMS = (50, 100)
AIM, SECONDS = 0.02, 10.0

NOTE = f"""\
`rare_prevalence("goe", n, workers={WORKERS})`, whose aim is a relative standard error of {AIM:.0%},
pilot run included.  The error it gives is for one seed; the *error beside the exact law* is the
root mean square of exp(estimate − exact) − 1 over seeds, each of which is within five of its own
standard errors.  `numpy.linalg.eigvalsh` has no row: it would take 1/P matrices."""


def run(quick: bool) -> Table:
    rows: list[Row] = []
    for n in DIMS:
        rows += _rows(n, 3 if quick else 7, 10 if quick else 40)
    return Table("rare", NOTE, rows)


def _rows(n: int, repeats: int, seeds: int) -> list[Row]:
    from saddlelab import log_minimum_probability, rare_prevalence

    exact = log_minimum_probability("goe", n)
    watch = Stopwatch(lambda: rare_prevalence("goe", n, rng=0, workers=WORKERS))
    seconds = alternate({"ours": watch}, repeats)["ours"]
    events = [rare_prevalence("goe", n, rng=seed, workers=WORKERS) for seed in range(seeds)]
    for event in events:
        off = abs(event.log_probability - exact)
        check(off <= 5.0 * event.log_error, f"n = {n}, seed {event.seed}: off by {off:g}")
    squares = [math.expm1(event.log_probability - exact) ** 2 for event in events]
    percent = 100.0 * math.sqrt(math.fsum(squares) / seeds)
    size = f"GOE, n = {n}, P = 1e{events[0].log10:.0f}, {events[0].samples:,} particles"
    aim = 100.0 * AIM
    return [
        limit("time", size, seconds, "s", at_most=SECONDS),
        limit("standard error, given", size, [100.0 * events[0].log_error], "%", at_most=aim),
        limit("error beside the exact law", f"{size}, {seeds} seeds", [percent], "%", at_most=aim),
    ]
