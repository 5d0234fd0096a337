"""Objectives: a function of one array, made callable by the engine's kernels."""

from __future__ import annotations

import dis
import functools
import math
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import CodeType, FunctionType, MappingProxyType
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
    reason,
)
from saddlelab.callback import call, name_of
from saddlelab.threads import over_threads

__all__ = ["Objective", "PythonSpeedWarning", "as_objective", "objective"]

Function: TypeAlias = Callable[..., Any]
Floats: TypeAlias = NDArray[np.float64]

#: Numbers that a function may compute and still be traced.
_LONGEST_TRACE = 100_000
#: Numbers that are looked at in Python, and one by one without a second thought.
_TINY, _SMALL = 16, 2048
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
    """

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
        self._expressions: dict[tuple[int, tuple[bool, ...]], Any] = {}
        self._traced_with: tuple[bytes, ...] = ()
        self._tables: dict[tuple[int, bool], NDArray[np.int64]] = {}
        self._lock = threading.RLock()

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
            with self._lock:
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
        told["exact derivatives"] = "traced" if self._tracing[0] else f"no: {self._tracing[1]}"
        return MappingProxyType(told)

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

    def check(self, points: Floats) -> None:
        """Try the functions themselves at the first point of a new dimension."""
        n = points.shape[1]
        if n in self._seen:
            return
        self.build()
        with self._lock:
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

    def _attempt(self, k: int, x: Floats, v: Floats) -> Floats | None:
        """Call one of the functions in Python; None where only Python's floats raise.

        Its other exceptions get a note of the point.
        """
        function, kind, built = self._functions[k], self._kinds[k], self._built[k]
        name = name_of(function) if k else self.name
        given = (x.copy(), v.copy()) if kind.startswith("hvp") else (x.copy(),)
        try:
            with np.errstate(all="ignore"):
                found = call(function, kind, given, self.args)
        except ArithmeticError:
            return None  # the compiled function gives infinity or NaN
        except BaseException as error:
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
        inputs = x + np.linspace(0.0, 0.1, 8)[:, None] * np.where(x == 0.0, 1.0, x)
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
            self._expressions.clear()
            self.__dict__.pop("_tracing", None)
            self._warn()

    def explain(
        self,
        points: Floats,
        values: Floats,
        vectors: Floats | None = None,
        *,
        derivatives: bool = False,
    ) -> None:
        """Raise what the function raises at the first point where it gave NaN, if it does.

        With ``derivatives`` also what those that came with it raise there.
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
                self._attempt(k, points[at], v)

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
        with self._lock:
            expression = self.expression(n) if exact else None
            if (n, exact) not in self._tables:
                self._tables[n, exact] = np.asarray(_Table(self._built, expression))
            return self._tables[n, exact]

    def expression(self, n: int) -> Any:
        """The function as an expression, if it has one and the same everywhere; else None."""
        self._forget()
        return self._expressions.get((n, ()))

    def program(self, expression: Any, what: str) -> Any:
        """The program of "gradient", "hessian" or "hvp" of an expression, or None."""
        with self._lock:  # making one adds to the graph that all of them share
            return getattr(expression, what)

    def _forget(self) -> None:
        """Drop expressions whose constants are what the arrays of `args` no longer hold."""
        if not self.args:
            return
        held = tuple(arg.tobytes() for arg in self.args if isinstance(arg, np.ndarray))
        if held != self._traced_with:
            with self._lock:
                self._expressions.clear()
                self._tables.clear()
                self._traced_with = held

    @functools.cached_property
    def _tracing(self) -> tuple[Any, str]:
        """A form that traces, or None and why."""
        self.build()
        if self._value.how != "compiled":
            return None, "it is a C function" if is_foreign(self.fun) else "it is not compiled"
        try:
            return saddlecore.trace.compile_trace(plain(self.fun), self.args), ""
        except Exception as error:
            return None, reason(error)

    def is_traced(self, points: Floats) -> bool:
        """Whether exact derivatives can be had at the points."""
        if self.expression(points.shape[1]) is not None:
            return True
        try:
            self.expressions(points)
        except ValueError:
            return False
        return True

    def expressions(self, points: Floats) -> list[tuple[Any, NDArray[np.intp]]]:
        """Expressions of the function and the points at which each holds.

        Raises ValueError if it cannot be traced.
        """
        n = points.shape[1]
        every = _numbers(len(points))
        known = self.expression(n)
        if known is not None:
            return [(known, every)]
        groups: dict[tuple[bool, ...], list[int]] = {}
        for i in every.tolist():
            decisions = self._trace(points[i])
            if not decisions:
                return [(self.expression(n), every)]
            groups.setdefault(decisions, []).append(i)
        return [(self._expressions[n, d], np.array(at)) for d, at in groups.items()]

    def _trace(self, x: Floats) -> tuple[bool, ...]:
        """Trace at x; returns the outcomes of the comparisons that were made on the way."""
        form, why = self._tracing
        if form is None:
            raise ValueError(f"`{self.name}` cannot be differentiated exactly: {why}")
        n = len(x)
        with self._lock:
            try:
                made, output = saddlecore.trace.trace(form, x, 2 * n, _LONGEST_TRACE)
            except saddlecore.trace.TraceError as error:
                self.explain(x[None], np.full(1, np.nan))  # the function's own error says more
                raise ValueError(
                    f"`{self.name}` cannot be differentiated exactly: {error}"
                ) from None
            decisions = tuple(map(bool, made.decisions))
            if (n, decisions) not in self._expressions:
                expression = saddlecore.exact.Expression(made.graph, output, n)
                self._expressions[n, decisions] = expression
        return decisions

    def run(self, inputs: Floats, slot: int, n: int, count: int, threads: int = 1) -> Floats:
        """Run the form in a slot of the table at every row of `inputs`."""
        out = np.full((len(inputs), count), np.nan)
        table = self.table(n, exact=False)

        def part(rows: slice) -> None:
            saddlecore.points.at_points(table, slot, n, inputs[rows], out[rows])

        over_threads(part, [slice(k, k + _TASK) for k in range(0, len(inputs), _TASK)], threads)
        return out


class _Table:
    """The engine's table of forms.

    As an array it is the owner of the array's memory: what the addresses point to lives as long.
    """

    def __init__(self, built: Sequence[Built | None], expression: Any) -> None:
        forms = saddlecore.forms
        self.addresses = np.zeros((forms.SLOTS, 2), np.int64)
        self.__array_interface__ = self.addresses.__array_interface__
        self._keep: list[Any] = [*built]
        slots = (forms.VALUE, forms.GRADIENT, forms.HVP)
        for slot, each in zip(slots, built, strict=True):
            if each is not None:
                self._put(slot, each.plain, each.in_lanes)
        if expression is not None:
            self._put_programs(expression)

    def _put(self, slot: int, plain: Any, in_lanes: Any) -> None:
        for at, form in ((slot, plain), (slot + 1, in_lanes)):
            if form is not None:
                self.addresses[at] = form.address, form.data

    def _put_programs(self, expression: Any) -> None:
        forms, evaluate = saddlecore.forms, saddlecore.evaluate
        for slot, made in (
            (forms.GRADIENT, expression.gradient),
            (forms.HVP, expression.hvp),
            (forms.SECOND, expression.second),
        ):
            if made is not None and not self.addresses[slot, 0]:
                description = evaluate.describe(made[0])
                self._keep.append((made, description))
                where = description.ctypes.data
                self.addresses[slot] = evaluate.program_form(), where
                self.addresses[slot + 1] = evaluate.program_form_lanes(), where


def _difference(
    found: Floats, expected: Floats, digits: float, size: float
) -> tuple[Floats, Floats] | None:
    """The first rows that differ by more than ``digits`` of the number or of ``size``."""
    near = np.isclose(found, expected, rtol=digits, atol=digits * size, equal_nan=True).all(axis=1)
    k = int(np.argmin(near))
    return None if near.all() else (found[k].squeeze(), expected[k].squeeze())


def _levels() -> int:
    """How far up the stack the caller of this library is, for a warning of the caller of this."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    return level


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("saddlelab", "functools")


def all_finite(array: Floats) -> bool:
    """Whether all numbers are finite; for a contiguous array, of one or of a million."""
    flat = array.ravel()
    if flat.size < _TINY:
        return all(map(math.isfinite, flat.tolist()))
    if flat.size < _SMALL:
        # A search for a byte: a reduction takes a microsecond.
        return b"\0" not in np.isfinite(flat).tobytes()
    # The square is finite but for numbers that are not, or of which the square is not.
    with np.errstate(over="ignore", invalid="ignore"):
        square = flat.dot(flat)
    return math.isfinite(square) or bool(np.isfinite(flat).all())


@functools.lru_cache(maxsize=8)
def _numbers(count: int) -> NDArray[np.intp]:
    return np.arange(count)


def points_of(x: ArrayLike, name: str = "x") -> tuple[Floats, bool]:
    """``x`` as (m, n) float64, and whether it was a single point."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"`{name}` must be one point (n,) or many (m, n), got rows of different "
                         "lengths") from None  # fmt: skip
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must be real numbers, got dtype {array.dtype}")
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"`{name}` must be one point (n,) or many (m, n), got shape {array.shape}")
    single = array.ndim == 1
    points = np.array(array, dtype=np.float64, order="C", ndmin=2)
    if not all_finite(points):
        k, i = map(int, np.argwhere(~np.isfinite(points))[0])
        where = f"{name}[{i}]" if single else f"{name}[{k}, {i}]"
        raise ValueError(f"`{name}` must be finite, but {where} = {points[k, i]}")
    return points, single


def as_objective(f: Any) -> Objective:
    """Return ``f`` itself if it is an objective; else what `objective` makes of it, once."""
    if isinstance(f, Objective):
        return f
    try:
        hash(f)
    except TypeError:
        return objective(f)
    outside = _outside(f)
    with _lock:
        made = _remembered(f, *map(_key, outside))
        made.outside = outside  # as long as these live, no other object has their identity
    made.build()
    return made


_lock = threading.Lock()


@functools.lru_cache(maxsize=256)
def _remembered(f: Any, *_outside: int | float) -> Objective:
    return Objective(f)


def _outside(f: Any) -> tuple[Any, ...]:
    """What a function refers to: it is compiled with the numbers and arrays of that moment."""
    function = plain(f)
    if not isinstance(function, FunctionType):
        return ()
    found = map(function.__globals__.get, _global_names(function.__code__))
    return (*found, *[cell.cell_contents for cell in function.__closure__ or ()])


@functools.lru_cache(maxsize=256)
def _global_names(code: CodeType) -> tuple[str, ...]:
    return tuple({i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"})


def _key(value: Any) -> int | float:
    return value if isinstance(value, int | float) else id(value)
