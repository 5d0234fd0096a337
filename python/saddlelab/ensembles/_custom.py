"""The user's own sampler of random Hessians."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles._dense import Dense, Sampler
from saddlelab.ensembles._digest import digest

# Samples that a generator of NumPy's serves: a part of the stream, changing it changes the bits.
_SMALL, _FEW, _MANY = 16, 64, 512


@dataclass(frozen=True)
class Custom(Dense):
    """Matrices from a function of yours.

    Parameters
    ----------
    sample : callable
        Either ``sample(stream, out)``, which fills the (n, n) array ``out`` with a symmetric
        matrix.  It is compiled by Numba, for eight matrices at once if it does not branch on random
        numbers, and may call ``stream.normal()``, ``stream.uniform()`` (in (0, 1)),
        ``stream.exponential()``, ``stream.sign()`` (±1) and ``stream.gamma(shape)``.  These are the
        sample's own numbers: the counts are the same bits for any number of workers.

        Or ``sample(rng, n, count)``, which returns an array (count, n, n) of symmetric matrices
        from the ``numpy.random.Generator`` given (another one for every few samples), and runs as
        plain Python.  It may be called again for the same samples, and for more than are wanted.

    Notes
    -----
    A study's specification holds the function's name and a digest of its code, of the functions
    that it calls and of the numbers that it refers to: a checkpoint is resumed with the same only.
    For a process pool the function must be importable by the workers.

    Raises
    ------
    TypeError
        If ``sample`` is not such a function, or Numba cannot compile it.

    Examples
    --------
    >>> def signs(stream, out):
    ...     for i in range(len(out)):
    ...         for j in range(i + 1):
    ...             out[i, j] = out[j, i] = stream.sign()
    >>> from saddlelab import prevalence
    >>> study = prevalence(signs, 2, samples=100_000, rng=0)
    >>> bool(abs(study.fraction("saddle")[0] - 3 / 4) < 0.01)  # one eigenvalue is negative
    True
    """

    name: ClassVar[str] = "custom"
    stream: ClassVar[int] = 1

    sample: Callable[..., Any]

    def __post_init__(self) -> None:
        """Check the function, and compile it."""
        if not callable(self.sample):
            raise TypeError(f"`sample` must be a function, got {self.sample!r}")
        if self.compiled:
            _compile(self.sample)

    @property
    def compiled(self) -> bool:
        """Whether it is ``sample(stream, out)``."""
        return _is_compiled(self.sample)

    @property
    def forms(self) -> dict[str, str]:
        """What became of the function: whether it runs in lanes, and why not if not."""
        if not self.compiled:
            return {"plain": "Python", "lanes": "no: it returns stacks"}
        return {"plain": "compiled", "lanes": _compile(self.sample).why_not or "compiled"}

    @property
    def parameters(self) -> dict[str, Any]:
        """The function's name and the digest of its code."""
        return {"sample": _name(self.sample), "digest": digest(self.sample)}

    def sampler(self, n: int) -> Sampler:
        """Return what draws matrices of dimension n."""
        forms = _compile(self.sample)
        lanes = forms.lanes.address if forms.lanes else 0
        return Sampler(lanes, forms.plain.address, np.zeros(1), symmetric=False, keep=forms)

    def count(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> int:
        """Do what `index` does; returns how many samples are not certified."""
        if self.compiled:
            return super().count(key, n, first, count, counts)
        size = _MANY if n <= _SMALL else _FEW
        uncertified = 0
        for block in range(first // size, (first + count - 1) // size + 1):
            begin, end = max(first, block * size), min(first + count, (block + 1) * size)
            stack = self._stack(key, n, block, size)[begin - block * size : end - block * size]
            uncertified += _count_stack(stack, begin, counts)
        return uncertified

    def check(self, key: np.uint64, n: int, report: NDArray[np.int64]) -> None:
        """Raise what the function raises at a refused sample, or say what is wrong with it."""
        if report[1] == 0:
            return
        from saddlecore.sampling import run_sampler

        sample = int(report[2])
        try:
            run_sampler(self.sample, key, sample, np.full((n, n), np.nan))
        except Exception as error:
            error.add_note(f"raised by the sampler `{_name(self.sample)}` at n = {n}, "
                           f"sample {sample}")  # fmt: skip
            raise
        _refuse(super().matrices(key, n, sample, 1)[0], n, sample)

    def matrices(self, key: np.uint64, n: int, first: int, count: int) -> NDArray[np.float64]:
        """Return the matrices of a block of samples, shape (count, n, n)."""
        if self.compiled:
            return super().matrices(key, n, first, count)
        size = _MANY if n <= _SMALL else _FEW
        start = first // size
        blocks = range(start, (first + count - 1) // size + 1)
        every = np.concatenate([self._stack(key, n, block, size) for block in blocks])
        return every[first - start * size :][:count]

    def work(self, n: int) -> int:
        """Guess (see :meth:`Ensemble.work`)."""
        return super().work(n) + (0 if self.compiled else 200 + n * n)

    def _stack(self, key: np.uint64, n: int, block: int, size: int) -> NDArray[np.float64]:
        """The samples of a generator."""
        rng = np.random.default_rng(np.random.SeedSequence([int(key), n, block]))
        try:
            given = np.asarray(self.sample(rng, n, size))
        except Exception as error:
            error.add_note(f"raised by the sampler `{_name(self.sample)}` at n = {n}, samples "
                           f"{block * size} to {(block + 1) * size - 1}")  # fmt: skip
            raise
        if given.shape != (size, n, n):
            raise ValueError(
                f"`sample` must return an array of shape (count, n, n) = {(size, n, n)}, "
                f"it returned shape {given.shape}"
            )
        if given.dtype.kind not in "biuf":
            raise TypeError(f"`sample` must return real numbers, it returned dtype {given.dtype}")
        return np.array(given, np.float64, order="C")


def _count_stack(stack: NDArray[np.float64], first: int, counts: NDArray[np.int64]) -> int:
    """Add the indices of a stack, whose matrices are samples ``first``, …, to a histogram."""
    import saddlecore

    m, n = stack.shape[:2]
    index, positive, certified = np.empty(m, np.int64), np.empty(m, np.int64), np.empty(m, np.bool_)
    zeros, status, used = np.zeros(m, np.int64), np.zeros(m, np.int64), np.empty(m)
    kernel = saddlecore.inertia.inertia_kernel(m, n)
    kernel(stack, np.array([-1.0]), np.zeros(1), index, zeros, positive, certified, used, status)
    if status.any():
        at = int(np.flatnonzero(status)[0])
        _refuse(stack[at], n, first + at)
    counts += np.bincount(index, minlength=n + 1)
    return int(m - np.count_nonzero(certified))


def _refuse(matrix: NDArray[np.float64], n: int, sample: int) -> None:
    """Say what is wrong with a matrix."""
    if not np.isfinite(matrix).all():
        i, j = map(int, np.argwhere(~np.isfinite(matrix))[0])
        raise ValueError(
            f"`sample` must give finite matrices, but at n = {n} sample {sample} has "
            f"H[{i}, {j}] = {matrix[i, j]}"
        )
    gap = np.abs(matrix - matrix.T)
    i, j = map(int, np.unravel_index(np.argmax(gap), gap.shape))
    raise ValueError(
        f"`sample` must give symmetric matrices, but at n = {n} sample {sample} has "
        f"H[{i}, {j}] = {matrix[i, j]} and H[{j}, {i}] = {matrix[j, i]}"
    )


def _name(function: Any) -> str:
    function = getattr(function, "py_func", function)
    return str(getattr(function, "__name__", type(function).__name__))


# --- compiling -----------------------------------------------------------------------------------


class _Forms(NamedTuple):
    """A sampler compiled; ``why_not`` says why there is no form in lanes."""

    plain: Any
    lanes: Any
    why_not: str


_COMPILING = threading.Lock()


def _compile(function: Any) -> _Forms:
    with _COMPILING:
        return _compile_once(function)


@functools.lru_cache(maxsize=128)
def _compile_once(function: Any) -> _Forms:
    from saddlecore.sampling import compile_sampler
    from saddlelab.building import reason

    try:
        plain = compile_sampler(function, 1)
    except Exception as error:  # Numba raises whatever its passes do
        raise TypeError(
            f"`sample` must be a function that Numba can compile, or take (rng, n, count): "
            f"{reason(error)}"
        ) from error
    try:
        forms = _Forms(plain, compile_sampler(function, 8), "")
    except Exception as error:
        return _Forms(plain, None, f"no: {reason(error)}")
    return forms if _agree(forms) else _Forms(plain, None, "no: it gives other numbers there")


def _agree(forms: _Forms) -> bool:
    """Whether eight matrices at once are what they are one by one, but for the last digits."""
    from saddlecore.samples import draw_samples, draw_samples_lanes

    sampler = Sampler(forms.lanes.address, forms.plain.address, np.zeros(1), symmetric=False)
    for n in (1, 3):
        one, eight = np.empty((8, n, n)), np.empty((8, n, n))
        draw_samples(sampler.words(), np.uint64(0), 0, one)
        draw_samples_lanes(sampler.words(), np.uint64(0), 0, eight)
        if not np.allclose(one, eight, rtol=2.0**-30, atol=0.0, equal_nan=True):
            return False
    return True


def _is_compiled(function: Any) -> bool:
    from saddlelab.building import accepts

    if accepts(function, 2):
        return True
    if accepts(function, 3):
        return False
    raise TypeError(
        f"`sample` must take (stream, out) or (rng, n, count), `{_name(function)}` takes neither"
    )
