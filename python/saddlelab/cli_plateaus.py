"""``saddlecore plateaus``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from saddlelab import cli_arguments as read
from saddlelab.cli_pictures import picture


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "where the loss of a log stands still, for how long, and what ended it"
    parser = commands.add_parser(
        "plateaus",
        help=text,
        description=text,
        example="saddlecore plateaus log.csv --column loss --plot plateaus.png",
    )
    parser.add_argument("file", type=Path, help="CSV with a column of losses or perplexities")
    parser.add_argument(
        "--column", metavar="NAME", help="its name or number from 0 (default: loss, or the last)"
    )
    parser.add_argument("--steps", metavar="NAME", help="column that says where the records are")
    for name, default, help_ in (
        ("flat", 0.01, "height of a plateau, as a fraction of the range of ln loss"),
        ("most", 0.1, "ln loss moves at most by this"),
        ("shortest", 0.03, "length at least, as a fraction of the records"),
        ("floor", 0.0, "taken from the losses before the logarithm"),
    ):
        parser.add_argument(
            f"--{name}", type=read.number, default=default, metavar="R",
            help=f"{help_} (default: {default:g})",
        )  # fmt: skip
    parser.add_argument("--csv", type=read.output, metavar="FILE", help="write them as CSV")
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help="write the picture")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(action=_run)



def _run(args: argparse.Namespace) -> None:
    from saddlelab.plateaus import plateaus

    if not args.file.is_file():
        raise FileNotFoundError(f"there is no file {str(args.file)!r}")
    found = plateaus(
        args.file, column=args.column, steps=args.steps, flat=args.flat, most=args.most,
        shortest=args.shortest, floor=args.floor,
    )  # fmt: skip
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        with picture(args.plot, 6.8, 4.4) as figure:
            found.plot(ax=figure.subplots())
    print(found.to_json() if args.json else found.table())
