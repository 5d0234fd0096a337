"""Losses of networks, their Hessians and their training beside JAX, torch.func, scikit-learn."""

import itertools
import os
import warnings

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, versus

jax.config.update("jax_enable_x64", True)

# (sizes, times JAX's Hessian, times torch's)
SHAPES = (((64, 10, 10), 10, 10), ((16, 8, 10), 10, None), ((64, 10, 10, 10), 5, None))

NOTE = f"""\
Mean cross-entropy of tanh networks on the 1797 digits (64 pixels / 16, or 16 principal components),
float64, {WORKERS} threads for each.  *Hessian* is `f.hessian(theta)` with all that it returns,
beside `jax.jit(jax.hessian(f))` and `torch.func.hessian(f)`.  *loss and gradient* is one call of
the engine's kernel, all samples or 32, beside `jax.jit(jax.value_and_grad(f))`; *product* is the
form for Hessian times v, beside `jax.jit` of `jvp` of `grad`.  Results of the peers are waited
for.  *training* is `networks.train` on 1438 digits, 50 epochs of Adam in batches of 32, rate 1e-3,
with all that it records, beside `MLPClassifier.fit` of scikit-learn with alpha 0 and no early
stopping, another seed each time; the accuracies on the other 359 must agree within the noise."""


def digits(inputs: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    if inputs == 64:
        return X / 16.0, y
    parts = PCA(inputs, svd_solver="full").fit_transform(X)
    return parts / parts.std(axis=0), y


def loss_of(sizes, X, y, xp, log_softmax, tanh):
    """The loss as a function of one array, for either peer."""

    def loss(theta):
        at, a = 0, X
        for k, (i, o) in enumerate(itertools.pairwise(sizes)):
            W, at = theta[at : at + i * o].reshape(o, i), at + i * o
            a, at = a @ W.T + theta[at : at + o], at + o
            a = tanh(a) if k < len(sizes) - 2 else a
        return -log_softmax(a, -1)[xp.arange(len(y)), y].mean()

    return loss


def run(quick: bool) -> Table:
    repeats, rows = 2 if quick else 5, []
    torch.set_num_threads(WORKERS)
    for sizes, with_jax, with_torch in SHAPES:
        rows += _hessian(sizes, with_jax, with_torch, repeats)
    for count, value, product in ((1797, 1, 1), (32, 8, 8)):
        rows += _gradients(count, value, product, repeats)
    for activation in ("tanh", "relu"):
        rows.append(_training(activation, repeats))
    return Table("networks", NOTE, rows)


def _problem(sizes, count: int):
    from saddlelab import networks

    X, y = digits(sizes[0])
    X, y = X[:count], y[:count]
    network = networks.MLP(sizes, loss="cross_entropy")
    theta = np.random.default_rng(0).standard_normal(network.size) / 3
    with_jax = loss_of(sizes, jnp.asarray(X), jnp.asarray(y), jnp, jax.nn.log_softmax, jnp.tanh)
    with_torch = loss_of(sizes, torch.tensor(X), torch.tensor(y), torch, torch.log_softmax,
                         torch.tanh)  # fmt: skip
    return network.objective(X, y), theta, with_jax, with_torch


def _hessian(sizes, with_jax, with_torch, repeats: int) -> list[Row]:
    from saddlelab import hessian

    f, theta, jax_loss, torch_loss = _problem(sizes, 1797)
    jax_hessian = jax.jit(jax.hessian(jax_loss))
    there, tensor = jnp.asarray(theta), torch.tensor(theta)
    measures = {
        "ours": Stopwatch(lambda: hessian(f, theta, workers=WORKERS)),
        "jax": Stopwatch(lambda: jax_hessian(there).block_until_ready(), loops=1),
        "torch": Stopwatch(lambda: torch.func.hessian(torch_loss)(tensor), loops=1),
    }
    found = alternate(measures, repeats)
    _same(measures["ours"].answer.value, measures["jax"].answer, measures["torch"].answer)
    size = f"{'-'.join(map(str, sizes))}, {len(theta)} parameters"
    return [
        versus("Hessian", size, found["ours"], "jax", found["jax"], at_least=with_jax),
        versus("Hessian", size, found["ours"], "torch", found["torch"], at_least=with_torch),
    ]


def _gradients(count: int, value, product, repeats: int) -> list[Row]:
    import saddlecore

    f, theta, jax_loss, _ = _problem((64, 10, 10), count)
    there, slope = jnp.asarray(theta), np.empty(len(theta))
    v = np.cos(np.arange(len(theta)))
    both, product_of = np.concatenate([theta, v]), np.empty(len(theta))
    form = f.table(len(theta), exact=False)[saddlecore.forms.HVP]
    jax_slope = jax.jit(jax.value_and_grad(jax_loss))
    jax_product = jax.jit(lambda x, w: jax.jvp(jax.grad(jax_loss), (x,), (w,))[1])
    direction = jnp.asarray(v)

    def ours():
        return saddlecore.network.gradient(f.header, theta, slope), slope

    def times():
        saddlecore.forms.call(int(form[0]), both, len(theta), product_of, int(form[1]))
        return product_of

    measures = {
        "ours": Stopwatch(ours),
        "jax": Stopwatch(lambda: jax.block_until_ready(jax_slope(there))),
        "our product": Stopwatch(times),
        "jax's product": Stopwatch(lambda: jax_product(there, direction).block_until_ready()),
    }
    found = alternate(measures, repeats)
    _same(measures["ours"].answer[1], measures["jax"].answer[1])
    _same(measures["our product"].answer, measures["jax's product"].answer)
    size = f"64-10-10, {count} samples"
    return [
        versus("loss and gradient", size, found["ours"], "jax", found["jax"], at_least=value),
        versus("Hessian times v", size, found["our product"], "jax", found["jax's product"],
               at_least=product),
    ]  # fmt: skip


def _training(activation: str, repeats: int) -> Row:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    from saddlelab import datasets, networks

    data, seeds = datasets.digits(), itertools.count()
    network = networks.MLP([64, 10, 10], activation=activation, loss="cross_entropy")
    accuracies = {"ours": [], "scikit-learn": []}

    def ours():
        run = networks.train(network, data, epochs=50, lr=1e-3, rng=next(seeds), workers=WORKERS)
        accuracies["ours"].append(run.test_accuracy[-1])

    def theirs():
        model = MLPClassifier(
            (10,), activation=activation, alpha=0.0, batch_size=32, learning_rate_init=1e-3,
            max_iter=50, tol=0.0, n_iter_no_change=10**6, random_state=next(seeds),
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is told when to stop
            model.fit(data.X, data.y)
        accuracies["scikit-learn"].append(model.score(data.X_test, data.y_test))

    measures = {"ours": Stopwatch(ours, loops=1), "scikit-learn": Stopwatch(theirs, loops=1)}
    found = alternate(measures, repeats)
    a, b = accuracies.values()
    # Seeds differ, and the same 359 are asked: five standard errors of what seeds do.
    noise = np.sqrt(np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b))
    gap = abs(np.mean(a) - np.mean(b))
    check(gap <= 5.0 * noise, f"accuracies differ by {gap}, more than {5.0 * noise}")
    size = f"64-10-10 {activation}, accuracy {np.mean(a):.3f} and {np.mean(b):.3f}"
    return versus("training", size, found["ours"], "scikit-learn", found["scikit-learn"],
                  at_least=5)  # fmt: skip


def _same(ours, *others) -> None:
    for other in others:
        scale = np.abs(ours).max()
        np.testing.assert_allclose(ours, np.asarray(other), rtol=0.0, atol=1e-12 * scale)
