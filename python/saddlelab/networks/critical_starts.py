"""Where searches for critical points begin: beside the paths of training."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.draws import Draws
from saddlelab.networks.initialisers import initialise
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.optimize.minimize import minimize

__all__ = ["paths", "start_of"]

Floats: TypeAlias = NDArray[np.float64]

#: Steps between kept points grow by this factor: the loss falls fast at first.
_GROWTH = 1.5
_RATE = 0.01
#: Sizes of the perturbation, beside the root mean square of the parameters: log-uniform.
_LEAST, _MOST = 0.02, 1.0
_WHICH, _NOISE = 0, 1


def paths(
    objective: NetworkObjective, runs: int, steps: int, seed: int, workers: int | None
) -> Floats:
    """Points on the paths of Adam with all samples, (times, runs, n), the first after one step."""
    network = objective.network
    begun = initialise(
        network.sizes, "glorot_uniform", rng=seed, count=runs, bias=network.bias,
        batch_norm=network.batch_norm,
    )  # fmt: skip
    times = np.unique(np.round(_GROWTH ** np.arange(1 + np.log(steps) / np.log(_GROWTH))))
    points, done = [], 0
    trained: Any = begun
    first: dict[str, Any] = {"method": "adam", "rng": seed}  # of runs that go on, these are known
    for time in np.append(times[times < steps], steps).astype(int).tolist():
        trained = minimize(
            objective, trained, steps=time - done, learning_rate=_RATE, workers=workers,
            **(first if done == 0 else {}),
        )  # fmt: skip
        points.append(trained.x)
        done = time
    return np.array(points)


def start_of(number: int, trained: Floats, seed: int) -> Floats:
    """Start `number`: a point of a path, chosen at random, with Gaussian noise of random size."""
    times, runs, n = trained.shape
    draws = Draws(seed, "critical starts")
    when, run, size = draws.uniforms(1, 3, 2 * number + _WHICH)[0]
    x = trained[int(when * times), int(run * runs)]
    noise = draws.normals(1, n, 2 * number + _NOISE)[0]
    scale = _LEAST * (_MOST / _LEAST) ** size * float(np.sqrt(np.mean(x**2)))
    start: Floats = x + scale * noise
    return start
