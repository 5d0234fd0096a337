"""``saddlecore network spread``."""

from __future__ import annotations

import argparse
from typing import Any

from saddlelab import cli_arguments as read
from saddlelab import cli_optimize as common
from saddlelab.cli_pictures import picture


def add_parser(subjects: Any) -> None:
    """Add the study to the subjects of the command."""
    text = "how far apart the values of a network's minima are, against its width"
    parser = subjects.add_parser(
        "spread", help=text, description=text,
        example="saddlecore network spread --widths 2,4,8,16 --runs 50 --plot spread.png",
    )  # fmt: skip
    parser.add_argument(
        "--widths", type=read.dimensions, default=[2, 4, 8, 16], metavar="LIST",
        help="hidden units, as 2,4,8 or 2:10:2 (default: 2,4,8,16)",
    )  # fmt: skip
    parser.add_argument(
        "--runs", type=read.whole, default=50, metavar="M", help="of each width (default: 50)"
    )
    parser.add_argument("--activation", default="tanh", help="of hidden units (default: tanh)")
    parser.add_argument(
        "--weight-decay", type=read.number, default=1e-3, metavar="R",
        help="½ R |θ|² is added to the loss (default: 0.001)",
    )  # fmt: skip
    parser.add_argument(
        "--method", default="trust_region", help="of minimize (default: trust_region)"
    )
    parser.add_argument("--lr", type=read.number, metavar="R", help="its learning rate")
    parser.add_argument(
        "--steps", type=read.whole, default=1000, metavar="N", help="at most (default: 1000)"
    )
    parser.add_argument(
        "--tol", type=read.number, default=1e-6, metavar="T",
        help="converged is where |gradient| <= T (default: 1e-06)",
    )  # fmt: skip
    add_output(parser)
    parser.set_defaults(action=_run)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Let seed, threads and files be given."""
    parser.add_argument(
        "--seed", type=read.seed, default=0, metavar="S", help="same seed, same bits (default: 0)"
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help="write the picture")
    parser.add_argument(
        "--csv", type=read.output, metavar="FILE", help="write a line for each run as CSV"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")


def _run(args: argparse.Namespace) -> None:
    from saddlelab.networks import minima_spread

    found = minima_spread(
        args.widths, runs=args.runs, activation=args.activation, weight_decay=args.weight_decay,
        method=args.method, learning_rate=args.lr, steps=args.steps, tol=args.tol, rng=args.seed,
        workers=args.workers, progress=common.bars(),
    )  # fmt: skip
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot, 11.0) as figure:
            found.plot(figure=figure)
    print(found.to_json() if args.json else f"{found.table()}\nseed {found.seed}")
