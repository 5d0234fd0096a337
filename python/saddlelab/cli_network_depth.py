"""``saddlecore network depth``."""

from __future__ import annotations

import argparse
from typing import Any

from saddlelab import cli_arguments as read
from saddlelab import cli_optimize as common
from saddlelab.cli_network_spread import add_output
from saddlelab.cli_pictures import picture

_KINDS = "scaled_gaussian,glorot_normal,orthogonal"


def add_parser(subjects: Any) -> None:
    """Add the study to the subjects of the command."""
    text = "how long deep linear networks take to learn, against their depth"
    parser = subjects.add_parser(
        "depth", help=text, description=text,
        example="saddlecore network depth --depths 3:30:9 --plot depth.png",
    )  # fmt: skip
    parser.add_argument(
        "--depths", type=read.dimensions, default=[3, 6, 12, 24], metavar="LIST",
        help="layers of weights, as 3:30:3 or 3,6,12 (default: 3,6,12,24)",
    )  # fmt: skip
    parser.add_argument(
        "--initialisers", type=common.method_names, default=_KINDS.split(","), metavar="A,B,…",
        help=f"default: {_KINDS}",
    )  # fmt: skip
    parser.add_argument(
        "--width", type=read.whole, default=16, metavar="H", help="hidden units (default: 16)"
    )
    parser.add_argument(
        "--gain", type=read.number, default=1.0, metavar="G", help="of all layers (default: 1)"
    )
    parser.add_argument(
        "--fraction", type=read.number, default=0.01, metavar="P",
        help="learnt is where so much of the loss is left (default: 0.01)",
    )  # fmt: skip
    parser.add_argument(
        "--runs", type=read.whole, default=6, metavar="M", help="of each (default: 6)"
    )
    parser.add_argument(
        "--steps", type=read.whole, default=500, metavar="N", help="at most (default: 500)"
    )
    parser.add_argument(
        "--plot-modes", type=read.picture, metavar="FILE",
        help="write a picture of modes beside the formula of Saxe et al., for two layers",
    )  # fmt: skip
    add_output(parser)
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    from saddlelab.networks import depth_study, linear_modes

    found = depth_study(
        args.depths, initialisers=args.initialisers, width=args.width, gain=args.gain,
        fraction=args.fraction, runs=args.runs, steps=args.steps, rng=args.seed,
        workers=args.workers, progress=common.bars(),
    )  # fmt: skip
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot) as figure:
            found.plot(ax=figure.add_subplot())
    if args.plot_modes is not None:
        modes = linear_modes(rng=args.seed, workers=args.workers)
        with picture(args.plot_modes) as figure:
            modes.plot(ax=figure.add_subplot())
    print(found.to_json() if args.json else f"{found.table()}\nseed {found.seed}")
