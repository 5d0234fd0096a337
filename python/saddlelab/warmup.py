"""Compiling everything once, ahead of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["warmup"]


def warmup(*, report: Callable[[str], None] | None = None) -> float:
    """Compile every kernel the face uses into Numba's disk cache.

    Kernels compile at their first call and are read from disk by later processes.  Calling this
    once after an installation or an update moves that wait out of the first study.

    Parameters
    ----------
    report : callable, optional
        Called with a line of text after each step, e.g. ``print``.

    Returns
    -------
    float
        Seconds taken.
    """
    began = time.perf_counter()
    steps = (
        ("prevalence", _prevalence),
        ("exact laws", _exact_laws),
        ("rare events", _rare_events),
        ("classify", _classify),
        ("derivatives", _derivatives),
        ("critical points", _critical_points),
        ("optimizers", _optimizers),
        ("networks", _networks),
        ("blocks", _blocks),
        ("landscapes", _landscapes),
        ("signals", _signals),
    )
    for name, step in steps:
        start = time.perf_counter()
        step()
        if report is not None:
            report(f"{name}: {time.perf_counter() - start:.1f} s")
    return time.perf_counter() - began


def _prevalence() -> None:
    from saddlelab.ensembles import get_ensemble, names
    from saddlelab.prevalence import prevalence

    for ensemble in map(get_ensemble, names()):
        prevalence(ensemble, [1, 2], samples=1, rng=0)
        if not ensemble.why_not_nested():
            prevalence(ensemble, [1, 2], samples=1, rng=0, nested=True)
    # Dense matrices in batches, and large: the kernels are shared by all ensembles.
    prevalence("wigner", [100, 300], samples=1, rng=0)


def _exact_laws() -> None:
    from saddlelab.laws import index_law

    index_law("goe", 2)


def _rare_events() -> None:
    from saddlelab.rare import rare_prevalence

    rare_prevalence("goe", 2, samples=1, rng=0)
    rare_prevalence("wigner", 2, samples=1, rng=0)


def _classify() -> None:
    from saddlelab.inertia import classify

    # One stack for each kernel: small, in batches, large.  The zero matrix cannot be certified,
    # which takes the path of the hard cases too.
    for n in (3, 100, 300):
        hessian = np.diag(np.arange(n) - n / 2 + 0.25)
        classify(np.stack([hessian, np.zeros((n, n)), hessian, hessian]))


def _derivatives() -> None:
    from saddlelab import surfaces
    from saddlelab.derivatives import METHODS, gradient, hessian, hvp

    saddle = surfaces.quadratic_saddle
    for points in (np.ones((1, 2)), np.ones((40, 2))):
        saddle.value(points)
        for method in METHODS:
            gradient(saddle, points, method=method)
            hessian(saddle, points, method=method)
            hvp(saddle, points, points, method=method)


def _critical_points() -> None:
    from saddlelab import surfaces
    from saddlelab.critical import critical_points

    critical_points(surfaces.quadratic_saddle, rng=0)


def _optimizers() -> None:
    from saddlelab import surfaces
    from saddlelab.data_objective import data_objective
    from saddlelab.optimize.annealing import annealing
    from saddlelab.optimize.grid import grid_search
    from saddlelab.optimize.minimize import minimize

    saddle = surfaces.quadratic_saddle
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("gd", {}), ("newton", {}), ("newton", {"krylov": 1}),
    )  # fmt: skip
    for method, more in kinds:
        minimize(saddle, [1.0, 0.5], method=method, steps=1, **more)
    line = data_objective(lambda x, row: (x[0] - row[0]) ** 2, [0.0, 1.0])
    minimize(line, [1.0], method="sgd", steps=1)
    annealing(saddle, chains=1, steps=1, rng=0)
    grid_search(saddle, None, 2)


def _networks() -> None:
    from saddlelab.networks import MLP, train
    from saddlelab.optimize.minimize import minimize

    network, data = MLP([2, 2, 2]), np.ones((2, 2))
    train(network, data, data, epochs=1, rng=0)
    loss = network.objective(data, np.zeros((2, 2)))
    theta = np.ones(12)
    loss.hessian(theta)
    loss.hvp(theta, theta)
    loss.per_sample(theta)
    minimize(loss, theta, method="sgd", steps=1, batch_size=1)
    MLP([2, 2, 2], batch_norm=True).objective(np.eye(2), np.eye(2)).hessian(np.ones(14))


def _blocks() -> None:
    from saddlelab import blocks

    x = np.eye(2)
    for kind in (blocks.batch_norm, blocks.layer_norm, lambda x: blocks.residual(x, x)):
        found = kind(x)
        found.backward(x)
        found.jvp(x)
    attended = blocks.attention(x, x, x)
    attended.backward(x)
    attended.saturation()


def _landscapes() -> None:
    from saddlelab import surfaces
    from saddlelab.landscapes import slice_line
    from saddlelab.networks import MLP

    slice_line(surfaces.quadratic_saddle, [0.0, 0.0], [1.0, 0.0], resolution=3)
    loss = MLP([2, 2, 2]).objective(np.ones((2, 2)), np.zeros((2, 2)))
    slice_line(loss, np.ones(12), np.ones(12), resolution=3)


def _signals() -> None:
    from saddlelab.networks import MLP
    from saddlelab.signals import saturation

    saturation(MLP([2, 2, 2]), np.ones(12), np.ones((2, 2)))
