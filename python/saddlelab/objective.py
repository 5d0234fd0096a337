"""Objectives: a function of one array, made callable by the engine's kernels."""

from __future__ import annotations

import functools
import math
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.building import Built, build, build_foreign, count_arguments, is_foreign, reason
from saddlelab.callback import number
from saddlelab.threads import over_threads

__all__ = ["Objective", "PythonSpeedWarning", "as_objective", "objective"]

Function: TypeAlias = Callable[..., Any]
Floats: TypeAlias = NDArray[np.float64]

#: Numbers that a function may compute and still be traced.
_LONGEST_TRACE = 100_000
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
        self.fun, self.args = fun, args
        self.name = name or getattr(fun, "__name__", type(fun).__name__)
        self._given = (gradient, hvp)
        self._kinds = (_kind("gradient", gradient, 1, args), _kind("hvp", hvp, 2, args))
        self._seen: set[int] = set()
        self._expressions: dict[tuple[int, tuple[bool, ...]], Any] = {}
        self._tables: dict[tuple[int, bool], _Table] = {}
        self._lock = threading.RLock()
    def __call__(self, x: ArrayLike) -> Any:
        """Call the function itself."""
        return self.fun(x, *self.args)

    def __repr__(self) -> str:
        """Name the function."""
        return f"<saddlelab objective {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as source: who unpickles it compiles anew."""
        return Objective, (self.fun, self.args, *self._given, self.name)

    # --- what it has -------------------------------------------------------------------------

    def build(self) -> None:
        """Compile the function and the derivatives that came with it."""
        if "_value" not in self.__dict__:
            with self._lock:
                self._build()

    def _build(self) -> None:
        if is_foreign(self.fun):
            value = build_foreign(self.fun)
        else:
            value = build(self.fun, "value", self.args)
        self._gradient, self._hvp = (
            None if kind is None else build(function, kind, self.args)
            for function, kind in zip(self._given, self._kinds, strict=True)
        )
        self._value = value
        if value.callback is not None:
            warnings.warn(
                f"`{self.name}` runs at Python's speed: {value.how}",
                PythonSpeedWarning,
                stacklevel=4,
            )

    @property
    def forms(self) -> Mapping[str, str]:
        """What the function could be made into, and why not into the rest."""
        self.build()
        told = {"value": self._value.how, "value, eight points at once": self._value.lanes}
        for name, built in (("gradient", self._gradient), ("hvp", self._hvp)):
            if built is not None:
                told[name] = built.how
                told[f"{name}, eight points at once"] = built.lanes
        told["exact derivatives"] = "traced" if self._tracing[0] else f"no: {self._tracing[1]}"
        return MappingProxyType(told)

    @property
    def parallel(self) -> bool:
        """Whether it may be called from several threads at once."""
        self.build()
        return all(b is None or b.callback is None for b in self._all())

    @property
    def given(self) -> tuple[str, ...]:
        """Which derivatives came with it."""
        return tuple(
            name for name, kind in zip(("gradient", "hvp"), self._kinds, strict=True) if kind
        )

    def _all(self) -> tuple[Built | None, ...]:
        return self._value, self._gradient, self._hvp

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
        """Try the function itself at the first point of a new dimension."""
        n = points.shape[1]
        if n in self._seen:
            return
        self.build()
        if is_foreign(self.fun):
            return
        x = points[0].copy()
        try:
            with np.errstate(all="ignore"):
                number(self.fun(x, *self.args))
        except ArithmeticError:
            pass  # Python's floats raise where the compiled function gives infinity or NaN
        except BaseException as error:
            error.add_note(f"raised by `{self.name}` at x = {points[0].tolist()}")
            raise
        if self._value.callback is None and not np.array_equal(x, points[0], equal_nan=True):
            raise ValueError(
                f"`{self.name}` must not change its argument, it made {x.tolist()} of "
                f"{points[0].tolist()}"
            )
        self._compare_lanes(points[0])
        self._seen.add(n)

    def _compare_lanes(self, x: Floats) -> None:
        """Drop the form in lanes if it does not compute what the plain one does."""
        if self._value.in_lanes is None:
            return
        nearby = x * (1.0 + np.linspace(0.0, 0.1, 8)[:, None])
        forms, n = saddlecore.forms, len(x)
        lanes = self.run(nearby, forms.VALUE, n, 1)[:, 0]
        plain = np.array([self.run(row[None], forms.VALUE, n, 1)[0, 0] for row in nearby])
        # Rounding may differ; a form compiled wrongly is not right to half of the digits.
        size = np.max(np.abs(plain[np.isfinite(plain)]), initial=0.0)
        odd = ~np.isclose(lanes, plain, rtol=1e-7, atol=1e-7 * size, equal_nan=True)
        if odd.any():
            k = int(np.argmax(odd))
            why = f"no: it gives {lanes[k]} where the plain form gives {plain[k]}"
            self._value = replace(self._value, in_lanes=None, lanes=why)
            self._tables.clear()

    def explain(self, points: Floats, values: Floats) -> None:
        """Raise what the function raises at the first point where it gave NaN, if it does."""
        self.reraise()
        if self._value.callback is not None or is_foreign(self.fun):
            return
        bad = np.isnan(values.reshape(len(values), -1)).any(axis=1)
        for x in points[bad][:1]:
            try:
                with np.errstate(all="ignore"):
                    self.fun(x.copy(), *self.args)
            except ArithmeticError:
                pass
            except Exception as error:
                error.add_note(f"raised by `{self.name}` at x = {x.tolist()}")
                raise

    def reraise(self) -> None:
        """Raise what a callback of this objective raised since the last call."""
        for built in self._all():
            if built is not None and built.callback is not None:
                built.callback.reraise()

    def table(self, n: int, *, exact: bool) -> NDArray[np.int64]:
        """(slots, 2) int64: the forms for kernels, see ``saddlecore.forms``.

        With ``exact``, the gradient and so on that were not given are those of the traced
        function, if it could be traced and has no branches.
        """
        self.build()
        with self._lock:
            if (n, exact) not in self._tables:
                self._tables[n, exact] = _Table(self._all(), self.smooth(n) if exact else None)
            return self._tables[n, exact].addresses

    def smooth(self, n: int) -> Any:
        """The function as an expression, if it has one and the same everywhere; else None."""
        return self._expressions.get((n, ()))

    @functools.cached_property
    def _tracing(self) -> tuple[Any, str]:
        """A form that traces, or None and why."""
        self.build()
        if self._value.how != "compiled":
            return None, "it is not compiled"
        try:
            return saddlecore.trace.compile_trace(self.fun, self.args), ""
        except Exception as error:
            return None, reason(error)

    def is_traced(self, points: Floats) -> bool:
        """Whether exact derivatives can be had at the points."""
        if self.smooth(points.shape[1]) is not None:
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
        known = self.smooth(n)
        if known is not None:
            return [(known, every)]
        groups: dict[tuple[bool, ...], list[int]] = {}
        for i in every.tolist():
            decisions = self._trace(points[i])
            if not decisions:
                return [(self.smooth(n), every)]
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
    """The engine's table of forms, with everything that its addresses point to."""

    def __init__(self, built: tuple[Built | None, ...], expression: Any) -> None:
        forms = saddlecore.forms
        self.addresses = np.zeros((forms.SLOTS, 2), np.int64)
        self._keep: list[Any] = [built]
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


def _kind(what: str, function: Any, inputs: int, args: tuple[Any, ...]) -> str | None:
    """How a derivative that was given is called, for the compiler."""
    if function is None:
        return None
    if not callable(function):
        raise TypeError(f"`{what}` must be a function, got {function!r}")
    count = count_arguments(function)
    extra = 0 if count is None else count - inputs - len(args)
    if extra not in (0, 1):
        wanted = "(x) or (x, out)" if inputs == 1 else "(x, v) or (x, v, out)"
        raise TypeError(
            f"`{what}` must take {wanted}, then args; it takes {count} arguments, args has "
            f"{len(args)}"
        )
    kind = "fills" if extra else "returns"
    return kind if inputs == 1 else f"hvp {kind}"


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
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise ValueError(f"`{name}` must be one point (n,) or many (m, n), got shape {array.shape}")
    single = array.ndim == 1
    points = np.array(array, dtype=np.float64, order="C", ndmin=2)
    flat = points.ravel()
    # The square is finite but for numbers that are not, or of which the square is not.
    if math.isfinite(flat.dot(flat)):
        return points, single
    if not np.isfinite(points).all():
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
    return _remembered(f)


@functools.lru_cache(maxsize=256)
def _remembered(f: Any) -> Objective:
    return objective(f)
