"""Objectives that are means over data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.forms_table import FormsTable
from saddlelab.objective import Objective

__all__ = ["DataObjective", "data_objective"]

Floats: TypeAlias = NDArray[np.float64]


def data_objective(
    term: Callable[..., Any], data: ArrayLike, *, name: str | None = None
) -> DataObjective:
    """Make the mean over the rows of `data` of ``term(x, row)`` ready for everything here.

    Its value and its exact gradient are those of the whole mean; methods of `minimize` take a few
    terms in each step if they are given a `batch_size`, as ``"sgd"`` is.

    Parameters
    ----------
    term : callable
        ``term(x, row) -> float``, for x (n,) and a row (d,) of the data: a plain function without
        branches, which is compiled and differentiated.
    data : (N, d) or (N,) array_like
        Kept, not copied, if it is a contiguous float64 array.
    name : str, optional
        For pictures and messages.

    Returns
    -------
    DataObjective

    Raises
    ------
    ValueError, TypeError
        If `data` is not one row of real, finite numbers for each term; if the term cannot be
        differentiated exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import data_objective, minimize
    >>> line = data_objective(lambda w, row: 0.5 * (w[0] + w[1] * row[0] - row[1]) ** 2,
    ...                       [[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]])
    >>> runs = minimize(line, [0.0, 0.0], method="sgd", batch_size=1, lr=0.2, steps=500)
    >>> np.round(runs.x, 3).tolist()
    [1.0, 2.0]
    """
    rows = np.ascontiguousarray(data, dtype=np.float64)
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"`data` must have shape (N, d), got {np.shape(data)}")
    if not np.isfinite(rows).all():
        k = int(np.argmin(np.isfinite(rows).all(axis=1)))
        raise ValueError(f"`data` must be finite, but row {k} is {rows[k].tolist()}")
    made = DataObjective(term, rows, name)
    made.build()
    return made


class DataObjective(Objective):
    """What `data_objective` returns.

    Attributes
    ----------
    term : Objective
        One term, as a function of x and its row one after another.
    rows : (N, d) float
    """

    def __init__(self, term: Callable[..., Any], rows: Floats, name: str | None = None) -> None:
        """See `data_objective`."""
        if not callable(term):
            raise TypeError(f"`term` must be a function of x and a row, got {term!r}")
        name = name or getattr(term, "__name__", "term")
        super().__init__(saddlecore.terms.mean_of(term), (rows,), name=name)
        self.rows, self._term, self.terms = rows, term, len(rows)
        self.term = Objective(saddlecore.terms.joined(term, rows.shape[1]), name=name)
        self._full: dict[int, NDArray[np.int64]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as source and data."""
        return DataObjective, (self._term, self.rows, self.name)

    @property
    def given(self) -> tuple[str, ...]:
        """Its gradient, by terms: exact, however many there are."""
        return ("gradient",)

    def table(self, n: int, *, exact: bool) -> NDArray[np.int64]:
        """As of any objective, with a gradient and that of a few terms."""
        if n not in self._full:
            self.build()
            with self.lock:
                self._full[n] = np.asarray(self._fill(n))
        return self._full[n]

    def _fill(self, n: int) -> FormsTable:
        forms, terms = saddlecore.forms, saddlecore.terms
        made, of_term = FormsTable(self._built, None), self._slope_of_term(n)
        header = np.array([
            *of_term[forms.GRADIENT], *of_term[forms.GRADIENT_LANES], self.rows.ctypes.data,
            *self.rows.shape,
        ])  # fmt: skip
        for slot, plain, in_lanes in (
            (forms.GRADIENT, terms.mean_form, terms.mean_form_lanes),
            (forms.BATCH, terms.batch_form, terms.batch_form_lanes),
        ):
            made.put(slot, plain(), in_lanes(), header, of_term, self.rows)
        return made

    def _slope_of_term(self, n: int) -> NDArray[np.int64]:
        point = np.concatenate([np.full(n, 0.5), self.rows[0]])[None]
        self.term.check(point)
        self.term.expressions(point)  # says why not, if it cannot be traced
        table = self.term.table(point.shape[1], exact=True)
        if not table[saddlecore.forms.GRADIENT, 0]:
            raise ValueError(
                f"`{self.name}` must not decide by the values of x or of a row: its gradient would "
                "be another at each point"
            )
        return table
