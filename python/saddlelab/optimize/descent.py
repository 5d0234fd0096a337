"""One call of the engine's loop: its arrays, its spans of steps, its threads."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.objective import Objective
from saddlelab.optimize.history import clear_unrecorded, empty_history
from saddlelab.optimize.methods import method_of
from saddlelab.optimize.schedules import rates
from saddlelab.studies.seeds import stream_key
from saddlelab.threads import over_threads

__all__ = ["STATUSES", "Descent", "Stops"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Raised by one whenever the same seed would give other runs than before.
_STREAM = 1
#: Why a start ended, in the engine's order.
STATUSES = ("steps", "converged", "target", "escaped", "stalled", "diverged")

#: Starts in a task at most, a group of lanes, and the first of spans that double.
_TASK, _GROUP, _FIRST_SPAN = 512, 8, 64
#: Spans of a run with a progress bar.
_UPDATES = 50


@dataclass(frozen=True, slots=True)
class Stops:
    """When a start ends before its last step; None: never for that reason.

    Attributes
    ----------
    tol, target, stall : float or None
        See `minimize`.
    directions, centre, radius
        A start has escaped when ‖U (x − centre)‖ ≥ radius, the rows of U being the directions.
    """

    tol: float | None = None
    target: float | None = None
    stall: float | None = None
    directions: Floats | None = None
    centre: Floats | None = None
    radius: float = np.nan

    @property
    def any(self) -> bool:
        """Whether there is any reason."""
        given = (self.tol, self.target, self.stall, self.directions)
        return any(each is not None for each in given)

    def arrays(self, n: int, *, refusing: bool) -> tuple[Floats, Floats, Floats]:
        """As the engine takes them; a method may try a step and refuse it."""
        limits = [
            np.nan if self.tol is None else self.tol,
            -np.inf if self.target is None else self.target,
            self.radius,
            np.nan if self.stall is None else self.stall,
            0.0 if refusing else -1.0,
        ]
        directions = np.zeros((0, n)) if self.directions is None else self.directions
        centre = np.zeros(n) if self.centre is None else self.centre
        return np.array(limits), np.ascontiguousarray(directions), np.ascontiguousarray(centre)


@dataclass(slots=True)
class Descent:
    """Starts on their way; `run` takes them further.

    Attributes
    ----------
    fun : Objective
    method : str
    options : dict
        All of them, checked.
    x : (m, n) float
        Where each start is.
    vectors, numbers : arrays
        What the method remembers of each, see ``saddlecore.descent``.
    gradient_norm, steps, status : (m,) arrays
        Of those that have ended; status −1 otherwise.
    time : int
        Steps taken by those that go on.
    """

    fun: Objective
    method: str
    options: dict[str, Any]
    x: Floats
    seed: int
    vectors: Floats = field(init=False)
    numbers: Floats = field(init=False)
    gradient_norm: Floats = field(init=False)
    steps: Integers = field(init=False)
    status: Integers = field(init=False)
    time: int = 0

    def __post_init__(self) -> None:
        """Remember nothing yet."""
        m, n = self.x.shape
        self.vectors = np.zeros((method_of(self.method).vectors(self.options), m, n))
        self.vectors[:1] = self.options.get("initial_accumulator_value", 0.0)
        self.numbers = np.full((4, m), np.nan)
        if not method_of(self.method).second_order:
            self.numbers[1] = -np.inf  # no kick yet
        self.gradient_norm, self.steps = np.full(m, np.nan), np.zeros(m, np.int64)
        self.status = np.full(m, -1)

    def copy(self) -> Descent:
        """The same starts, to be taken further without changing these."""
        other = copy.copy(self)
        for name in ("x", "vectors", "numbers", "gradient_norm", "steps", "status"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def run(
        self,
        steps: int,
        learning_rate: Any,
        stops: Stops,
        every: dict[str, int],
        workers: int,
        report: Callable[[int, int], None] | None = None,
    ) -> tuple[Any, ...]:
        """Take `steps` more steps; returns the engine's history of them, those before left NaN.

        ``report(steps, active)`` is called after each span.
        """
        begun, total = self.time, self.time + steps
        m, n = self.x.shape
        rows = np.flatnonzero((self.status == -1) | (self.status == STATUSES.index("steps")))
        self.status[rows] = -1
        history = empty_history(every, m, n, total)
        ends = stops.arrays(n, refusing=self.method in ("trust_region", "cubic_newton"))
        for first, last in _spans(begun, total, stops.any, report is not None):
            self._span(first, last, total, rows, learning_rate, ends, history, workers)
            self.time = last
            rows = rows[self.status[rows] == -1]
            if report is not None:
                report(last - first, len(rows))
            if not len(rows):
                break
        ended = np.where(self.status == -1, total, self.steps)
        clear_unrecorded(history, every, begun, total, ended)
        return history

    def _span(
        self,
        first: int,
        last: int,
        total: int,
        rows: Integers,
        learning_rate: Any,
        stops: tuple[Floats, Floats, Floats],
        history: tuple[Any, ...],
        workers: int,
    ) -> None:
        kernel, more = self._kernel()
        table, span = self._table(), (first, last, total)
        method = self._method(rates(learning_rate, first, last), first, last)
        state = self.x, self.vectors, self.numbers
        results = self.gradient_norm, self.steps, self.status

        def part(some: Integers) -> None:
            kernel(table, some, method, span, stops, history, state, results, *more)

        parts = np.split(rows, range(size := self._share(len(rows), workers), len(rows), size))
        over_threads(part, parts, workers)
        self.fun.reraise()

    @staticmethod
    def _share(count: int, workers: int) -> int:
        fair = -(-count // (4 * workers * _GROUP)) * _GROUP
        return max(_GROUP, min(_TASK, fair))

    def _kernel(self) -> tuple[Any, tuple[int, ...]]:
        """The engine's loop, and what it takes besides."""
        if not method_of(self.method).second_order:
            return saddlecore.descent.descend, ()
        vectors = min(self.options["krylov"], self.x.shape[1])
        return saddlecore.curved_descent.descend_curved, (vectors,)

    def _table(self) -> NDArray[np.int64]:
        """The engine's table, with exact derivatives where there are any and none were given."""
        given = "gradient" in self.fun.given and not method_of(self.method).second_order
        exact = not given and self.fun.is_traced(self.x[:1])
        return self.fun.table(self.x.shape[1], exact=exact)

    def _method(self, rate: Floats, first: int, last: int) -> Any:
        rules, spectral, method = saddlecore.rules, saddlecore.spectral, method_of(self.method)
        t = np.arange(first + 1.0, last + 1.0)
        coefficients = np.empty((len(t), rules.COEFFICIENTS))
        for column, numbers in enumerate(method.coefficients(self.options, rate, t)):
            coefficients[:, column] = numbers
        places = spectral if method.second_order else rules
        constants, curved = np.zeros(rules.OPTIONS), np.zeros(spectral.OPTIONS)
        for place, number in method.constants(self.options).items():
            (curved if method.second_order else constants)[getattr(places, place)] = number
        for place in ("noise", "clip_norm", "clip_value"):
            constants[getattr(rules, place.upper())] = self.options.get(place, 0.0)
        if (size := self.options.get("batch_size")) is not None:
            constants[rules.TERMS], constants[rules.ROWS] = size, self.fun.terms
        code = getattr(places, method.rule(self.options))
        key = stream_key(self.seed, self.method, "", _STREAM, self.x.shape[1])
        return rules.Method(code, coefficients, constants, np.uint64(key), curved)


def _spans(first: int, last: int, ending: bool, watched: bool) -> Iterator[tuple[int, int]]:
    """Spans of steps: between them starts that have ended are left out, and progress is shown."""
    size = _FIRST_SPAN if ending else last - first
    at_most = max(1, (last - first) // _UPDATES) if watched else last - first
    while first < last:
        stop = min(last, first + max(1, min(size, at_most)))
        yield first, stop
        first, size = stop, 2 * size
