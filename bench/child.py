"""What has to be measured in a process of its own: ``python -m bench.child JOB ARGUMENTS``.

Prints one JSON value.  Imports nothing beyond the standard library before the clock starts.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def call(job: str, *arguments: object, cache: str | None = None) -> Any:
    """Run a job in a new process, its Numba cache in the folder `cache`."""
    environment = dict(os.environ)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = cache
    command = [sys.executable, "-m", "bench.child", job, *map(str, arguments)]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        command, env=environment, cwd=root, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def imported(module: str) -> float:
    """Seconds to import a module."""
    start = time.perf_counter()
    __import__(module)
    return time.perf_counter() - start


def first_study(nested: str) -> float:
    """Seconds from before the import to the end of a study of one tiny block."""
    start = time.perf_counter()
    from saddlelab import prevalence

    prevalence("goe", [10], samples=1, rng=0, nested=nested == "nested", workers=2)
    return time.perf_counter() - start


def first_classify() -> float:
    """Seconds from before the import to the end of the first classification."""
    start = time.perf_counter()
    import numpy as np

    from saddlelab import classify

    stack = np.stack([np.diag([2.0, -1.0, 3.0])] * 8)
    assert (classify(stack, workers=2).index == 1).all()
    return time.perf_counter() - start


def study(n: str, samples: str) -> dict[str, float]:
    """Seconds and growth of memory (bytes, at its peak) of one study, after a small one."""
    from saddlelab import prevalence

    prevalence("goe", [10], samples=1_000_000, rng=0, workers=2)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before = _status("VmRSS")
    start = time.perf_counter()
    found = prevalence("goe", [int(n)], samples=int(samples), rng=0, workers=2)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "growth": _status("VmHWM") - before,
        "samples": int(found.histogram(int(n))[1].sum()),
        "mean": float(found.index_mean()[0]),
        "variance": float(found.index_var()[0]),
    }


def _status(field: str) -> int:
    """Bytes of a field of /proc/self/status (Linux)."""
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return 1024 * int(found[1])


if __name__ == "__main__":
    jobs = {f.__name__: f for f in (imported, first_study, first_classify, study)}
    print(json.dumps(jobs[sys.argv[1]](*sys.argv[2:])))
