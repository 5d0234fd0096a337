"""``saddlecore escape``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read
from saddlelab import cli_functions
from saddlelab import cli_optimize as common
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.optimize.escape_study import EscapeStudy

_METHODS = "gd,momentum,adam,perturbed_gd"


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "how long optimizers stay at a saddle, from the same starts"
    parser = commands.add_parser(
        "escape",
        help=text,
        description=text,
        example="saddlecore escape saddle --methods gd,adam,perturbed_gd --plot escape.png",
    )
    parser.add_argument(
        "function",
        nargs="?",
        help="saddle (which is x²-y²), a name of the catalogue, or module:function of your own",
    )
    parser.add_argument("--list", action="store_true", help="print the catalogue of surfaces")
    parser.add_argument("--dim", type=read.whole, metavar="N", help="number of variables")
    parser.add_argument(
        "--point", type=common.point, metavar="A,B,…", help="the saddle (default: the surface's)"
    )
    _add_starts(parser)
    parser.add_argument(
        "--methods", type=common.method_names, default=_METHODS, metavar="A,B,…",
        help=f"default: {_METHODS}",
    )  # fmt: skip
    common.add_runs(parser, several=True, steps=10_000, picture="the picture of who is still there")
    parser.set_defaults(action=_run)


def _add_starts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--samples", type=read.whole, default=1000, metavar="M", help="starts (default: 1000)"
    )
    parser.add_argument(
        "--at", choices=("ball", "stable", "saddle"), default="ball",
        help="in a ball, in its part that is stable, or at the saddle (default: ball)",
    )  # fmt: skip
    parser.add_argument(
        "--radius", type=read.number, default=1e-3, metavar="R", help="default: 0.001"
    )
    parser.add_argument(
        "--noise", type=read.number, default=0.0, metavar="S",
        help="standard deviation of what is added to each coordinate (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--leave", type=read.number, metavar="L",
        help="left when so far along the unstable directions (default: 0.1)",
    )  # fmt: skip
    parser.add_argument("--target", type=read.number, metavar="V", help="or when f <= V")


def _run(args: argparse.Namespace) -> None:
    if args.list:
        cli_functions.print_catalogue()
        return
    with cli_functions.notes_on_stderr(), cli_functions.own_errors():
        study = _study(args)
    if args.csv is not None:
        study.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot) as figure:
            study.plot(ax=figure.subplots())
    print(study.to_json() if args.json else f"{study.table()}\nseed {study.seed}")


def _study(args: argparse.Namespace) -> EscapeStudy:
    from saddlelab.optimize.escape import escape

    function, saddle = _function_and_saddle(args)
    return escape(
        function, saddle, args.methods, samples=args.samples, at=args.at, radius=args.radius,
        noise=args.noise, leave=args.leave, target=args.target, steps=args.steps,
        learning_rate=args.lr, options=common.options_by_method(args.param), rng=args.seed,
        workers=args.workers, progress=common.bars(),
    )  # fmt: skip


def _function_and_saddle(args: argparse.Namespace) -> tuple[Any, Any]:
    from saddlelab import surfaces

    name = common.surface_named(args.function)
    if name is None:
        raise ValueError("a function is missing: type a name of --list, or module:function")
    if ":" in name:
        function = cli_functions.named(name)
    else:
        function = surfaces.get(name)
    if args.point is not None:
        if args.dim is not None and args.dim != len(args.point):
            raise ValueError(f"--point has {len(args.point)} variables, --dim says {args.dim}")
        return function, args.point
    return function, _known_saddle(function, args.dim)


def _known_saddle(function: Any, dim: int | None) -> Any:
    """The lowest of the first index there is, or else a degenerate point."""
    known = function.points(dim) if hasattr(function, "points") else None
    if known is not None:
        for those in (known.index > 0, known.zeros > 0):
            if those.any():
                return known.x[those][0]
    raise ValueError(
        "--point is missing: it says where the saddle is, for example 0,0; saddlecore critical "
        "finds them"
    )
