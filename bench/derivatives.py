"""Derivatives of Rosenbrock's function beside numdifftools, SciPy and JAX."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numdifftools
import numpy as np
from scipy import differentiate

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, cost, limit, versus

jax.config.update("jax_enable_x64", True)

POINTS = 10_000
# (n, at most this many times JAX's time: differences, exact)
BATCHES = ((2, 1.0, 1.0), (10, 1.0, 2.0), (30, None, 8.0))

NOTE = f"""\
Hessians of Rosenbrock's function.  *kernel* is a call of the engine's kernel with arrays made
beforehand, from Python; *call* is `saddlelab.hessian(f, x)` with everything it does and returns
(checks, errors, status).  One point, n = 10: beside `numdifftools.Hessian(f)(x)` and
`scipy.differentiate.hessian(f, x)`, f for them written in NumPy.  {POINTS:,} points, {WORKERS}
threads: beside `jax.jit(jax.vmap(jax.hessian(f)))` of the vectorised f in float64, its result
waited for.  *differences* are central, from values; *differences, pattern known* leave out the
entries that tracing showed to be always 0; all of them with errors estimated.  *from a gradient*
is central differences of a compiled gradient.  JAX's Hessian is exact; ratios are ours to JAX's
time where a target says "at most"."""


def rosenbrock(x):
    """With loops, as we compile it."""
    s = 0.0
    for i in range(len(x) - 1):
        a = x[i + 1] - x[i] * x[i]
        b = 1.0 - x[i]
        s += 100.0 * a * a + b * b
    return s


def slopes(x, out):
    """Its gradient, as a person would write it."""
    for i in range(len(x)):
        out[i] = 0.0 * x[i]
    for i in range(len(x) - 1):
        a = x[i + 1] - x[i] * x[i]
        out[i] += -400.0 * a * x[i] - 2.0 * (1.0 - x[i])
        out[i + 1] += 200.0 * a


def vectorised(x, xp=np):
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


def truth(X: np.ndarray) -> np.ndarray:
    """The Hessians, (m, n, n)."""
    m, n = X.shape
    H, i = np.zeros((m, n, n)), np.arange(n - 1)
    H[:, i, i] += 1200.0 * X[:, :-1] ** 2 - 400.0 * X[:, 1:] + 2.0
    H[:, i + 1, i + 1] += 200.0
    H[:, i, i + 1] = H[:, i + 1, i] = -400.0 * X[:, :-1]
    return H
