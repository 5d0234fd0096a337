"""An objective on a plane through one of its points: what is left when symmetries are taken out."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.networks.symmetries import exact_symmetries
from saddlelab.objective import Objective

__all__ = ["Landscape", "Restricted", "landscape_of"]

Floats: TypeAlias = NDArray[np.float64]


class Restricted(Objective):
    """z ↦ f(Qᵀz), Q with orthonormal rows: derivatives are Q∇f and QHQᵀ.

    Attributes
    ----------
    inner : NetworkObjective
        f, of n variables.
    basis : (m, n) float
        Q.
    """

    def __init__(self, inner: NetworkObjective, basis: Floats) -> None:
        """Take functions that are called back: what costs is f."""
        super().__init__(self._loss, gradient=self.gradient, name=inner.name)
        self.inner, self.basis = inner, basis

    def _loss(self, z: Floats) -> float:
        return float(self.inner.value(self.place(z)))

    def _warn(self) -> None:
        """Say nothing: nobody asked for a callback."""

    def place(self, z: ArrayLike) -> Floats:
        """The point of f's own space."""
        return np.asarray(z) @ self.basis

    def gradient(self, x: ArrayLike) -> Floats:
        """∇ of the restricted function at one point."""
        slope: Floats = self.basis @ self.inner.gradient(self.place(x))
        return slope

    @property
    def given(self) -> tuple[str, ...]:
        """Derivatives that are exact."""
        return ("gradient", "hessian")

    def given_hessian(self, points: Floats, threads: int) -> tuple[Floats, Floats]:
        """Hessians at many points, and their errors."""
        H, error = self.inner.given_hessian(self.place(points), threads)
        Q = self.basis
        # Rounding of the two products, n terms each, beside that of H.
        rounding = Q.shape[1] * np.finfo(float).eps * np.linalg.norm(H, axis=(1, 2), keepdims=True)
        size = np.abs(Q)
        return Q @ H @ Q.T, size @ error @ size.T + rounding

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as objective and basis."""
        return Restricted, (self.inner, self.basis)


class Landscape(NamedTuple):
    """What is searched: a network's loss, or what is left of it orthogonally to its symmetries."""

    whole: NetworkObjective
    fun: Objective
    basis: Floats | None

    @property
    def size(self) -> int:
        """Number of variables."""
        return self.whole.network.size if self.basis is None else len(self.basis)

    def inside(self, theta: Floats) -> Floats:
        """A network's parameters as a point of what is searched."""
        return theta if self.basis is None else self.basis @ theta

    def place(self, x: Floats) -> Floats:
        """A point of what is searched as a network's parameters."""
        return x if self.basis is None else x @ self.basis


def landscape_of(objective: NetworkObjective) -> Landscape:
    """The loss, without the directions in which it never changes."""
    symmetries = exact_symmetries(objective)
    if not len(symmetries):
        return Landscape(objective, objective, None)
    # The rows of the full basis that come after those of the symmetries are orthogonal to them.
    basis = np.linalg.svd(symmetries, full_matrices=True)[2][len(symmetries) :]
    basis = np.ascontiguousarray(basis)
    return Landscape(objective, Restricted(objective, basis), basis)
