"""``saddlecore saturation``."""

from __future__ import annotations

import argparse
from typing import Any

from saddlelab import cli_arguments as read
from saddlelab import cli_optimize as common
from saddlelab.cli_pictures import picture


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "how far a deep network on digits saturates, and whether gradients pass it"
    parser = commands.add_parser(
        "saturation", help=text, description=text,
        example="saddlecore saturation --activation sigmoid --depth 30 --plot signal.png",
    )  # fmt: skip
    parser.add_argument(
        "--activation", default="sigmoid", metavar="NAME", help="default: sigmoid"
    )
    parser.add_argument(
        "--initialiser", default="glorot_uniform", metavar="NAME", help="default: glorot_uniform"
    )
    parser.add_argument(
        "--depth", type=read.whole, default=30, metavar="L", help="hidden layers (default: 30)"
    )
    parser.add_argument(
        "--width", type=read.whole, default=64, metavar="H", help="units of each (default: 64)"
    )
    parser.add_argument(
        "--gain", type=read.number, default=1.0, metavar="G", help="of all layers (default: 1)"
    )
    parser.add_argument("--batch-norm", action="store_true", help="normalise hidden layers")
    parser.add_argument("--residual", action="store_true", help="skip connections")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--cures", action="store_true",
        help="compare a sigmoid stack of this depth with what would help, in place of one network",
    )  # fmt: skip
    kinds.add_argument(
        "--sweep", type=common.method_names, metavar="A,B,…",
        help="initialisers, to compare for sigmoid, tanh, relu and selu to this depth",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=read.seed, default=0, metavar="S", help="of the weights (default: 0)"
    )
    parser.add_argument("--csv", type=read.output, metavar="FILE", help="write figures as CSV")
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help="write the picture")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    found = _found(args)
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot, 9.5 if args.sweep else 7.2, 4.4) as figure:
            found.plot(ax=figure.add_subplot())
    print(found.to_json() if args.json else found.table())


def _found(args: argparse.Namespace) -> Any:
    from saddlelab.signals import signal_study, sweep
    from saddlelab.signals.deep import begin, problem_of

    if args.cures:
        return signal_study(args.depth, width=args.width, rng=args.seed)
    how: dict[str, Any] = {
        "gain": args.gain, "batch_norm": args.batch_norm, "residual": args.residual,
    }  # fmt: skip
    if args.sweep:
        depths = sorted({max(args.depth // 4, 1), max(args.depth // 2, 1), args.depth})
        return sweep(initialisers=args.sweep, depths=depths, width=args.width, rng=args.seed,
                     progress=common.bars(), **how)  # fmt: skip
    return begin(problem_of(None, None), args.depth, args.width, args.seed,
                 activation=args.activation, initialiser=args.initialiser, **how)  # fmt: skip
