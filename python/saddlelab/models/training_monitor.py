"""What happens to a torch model while it is trained: norms, curvature, plateaus."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.arguments import positive_integer
from saddlelab.models.from_torch import from_torch
from saddlelab.models.monitor_plot import plot_monitor
from saddlelab.plateaus import plateaus
from saddlelab.plateaus_result import Plateaus
from saddlelab.spectrum import extreme_eigenpairs, hessian_operator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Record", "TrainingMonitor"]


@dataclass(frozen=True, slots=True)
class Record:
    """One step of training; NaN is what was not measured.

    Attributes
    ----------
    step : int
    loss : float
        What was passed to `step`.
    gradient_norm : float
        ‖·‖ of what is in the parameters' ``.grad``.
    weight_norm : float
        ‖θ‖.
    data_loss, data_gradient_norm : float
        f and ‖∇f‖ over all of the data, every so many steps, as the rest.
    smallest, largest : float
        Extreme eigenvalues of the Hessian over the data.
    converged : bool
        Whether both are as exact as was asked for.
    """

    step: int
    loss: float
    gradient_norm: float
    weight_norm: float
    data_loss: float = math.nan
    data_gradient_norm: float = math.nan
    smallest: float = math.nan
    largest: float = math.nan
    converged: bool = False


class TrainingMonitor:
    """Follow an ordinary torch training loop, and never touch the model.

    Call `step` once for each step, after ``backward``: parameters, ``.grad``, buffers and random
    state are the same bits before and after it.

    Parameters
    ----------
    model, loss, data
        As for `from_torch`: over these data the curvature is taken.
    every : int, optional
        Steps between two looks at the Hessian, from the first step on; each costs some tens of
        products, that is of gradients of `data` twice over.
    tol : float, optional
        How exact the eigenvalues are, see `extreme_eigenpairs`.
    max_products : int, optional
        Products for one look at most.
    dtype, seed
        As for `from_torch`; by default dropout in training mode is that of one draw.

    Raises
    ------
    ImportError, ValueError, TypeError
        As `from_torch`, or if an argument is out of its range.

    Examples
    --------
    >>> from saddlelab import models                                            # doctest: +SKIP
    >>> monitor = models.TrainingMonitor(net, criterion, (X, y), every=100)     # doctest: +SKIP
    >>> for xb, yb in batches:                                                  # doctest: +SKIP
    ...     optimizer.zero_grad()
    ...     loss = criterion(net(xb), yb)
    ...     loss.backward()
    ...     monitor.step(loss)
    ...     optimizer.step()
    >>> print(monitor.table())                                                  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Any,
        loss: Callable[..., Any],
        data: Any,
        *,
        every: int = 100,
        tol: float = 1e-3,
        max_products: int = 200,
        dtype: Any = None,
        seed: int = 0,
    ) -> None:
        """See the class."""
        self.every = positive_integer("every", every, at_most=2**62)
        self.objective = from_torch(model, loss, data, dtype=dtype, seed=seed)
        self.records: list[Record] = []
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._search: dict[str, Any] = {"tol": tol, "max_products": max_products}

    def step(self, loss: Any) -> Record:
        """Record a step: its loss (a number or a tensor), norms, and every so often the curvature.

        Raises
        ------
        TypeError, ValueError
            If the loss is not one number.
        """
        try:
            value = float(loss.detach() if hasattr(loss, "detach") else loss)
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(f"`loss` must be one number, got {loss!r}") from None
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        measured = self._look() if len(self.records) % self.every == 0 else {}
        record = Record(
            len(self.records), value, _norm(gradients) if gradients else math.nan,
            _norm(self._parameters), **measured,
        )  # fmt: skip
        self.records.append(record)
        return record

    def _look(self) -> dict[str, Any]:
        """Everything that is taken of all data; of a model that diverged nothing is known."""
        f, theta = self.objective, self.objective.theta
        if not np.isfinite(theta).all():
            return {}
        found = {"data_loss": f.value(theta)}
        slope = f.gradient(theta)
        if not np.isfinite([found["data_loss"], *slope]).all():
            return found
        pairs = extreme_eigenpairs(hessian_operator(f, theta), rng=0, **self._search)
        return found | {
            "data_gradient_norm": float(np.linalg.norm(slope)), "smallest": float(pairs.values[0]),
            "largest": float(pairs.values[-1]), "converged": bool(pairs.converged.all()),
        }  # fmt: skip

    # --- what was seen -----------------------------------------------------------------------

    def plateaus(self, **options: Any) -> Plateaus:
        """Windows in which the recorded loss barely moves, see `saddlelab.plateaus`."""
        return plateaus([record.loss for record in self.records], **options)

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """One quantity of all records, by the name of its field."""
        return np.array([getattr(record, name) for record in self.records])

    def __len__(self) -> int:
        """Steps recorded."""
        return len(self.records)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """One line for each look at the Hessian."""
        lines = [
            f"{self.objective.name}: {self.objective.size} parameters, {len(self)} steps",
            f"{'step':>7} {'loss':>11} {'|grad|':>10} {'|weights|':>10} {'data loss':>11} "
            f"{'λ min':>11} {'λ max':>11}",
        ]
        for r in self.records[:: self.every]:
            lines.append(
                f"{r.step:7d} {r.loss:11.5g} {r.gradient_norm:10.4g} {r.weight_norm:10.4g} "
                f"{r.data_loss:11.5g} {r.smallest:11.4g} {r.largest:11.4g}"
                f"{'' if r.converged else '  not converged'}"
            )
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each step; what was not measured is empty."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, Record.__slots__)
            writer.writeheader()
            for record in self.records:
                row = asdict(record)
                writer.writerow({k: "" if v != v else v for k, v in row.items()})

    def to_json(self) -> str:
        """All records; what was not measured, or is not finite, is null."""
        rows = [
            {k: v if math.isfinite(v) else None for k, v in asdict(record).items()}
            for record in self.records
        ]
        return json.dumps({"model": self.objective.name, "every": self.every, "records": rows})

    def plot(self, quantity: str = "loss", *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw "loss" (with its plateaus), "norms" or "curvature" against steps.

        Parameters
        ----------
        quantity : {"loss", "norms", "curvature"}, optional
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure's by default.
        **kwargs
            Passed to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            If nothing was recorded, or there is no such quantity.
        """
        return plot_monitor(self, quantity, ax, kwargs)


def _norm(tensors: list[Any]) -> float:
    """Of all numbers together, summed in float64."""
    squares = sum((t.detach().double() ** 2).sum() for t in tensors)
    return math.sqrt(float(squares))
