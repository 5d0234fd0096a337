"""Vector math in every place where it once went wrong: cached, on AVX2, without libmvec.

Each target is a process of its own: Numba picks the processor when it starts.
"""

import os
import platform
import subprocess
import sys

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from reference import lanes as reference

from saddlecore import vecmath
from saddlecore.hermite import hermite_index
from saddlelab import classify

MAX_ULPS = 4.0  # glibc's promise for libmvec
OF_TWO = {"pow": "a ** b", "atan2": "math.atan2(a, b)", "hypot": "math.hypot(a, b)"}
ALL = (*vecmath.FUNCTIONS, *OF_TWO)
CALLS = [*(f"math.{name}(a)" for name in vecmath.FUNCTIONS), *OF_TWO.values()]

KERNELS = f"""
import math
from saddlecore.jit import device, kernel
from saddlecore.laneops import (
    width,
    zeros,
)
from saddlecore.memory import (
    load,
    store,
)

@device
def apply(like, x, out):
    for i in range(0, len(x), width(like)):
        a, b = load(like, x, i), load(like, x, len(x) - width(like) - i)
        {"; ".join(f"store(out[{k}], i, {call})" for k, call in enumerate(CALLS))}

@kernel
def eight(x, out):
    apply(zeros(8), x, out)

@kernel
def sixteen(x, out):
    apply(zeros(16), x, out)
"""

FUNCTIONS = """
import re
import sys
import numpy as np
import kernels

x = np.load(sys.argv[1])
out = np.zeros((2, int(sys.argv[2]), len(x)))
kernels.eight(x, out[0])
kernels.sixteen(x, out[1])
np.save(sys.argv[3], out)
from saddlecore import vecmath
hits = [sum(k.stats.cache_hits.values()) for k in (kernels.eight, kernels.sixteen)]
names = [] if min(hits) else re.findall(r"saddlecore_tanh[0-9]+", kernels.sixteen.inspect_asm(
    kernels.sixteen.signatures[0]))
print(min(hits), vecmath.libmvec_path(), len(vecmath.binding().split()), *sorted(set(names)))
"""

# As on musl and macOS: the library cannot be loaded.
WITHOUT_LIBMVEC = """
import ctypes

class Missing(ctypes.CDLL):
    def __init__(self, name, *args, **kwargs):
        if name and "libmvec" in str(name):
            raise OSError(name)
        super().__init__(name, *args, **kwargs)

ctypes.CDLL = Missing
"""

STUDIES = """
import sys
import numpy as np
from saddlecore.hermite import hermite_index
from saddlelab import classify

for n in (1, 10, 40):
    counts = np.zeros(n + 1, np.int64)
    hermite_index(np.uint64(7), 1.0, 0.0, n, 3, 5000, counts)
    np.save(f"{sys.argv[2]}/goe{n}.npy", counts)
"""

CLASSIFIED = """
found = classify(np.load(sys.argv[1]), workers=1)
np.savez(f"{sys.argv[2]}/classified.npz", index=found.index, certified=found.certified)
"""

HASWELL = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+64bit,+avx,+avx2,+bmi,+bmi2,+cmov,+cx8,+f16c,+fma,+fxsr,+lzcnt,+mmx,"
    "+movbe,+popcnt,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave",
}
GENERIC = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
TARGETS = {"native": {}, "avx2": HASWELL, "sse2": GENERIC}


def skip_unless_it_runs(target):
    if target == "native":
        return
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("not an x86-64 processor")
    if target == "avx2" and not llvm.get_host_cpu_features().get("avx2"):
        pytest.skip("the processor has no AVX2")


def python(script, *args, folder, **environ):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *map(str, args)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)]),
             **environ},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout.split()


def points():
    rng = np.random.default_rng(5)
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-310, 710.0, -746.0, 1e22, -2.0,
               0.5, 1e-8, 1e300, np.pi]  # fmt: skip
    return np.concatenate([special, rng.uniform(-1, 1, 48), rng.normal(0, 30, 48)])


def apply_functions(folder, before="", **environ):
    """(what the child printed, values by [width, function, point]) from a fresh process."""
    (folder / "kernels.py").write_text(KERNELS)
    np.save(folder / "x.npy", points())
    said = python(
        before + FUNCTIONS, folder / "x.npy", len(ALL), folder / "out.npy",
        folder=folder, NUMBA_CACHE_DIR=str(folder / "cache"), **environ,
    )  # fmt: skip
    return said, np.load(folder / "out.npy")


def assert_right(values):
    for width, rows in zip((8, 16), values, strict=True):
        assert_right_of_two(width, dict(zip(ALL, rows, strict=True)))
    for rows in values[:, : len(vecmath.FUNCTIONS)]:
        for name, row in zip(vecmath.FUNCTIONS, rows, strict=True):
            for x, y in zip(points(), row, strict=True):
                ulps = reference.ulps(name, x, y) if np.isfinite(x) else None
                if ulps is not None:
                    assert ulps <= MAX_ULPS, (name, x, y)
                elif np.isnan(x):
                    assert np.isnan(y), (name, x, y)
    # What a limit is, said by hand: ±∞ and the poles.
    at = {name: dict(zip(points(), values[0][k], strict=True))
          for k, name in enumerate(vecmath.FUNCTIONS)}  # fmt: skip
    assert at["exp"][-np.inf] == 0
    assert at["exp"][np.inf] == at["cosh"][-np.inf] == np.inf
    assert at["log"][0.0] == at["log1p"][-1.0] == -np.inf
    assert at["tanh"][np.inf] == at["erf"][np.inf] == 1.0
    assert np.isnan([at["log"][-2.0], at["asin"][-2.0], at["sin"][np.inf]]).all()


def assert_right_of_two(width, rows):
    """Of a point and the one that stands as far from the other end, groups of lanes apart."""
    x = points()
    partners = x.reshape(-1, width)[::-1].reshape(-1)
    exact = {"pow": lambda a, b: a**b, "atan2": mpmath.atan2, "hypot": mpmath.hypot}
    with np.errstate(all="ignore"):
        numpys = {"pow": x**partners, "atan2": np.arctan2(x, partners),
                  "hypot": np.hypot(x, partners)}  # fmt: skip
    for name in OF_TWO:
        # Where the limit is not a number of mpmath's, NumPy's is C's.
        np.testing.assert_array_equal(np.isnan(rows[name]), np.isnan(numpys[name]), name)
        for a, b, y, limit in zip(x, partners, rows[name], numpys[name], strict=True):
            if not np.isfinite([a, b, limit]).all() or limit == 0:
                assert y == limit or np.isnan(limit), (name, a, b, y)
                continue
            with mpmath.workprec(200):  # and without −0
                truth = exact[name](mpmath.mpf(a), mpmath.mpf(b)) if a and b else limit
                error = abs(mpmath.mpf(y) - truth) / np.spacing(abs(limit))
            assert error <= MAX_ULPS, (name, a, b, y)


@pytest.mark.parametrize("target", TARGETS)
def test_cached_functions_are_right_in_a_fresh_process(target, tmp_path):
    """The second process loads machine code that calls our symbols by name."""
    skip_unless_it_runs(target)
    (hits, _, _, *called), compiled = apply_functions(tmp_path, **TARGETS[target])
    assert hits == "0"
    lanes = {"native": 8 if llvm.get_host_cpu_features().get("avx512f") else 4, "avx2": 4}
    if target == "sse2":
        assert called == []
    elif vecmath.available("tanh", lanes[target]):
        assert called == [f"saddlecore_tanh{lanes[target]}"]
    (hits, *_), loaded = apply_functions(tmp_path, **TARGETS[target])
    assert hits == "1"
    np.testing.assert_array_equal(loaded, compiled)
    assert_right(loaded)


def test_functions_are_right_without_libmvec(tmp_path):
    (_, library, bound, *called), values = apply_functions(tmp_path, WITHOUT_LIBMVEC)
    assert (library, bound, called) == ("None", "0", [])
    assert_right(values)
    # With the library back, kernels compiled without it are not taken for those with it.
    (hits, library, *_), values = apply_functions(tmp_path)
    assert library == str(vecmath.libmvec_path())
    assert hits == ("0" if vecmath.libmvec_path() else "1")
    assert_right(values)


def test_symbols_and_binding():
    assert vecmath.symbol("exp", 8) == "saddlecore_exp8"
    for word in vecmath.binding().split():
        assert llvm.address_of_symbol(f"saddlecore_{word}")


def assert_same_goe_counts(folder):
    for n in (1, 10, 40):
        counts = np.zeros(n + 1, np.int64)
        hermite_index(np.uint64(7), 1.0, 0.0, n, 3, 5000, counts)
        np.testing.assert_array_equal(np.load(folder / f"goe{n}.npy"), counts)


def test_studies_have_the_same_bits_on_avx2(tmp_path):
    """GOE counts to the last; of a stack of Hessians, the certified answers."""
    skip_unless_it_runs("avx2")
    stack = np.random.default_rng(11).standard_normal((300, 6, 6))
    stack = stack + stack.swapaxes(1, 2)
    np.save(tmp_path / "stack.npy", stack)
    python(STUDIES + CLASSIFIED, tmp_path / "stack.npy", tmp_path, folder=tmp_path, **HASWELL)
    assert_same_goe_counts(tmp_path)
    here, there = classify(stack), np.load(tmp_path / "classified.npz")
    assert here.certified.mean() > 0.99
    np.testing.assert_array_equal(here.certified, there["certified"])
    np.testing.assert_array_equal(here.index[here.certified], there["index"][here.certified])


def test_studies_have_the_same_bits_without_fma(tmp_path):
    """A processor of 2003: fused multiply-adds go through the C library."""
    skip_unless_it_runs("sse2")
    python(STUDIES, "-", tmp_path, folder=tmp_path, **GENERIC)
    assert_same_goe_counts(tmp_path)
