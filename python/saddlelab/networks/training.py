"""How the training of a network went, and why its loss stood still where it did."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.networks.explanation import Explanation, explain
from saddlelab.plateaus import plateaus
from saddlelab.plateaus_result import Plateaus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.networks.mlp import MLP
    from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["Spectra", "Training"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Records that `plateaus` needs.
_FEWEST = 5


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """The ends of the spectrum of the training loss's Hessian.

    Attributes
    ----------
    epochs : (s,) int
    smallest, largest : (s,) float
        Eigenvalues.
    index : (s,) int
        Negative eigenvalues; −1 of networks too large for a whole Hessian.
    """

    epochs: Integers
    smallest: Floats
    largest: Floats
    index: Integers


@dataclass(frozen=True, eq=False)
class Training:
    """What `train` returns: a record every so many epochs, from before the first step on.

    Attributes
    ----------
    network : MLP
    objective, test : NetworkObjective
        Losses of the samples to learn from and of those to test with (None if there are none).
    method : str
    options : dict
        Of the method, with its defaults.
    status : str
        "steps" (all of them taken), "converged", or "diverged": the records then end before.
    seed : int
        What to pass as ``rng`` to get the same training again.
    batch_size, steps_per_epoch : int
    epochs : (r,) int
        Of the records.
    thetas : (r, n) float
        The parameters.
    loss, accuracy : (r,) float
        Of all samples to learn from, with the weight decay; no accuracy (None) for squared_error.
    test_loss, test_accuracy : (r,) float or None
    gradient_norm : (r,) float
        ‖∇ loss‖ of all samples to learn from.
    weight_norms : (r, layers) float
        ‖W‖_F of each layer.
    spectra : Spectra or None
        None unless it was asked for.
    """

    network: MLP
    objective: NetworkObjective = field(repr=False)
    test: NetworkObjective | None = field(repr=False)
    method: str
    options: dict[str, Any]
    status: str
    seed: int
    batch_size: int
    steps_per_epoch: int
    epochs: Integers = field(repr=False)
    thetas: Floats = field(repr=False)
    loss: Floats = field(repr=False)
    accuracy: Floats | None = field(repr=False)
    test_loss: Floats | None = field(repr=False)
    test_accuracy: Floats | None = field(repr=False)
    gradient_norm: Floats = field(repr=False)
    weight_norms: Floats = field(repr=False)
    spectra: Spectra | None = field(repr=False)

    @property
    def theta(self) -> Floats:
        """(n,) the parameters at the last record."""
        last: Floats = self.thetas[-1]
        return last

    @functools.cached_property
    def plateaus(self) -> Plateaus | None:
        """Where the loss stands still, see `saddlelab.plateaus`; None of fewer than 5 records."""
        loss = self.loss[: _prefix(np.isfinite(self.loss))]
        if len(loss) < _FEWEST:
            return None
        # ln 0 is not a number that anything could be near.
        tiny = float(np.finfo(np.float64).tiny)
        return plateaus(np.maximum(loss, tiny), steps=self.epochs[: len(loss)])

    @property
    def explanations(self) -> tuple[Explanation, ...] | None:
        """What `explain` found; None before it was called."""
        return self.__dict__.get("_explained")

    def explain(
        self, *, workers: int | None = None, progress: bool = False
    ) -> tuple[Explanation, ...]:
        """Say of each plateau which critical point it is beside, if there is one.

        That takes Hessians, up to a hundred for each plateau, and is done once.  A plateau is near
        a critical point if one is found from its middle (`nearest_critical_point`) whose loss is
        the plateau's, within a tenth.

        Parameters
        ----------
        workers : int, optional
            Threads; all cores by default.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        tuple of Explanation
        """
        if "_explained" not in self.__dict__:
            from tqdm import tqdm

            count = 0 if self.plateaus is None else len(self.plateaus)
            numbers = tqdm(range(count), unit=" plateaus", desc="explain", disable=not progress)
            self.__dict__["_explained"] = tuple(explain(self, k, workers) for k in numbers)
        found: tuple[Explanation, ...] = self.__dict__["_explained"]
        return found

    # --- text and pictures ------------------------------------------------------------------------

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """The beginning, the end and the plateaus; what these are beside after `explain`."""
        from saddlelab.networks.training_table import table

        return table(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each record."""
        from saddlelab.networks.training_table import write_csv

        write_csv(self, path)

    def to_json(self) -> str:
        """Everything but the parameters."""
        from saddlelab.networks.training_table import to_json

        return to_json(self)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the losses with the plateaus, and below the eigenvalues if they were taken.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw the losses, and nothing else; a new figure's by default.
        **kwargs
            Passed to the ``Axes.plot`` of the losses.

        Returns
        -------
        matplotlib.axes.Axes
            Of the losses.
        """
        from saddlelab.networks.training_plot import draw_figure, plot_losses

        if ax is not None:
            return plot_losses(self, ax, **kwargs)
        import matplotlib.pyplot as plt

        return draw_figure(self, plt.figure(layout="constrained"), **kwargs)


def _prefix(good: NDArray[np.bool_]) -> int:
    """How many are good before the first that is not."""
    return len(good) if good.all() else int(np.argmin(good))
