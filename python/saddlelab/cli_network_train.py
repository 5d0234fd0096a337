"""``saddlecore network DATA --train``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from saddlelab import cli_arguments as read
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.datasets import Dataset
    from saddlelab.networks import MLP

WEIGHT_DECAY = 0.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only this has."""
    group = parser.add_argument_group("of --train")
    group.add_argument("--epochs", type=read.whole, default=50, metavar="E",
                       help="times through the data (default: 50)")  # fmt: skip
    group.add_argument(
        "--batch", type=_batch, default="auto", metavar="B",
        help="samples in a step, or all (default: 32, or all for methods of second order)",
    )  # fmt: skip
    group.add_argument(
        "--lr", type=read.number, metavar="R", help="learning rate (default: the method's)"
    )
    group.add_argument(
        "--initialiser", default="glorot_uniform", metavar="KIND",
        help="weights to begin with, as orthogonal or gaussian (default: glorot_uniform)",
    )  # fmt: skip
    group.add_argument(
        "--gain", type=read.number, default=1.0, metavar="G",
        help="these are multiplied by (default: 1)",
    )  # fmt: skip
    group.add_argument(
        "--spectrum-every", type=read.whole, metavar="K",
        help="take the extreme eigenvalues of the Hessian every K epochs",
    )  # fmt: skip


def _batch(text: str) -> int | str | None:
    if text == "auto":
        return text
    return None if text == "all" else read.whole(text)


def run(args: argparse.Namespace, network: MLP, data: Dataset) -> None:
    """Train, and print what was found."""
    from saddlelab.networks import initialise, train
    from saddlelab.networks.training_plot import draw_figure

    start = initialise(
        network.sizes, args.initialiser, gain=args.gain, rng=args.seed, bias=network.bias,
        batch_norm=network.batch_norm,
    )
    shown = sys.stderr.isatty()
    found = train(
        network, data, method=args.train, epochs=args.epochs, batch_size=args.batch, lr=args.lr,
        start=start, spectrum_every=args.spectrum_every, rng=args.seed, workers=args.workers,
        progress=shown,
    )  # fmt: skip
    found.explain(workers=args.workers, progress=shown)
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot) as figure:
            draw_figure(found, figure)
    print(found.to_json() if args.json else found.table())
