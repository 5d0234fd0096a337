"""Somebody's model as an objective: its loss as a function of all parameters in one array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.objective import Objective
from saddlelab.points import points_of

__all__ = ["Model", "ModelObjective"]

Floats: TypeAlias = NDArray[np.float64]

#: More memory for one Hessian is refused.
_LARGEST = 4 * 2**30
#: Points at which rounding is measured, and how much larger it may be than what was seen there.
_PROBES, _CAUTION = 2, 4.0
#: Units of rounding of the largest entry of a Hessian, many times what is measured.
_UNITS = 16.0


class Model(Protocol):
    """What a library's model must offer."""

    size: int
    dtype: np.dtype[Any]

    @property
    def theta(self) -> Floats:
        """(n,) its parameters."""

    def unpack(self, theta: Floats) -> Any:
        """Arrays of the parameters as the library arranges them."""

    def value(self, x: Floats) -> float:
        """The loss."""

    def gradient(self, x: Floats) -> Floats:
        """(n,) its gradient."""

    def hvp(self, x: Floats, v: Floats) -> Floats:
        """(n,) the Hessian times v."""

    def products_at(self, x: Floats) -> Callable[[Floats], Floats]:
        """What multiplies rows (k, n) with the Hessian at x."""


class ModelObjective(Objective):
    """What `from_torch` and `from_jax` return: the loss of a model as an objective.

    Everything that takes a function takes it, and calls it back at its library's speed.  Products
    with the Hessian are exact derivatives, rounded as the model's numbers are; nothing but `check`
    and `hessian` asks for n² numbers.

    Attributes
    ----------
    model : Model
        The library's side.
    theta : (n,) float
        The model's parameters as they are now, in one array.
    size : int
        Their number n.
    dtype : numpy.dtype
        Of the model's arithmetic; errors and tolerances are of that size.
    """

    def __init__(self, model: Model, name: str) -> None:
        """See `from_torch` and `from_jax`, which check the arguments."""
        super().__init__(model.value, gradient=model.gradient, hvp=model.hvp, name=name)
        self.model, self.size, self.dtype = model, model.size, model.dtype

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the model."""
        return ModelObjective, (self.model, self.name)

    @property
    def theta(self) -> Floats:
        """The model's parameters as they are now, (n,)."""
        return self.model.theta

    def unpack(self, theta: ArrayLike) -> Any:
        """Arrays of the parameters, as the model's library arranges them."""
        points, _ = points_of(theta, "theta")
        self.check(points)
        return self.model.unpack(points[0])

    def _warn(self) -> None:
        """Say nothing: who brings a model knows whose speed it runs at."""

    @property
    def given(self) -> tuple[str, ...]:
        """All derivatives are its own."""
        return ("gradient", "hvp", "hessian")

    def check(self, points: Floats) -> None:
        """Check that a point has as many numbers as there are parameters."""
        if points.shape[1] != self.size:
            raise ValueError(
                f"`x` must have {self.size} numbers, the parameters of {self.name}, got "
                f"{points.shape[1]}"
            )

    def products_at(self, x: Floats) -> Callable[[Floats], Floats]:
        """What multiplies rows (k, n) with the Hessian at x, in the model's arithmetic."""
        return self.model.products_at(x)

    # --- errors ------------------------------------------------------------------------------

    def rounding(
        self, what: str, points: Floats, vectors: Floats | None, value: Floats
    ) -> Floats:
        """Four times the most that any number changes at points next to each.

        Those differ by a unit of rounding in every parameter, so that this counts the rounding of
        the parameters as well as of all sums, also where terms cancel.
        """
        eps = float(np.finfo(self.dtype).eps)
        change = np.zeros(len(points))
        signs = np.random.default_rng(0)
        for _ in range(_PROBES):
            moved = points * (1.0 + eps * signs.choice([-1.0, 1.0], points.shape))
            found = [
                self.model.gradient(x) if vectors is None else self.model.hvp(x, vectors[k])
                for k, x in enumerate(moved)
            ]
            change = np.maximum(change, np.abs(np.array(found) - value).max(axis=1))
        return np.maximum(_CAUTION * change[:, None], eps * np.abs(value))

    def given_hessian(self, points: Floats, threads: int) -> tuple[Floats, Floats]:
        """Hessians from products with unit vectors, and their errors.

        H_ij and H_ji round apart: where that shows more than 16 units of rounding of the largest
        entry, it is the error.
        """
        n = self.size
        if 8 * n * n > _LARGEST:
            raise ValueError(
                f"`{self.name}` has {n} parameters, and its Hessian {8 * n * n / 2**30:.0f} GiB: "
                "use saddlelab.hessian_operator, which only multiplies"
            )
        H = np.stack([self.products_at(x)(np.eye(n)) for x in points]).astype(np.float64)
        turned = H.transpose(0, 2, 1)
        gap = np.abs(H - turned).max(axis=(1, 2), keepdims=True)
        size = _UNITS * float(np.finfo(self.dtype).eps) * np.abs(H).max(axis=(1, 2), keepdims=True)
        return (H + turned) / 2, np.broadcast_to(np.maximum(gap, size), H.shape).copy()
