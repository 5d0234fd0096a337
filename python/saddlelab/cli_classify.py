"""``saddlecore classify``."""

from __future__ import annotations

import argparse
import csv
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from saddlelab import cli_arguments as read

_KINDS = ("minimum", "saddle", "maximum", "degenerate", "undecided")
_COLUMNS = ("file", "array", "matrix", "kind", "index", "zeros", "positive", "certified", "tol")


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "classify the Hessians in .npy and .npz files: one (n, n) or a stack (m, n, n) each"
    parser = commands.add_parser(
        "classify", help=text, description=text, example="saddlecore classify hessians.npy"
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".npy or .npz")
    parser.add_argument(
        "--tol",
        type=_tolerance,
        metavar="T",
        help="eigenvalues within T of 0 count as zero (default: a multiple of n·eps·‖H‖)",
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument(
        "--csv", type=read.output, metavar="FILE", help="write one row per matrix as CSV"
    )
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    rows = [row for path in args.files for row in _classified(path, args.tol, args.workers)]
    if args.csv is not None:
        with args.csv.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([_COLUMNS, *rows])
    kinds = Counter(str(row[3]) for row in rows)
    width = len(str(len(rows)))
    print(f"{len(rows)} matrices")
    for kind in _KINDS:
        print(f"{kind + ':':11} {kinds[kind]:{width}}")
    # What could not be decided has no index to count.
    print("index: how many (degenerate and undecided ones left out)")
    decided = Counter(int(row[4]) for row in rows if row[3] in _KINDS[:3])
    for index in sorted(decided):
        print(f"{index:10}: {decided[index]:{width}}")


def _classified(path: Path, tol: float | None, workers: int | None) -> Iterator[tuple[Any, ...]]:
    """Yield a row for every matrix of a file."""
    import numpy as np

    from saddlelab.array_files import read_arrays
    from saddlelab.inertia import classify

    for name, hessians in read_arrays(path):
        where = f"{path}[{name}]" if name else str(path)
        try:
            found = classify(hessians, tol=tol, workers=workers)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{where}: {error}") from None
        columns = (found.kind, found.index, found.zeros, found.positive, found.certified, found.tol)
        # One matrix by itself gives scalars.
        values = (np.atleast_1d(column).tolist() for column in columns)
        for matrix, row in enumerate(zip(*values, strict=True)):
            yield (str(path), name, matrix, *row)


def _tolerance(text: str) -> float:
    try:
        tol = float(text)
    except ValueError:
        tol = math.nan
    if not 0.0 <= tol < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number, at least 0, got {text!r}")
    return tol
