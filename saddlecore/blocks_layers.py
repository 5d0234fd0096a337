"""Stacks of products of matrices, and activations with their slopes."""

from saddlecore.activations import activate
from saddlecore.jit import kernel
from saddlecore.laneops import zeros
from saddlecore.memory import load, store
from saddlecore.network_products import add_products

__all__ = ["activate_all", "multiply"]


@kernel
def multiply(w, b, count, rows, columns, c):
    """C += WᵀB of each matrix of a stack; bits do not depend on the number of threads.

    Parameters
    ----------
    w : (stack · count · rows,) float64
    b : (stack · count · columns,) float64
    count, rows, columns : int
        `columns` is a multiple of eight.
    c : (stack · rows · columns,) float64, in and out
    """
    for k in range(len(c) // (rows * columns)):
        add_products(c, k * rows * columns, columns, w, k * count * rows, rows,
                     b, k * count * columns, columns, count, rows, columns)  # fmt: skip


@kernel
def activate_all(which, z, f, slope):
    """Write f and f' at all z; of each there is a multiple of eight.

    Parameters
    ----------
    which : int
        See `saddlecore.activations`.
    z : (m,) float64
    f, slope : (m,) float64, out
    """
    like = zeros(8)
    for k in range(0, len(z), 8):
        value, first, _ = activate(like, which, load(like, z, k))
        store(f, k, value)
        store(slope, k, first)
