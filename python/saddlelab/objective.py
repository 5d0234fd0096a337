"""Objectives: a function of one array, made callable by the engine's kernels."""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.building import (
    Built,
    build,
    build_callback,
    build_foreign,
    check_arguments,
    is_foreign,
    kind_of,
    plain,
)
from saddlelab.callback import call, name_of
from saddlelab.forms_table import FormsTable
from saddlelab.points import points_of
from saddlelab.threads import over_threads
from saddlelab.tracing import Traces

__all__ = ["Objective", "PythonSpeedWarning", "objective"]

Function: TypeAlias = Callable[..., Any]
Floats: TypeAlias = NDArray[np.float64]

#: What `math` says of an argument out of its domain: before Python 3.14, and since.
_DOMAIN = ("math domain error", "expected a ")
#: Points for one task of a thread.
_TASK = 1024


class PythonSpeedWarning(UserWarning):
    """A function could not be compiled and runs at Python's speed."""


def objective(
    fun: Any,
    *,
    args: Sequence[Any] = (),
    gradient: Function | None = None,
    hvp: Function | None = None,
    name: str | None = None,
) -> Objective:
    """Make a function of one array ready for everything here.

    Every function of saddlelab takes a bare callable too; an objective is for those who give a
    gradient, or arguments, or want to see what became of the function.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float`` for x of shape (n,).  A plain function is compiled by Numba for
        plain numbers, for lanes (eight points at once) and for tracing (exact derivatives); write
        it with loops or in NumPy's style.  What Numba cannot compile (a torch or JAX loss, a
        simulator) is called back, at Python's speed.  Also a function decorated with ``njit``, a
        Numba ``cfunc`` or a `scipy.LowLevelCallable`.
    args : sequence, optional
        What is passed to the functions after x (and v, and out).  Arrays are taken by address:
        write new numbers into them and the function changes.  (Arrays in a closure are frozen
        when the function is compiled.)
    gradient : callable, optional
        ``gradient(x, *args) -> (n,)``, or ``gradient(x, out, *args)`` that fills `out`.
    hvp : callable, optional
        ``hvp(x, v, *args) -> (n,)``, the Hessian times v, or ``hvp(x, v, out, *args)``.
    name : str, optional
        For pictures and messages; the function's own name by default.

    Returns
    -------
    Objective

    Raises
    ------
    TypeError
        If `fun`, `gradient` or `hvp` is not callable, or takes another number of arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import objective
    >>> f = objective(lambda x: x[0] ** 2 - x[1] ** 2, name="saddle")
    >>> f.gradient(np.array([1.0, 2.0]))
    array([ 2., -4.])
    >>> f.forms["value, eight points at once"]
    'compiled'
    """
    if isinstance(args, str) or not np.iterable(args):
        raise TypeError(f"`args` must be a sequence, got {args!r}")
    made = Objective(fun, tuple(args), gradient, hvp, name)
    made.build()
    return made


class Objective:
    """What `objective` returns: a function in every form that it could be given.

    Attributes
    ----------
    fun : callable
        As it was passed.
    args : tuple
    name : str
    terms : int
        Of a mean over data, how many terms it has, of which `minimize` can take a few; else 0.
    least_terms : int
        So few can be taken.
    dtype : numpy.dtype
        Of its arithmetic.
    """

    terms = 0
    least_terms = 1
    dtype = np.dtype(np.float64)

    def __init__(
        self,
        fun: Any,
        args: tuple[Any, ...] = (),
        gradient: Function | None = None,
        hvp: Function | None = None,
        name: str | None = None,
    ) -> None:
        """See `objective`.  Nothing is compiled before it is needed."""
        if not (callable(fun) or is_foreign(fun)):
            raise TypeError(f"`fun` must be a function of one array, got {fun!r}")
        if not is_foreign(fun):
            check_arguments(fun, args)
        elif args:
            raise TypeError(f"`args` must be empty where `fun` is a C function, got {args!r}")
        self.fun, self.args = fun, args
        self.name = name or name_of(plain(fun))
        self._functions: tuple[Any, ...] = (fun, gradient, hvp)
        self._kinds = (
            "value",
            kind_of("gradient", gradient, 1, args),
            kind_of("hvp", hvp, 2, args),
        )
        self.outside: tuple[Any, ...] = ()
        self._built: list[Built | None] = []
        self._seen: set[int] = set()
        self._traces = Traces(self)
        self._tables: dict[tuple[int, bool], NDArray[np.int64]] = {}
        self.lock = threading.RLock()

    def __call__(self, x: ArrayLike) -> Any:
        """Call the function itself."""
        if is_foreign(self.fun):
            return self.value(x)
        return self.fun(np.asarray(x, dtype=np.float64), *self.args)

    def __repr__(self) -> str:
        """Name the function."""
        return f"<saddlelab objective {self.name}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle as source: who unpickles it compiles anew."""
        _, gradient, hvp = self._functions
        return Objective, (self.fun, self.args, gradient, hvp, self.name)

    # --- what it has -------------------------------------------------------------------------

    def build(self) -> None:
        """Compile the function and the derivatives that came with it."""
        if not self._built:
            with self.lock:
                if not self._built:  # another thread may have come first
                    self._built = self._build()
                    self._warn()

    def _build(self) -> list[Built | None]:
        foreign = is_foreign(self.fun)
        value = build_foreign(self.fun) if foreign else build(self.fun, "value", self.args)
        given = zip(self._functions[1:], self._kinds[1:], strict=True)
        return [value, *(build(function, kind, self.args) if kind else None
                         for function, kind in given)]  # fmt: skip

    def _warn(self) -> None:
        if self._value.callback is not None:
            message = f"`{self.name}` runs at Python's speed: {self._value.how}"
            warnings.warn(message, PythonSpeedWarning, stacklevel=_levels())

    @property
    def _value(self) -> Built:
        value = self._built[0]
        assert value is not None
        return value

    @property
    def forms(self) -> Mapping[str, str]:
        """What the function could be made into, and why not into the rest."""
        self.build()
        told = {}
        for name, built in zip(("value", "gradient", "hvp"), self._built, strict=True):
            if built is not None:
                told[name] = built.how
                told[f"{name}, eight points at once"] = built.lanes
        form, why = self._traces.form
        told["exact derivatives"] = "traced" if form is not None else f"no: {why}"
        return MappingProxyType(told)

    @property
    def compiled(self) -> bool:
        """Whether Numba compiled it."""
        self.build()
        return self._value.how == "compiled"

    @property
    def parallel(self) -> bool:
        """Whether it may be called from several threads at once."""
        self.build()
        return all(b is None or b.callback is None for b in self._built)

    @functools.cached_property
    def given(self) -> tuple[str, ...]:
        """Which derivatives came with it."""
        return tuple(
            name for name, kind in zip(("gradient", "hvp"), self._kinds[1:], strict=True) if kind
        )

    # --- plain arrays ------------------------------------------------------------------------

    def value(self, x: ArrayLike) -> Any:
        """f at one point, x (n,) -> float, or at many, (m, n) -> (m,)."""
        points, single = points_of(x)
        self.check(points)
        found = self.run(points, saddlecore.forms.VALUE, points.shape[1], 1)[:, 0]
        self.explain(points, found)
        return float(found[0]) if single else found

    def gradient(self, x: ArrayLike) -> Floats:
        """∇f, shaped like x: your gradient, else exact, else by differences."""
        from saddlelab.derivatives import derive

        return derive("gradient", self, x, errors=False).value

    def hessian(self, x: ArrayLike) -> Floats:
        """The Hessian, (n, n) or (m, n, n): exact, else by differences."""
        from saddlelab.derivatives import derive

        return derive("hessian", self, x, errors=False).value

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Floats:
        """Hessian times v, shaped like x: your hvp, else exact, else by differences."""
        from saddlelab.derivatives import derive

        return derive("hvp", self, x, v, errors=False).value

    # --- for those who call kernels ----------------------------------------------------------

    def given_hessian(self, points: Floats, threads: int) -> tuple[Floats, Floats]:
        """Hessians (m, n, n) and their errors, of objectives that say in `given` they have them."""
        raise NotImplementedError

    def rounding(
        self, what: str, points: Floats, vectors: Floats | None, value: Floats
    ) -> Floats:
        """How far a gradient or product of its own may be from the truth, shaped like `value`."""
        # Nobody knows the rounding in another's code; this much is in any.
        return np.spacing(np.abs(value))

    def products_at(self, x: Floats) -> Callable[[Floats], Floats] | None:
        """What multiplies rows (k, n) with the Hessian at one point, if it beats `hvp`."""
        return None

    def check(self, points: Floats) -> None:
        """Try the functions themselves at the first point of a new dimension."""
        n = points.shape[1]
        if n in self._seen:
            return
        self.build()
        with self.lock:
            for k in self._python():
                found = self._attempt(k, points[0], np.ones(n))
                self._compare(k, points[0], found)
            self._seen.add(n)

    def _python(self) -> list[int]:
        """Which of the function, its gradient and its product are there, and not in C."""
        return [
            k
            for k, function in enumerate(self._functions)
            if function is not None and not is_foreign(function)
        ]

    def _attempt(
        self, k: int, x: Floats, v: Floats, *, arithmetic: bool = False
    ) -> Floats | None:
        """Call one of the functions in Python; its exceptions get a note of the point.

        None where it raises an ArithmeticError, or leaves the domain of a function of `math`,
        unless ``arithmetic``: compiled it gives infinity or NaN there.
        """
        function, kind, built = self._functions[k], self._kinds[k], self._built[k]
        name = name_of(function) if k else self.name
        given = (x.copy(), v.copy()) if kind.startswith("hvp") else (x.copy(),)
        try:
            with np.errstate(all="ignore"):
                found = call(function, kind, given, self.args)
        except BaseException as error:
            if _is_arithmetic(error) and not arithmetic:
                return None
            error.add_note(f"raised by `{name}` at x = {x.tolist()}")
            raise
        if built is not None and built.callback is not None:
            return found  # what it does to copies is its own affair
        for before, after in zip((x, v), given, strict=False):
            if not np.array_equal(before, after, equal_nan=True):
                raise ValueError(
                    f"`{name}` must not change its argument, it made {after.tolist()} of "
                    f"{before.tolist()}"
                )
        return found

    def _compare(self, k: int, x: Floats, truth: Floats | None) -> None:
        """Do without a form in lanes, or any compiled form, that does not compute the same."""
        built, n, slot = self._built[k], len(x), 2 * k
        if built is None or built.callback is not None:
            return
        # In a direction of no symmetry: where every value cancels there is nothing to compare.
        apart = 0.5 + np.modf(0.6180339887 * np.arange(n))[0]
        inputs = x + np.linspace(0.0, 0.1, 8)[:, None] * np.where(x == 0.0, 1.0, x) * apart
        if slot == saddlecore.forms.HVP:
            inputs = np.hstack([inputs, np.ones((8, n))])
        count = n if k else 1
        one = np.vstack([self.run(row[None], slot, n, count) for row in inputs])
        size = np.max(np.abs(one[np.isfinite(one)]), initial=0.0)
        # Numba's integers overflow where Python's grow.  Noise may differ, and so may rounding.
        odd = None if truth is None else _difference(one[:1], truth[None], 1e-3, size)
        if odd is not None:
            why = f"compiled it gives {odd[0]}, in Python {odd[1]}"
            self._put(k, build_callback(self._functions[k], self._kinds[k], self.args, why))
        elif built.in_lanes is not None:
            # A form compiled wrongly is not right to half of the digits.
            odd = _difference(self.run(inputs, slot, n, count), one, 1e-7, size)
            if odd is not None:
                why = f"no: it gives {odd[0]} where the plain form gives {odd[1]}"
                self._put(k, replace(built, in_lanes=None, lanes=why))

    def _put(self, k: int, built: Built) -> None:
        """Take other forms from now on."""
        self._built[k] = built
        self._tables.clear()
        if k == 0 and built.callback is not None:
            self._traces = Traces(self)
            self._warn()

    def explain(
        self,
        points: Floats,
        values: Floats,
        vectors: Floats | None = None,
        *,
        derivatives: bool = False,
        arithmetic: bool = False,
    ) -> None:
        """Raise what the function raises at the first point where it gave NaN, if it does.

        With ``derivatives`` also what those that came with it raise there; with ``arithmetic`` also
        an ArithmeticError.
        """
        self.reraise()
        bad = np.isnan(values).any(axis=tuple(range(1, values.ndim)))
        if not bad.any():
            return
        at = int(np.argmax(bad))
        v = np.ones_like(points[at]) if vectors is None else vectors[at]
        for k in self._python()[: None if derivatives else 1]:
            built = self._built[k]
            if built is not None and built.callback is None:
                self._attempt(k, points[at], v, arithmetic=arithmetic)

    def reraise(self) -> None:
        """Raise what a callback of this objective raised since the last call."""
        for built in self._built:
            if built is not None and built.callback is not None:
                built.callback.reraise()

    def table(self, n: int, *, exact: bool) -> NDArray[np.int64]:
        """(slots, 2) int64: the forms for kernels, see ``saddlecore.forms``.

        With ``exact``, the gradient and so on that were not given are those of the traced
        function, if it could be traced and has no branches.
        """
        made = None if exact else self._tables.get((n, False))
        if made is not None:
            return made
        self.build()
        with self.lock:
            expression = self.expression(n) if exact else None
            if (n, exact) not in self._tables:
                self._tables[n, exact] = np.asarray(FormsTable(self._built, expression))
            return self._tables[n, exact]

    def expression(self, n: int) -> Any:
        """The function as an expression, if it has one and the same everywhere; else None."""
        self._renew()
        return self._traces.known(n)

    def expressions(self, points: Floats) -> list[tuple[Any, NDArray[np.intp]]]:
        """Expressions of the function and the points at which each holds.

        Raises ValueError if it cannot be traced.
        """
        self._renew()
        return self._traces.at(points)

    def is_traced(self, points: Floats) -> bool:
        """Whether exact derivatives can be had at the points."""
        if self.expression(points.shape[1]) is None:
            try:
                self._traces.at(points)
            except ValueError:
                return False
        return True

    def _renew(self) -> None:
        """Forget what was traced with other numbers in the arrays of `args`."""
        if self.args:
            with self.lock:
                if self._traces.renew():
                    self._tables.clear()

    def program(self, expression: Any, what: str) -> Any:
        """The program of "gradient", "hessian" or "hvp" of an expression, or None."""
        with self.lock:  # making one adds to the graph that all of them share
            return getattr(expression, what)

    def run(self, inputs: Floats, slot: int, n: int, count: int, threads: int = 1) -> Floats:
        """Run the form in a slot of the table at every row of `inputs`."""
        out = np.full((len(inputs), count), np.nan)
        table = self.table(n, exact=False)

        def part(rows: slice) -> None:
            saddlecore.points.at_points(table, slot, n, inputs[rows], out[rows])

        over_threads(part, [slice(k, k + _TASK) for k in range(0, len(inputs), _TASK)], threads)
        return out


def _difference(
    found: Floats, expected: Floats, digits: float, size: float
) -> tuple[Floats, Floats] | None:
    """The first rows that differ by more than ``digits`` of the number or of ``size``."""
    near = np.isclose(found, expected, rtol=digits, atol=digits * size, equal_nan=True).all(axis=1)
    k = int(np.argmin(near))
    return None if near.all() else (found[k].squeeze(), expected[k].squeeze())


def _is_arithmetic(error: BaseException) -> bool:
    """Whether it is about numbers, and not what somebody wrote ``raise`` for."""
    domain = isinstance(error, ValueError) and str(error).startswith(_DOMAIN)
    return domain or isinstance(error, ArithmeticError)


def _levels() -> int:
    """How far up the stack the caller of this library is, for a warning of the caller of this."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    return level


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("saddlelab", "functools")
