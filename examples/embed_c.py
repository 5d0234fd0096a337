"""C functions as objectives, and compiled objectives as C functions.

Compiles energy.c, which lies beside this file, with the C compiler (CC, or cc).

    python examples/embed_c.py
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy import LowLevelCallable

from saddlecore import forms
from saddlelab import minimize, objective

_WORD, _NUMBERS = ctypes.c_int64, ctypes.c_void_p


def library(folder):
    """Compile energy.c into a folder and load it."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise SystemExit("this example needs a C compiler: install gcc or set CC")
    source, built = Path(__file__).with_name("energy.c"), Path(folder, "energy.so")
    command = [compiler, "-O2", "-shared", "-fPIC", str(source), "-o", str(built), "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(built))


def minimise_c_function(energy, starts, height):
    """Our optimizer on a function written in C: 8 starts descend side by side."""
    data = ctypes.c_double(height)
    wells = LowLevelCallable(
        energy.wells, ctypes.cast(ctypes.pointer(data), ctypes.c_void_p),
        "double (int, double *, void *)",
    )  # fmt: skip
    fun = objective(wells)  # its derivatives are differences: a C function cannot be traced
    return minimize(fun, starts, method="gd", learning_rate=0.02, steps=500)


def descend_in_c(energy, f, x):
    """A C program's optimizer on a Python function: value and exact gradient by address."""
    x = np.array(x, np.float64)
    fun = objective(f)
    # A row for each form, (address, data); the code behind them lives as long as the table.
    table = fun.table(len(x), exact=fun.is_traced(x[None]))
    if not table[[forms.VALUE, forms.GRADIENT], 0].all():  # an address 0: there is no such form
        raise ValueError(f"`f` must compile and have an exact gradient, got {dict(fun.forms)}")
    energy.descend.restype = _WORD
    energy.descend.argtypes = [_WORD] * 5 + [_NUMBERS, ctypes.c_double, _WORD]
    steps = energy.descend(
        *table[forms.VALUE].tolist(), *table[forms.GRADIENT].tolist(),
        len(x), x.ctypes.data, 0.001, 100_000,
    )  # fmt: skip
    return x, steps


def rosenbrock(x):
    """A Python function."""
    return ((1.0 - x[:-1]) ** 2 + 100.0 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def main():
    """Call both ways."""
    with tempfile.TemporaryDirectory() as folder:
        energy = library(folder)
        starts = np.random.default_rng(0).uniform(-1.5, 1.5, (8, 3))
        print("C function, our optimizer:")
        print(minimise_c_function(energy, starts, height=1.0).table())
        x, steps = descend_in_c(energy, rosenbrock, [-0.5, 0.5])
        print(f"Python function, C's optimizer: {np.round(x, 4)} after {steps} steps")


if __name__ == "__main__":
    main()
