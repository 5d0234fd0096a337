"""``saddlecore study``: look into checkpoints, and put several together."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from saddlelab import cli_arguments as read


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "look into the checkpoints of studies, and merge them"
    parser = commands.add_parser(
        "study", help=text, description=text, example="saddlecore study show run.sqlite"
    )
    actions = parser.add_subparsers(dest="study_action", metavar="ACTION", required=True)
    _add_show(actions)
    _add_merge(actions)


def _add_show(actions: Any) -> None:
    text = "what is done, how fast it went, what is left"
    parser = actions.add_parser(
        "show", help=text, description=text, example="saddlecore study show run.sqlite"
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="checkpoints")
    parser.set_defaults(action=_show)


def _add_merge(actions: Any) -> None:
    text = "put the blocks of one study, from several checkpoints, into one"
    parser = actions.add_parser(
        "merge",
        help=text,
        description=text,
        example="saddlecore study merge a.sqlite b.sqlite --into all.sqlite",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="checkpoints")
    parser.add_argument(
        "--into",
        type=read.output,
        required=True,
        metavar="FILE",
        help="the checkpoint to make, or to add to",
    )
    parser.set_defaults(action=_merge)


def _show(args: argparse.Namespace) -> None:
    from saddlelab.studies.status import study_status

    for number, path in enumerate(args.files):
        if len(args.files) > 1:
            print(f"{'' if number == 0 else chr(10)}{path}:")
        print(study_status(path).table())


def _merge(args: argparse.Namespace) -> None:
    from saddlelab.studies.merge import merge_checkpoints
    from saddlelab.studies.status import study_status

    added = merge_checkpoints(args.files, args.into)
    print(f"{args.into}: {added} blocks added")
    print(study_status(args.into).table())
