"""Studies on a cluster of processes, and what a checkpoint costs."""

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.harness import WORKERS, Row, Table, alternate, check, cost, versus

DIMS = (20, 30)
RATIO = 1.8
OVERHEAD = 1.02

NOTE = f"""\
*Dask* is a `LocalCluster` of {WORKERS} processes of one thread each, warm, that the study reaches
by `executor=client.get_executor()`; the peer is the same with one process.  *Checkpoint* runs the
study on {WORKERS} threads with and without `checkpoint=`, on the disk of the temporary folder; the
file is made anew each time.  All counts are equal, bin by bin."""


def run(quick: bool) -> Table:
    repeats = 3 if quick else 7
    samples = 20_000_000 if quick else 60_000_000
    return Table("cluster", NOTE, [_dask(samples, repeats), _checkpoint(samples, repeats)])


def _study(samples: int, **options):
    from saddlelab import prevalence

    return prevalence("goe", DIMS, samples=samples, rng=0, **options)


def _timed(samples: int, answers: list, **options) -> float:
    begin = time.perf_counter()
    answers.append(_study(samples, **options))
    return time.perf_counter() - begin


def _check_same(answers: list) -> None:
    for study in answers[1:]:
        for n in DIMS:
            check(np.array_equal(study.counts(n), answers[0].counts(n)), f"counts, n = {n}")


def _dask(samples: int, repeats: int) -> Row:
    from distributed import Client, LocalCluster

    answers: list = []

    def cluster(processes: int) -> LocalCluster:
        return LocalCluster(
            n_workers=processes, threads_per_worker=1, processes=True, dashboard_address=None
        )

    with cluster(WORKERS) as many, cluster(1) as one, Client(many) as here, Client(one) as there:
        clients = {"many": here, "one": there}
        for client in clients.values():
            _study(1_000_000, executor=client.get_executor())
        found = alternate(
            {
                name: lambda client=client: _timed(
                    samples, answers, executor=client.get_executor()
                )
                for name, client in clients.items()
            },
            repeats,
        )
    _check_same(answers)
    size = f"n = {DIMS[0]}, {DIMS[1]}, {samples:.0e} samples each".replace("e+0", "e")
    return versus(
        f"Dask, {WORKERS} processes", size, found["many"], "one", found["one"], at_least=RATIO
    )


def _checkpoint(samples: int, repeats: int) -> Row:
    answers: list = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.sqlite")

        def kept() -> float:
            path.unlink(missing_ok=True)
            return _timed(samples, answers, workers=WORKERS, checkpoint=path)

        measures = {"kept": kept, "not": lambda: _timed(samples, answers, workers=WORKERS)}
        measures["not"]()  # warm-up
        found = alternate(measures, repeats)
        check(os.path.getsize(path) > 0, "a checkpoint was written")
    _check_same(answers)
    return cost(
        "checkpoint", f"the same, {WORKERS} threads", found["kept"], "without", found["not"],
        at_most=OVERHEAD,
    )
