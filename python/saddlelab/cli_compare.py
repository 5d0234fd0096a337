"""``saddlecore compare``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read
from saddlelab import cli_functions
from saddlelab import cli_optimize as common
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.optimize.comparison import Comparison

_METHODS = "gd,momentum,nesterov,adagrad,rmsprop,adam"


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "optimizers from the same starts: values, steps, time, and where they end"
    parser = commands.add_parser(
        "compare",
        help=text,
        description=text,
        example="saddlecore compare himmelblau --methods gd,adam --lr gd=0.01,adam=0.1",
    )
    cli_functions.add_landscape(parser)
    parser.add_argument(
        "--methods", type=common.method_names, default=_METHODS, metavar="A,B,…",
        help=f"default: {_METHODS}",
    )  # fmt: skip
    common.add_starts(parser, 100)
    parser.add_argument(
        "--target", type=read.number, metavar="V", help="count the steps until f <= V"
    )
    parser.add_argument(
        "--change", type=read.number, default=1e-8, metavar="C",
        help="settled is where f changes by less in a step (default: 1e-08)",
    )  # fmt: skip
    parser.add_argument(
        "--tol", type=read.number, metavar="T", help="end a start where |gradient| <= T"
    )
    common.add_runs(parser, several=True, steps=1000, picture="the picture")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    if args.list:
        cli_functions.print_catalogue()
        return
    with cli_functions.notes_on_stderr(), cli_functions.own_errors():
        found = _comparison(args)
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot, 13.0) as figure:
            found.plot(figure=figure)
    print(found.to_json() if args.json else f"{found.table()}\nseed {found.seed}")


def _comparison(args: argparse.Namespace) -> Comparison:
    from saddlelab.optimize.compare import compare
    from saddlelab.studies.seeds import resolve_seed

    function, box = common.function_and_box(args)
    seed = resolve_seed(args.seed)
    return compare(
        function, common.start_points(args, box, seed), args.methods, steps=args.steps,
        learning_rate=args.lr, target=args.target, change=args.change, tol=args.tol,
        options=common.options_by_method(args.param), rng=seed, workers=args.workers,
        progress=common.bars(),
    )  # fmt: skip
