"""The spectrum of a torch model's Hessian, beside curvlinops and PyHessian for as many products."""

import importlib.util
import statistics
import warnings
from functools import partial

import numpy as np
import torch
from scipy.stats import wasserstein_distance

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, versus
from bench.spectrum import _eig

SAMPLES, SEEDS = 512, 10
#: Products for the two ends; probes and steps for a density.
BUDGETS, PROBES, STEPS = (20, 40), 10, 20

NOTE = f"""\
A small convolutional network (conv-pool-dense, float32) after 100 steps of Adam on {SAMPLES} of the
digits, all of them one batch, {WORKERS} threads for each.  *ends*: the smallest and the largest
eigenvalue by `extreme_eigenpairs(hessian_operator(f, θ), max_products=…)`, beside curvlinops'
`fast_lanczos` of as many steps; *largest |λ|*: beside PyHessian's power iteration of as many.
*density*: {PROBES} probes of {STEPS} steps.  Errors are relative to the largest eigenvalue of the
exact spectrum (the Hessian in float64), medians over {SEEDS} seeds: of eigenvalues the larger one
of the two ends, of densities the Wasserstein distance of the quadrature (all probes together) from
the eigenvalues.  Times include making the operator, and the graph that PyHessian and ours keep.
PyHessian's `torch.eig`, which torch no longer has, is replaced by `torch.linalg.eigh`.  A peer that
is not installed has no row."""


def run(quick: bool) -> Table:
    torch.set_num_threads(WORKERS)
    problem = Problem()
    seeds, repeats = range(3 if quick else SEEDS), 2 if quick else 5
    rows = []
    for budget in BUDGETS:
        rows += _compare(
            "ends", f"{problem.size}, {budget} products", problem.ends_off,
            partial(problem.ends, budget),
            {"curvlinops": partial(problem.curvlinops_ends, budget)}, seeds, repeats,
        )  # fmt: skip
        rows += _compare(
            "largest |λ|", f"{problem.size}, {budget} products", problem.largest_off,
            partial(problem.ends, budget), {"PyHessian": partial(problem.power, budget)}, seeds,
            repeats,
        )  # fmt: skip
    rows += _compare(
        "density", f"{problem.size}, {PROBES * STEPS} products", problem.density_off,
        problem.density, {"curvlinops": problem.curvlinops_density,
                          "PyHessian": problem.pyhessian_density}, seeds, repeats,
    )  # fmt: skip
    return Table("models", NOTE, rows)


class Problem:
    """The network, its exact spectrum, and what everybody computes of it."""

    def __init__(self) -> None:
        from saddlelab import from_torch

        self.net, self.data = _trained()
        self.criterion = torch.nn.CrossEntropyLoss()
        self.f = from_torch(self.net, self.criterion, self.data)
        exact = from_torch(self.net, self.criterion, self.data, dtype=torch.float64)
        self.truth = np.linalg.eigvalsh(exact.hessian(exact.theta))
        self.scale = np.abs(self.truth).max()
        self.size = f"CNN, n = {self.f.size}"
        self.rng = 0

    def curvlinops(self):
        from curvlinops import HessianLinearOperator

        return HessianLinearOperator(
            self.net, self.criterion, list(self.net.parameters()), [self.data],
            check_deterministic=False,
        )  # fmt: skip

    def pyhessian(self):
        from pyhessian import hessian

        torch.eig = _eig
        self.net.zero_grad()
        with warnings.catch_warnings(action="ignore"):  # of a cycle that its backward pass leaves
            return hessian(self.net, self.criterion, data=self.data, cuda=False)

    def seed(self, k: int) -> None:
        self.rng = k
        torch.manual_seed(k)

    # --- what is computed, and how far it is off -------------------------------------------------

    def ends(self, budget: int):
        from saddlelab import extreme_eigenpairs, hessian_operator

        H = hessian_operator(self.f, self.f.theta)
        found = extreme_eigenpairs(H, max_products=budget, rng=self.rng)
        check(found.products <= budget, f"{found.products} products")
        return found.values

    def curvlinops_ends(self, budget: int):
        from curvlinops.papyan2020traces.spectrum import fast_lanczos

        return fast_lanczos(self.curvlinops(), budget)[0].numpy()[[0, -1]]

    def power(self, budget: int):
        return np.array(self.pyhessian().eigenvalues(maxIter=budget, tol=0.0)[0])

    def density(self):
        from saddlelab import hessian_operator, spectral_density

        H = hessian_operator(self.f, self.f.theta)
        found = spectral_density(H, probes=PROBES, steps=STEPS, rng=self.rng)
        check(found.products == PROBES * STEPS, f"{found.products} products")
        return found.nodes, found.weights

    def curvlinops_density(self):
        from curvlinops.papyan2020traces.spectrum import fast_lanczos

        operator = self.curvlinops()
        runs = [fast_lanczos(operator, STEPS) for _ in range(PROBES)]
        return (np.stack([values.numpy() for values, _ in runs]),
                np.stack([vectors[0].numpy() ** 2 for _, vectors in runs]))  # fmt: skip

    def pyhessian_density(self):
        return tuple(map(np.array, self.pyhessian().density(iter=STEPS, n_v=PROBES)))

    def ends_off(self, found) -> float:
        return float(np.abs(found - self.truth[[0, -1]]).max() / self.scale)

    def largest_off(self, found) -> float:
        truth = self.truth[np.argmax(np.abs(self.truth))]
        return float(abs(found[np.argmax(np.abs(found))] - truth) / self.scale)

    def density_off(self, found) -> float:
        nodes, weights = found
        off = wasserstein_distance(self.truth, nodes.ravel(), v_weights=weights.ravel())
        return float(off / self.scale)


def _trained():
    """A network that has learned a little, and its digits."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X[:SAMPLES] / 16.0, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(y[:SAMPLES])
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(72, 10),
    ).eval()  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    return net, (X, y)


def _compare(job, size, off, ours, peers, seeds, repeats) -> list[Row]:
    """Time and error of ours beside those of each peer that is there."""
    rows = []
    problem = off.__self__
    for name, theirs in peers.items():
        if importlib.util.find_spec(name.lower()) is None:
            continue
        problem.seed(0)
        watches = {"ours": Stopwatch(ours, loops=1), name: Stopwatch(theirs, loops=1)}
        found = alternate(watches, repeats)
        errors = {who: _errors(problem, call, off, seeds)
                  for who, call in (("ours", ours), (name, theirs))}  # fmt: skip
        one, two = errors.values()
        rows += [
            versus(job, size, found["ours"], name, found[name], at_least=1),
            Row(f"{job}, error", size, f"{one:.2g}", name, f"{two:.2g}", f"{two / one:.3g} ×",
                "≥ 1 ×", one <= two),
        ]  # fmt: skip
    return rows


def _errors(problem, call, off, seeds) -> float:
    """The median over seeds."""
    found = []
    for seed in seeds:
        problem.seed(seed)
        found.append(off(call()))
    return statistics.median(found)
