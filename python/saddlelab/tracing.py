"""The expressions that an objective becomes when it is traced."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.building import is_foreign, plain, reason

if TYPE_CHECKING:
    from saddlelab.objective import Objective

__all__ = ["Traces"]

Floats: TypeAlias = NDArray[np.float64]

#: Numbers that a function may compute and still be traced.
_LONGEST = 100_000


class Traces:
    """Expressions of a function: one for each dimension and each way through its branches."""

    def __init__(self, owner: Objective) -> None:
        """Trace nothing before it is needed."""
        self._owner = owner
        self._expressions: dict[tuple[int, tuple[bool, ...]], Any] = {}
        self._held: tuple[bytes, ...] = ()

    @functools.cached_property
    def form(self) -> tuple[Any, str]:
        """A form that traces, or None and why."""
        owner = self._owner
        if not owner.compiled:
            return None, "it is a C function" if is_foreign(owner.fun) else "it is not compiled"
        try:
            return saddlecore.trace.compile_trace(plain(owner.fun), owner.args), ""
        except Exception as error:
            return None, reason(error)

    def renew(self) -> bool:
        """Drop expressions whose constants are what the arrays of `args` no longer hold."""
        held = tuple(arg.tobytes() for arg in self._owner.args if isinstance(arg, np.ndarray))
        if held == self._held:
            return False
        self._expressions.clear()
        self._held = held
        return True

    def known(self, n: int) -> Any:
        """The expression that holds everywhere, if there is one and it was traced."""
        return self._expressions.get((n, ()))

    def at(self, points: Floats) -> list[tuple[Any, NDArray[np.intp]]]:
        """Expressions of the function and the points at which each holds.

        Raises ValueError if it cannot be traced.
        """
        n = points.shape[1]
        every = _numbers(len(points))
        if (known := self.known(n)) is not None:
            return [(known, every)]
        groups: dict[tuple[bool, ...], list[int]] = {}
        for i in every.tolist():
            decisions = self._trace(points[i])
            if not decisions:
                return [(self.known(n), every)]
            groups.setdefault(decisions, []).append(i)
        return [(self._expressions[n, d], np.array(at)) for d, at in groups.items()]

    def _trace(self, x: Floats) -> tuple[bool, ...]:
        """Trace at x; returns the outcomes of the comparisons that were made on the way."""
        owner, n = self._owner, len(x)
        form, why = self.form
        if form is None:
            raise ValueError(f"`{owner.name}` cannot be differentiated exactly: {why}")
        with owner.lock:
            try:
                made, output = saddlecore.trace.trace(form, x, 2 * n, _LONGEST)
            except saddlecore.trace.TraceError as error:
                # The function's own error says more.
                owner.explain(x[None], np.full(1, np.nan), arithmetic=True)
                raise ValueError(
                    f"`{owner.name}` cannot be differentiated exactly: {error}"
                ) from None
            decisions = tuple(map(bool, made.decisions))
            if (n, decisions) not in self._expressions:
                expression = saddlecore.exact.Expression(made.graph, output, n)
                self._expressions[n, decisions] = expression
        return decisions


@functools.lru_cache(maxsize=8)
def _numbers(count: int) -> NDArray[np.intp]:
    return np.arange(count)
