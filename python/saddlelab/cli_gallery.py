"""``saddlecore gallery``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from saddlelab.cli_optimize import bars


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "make the pictures that tutorials draw, and a page that shows them with their code"
    parser = commands.add_parser(
        "gallery", help=text, description=text, example="saddlecore gallery --out pictures"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="for the pictures and index.html"
    )
    parser.add_argument(
        "--only", type=lambda text: text.split(","), metavar="NAME,…", help="these pictures"
    )
    parser.add_argument("--list", action="store_true", help="print the pictures' names and titles")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    from saddlelab.gallery.making import gallery, module_of
    from saddlelab.gallery.pictures import NAMES

    if args.list:
        print("\n".join(f"{name:24} {module_of(name).TITLE}" for name in NAMES))
        return
    if args.out is None:
        raise ValueError("--out must name a folder for the pictures, as in --out pictures")
    print(gallery(args.out, only=args.only, progress=bars()).table())
