"""``classify`` on stacks of random symmetric matrices, beside three ways to call eigvalsh."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, versus

# (n, how many matrices, the ratio to the plain call that is wanted).  Small ones come in a stack
# that the third-level cache holds and in one that has to come from memory.
SIZES = (
    (5, 50_000, 100),
    (5, 500_000, 100),
    (10, 20_000, 100),
    (10, 200_000, 100),
    (20, 5_000, 60),
    (20, 50_000, 60),
    (50, 800, 60),
    (50, 8_000, 60),
    (100, 1_600, 25),
    (200, 400, 10),
    (1000, 16, 4),
)
CERTIFIED = 0.999

NOTE = f"""\
`classify(stack, workers={WORKERS})` on float64 stacks A + Aᵀ, A with N(0, 1) entries, beside
eigenvalues of the same stack: *NumPy* is the plain call `numpy.linalg.eigvalsh(stack)`, its BLAS
allowed {WORKERS} threads; *NumPy, split* gives each of {WORKERS} threads its part of the stack,
BLAS on one thread; *torch* is `torch.linalg.eigvalsh` on {WORKERS} threads.  Times are per matrix.
In the timed calls every index that is certified equals that of all three peers, and at least
{CERTIFIED:.1%} are."""


def run(quick: bool) -> Table:
    blas = ThreadpoolController()
    torch.set_num_threads(WORKERS)
    rows: list[Row] = []
    with (
        blas.limit(limits=WORKERS, user_api="blas"),
        ThreadPoolExecutor(WORKERS) as threads,
    ):
        for n, matrices, target in SIZES:
            matrices = max(matrices // 8, 4) if quick else matrices
            rows += _compare(n, matrices, target, 3 if quick else 5, blas, threads)
    return Table("classify", NOTE, rows)


def _stack(n: int, matrices: int) -> np.ndarray:
    stack = np.random.default_rng(n).standard_normal((matrices, n, n))
    stack += stack.transpose(0, 2, 1).copy()
    return stack


def _compare(n, matrices, target, repeats, blas, threads) -> list[Row]:
    from saddlelab import classify

    stack = _stack(n, matrices)
    tensor = torch.from_numpy(stack)
    parts = np.array_split(stack, WORKERS)

    def split() -> np.ndarray:
        with blas.limit(limits=1, user_api="blas"):
            return np.concatenate(list(threads.map(np.linalg.eigvalsh, parts)))

    ours = Stopwatch(lambda: classify(stack, workers=WORKERS))
    peers = {
        "NumPy": Stopwatch(lambda: np.linalg.eigvalsh(stack), loops=1),
        "NumPy, split": Stopwatch(split, loops=1),
        "torch": Stopwatch(lambda: torch.linalg.eigvalsh(tensor).numpy(), loops=1),
    }
    found = alternate({"ours": ours, **peers}, repeats)
    for name, peer in peers.items():
        _check(ours.answer, peer.answer, f"n = {n}, {name}")
    each = {name: [t / matrices for t in times] for name, times in found.items()}
    size = f"n = {n}, {matrices:,} matrices"
    # The targets are for the plain call.
    return [
        versus("classify", size, each["ours"], name, each[name],
               at_least=target if name == "NumPy" else None)
        for name in peers
    ]  # fmt: skip


def _check(answer, eigenvalues: np.ndarray, what: str) -> None:
    certified = answer.certified
    check(certified.mean() >= CERTIFIED, f"{what}: only {certified.mean():.4%} certified")
    index = np.count_nonzero(eigenvalues < 0.0, axis=-1)
    np.testing.assert_array_equal(answer.index[certified], index[certified], what)
