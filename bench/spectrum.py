"""Eigenpairs and densities from products, beside ARPACK, curvlinops and PyHessian."""

import math
import statistics
import warnings

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import ThreadpoolController

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, number, versus

TOL = 1e-9
PROBES, STEPS = 10, 50

NOTE = f"""\
*extreme pairs*: the smallest and the largest k pairs, `extreme_eigenpairs(operator, k=k)` beside
SciPy's `eigsh(operator, 2k, which="BE")` (ARPACK, its basis as large as ours in the second row),
both to residuals of {TOL:g} |λ|; the residuals are checked.  With k > 1 ours also rules out further
copies of the eigenvalues, which ARPACK does not.  The operators are a GOE matrix, and a diagonal
with ten outliers of random directions.  *density*: {PROBES} probes of {STEPS} steps with errors,
beside curvlinops' `lanczos_approximate_spectrum` (no reorthogonalisation, no errors; the spectrum's
ends are given to it) on the same matrix, and beside PyHessian's `density` on the loss of a small
network, its own products against the same through a callable (`torch.eig`, which torch no longer
has, replaced by `torch.linalg.eigh`).  Everyone may use {WORKERS} threads.  A peer that is not
installed has no row."""


def run(quick: bool) -> Table:
    torch.set_num_threads(WORKERS)
    repeats = 3 if quick else 5
    rows: list[Row] = []
    with ThreadpoolController().limit(limits=WORKERS, user_api="blas"):
        for name, operator in (_goe(1000), _outliers(20_000 if quick else 100_000)):
            for k in (1, 4):
                rows += _pairs(f"{name}, k = {k}", operator, k, repeats)
        rows += _matrix_density(1000 if quick else 2000, repeats)
        rows += _network_density(repeats)
    return Table("spectrum", NOTE, rows)


class Counted:
    """A symmetric operator that counts its products."""

    def __init__(self, n, product) -> None:
        self.n, self.product, self.count = n, product, 0

    def __call__(self, v):
        self.count += 1
        return self.product(v)


def _goe(n: int):
    A = np.random.default_rng(n).standard_normal((n, n))
    H = (A + A.T) / math.sqrt(2 * n)
    return f"GOE, n = {n}", Counted(n, lambda v: H @ v)


def _outliers(n: int):
    rng = np.random.default_rng(n)
    diagonal = rng.uniform(0.0, 1.0, n)
    U = np.linalg.qr(rng.standard_normal((n, 10)))[0].T.copy()
    sizes = np.array([-3.0, -2.5, -1.0, -0.5, -0.2, 2.0, 3.0, 4.0, 5.0, 8.0])
    return f"outliers, n = {n:,}", Counted(n, lambda v: diagonal * v + (sizes * (U @ v)) @ U)


def _pairs(size: str, operator: Counted, k: int, repeats: int) -> list[Row]:
    from saddlelab.spectrum import extreme_eigenpairs

    n = operator.n
    linear = LinearOperator((n, n), matvec=operator, dtype=np.float64)

    def ours():
        operator.count = 0
        found = extreme_eigenpairs(operator, n=n, k=k, tol=TOL, rng=0)
        check(found.converged.all(), f"{size}: {found.message}")
        return found.values, found.vectors, operator.count

    def arpack(basis):
        operator.count = 0
        start = np.random.default_rng(0).standard_normal(n)
        values, vectors = eigsh(linear, 2 * k, which="BE", tol=TOL, ncv=basis, v0=start)
        return values, vectors, operator.count

    peers = {"eigsh": Stopwatch(lambda: arpack(None)),
             "eigsh, larger basis": Stopwatch(lambda: arpack(64 + 4 * k))}  # fmt: skip
    all_of_them = {"ours": Stopwatch(ours), **peers}
    found = alternate(all_of_them, repeats)
    for name, watch in all_of_them.items():
        values, vectors, _ = watch.answer
        for value, v in zip(values, vectors.T, strict=True):
            residual = float(np.linalg.norm(operator.product(v) - value * v))
            check(residual <= 10 * TOL * np.abs(values).max(), f"{size}, {name}: {residual:g}")
        np.testing.assert_allclose(values, all_of_them["ours"].answer[0], atol=100 * TOL)
    made = all_of_them["ours"].answer[2]
    rows = []
    for name in peers:
        theirs = peers[name].answer[2]
        rows += [
            versus("extreme pairs", size, found["ours"], name, found[name]),
            _products("extreme pairs, products", size, made, name, theirs),
        ]
    return rows


def _products(job: str, size: str, ours: int, peer: str, theirs: int) -> Row:
    return Row(job, size, str(ours), peer, str(theirs), f"{number(theirs / ours)} ×")


def _semicircle_distance(grid, density) -> float:
    truth = np.sqrt(np.maximum(4 - grid**2, 0)) / (2 * np.pi)
    return float(np.sum(np.abs(density - truth)[1:] * np.diff(grid)))


def _matrix_density(n: int, repeats: int) -> list[Row]:
    try:
        from curvlinops.examples import TensorLinearOperator
        from curvlinops.papyan2020traces.spectrum import lanczos_approximate_spectrum
    except ImportError:
        return []
    from saddlelab.spectrum import spectral_density

    A = np.random.default_rng(n).standard_normal((n, n))
    H = (A + A.T) / math.sqrt(2 * n)
    tensor = TensorLinearOperator(torch.from_numpy(H))

    def theirs():
        grid, density = lanczos_approximate_spectrum(
            tensor, STEPS, num_repeats=PROBES, boundaries=(-2.0, 2.0)
        )
        return grid.numpy(), density.numpy()

    def ours():
        found = spectral_density(H, probes=PROBES, steps=STEPS, rng=0)
        check(found.products == PROBES * STEPS, "not sampled")
        return found.grid, found.density

    watches = {"ours": Stopwatch(ours), "curvlinops": Stopwatch(theirs)}
    found = alternate(watches, repeats)
    rows = [versus("density", f"matrix, n = {n}", found["ours"], "curvlinops", found["curvlinops"])]
    off = {name: _semicircle_distance(*watch.answer) for name, watch in watches.items()}
    for name, distance in off.items():
        check(distance < 0.5, f"{name}: the density is {distance} from the semicircle")
    one, two = off.values()
    ratio = f"{number(two / one)} ×"
    return [*rows, Row("density, L1 error", f"matrix, n = {n}", number(one), "curvlinops",
                       number(two), ratio)]  # fmt: skip


def _network():
    """A small network's loss, its gradient's graph and the product with its Hessian."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64),
                                torch.nn.Tanh(), torch.nn.Linear(64, 5)).double()  # fmt: skip
    data = torch.randn(256, 20).double(), torch.randint(0, 5, (256,))
    return model, torch.nn.CrossEntropyLoss(), data


def _network_density(repeats: int) -> list[Row]:
    try:
        from pyhessian import hessian
    except ImportError:
        return []
    from saddlelab.spectrum import spectral_density

    model, criterion, data = _network()
    torch.eig = _eig
    with warnings.catch_warnings(action="ignore"):  # of a cycle that its backward pass leaves
        peer = hessian(model, criterion, data=data, cuda=False)
    shapes = [p.shape for p in peer.params]
    sizes = [p.numel() for p in peer.params]

    def product(v):
        parts = torch.from_numpy(v).split(sizes)
        given = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
        made = torch.autograd.grad(peer.gradsH, peer.params, given, retain_graph=True)
        return torch.cat([each.reshape(-1) for each in made]).numpy()

    n, probes = sum(sizes), 3
    watches = {
        "ours": Stopwatch(
            lambda: spectral_density(product, n=n, probes=probes, steps=STEPS, rng=0), loops=1
        ),
        "PyHessian": Stopwatch(lambda: peer.density(iter=STEPS, n_v=probes), loops=1),
    }
    found = alternate(watches, repeats)
    density, (nodes, _) = watches["ours"].answer, watches["PyHessian"].answer
    largest = max(max(each) for each in nodes)
    check(abs(largest / density.nodes.max() - 1) < 1e-3, "another largest eigenvalue")
    each = statistics.median(_time_of(product, n) for _ in range(20))
    size = f"network, n = {n:,}, {probes * STEPS} products of {number(1e3 * each)} ms"
    return [versus("density", size, found["ours"], "PyHessian", found["PyHessian"])]


def _time_of(product, n: int) -> float:
    v = np.ones(n)
    return Stopwatch(lambda: product(v), loops=1)()


def _eig(T, eigenvectors):
    values, vectors = torch.linalg.eigh(T)
    return values[:, None], vectors
