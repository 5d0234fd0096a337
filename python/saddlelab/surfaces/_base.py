"""What a surface is: a function, its domain and what is known of its critical points."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.objective import Objective
from saddlelab.surfaces._known import Known, KnownPoints

__all__ = ["Scalar", "Surface", "Vector", "at_least", "box", "cube", "exactly", "surface"]

Vector: TypeAlias = NDArray[np.float64]
#: A number, several numbers in lanes or an expression: whatever the entries of the vector are.
Scalar: TypeAlias = Any


class Surface(Objective):
    """A named landscape: an objective that knows its domain and its critical points.

    Attributes
    ----------
    fun : callable
        The plain function of an (n,) array.
    name : str
        The name in the catalogue.
    dims : range
        Numbers of variables that it can have; the first is the default of the methods.
    domain, known : callable
        Of n: what `bounds` and `points` return, which check n first.
    reference : str
        Where the function is from.
    degenerate : bool
        Whether some critical points have a singular Hessian, or are not isolated.
    smooth : bool
        Whether the function has continuous second derivatives everywhere within the bounds.

    Examples
    --------
    >>> from saddlelab.surfaces import himmelblau
    >>> himmelblau([3.0, 2.0])
    0.0
    >>> known = himmelblau.points()
    >>> len(known), known.complete, known.index.tolist()
    (9, True, [0, 0, 0, 0, 1, 1, 1, 1, 2])
    """

    def __init__(
        self,
        fun: Callable[[Vector], Scalar],
        *,
        dims: range,
        domain: Callable[[int], ArrayLike],
        known: Known,
        reference: str,
        degenerate: bool = False,
        smooth: bool = True,
    ) -> None:
        """Take the documentation of the function, and its home."""
        super().__init__(fun)
        self.dims, self.reference = dims, reference
        self.degenerate, self.smooth = degenerate, smooth
        self._domain, self._critical = domain, known
        self.__doc__, self.__module__ = fun.__doc__, fun.__module__
        # The surface took the function's name: this is where pickle finds the function now.
        fun.__qualname__ = f"{self.name}.fun"

    def __call__(self, x: ArrayLike) -> float:
        """Value at `x`, an (n,) array_like; ValueError if n is none of `dims`."""
        vector = np.asarray(x, dtype=np.float64)
        if vector.ndim != 1:
            raise ValueError(f"`x` must be a vector, got shape {vector.shape}")
        self._checked(len(vector), "len(x)")
        return float(self.fun(vector))

    def bounds(self, n: int | None = None) -> NDArray[np.float64]:
        """Bounds of the domain, (n, 2); no isolated critical point lies on its boundary.

        Raises ValueError if the surface has no form in `n` variables.
        """
        n = self._checked(n)
        return np.array(np.broadcast_to(np.asarray(self._domain(n), dtype=np.float64), (n, 2)))

    def points(self, n: int | None = None) -> KnownPoints | None:
        """Known critical points in `n` variables; None where no list is kept.

        Raises ValueError if the surface has no form in `n` variables.
        """
        return self._critical(self._checked(n))

    def check(self, points: Vector) -> None:
        """Refuse points of the wrong number of variables."""
        self._checked(points.shape[1], "x.shape[-1]")
        super().check(points)

    def __repr__(self) -> str:
        """The name, and for how many variables."""
        return f"<surface {self.name}, n = {_described(self.dims)}>"

    def __reduce__(self) -> str:
        """Pickle as a name, like a function."""
        return self.name

    def _checked(self, n: int | None, argument: str = "n") -> int:
        if n is None:
            return self.dims[0]
        if operator.index(n) not in self.dims:
            rule = f"{_described(self.dims)} for {self.name}"
            raise ValueError(f"`{argument}` must be {rule}, got {n}")
        return operator.index(n)


def _described(dims: range) -> str:
    """What numbers of variables these are, in words."""
    if len(dims) == 1:
        return str(dims[0])
    if dims.step == 1:
        return f"at least {dims[0]}"
    return f"{dims[0]}, {dims[1]}, {dims[2]}, …"


def surface(**kwargs: Any) -> Callable[[Callable[[Vector], Scalar]], Surface]:
    """Make a surface of the function below; the arguments are those of `Surface`."""
    return lambda fun: Surface(fun, **kwargs)


def exactly(n: int) -> range:
    """One number of variables."""
    return range(n, n + 1)


def at_least(n: int, *, step: int = 1) -> range:
    """The numbers of variables n, n + step, …"""
    return range(n, sys.maxsize, step)


def cube(low: float, high: float) -> Callable[[int], ArrayLike]:
    """The same bounds for every variable."""
    return lambda n: (low, high)


def box(*sides: tuple[float, float]) -> Callable[[int], ArrayLike]:
    """Bounds for each variable."""
    return lambda n: sides
