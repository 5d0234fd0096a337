"""``saddlecore prevalence-of``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read
from saddlelab import cli_functions
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.landscape_prevalence import LandscapePrevalence


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "measure where a function is convex, and how common its critical points are"
    parser = commands.add_parser(
        "prevalence-of",
        help=text,
        description=text,
        example="saddlecore prevalence-of himmelblau --box -5:5,-5:5 --plot himmelblau.png",
    )
    cli_functions.add_landscape(parser)
    parser.add_argument(
        "--samples",
        type=read.whole,
        default=100_000,
        metavar="N",
        help="points drawn in the box (default: 100000)",
    )
    parser.add_argument(
        "--no-critical", action="store_true", help="do not look for the critical points"
    )
    parser.add_argument(
        "--starts",
        type=read.whole,
        metavar="M",
        help="starts of the search for critical points (default: until nothing is new)",
    )
    parser.add_argument(
        "--seed", type=read.seed, metavar="S", help="same seed, same points (default: a new one)"
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument("--csv", type=read.output, metavar="FILE", help="write the table as CSV")
    parser.add_argument(
        "--plot",
        type=read.picture,
        metavar="FILE",
        help="write the picture (of two variables: with a map of the box)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    if args.list:
        cli_functions.print_catalogue()
        return
    from saddlelab.landscape_table import as_dict, write_csv

    found = _measured(args)
    # The files first: whatever becomes of the terminal, the work is kept.
    if args.csv is not None:
        write_csv(found, args.csv)
    if args.plot is not None:
        from saddlelab.landscape_plot import draw_figure

        with picture(args.plot) as figure:
            draw_figure(found, figure)
    if args.json:
        json.dump(as_dict(found), sys.stdout)
        print()
    else:
        print(f"{found.table()}\nseed {found.seed}, 95 % intervals")


def _measured(args: argparse.Namespace) -> LandscapePrevalence:
    from saddlelab.landscape_prevalence import prevalence_of

    function, box = cli_functions.landscape(args)
    with cli_functions.notes_on_stderr(), cli_functions.own_errors():
        return prevalence_of(
            function,
            box,
            samples=args.samples,
            critical=not args.no_critical,
            starts=args.starts,
            rng=args.seed,
            workers=args.workers,
            progress=True,
        )
