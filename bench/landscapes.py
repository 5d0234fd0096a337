"""Slices of a loss beside JAX and the package loss-landscapes, on digits; a surface by itself."""

import copy
import importlib.metadata
import importlib.util
import itertools
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import torch

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, limit, versus
from bench.networks import digits, loss_of

jax.config.update("jax_enable_x64", True)

SIZES, SIDE = (64, 10, 10), 101
#: Points of one call of JAX: the fastest of these is its figure.
CHUNKS = (1, 5, 10, 101)

NOTE = f"""\
Mean cross-entropy of a 64-10-10 tanh network on the 1797 digits over a plane of {SIDE} × {SIDE}
points, float64, {WORKERS} threads for each.  *jax* is `jax.jit(jax.vmap(f))` on chunks of the
points, the fastest of {', '.join(map(str, CHUNKS))} at once.  *loss-landscapes* is its
`random_plane` of the same network in torch; it takes directions of its own and evaluates a grid
that is off by a step, so that its answer is checked at one point, and only a quarter of the lines
are timed.  *surface* is Himmelblau's function on a plane, traced by nobody: `slice_plane`, the
whole call."""


def run(quick: bool) -> Table:
    torch.set_num_threads(WORKERS)
    repeats = 2 if quick else 5
    return Table("landscapes", NOTE, [*_plane(repeats), _surface(repeats)])


def _plane(repeats: int) -> list[Row]:
    from saddlelab import networks, slice_plane

    X, y = digits(64)
    network = networks.MLP(SIZES, loss="cross_entropy")
    rng = np.random.default_rng(0)
    theta, u, v = rng.standard_normal((3, network.size)) / 3
    f = network.objective(X, y)
    loss = loss_of(SIZES, jnp.asarray(X), jnp.asarray(y), jnp, jax.nn.log_softmax, jnp.tanh)
    chunk, with_jax = _fastest_of_jax(loss, theta, u, v)
    measures = {
        "ours": Stopwatch(
            lambda: slice_plane(f, theta, u, v, resolution=SIDE, workers=WORKERS).values
        ),
        "jax": Stopwatch(with_jax, loops=1),
    }
    peer = _loss_landscapes(network, theta, X, y)
    if peer is not None:
        measures["loss-landscapes"] = peer
    found = alternate(measures, repeats)
    np.testing.assert_allclose(measures["ours"].answer, measures["jax"].answer, rtol=1e-11)
    size = f"64-10-10, {SIDE} × {SIDE}"
    rows = [versus("plane", size, found["ours"], f"jax, {chunk} at once", found["jax"], at_least=5)]
    if peer is None:
        return rows
    whole = [seconds * (SIDE / peer.side) ** 2 for seconds in found["loss-landscapes"]]
    name = f"loss-landscapes {importlib.metadata.version('loss-landscapes')}"
    return [*rows, versus("plane", size, found["ours"], name, whole, at_least=15)]


def _fastest_of_jax(loss, theta, u, v):
    """How many points at once, and a function that evaluates the plane so."""
    a = np.linspace(-1.0, 1.0, SIDE)
    points = np.array(list(itertools.product(a, a)))
    start, U, V = map(jnp.asarray, (theta, u, v))
    many = jax.jit(jax.vmap(lambda t: loss(start + t[0] * U + t[1] * V)))

    def plane(chunk: int, last: int):
        parts = [many(points[k : k + chunk]) for k in range(0, last, chunk)]
        return np.concatenate([np.asarray(part) for part in parts])

    def seconds(chunk: int) -> float:
        return Stopwatch(lambda: plane(chunk, 1010), loops=1)()

    times = {chunk: seconds(chunk) for chunk in CHUNKS}
    best = min(times, key=times.__getitem__)
    return best, lambda: plane(best, len(points)).reshape(SIDE, SIDE)


class _Peer:
    """A quarter of the lines of loss-landscapes' plane, a fourth of each."""

    side = SIDE // 4

    def __init__(self, model, metric, random_plane) -> None:
        self._model, self._metric, self._random_plane = model, metric, random_plane

    def __call__(self) -> float:
        return Stopwatch(
            lambda: self._random_plane(
                copy.deepcopy(self._model), self._metric, distance=1, steps=self.side,
                normalization="filter",
            ),
            loops=1,
        )()  # fmt: skip


def _loss_landscapes(network, theta, X, y):
    """The package's plane of the same network, or None where it is not installed."""
    if importlib.util.find_spec("loss_landscapes") is None:
        return None
    import loss_landscapes
    from loss_landscapes.metrics import Loss

    model = torch.nn.Sequential(
        torch.nn.Linear(64, 10), torch.nn.Tanh(), torch.nn.Linear(10, 10)
    ).double()
    with torch.no_grad():
        for layer, (W, b) in zip((model[0], model[2]), network.unpack(theta), strict=True):
            layer.weight.copy_(torch.tensor(W))
            layer.bias.copy_(torch.tensor(b))
    metric = Loss(torch.nn.CrossEntropyLoss(), torch.tensor(X), torch.tensor(y))
    value = loss_landscapes.point(copy.deepcopy(model), metric)
    check(abs(value - network.objective(X, y).value(theta)) < 1e-12, "another network")
    return _Peer(model, metric, loss_landscapes.random_plane)


def _surface(repeats: int) -> Row:
    from saddlelab import slice_plane, surfaces

    f = surfaces.himmelblau
    x, u, v = np.array([0.1, -0.2]), np.array([4.0, 1.0]), np.array([-1.0, 4.0])
    watch = Stopwatch(lambda: slice_plane(f, x, u, v, resolution=1000, workers=WORKERS).values)
    found = alternate({"ours": watch}, max(repeats, 5))["ours"]
    a = np.array([-1.0, 1.0])
    corners = x + a[:, None, None] * u + a[:, None] * v
    np.testing.assert_array_equal(
        watch.answer[::999, ::999].ravel(), f.value(np.vstack([corners.reshape(-1, 2)] * 8))[:4]
    )
    return limit("surface", "2 variables, 1000 × 1000", [1e3 * t for t in found], "ms", at_most=5)
