"""``saddlecore rare``."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.rare import RareEvent

_FIELDS = ("n", "log_probability", "log_error", "log10", "probability", "samples", "effective")


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "estimate how rare minima or maxima are, where counting would see none"
    parser = commands.add_parser(
        "rare",
        help=text,
        description=text,
        example="saddlecore rare goe --dim 50 --seed 0",
    )
    parser.add_argument("ensemble", help="law of the Hessians: goe, wigner, wishart, …")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--dim", type=read.whole, metavar="N", help="dimension")
    size.add_argument(
        "--dims",
        type=read.dimensions,
        metavar="A:B",
        help="several: 10:100:10 has a step and includes 100; 2,5,9 is a list",
    )
    parser.add_argument(
        "--kind", choices=("minimum", "maximum"), default="minimum", help="default: minimum"
    )
    parser.add_argument(
        "--max-index",
        type=read.seed,
        default=0,
        metavar="K",
        help="so many negative (of maxima: positive) eigenvalues are allowed (default: 0)",
    )
    read.add_parameters(parser, "beta --param beta=2.5 --param shift=0.2")
    parser.add_argument(
        "--rel-error",
        type=float,
        metavar="E",
        help="relative standard error to aim at (default: 0.02, by splitting 0.05)",
    )
    parser.add_argument(
        "--samples", type=read.whole, metavar="N", help="particles, instead of an error to aim at"
    )
    parser.add_argument(
        "--seed", type=read.seed, metavar="S", help="same seed, same bits (default: a new one)"
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument(
        "--plot", type=read.picture, metavar="FILE", help="write the picture of -ln P against n²"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    events = _events(args)
    # The file first: whatever becomes of the terminal, the work is kept.
    if args.plot is not None:
        from saddlelab.rare_plot import plot_minimum_law

        with picture(args.plot) as figure:
            plot_minimum_law(events, ax=figure.subplots())
    if args.json:
        print(_json(events))
        return
    for event in events:
        print(event)
    print(f"seed {events[0].seed}")


def _events(args: argparse.Namespace) -> list[RareEvent]:
    from saddlelab.rare import rare_prevalence

    found: list[RareEvent] = []
    for n in args.dims or [args.dim]:
        event = rare_prevalence(
            args.ensemble,
            n,
            kind=args.kind,
            max_index=args.max_index,
            rel_error=args.rel_error,
            samples=args.samples,
            rng=found[0].seed if found else args.seed,
            workers=args.workers,
            **read.together(args.param),
        )
        found.append(event)
    return found


def _json(events: list[RareEvent]) -> str:
    from saddlelab.doctor import version_of

    first = events[0]
    return json.dumps(
        {
            "ensemble": first.ensemble,
            "parameters": first.parameters,
            "kind": first.kind,
            "max_index": first.max_index,
            "seed": first.seed,
            "saddlecore": version_of("saddlecore"),
            "events": [{name: getattr(event, name) for name in _FIELDS} for event in events],
        }
    )
