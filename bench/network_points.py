"""Critical points of networks: how long the pictures of index against error take."""

from time import perf_counter

from bench.harness import WORKERS, Row, Table, check

# (principal components or 0 for the pixels, hidden units, points, seconds at most)
STUDIES = ((10, 10, 30, 60.0), (16, 8, 200, 600.0), (0, 10, 10, None))

NOTE = f"""\
`networks.network_critical_points` on 1438 digits, softmax and weight decay 0.01, {WORKERS} threads,
each study once, kernels loaded: distinct points, all with a certified index, each with a gradient
that vanishes to rounding.  *Hessians* is all that were computed over the distinct points,
gradient-flat ends and points found again included.  There is no peer that certifies; JAX's Hessians
alone would take the ratio of `networks` longer."""


def run(quick: bool) -> Table:
    studies = STUDIES[:1] if quick else STUDIES
    return Table("network_points", NOTE, [_study(*study) for study in studies])


def _study(components: int, hidden: int, points: int, most: float | None) -> Row:
    from saddlelab import datasets, networks

    data = datasets.digits(components=components or None, standardize=components > 0)
    sizes = [data.X.shape[1], hidden, 10]
    network = networks.MLP(sizes, loss="cross_entropy", weight_decay=0.01)
    networks.network_critical_points(network, *data, starts=1, runs=1, steps=2, workers=WORKERS)
    began = perf_counter()
    found = networks.network_critical_points(network, *data, points=points, workers=WORKERS)
    seconds = perf_counter() - began
    check(bool(found.certified.all()), "an index is not certified")
    rho = found.correlation()
    each = found.hessians / len(found)
    size = f"{'-'.join(map(str, sizes))}, {len(found)} points of {found.starts} searches"
    ours = (
        f"{seconds:.0f} s, {each:.0f} Hessians each, correlation {rho.value:.3f} "
        f"({rho.low:.3f} to {rho.high:.3f})"
    )
    target = "" if most is None else f"{most:.0f} s"
    return Row("index against error", size, ours, target=target,
               met=None if most is None else seconds <= most)  # fmt: skip
