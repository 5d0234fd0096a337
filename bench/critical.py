"""``critical_points`` beside the same search written with scipy.optimize.root."""

import time

import numpy as np
from scipy.optimize import root
from scipy.stats import qmc

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, limit, versus

# (surface, box, critical points in it, milliseconds allowed)
SEARCHES = (
    ("himmelblau", ((-5.0, 5.0), (-5.0, 5.0)), 9, 50.0),
    ("muller_brown", ((-1.8, 1.5), (-0.6, 2.4)), 5, 50.0),
    ("six_hump_camel", ((-3.0, 3.0), (-2.0, 2.0)), 15, 50.0),
    ("rastrigin", ((-5.12, 5.12), (-5.12, 5.12)), 441, 1000.0),
)

NOTE = f"""\
`critical_points(surface, box, rng=0, workers={WORKERS})` with its own choice of starts, everything
included: starts, searches, polishing, certificates, the Euler count.  The peer runs
`scipy.optimize.root(gradient, start, jac=hessian)` (MINPACK's hybrj) on as many of the same kind of
starts, with exact derivatives in NumPy (gradient and Hessian as few array operations as they
can be), and puts equal solutions together; it classifies nothing.  *new objective* is
`objective(f)` for a function not seen before, one that has exact derivatives made for it too."""


def run(quick: bool) -> Table:
    rows: list[Row] = []
    for search in SEARCHES:
        rows += _compare(*search, 2 if quick else 5)
    return Table("critical", NOTE, [*rows, *_new_objective(3 if quick else 7)])


def _compare(name, box, count, most, repeats) -> list[Row]:
    from saddlelab import critical_points, surfaces

    surface = surfaces.get(name)
    ours = Stopwatch(lambda: critical_points(surface, box, rng=0, workers=WORKERS))
    starts = ours.answer.starts if hasattr(ours, "answer") else ours._call().starts
    theirs = Stopwatch(lambda: _with_scipy(name, np.array(box), starts), loops=1)
    found = alternate({"ours": ours, "scipy": theirs}, repeats)
    answer = ours.answer
    check(len(answer) == count, f"{name}: {len(answer)} points instead of {count}")
    check(bool(answer.certified.all()), f"{name}: not all are certified")
    size = f"{name}, {starts:,} starts, all {count} found"
    got = len(theirs.answer)
    peer = f"scipy.optimize.root, {got} found"
    milliseconds = [1e3 * t for t in found["ours"]]
    return [
        versus("critical points", size, found["ours"], peer, found["scipy"]),
        limit("critical points, time", size, milliseconds, "ms", at_most=most),
    ]


def _with_scipy(name: str, box: np.ndarray, starts: int) -> np.ndarray:
    gradient, hessian = PEERS[name]
    unit = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(0)).random(starts)
    solutions = []
    with np.errstate(all="ignore"):
        for start in box[:, 0] + np.ptp(box, axis=1) * unit:
            solution = root(gradient, start, jac=hessian)
            inside = np.all((solution.x >= box[:, 0]) & (solution.x <= box[:, 1]))
            # It calls points in the flat tails solutions: the gradient is small there.
            if solution.success and inside and np.abs(gradient(solution.x)).max() < 1e-8:
                solutions.append(solution.x)
    return np.unique(np.round(solutions, 6), axis=0)


def _new_objective(repeats: int) -> list[Row]:
    from saddlelab import objective

    values, exact = [], []
    for k in range(repeats + 1):
        f = _fresh(float(k))
        start = time.perf_counter()
        fun = objective(f)
        middle = time.perf_counter()
        fun.gradient(np.full(10, 0.5))
        values.append(middle - start)
        exact.append(time.perf_counter() - start)
    # The first compiles what all share.
    return [
        limit("new objective", "values, plain and in lanes", values[1:], "s", at_most=0.5),
        limit("new objective", "and its first exact gradient, n = 10", exact[1:], "s"),
    ]


def _fresh(shift: float):
    def rosenbrock(x):
        s = shift
        for i in range(len(x) - 1):
            a = x[i + 1] - x[i] * x[i]
            b = 1.0 - x[i]
            s += 100.0 * a * a + b * b
        return s

    return rosenbrock


def _himmelblau(x):
    a, b = x[0] ** 2 + x[1] - 11.0, x[0] + x[1] ** 2 - 7.0
    return np.array([4.0 * x[0] * a + 2.0 * b, 2.0 * a + 4.0 * x[1] * b])


def _himmelblau_hessian(x):
    cross = 4.0 * (x[0] + x[1])
    return np.array([[12.0 * x[0] ** 2 + 4.0 * x[1] - 42.0, cross],
                     [cross, 12.0 * x[1] ** 2 + 4.0 * x[0] - 26.0]])  # fmt: skip


_A = np.array([-200.0, -100.0, -170.0, 15.0])
_Q = np.array([[-1.0, 0.0, -10.0], [-1.0, 0.0, -10.0], [-6.5, 11.0, -6.5], [0.7, 0.6, 0.7]]).T
_CENTRE = np.array([[1.0, 0.0, -0.5, -1.0], [0.0, 0.5, 1.5, 1.0]])


def _muller_brown_terms(x):
    u, v = x[0] - _CENTRE[0], x[1] - _CENTRE[1]
    a, b, c = _Q
    e = _A * np.exp(a * u * u + b * u * v + c * v * v)
    return e, 2.0 * a * u + b * v, b * u + 2.0 * c * v


def _muller_brown(x):
    e, p, q = _muller_brown_terms(x)
    return np.array([e @ p, e @ q])


def _muller_brown_hessian(x):
    e, p, q = _muller_brown_terms(x)
    a, b, c = _Q
    cross = e @ (p * q + b)
    return np.array([[e @ (p * p + 2.0 * a), cross], [cross, e @ (q * q + 2.0 * c)]])


def _camel(x):
    u, v = x
    return np.array([8.0 * u - 8.4 * u**3 + 2.0 * u**5 + v, u - 8.0 * v + 16.0 * v**3])


def _camel_hessian(x):
    u, v = x
    return np.array([[8.0 - 25.2 * u**2 + 10.0 * u**4, 1.0], [1.0, -8.0 + 48.0 * v**2]])


def _rastrigin(x):
    return 2.0 * x + 20.0 * np.pi * np.sin(2.0 * np.pi * x)


def _rastrigin_hessian(x):
    return np.diag(2.0 + 40.0 * np.pi**2 * np.cos(2.0 * np.pi * x))


PEERS = {
    "himmelblau": (_himmelblau, _himmelblau_hessian),
    "muller_brown": (_muller_brown, _muller_brown_hessian),
    "six_hump_camel": (_camel, _camel_hessian),
    "rastrigin": (_rastrigin, _rastrigin_hessian),
}
