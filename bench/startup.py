"""What a person waits for before the work begins, and what a checkpoint costs."""

import itertools
import tempfile
from pathlib import Path

from bench.child import call
from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, cost, limit

COLD_S, WARM_S = 15.0, 1.0

NOTE = """\
Each measurement is a new process, timed from the inside (so without the start of the interpreter)
on compiled bytecode.  *First study* and *first classify* run from before `import saddlelab` to the
result of a study of one tiny block, or of a stack of eight 3 × 3 matrices; cold is with an empty
`NUMBA_CACHE_DIR`, warm is after another process filled it.  *Checkpoint* is the same study without
and with `checkpoint=` a new file in the temporary folder; counts are equal.  Ratios in this table
are ours to the peer's."""


def run(quick: bool) -> Table:
    rows = _imports(3 if quick else 9)
    firsts = {
        "first study": ("first_study", "plain"),
        "first nested study": ("first_study", "nested"),
        "first classify": ("first_classify",),
    }
    for name, job in firsts.items():
        rows += _first(name, job, quick, targets="study" in name)
    rows.append(_checkpoint(10**7 if quick else 10**8, 3 if quick else 5))
    return Table("startup", NOTE, rows)


def _imports(repeats: int) -> list[Row]:
    names = ("saddlelab", "saddlecore.inertia", "numba")
    with tempfile.TemporaryDirectory() as cache:
        measures = {name: lambda name=name: call("imported", name, cache=cache) for name in names}
        alternate(measures, 1)  # bytecode, and the files in the system's cache
        found = alternate(measures, repeats)
    rows = []
    for ours in names[:2]:
        job = f"import {ours}"
        rows.append(cost(job, "", found[ours], "import numba", found["numba"], at_most=2.0))
    return rows


def _first(name: str, job: tuple[str, ...], quick: bool, *, targets: bool) -> list[Row]:
    colds = []
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as cache:
            colds.append(call(*job, cache=cache))
            check(any(Path(cache).rglob("*.nbi")), "kernels are cached in NUMBA_CACHE_DIR")
            # The last folder would do, but a warm start is cheap beside the cold one.
            warm = alternate({name: lambda cache=cache: call(*job, cache=cache)}, 3)[name]
    cold_s, warm_s = (COLD_S, WARM_S) if targets else (None, None)
    return [
        limit(name, "cold cache", colds, "s", at_most=cold_s),
        limit(name, "warm cache", warm, "s", at_most=warm_s),
    ]


def _checkpoint(samples: int, repeats: int) -> Row:
    from saddlelab import prevalence

    with tempfile.TemporaryDirectory() as folder:
        fresh = (Path(folder) / f"{i}.sqlite" for i in itertools.count())

        def study(checkpoint=None):
            return prevalence(
                "goe", [10], samples=samples, rng=0, workers=WORKERS, checkpoint=checkpoint
            )

        watches = {"with": Stopwatch(lambda: study(next(fresh))), "without": Stopwatch(study)}
        found = alternate(watches, repeats)
    same = (watches["with"].answer.counts(10) == watches["without"].answer.counts(10)).all()
    check(bool(same), "a checkpoint changes no count")
    size = f"n = 10, {samples:,} samples"
    return cost("checkpoint", size, found["with"], "without checkpoint", found["without"])
