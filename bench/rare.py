"""Probabilities far below the range of float64: time, and the error beside the exact law."""

import math
from typing import Any

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, limit

DIMS = (50, 100)
AIM, SECONDS = 0.02, 10.0
# By splitting: ensemble, dimension, parameters.
SPLIT = (
    ("wigner", 5, {"entries": "uniform"}),
    ("wigner", 7, {"entries": "rademacher"}),
    ("wigner", 10, {"diagonal": 2.0}),
    ("wigner", 10, {"entries": "uniform"}),
    ("wigner", 10, {"entries": "laplace"}),
    ("wishart+goe", 10, {"energy": 1.0}),
    ("wishart", 20, {"ratio": 0.5, "shift": 0.3}),
)
SPLIT_AIM = 0.05

NOTE = f"""\
`rare_prevalence("goe", n, workers={WORKERS})`, whose aim is a relative standard error of {AIM:.0%},
pilot run included.  The error it gives is for one seed; the *error beside the exact law* is the
root mean square of exp(estimate − exact) − 1 over seeds, each of which is within five of its own
standard errors.  `numpy.linalg.eigvalsh` has no row: it would take 1/P matrices.

The other ensembles are estimated by splitting, with an aim of {SPLIT_AIM:.0%}; matrices of normal
entries with the diagonal's variance doubled are the GOE's, whose exact law is beside them, and P of
those of signs is 2^−(n(n−1)/2 + 1)."""


def run(quick: bool) -> Table:
    rows: list[Row] = []
    for n in DIMS:
        rows += _rows(n, 3 if quick else 7, 10 if quick else 40)
    for ensemble, n, parameters in SPLIT:
        rows += _split_rows(ensemble, n, parameters, 1 if quick else 3)
    return Table("rare", NOTE, rows)


def _split_rows(ensemble: str, n: int, parameters: dict[str, Any], repeats: int) -> list[Row]:
    from saddlelab import log_minimum_probability, rare_prevalence

    def run(seed: int = 0) -> Any:
        return rare_prevalence(ensemble, n, rng=seed, workers=WORKERS, **parameters)

    event = run()
    if "diagonal" in parameters:
        exact = log_minimum_probability("goe", n)
        check(abs(event.log_probability - exact) <= 5.0 * event.log_error, f"{event}: not {exact}")
    if parameters.get("entries") == "rademacher":
        exact = -(n * (n - 1) / 2 + 1) * math.log(2.0)
        check(abs(event.log_probability - exact) <= 5.0 * event.log_error, f"{event}: not {exact}")
    seconds = alternate({"ours": Stopwatch(run)}, repeats)["ours"]
    said = ", ".join(f"{name} {value}" for name, value in parameters.items())
    size = f"{ensemble}, {said}, n = {n}, P = {10**event.log10:.2g}, {event.samples:,} particles"
    aim = 130.0 * SPLIT_AIM  # a pilot's variance is uncertain
    return [
        limit("time, by splitting", size, seconds, "s", at_most=SECONDS),
        limit("standard error, given", size, [100.0 * event.log_error], "%", at_most=aim),
    ]


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
