"""``python -m bench``: run the benchmarks, print the tables, write RESULTS.md."""

import argparse
import importlib
import os
import sys

from bench import report

JOBS = (
    "classify", "derivatives", "critical", "spectrum", "prevalence", "ensembles", "weighted",
    "dense", "rare", "optimizers", "annealing", "networks", "network_points", "models",
    "landscapes", "scale", "cluster", "startup",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and fewer repeats")
    parser.add_argument("--only", choices=JOBS, action="append", help="may be given repeatedly")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md")
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("--write takes a whole run, leave out --quick")
    print(report.machine(), flush=True)
    _warn_if_busy()
    tables = []
    for job in options.only or JOBS:
        table = importlib.import_module(f"bench.{job}").run(options.quick)
        print(f"\n{table.title}\n{report.text(table)}", flush=True)
        tables.append(table)
        if options.write:
            report.RESULTS.write_text(report.results(tables, JOBS), encoding="utf-8")


def _warn_if_busy() -> None:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.5:
        print(f"load average {load:.2f}: something else runs, expect noise", file=sys.stderr)


if __name__ == "__main__":
    main()
