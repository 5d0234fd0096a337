"""The mean loss of a network over data, with exact derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import worker_count
from saddlelab.forms_table import FormsTable
from saddlelab.networks.data import theta_of
from saddlelab.networks.network_hessian import hessian_at, hessians_at
from saddlelab.objective import Objective

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["NetworkObjective"]

Floats: TypeAlias = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


class NetworkObjective(Objective):
    """What `MLP.objective` returns: the mean loss over samples, as an objective.

    Everything that takes a function takes it.  Its gradient, its product with the Hessian and its
    Hessian are exact; methods of `minimize` take a few samples in each step if they are given a
    `batch_size`.

    Attributes
    ----------
    network : MLP
    rows : (N, inputs) float
    targets : (N, outputs) float
        (N, 1) classes for cross_entropy.
    header : (saddlecore.network_plan.HEADER,) int64
        What the engine's kernels take.
    """

    def __init__(self, network: MLP, X: Floats, y: Floats) -> None:
        """See `MLP.objective`, which checks the arguments."""
        super().__init__(self._loss, name=f"network {'-'.join(map(str, network.sizes))}")
        self.network, self.rows, self.targets = network, X, y
        self.header, self._kept = _describe(network, X, y)
        self._full: dict[int, NDArray[np.int64]] = {}

    def _loss(self, x: Floats) -> float:
        """The loss at one point."""
        return float(self.value(x))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as network and data."""
        return NetworkObjective, (self.network, self.rows, self.targets)

    # --- what other objectives are made for, and this one is -----------------------------------

    def build(self) -> None:
        """Do nothing: the engine's forms take the data as they are."""

    def check(self, points: Floats) -> None:
        """Check that a point has as many numbers as there are parameters."""
        if points.shape[1] != self.network.size:
            raise ValueError(
                f"`x` must have {self.network.size} numbers, the parameters of {self.name}, got "
                f"{points.shape[1]}"
            )

    def explain(self, *_: Any, **__: Any) -> None:
        """Do nothing: it raises nothing."""

    def reraise(self) -> None:
        """Do nothing: there are no callbacks."""

    @property
    def forms(self) -> Mapping[str, str]:
        """What there is, in words."""
        exact = ("value", "gradient", "hvp", "hessian", "gradient of a few samples")
        return MappingProxyType(dict.fromkeys(exact, "compiled, eight samples at once"))

    @property
    def compiled(self) -> bool:
        """Always."""
        return True

    @property
    def parallel(self) -> bool:
        """Always."""
        return True

    @property
    def terms(self) -> int:  # type: ignore[override]
        """How many samples there are."""
        return len(self.rows)

    @property
    def given(self) -> tuple[str, ...]:
        """All derivatives are its own."""
        return ("gradient", "hvp", "hessian")

    def expression(self, n: int) -> None:
        """Return None: a network is not traced."""

    def expressions(self, points: Floats) -> Any:
        """Raise ValueError: a network is not traced."""
        raise ValueError(
            f'`{self.name}` is not traced: its derivatives are its own, and exact (method="auto")'
        )

    def is_traced(self, points: Floats) -> bool:
        """Never."""
        return False

    def table(self, n: int, *, exact: bool) -> NDArray[np.int64]:
        """The forms for kernels, see ``saddlecore.forms``."""
        if n not in self._full:
            with self.lock:
                self._full[n] = np.asarray(self._fill())
        return self._full[n]

    def _fill(self) -> FormsTable:
        forms, network = saddlecore.forms, saddlecore.network
        made = FormsTable([None, None, None], None)
        for slot, form in (
            (forms.VALUE, network.value_form),
            (forms.GRADIENT, network.gradient_form),
            (forms.HVP, network.hvp_form),
            (forms.SECOND, network.second_form),
            (forms.BATCH, network.batch_form),
        ):
            made.put(slot, form(), 0, self.header, self._kept)
        return made

    # --- values ------------------------------------------------------------------------------

    def outputs(self, theta: ArrayLike) -> Floats:
        """Outputs for all samples, (N, outputs): what the loss takes, before softmax."""
        return self._samples(theta)[1]

    def per_sample(self, theta: ArrayLike) -> Floats:
        """Loss of each sample, (N,), without the weight decay."""
        return self._samples(theta)[0]

    def _samples(self, theta: ArrayLike) -> tuple[Floats, Floats]:
        at, N, sizes = theta_of(theta, self.network.size), len(self.rows), self.network.sizes
        whole = saddlecore.network_plan.padded_to(N, saddlecore.network_plan.CHUNK)
        losses, out = np.zeros(whole), np.zeros((whole, sizes[-1]))
        saddlecore.network.outputs(self.header, at, losses, out)
        return losses[:N], out[:N]

    def predictions(self, theta: ArrayLike) -> NDArray[Any]:
        """Classes, (N,) int, of a classifier; outputs, (N, outputs), for squared_error."""
        out = self.outputs(theta)
        if self.network.loss == "squared_error":
            return out
        if self.network.loss == "cross_entropy":
            classes: NDArray[np.int64] = out.argmax(axis=1)
            return classes
        return (out > 0.0).astype(np.int64).squeeze(axis=1) if out.shape[1] == 1 else out > 0.0

    def accuracy(self, theta: ArrayLike) -> float:
        """Fraction of the samples, or of their outputs, that get the right class.

        Raises ValueError for squared_error.
        """
        if self.network.loss == "squared_error":
            raise ValueError(f"`{self.name}` has no accuracy: squared_error knows no classes")
        found = self.predictions(theta)
        targets = self.targets if self.network.loss == "cross_entropy" else self.targets > 0.5
        return float(np.mean(found.reshape(len(found), -1) == targets))

    # --- matrices ----------------------------------------------------------------------------

    def gauss_newton(self, theta: ArrayLike, *, workers: int | None = None) -> Floats:
        """Gauss–Newton matrix, (n, n): the Hessian with the outputs taken as linear in θ.

        It is positive semidefinite, of rank at most samples × outputs without weight decay.

        Parameters
        ----------
        theta : (n,) array_like
        workers : int, optional
            Threads; all cores by default.

        Raises
        ------
        ValueError
            If the matrix would be too large.
        """
        at = theta_of(theta, self.network.size)
        return hessian_at(self.header, self._kept, at, False, worker_count(workers))

    def given_hessian(self, points: Floats, threads: int) -> tuple[Floats, Floats]:
        """Hessians and their errors at many points.

        Nobody bounds the rounding of every sum here: as errors are given 16 units of rounding
        of the largest entry for each layer, many times what is measured.
        """
        H = hessians_at(self.header, self._kept, points, threads)
        size = np.abs(H).max(axis=(1, 2), keepdims=True)
        layers = len(self.network.sizes) - 1
        return H, np.broadcast_to(16.0 * layers * _EPS * size, H.shape).copy()


def _describe(network: MLP, X: Floats, y: Floats) -> tuple[NDArray[np.int64], Any]:
    from saddlelab.networks.mlp import ACTIVATIONS, LOSSES

    plan = saddlecore.network_plan.plan_of(
        network.sizes, bias=int(network.bias), residual=network.residual,
        activation=ACTIVATIONS.index(network.activation), linear=ACTIVATIONS.index("linear"),
    )  # fmt: skip
    loss = LOSSES.index(network.loss)
    decay = network.weight_decay
    decays = decay, decay if network.decay_biases else 0.0
    header, kept = saddlecore.network_plan.describe(plan, loss, X, y, *decays)
    return header, kept
