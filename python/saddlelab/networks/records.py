"""What is recorded of a network on its way: losses, norms, the ends of the Hessian's spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.derivatives import hessian
from saddlelab.threads import one_blas_thread, over_threads

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP
    from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["LARGEST", "measured", "spectra_of", "weight_norms"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Parameters of networks whose whole Hessian is taken.
LARGEST = 2000


def measured(
    objective: NetworkObjective, thetas: Floats, workers: int, learnt: Floats | None = None
) -> tuple[Floats, Floats, Floats | None]:
    """Losses, ‖∇f‖ and accuracies; these are None for squared_error, which knows no classes.

    Normalised layers take the statistics of the samples `learnt`, if those are given.
    """
    loss, norm, accuracy = np.empty((3, len(thetas)))
    classifies = objective.network.loss != "squared_error"

    @np.errstate(over="ignore", invalid="ignore")  # on the way to a divergence
    def one(k: int) -> None:
        here = objective
        if learnt is not None:
            network, rows = objective.network, objective.rows
            frozen = network.statistics(thetas[k], learnt)
            here = network.objective(rows, objective.targets, statistics=frozen)
        slope = np.empty(thetas.shape[1])
        loss[k] = saddlecore.network.gradient(here.header, thetas[k], slope)
        norm[k] = np.linalg.norm(slope)
        if classifies:
            accuracy[k] = here.accuracy(thetas[k])

    over_threads(one, range(len(thetas)), workers)
    return loss, norm, accuracy if classifies else None


@np.errstate(over="ignore")
def weight_norms(network: MLP, thetas: Floats) -> Floats:
    """‖W‖_F of each layer, (records, layers)."""
    return np.array([[np.linalg.norm(layer[0]) for layer in network.unpack(theta)]
                     for theta in thetas])  # fmt: skip


def spectra_of(
    objective: NetworkObjective, thetas: Floats, seed: int, workers: int, progress: bool
) -> tuple[Floats, Floats, Integers]:
    """Smallest and largest eigenvalue of the Hessian, and its index; −1 if that is not known."""
    from tqdm import tqdm

    low, high = np.empty(len(thetas)), np.empty(len(thetas))
    index = np.empty(len(thetas), np.int64)
    whole = thetas.shape[1] <= LARGEST
    of = _of_whole if whole else _of_ends

    with tqdm(total=len(thetas), unit=" Hessians", desc="spectrum", disable=not progress) as bar:

        def one(k: int) -> None:
            low[k], high[k], index[k] = of(objective, thetas[k], seed)
            bar.update()

        # Lanczos' products have threads of their own.
        with one_blas_thread():
            over_threads(one, range(len(thetas)), workers if whole else 1)
    return low, high, index


def _of_whole(objective: NetworkObjective, theta: Floats, _: int) -> tuple[float, float, int]:
    found = hessian(objective, theta, workers=1)
    eigenvalues = np.linalg.eigvalsh(found.value)
    within = float(np.linalg.norm(found.error))  # by Weyl's inequality
    return eigenvalues[0], eigenvalues[-1], int((eigenvalues < -within).sum())


def _of_ends(objective: NetworkObjective, theta: Floats, seed: int) -> tuple[float, float, int]:
    from saddlelab.spectrum import extreme_eigenpairs, hessian_operator

    low, high = extreme_eigenpairs(hessian_operator(objective, theta), rng=seed).values
    return low, high, -1
