"""``saddlecore network DATA --critical``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from saddlelab import cli_arguments as read
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.datasets import Dataset
    from saddlelab.networks import MLP

WEIGHT_DECAY = 0.01
#: Principal components of the digits, if nobody says how many: a picture in less than a minute.
COMPONENTS = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only this has."""
    group = parser.add_argument_group("with --critical")
    group.add_argument(
        "--points", type=read.whole, default=30, metavar="N",
        help="search until there are so many distinct points (default: 30)",
    )  # fmt: skip
    group.add_argument(
        "--runs", type=read.whole, default=10, metavar="N",
        help="runs of training beside whose paths searches begin (default: 10)",
    )  # fmt: skip
    group.add_argument(
        "--checkpoint", type=read.output, metavar="FILE",
        help="keep ended searches in FILE; the same command goes on from it",
    )  # fmt: skip


def run(args: argparse.Namespace, network: MLP, data: Dataset) -> None:
    """Do it, and print what was found."""
    from saddlelab.networks import network_critical_points
    from saddlelab.networks.critical_plot import SIZE, draw_figure

    found = network_critical_points(
        network, data.X, data.y, points=args.points, runs=args.runs, rng=args.seed,
        workers=args.workers, checkpoint=args.checkpoint, progress=sys.stderr.isatty(),
    )  # fmt: skip
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot, *SIZE) as figure:
            draw_figure(found, figure)
    print(found.to_json() if args.json else f"{data}\n{found.table()}")
