"""``saddlecore critical``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read
from saddlelab import cli_functions
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.critical_result import CriticalPoints
    from saddlelab.landscape_graph import LandscapeGraph


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "find and certify all critical points of a function in a box"
    parser = commands.add_parser(
        "critical",
        help=text,
        description=text,
        example="saddlecore critical himmelblau --box -5:5,-5:5 --plot himmelblau.png",
    )
    cli_functions.add_landscape(parser)
    parser.add_argument(
        "--starts", type=read.whole, metavar="M", help="starts (default: until nothing is new)"
    )
    parser.add_argument(
        "--seed", type=read.seed, metavar="S", help="same seed, same starts (default: a new one)"
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument("--csv", type=read.output, metavar="FILE", help="write the points as CSV")
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help="write the picture")
    parser.add_argument(
        "--graph",
        action="store_true",
        help="descend from the saddles: which minima each joins (drawn by --plot)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    if args.list:
        cli_functions.print_catalogue()
        return
    from saddlelab.critical_table import as_dict, write_csv

    found, graph = _search(args)
    if args.csv is not None:
        write_csv(found, args.csv)
    if args.plot is not None:
        _write_plot(found, graph, args.plot)
    if args.json:
        joined = {} if graph is None else {"graph": _edges(graph)}
        json.dump(as_dict(found) | joined, sys.stdout)
        print()
        return
    print(found.table())
    if graph is not None:
        print(*(_said(edge) for edge in _edges(graph)), sep="\n")


def _search(args: argparse.Namespace) -> tuple[CriticalPoints, LandscapeGraph | None]:
    from saddlelab.critical import critical_points
    from saddlelab.landscape_graph import descend_from_saddle

    function, box = cli_functions.landscape(args)
    if args.plot is not None and len(box) > 2:
        raise ValueError(f"--plot needs one or two variables, here are {len(box)}")
    with cli_functions.notes_on_stderr(), cli_functions.own_errors():
        found = critical_points(
            function, box, starts=args.starts, rng=args.seed, workers=args.workers
        )
        return found, descend_from_saddle(found) if args.graph else None


def _edges(graph: Any) -> list[dict[str, Any]]:
    return [
        {"saddle": saddle, "minima": minima, "barriers": barriers}
        for saddle, minima, barriers in zip(
            graph.saddles.tolist(), graph.minima.tolist(), graph.barriers.tolist(), strict=True
        )
    ]


def _said(edge: dict[str, Any]) -> str:
    ends = [
        f"{'elsewhere' if minimum < 0 else f'minimum {minimum}'} ({barrier:.6g} below)"
        for minimum, barrier in zip(edge["minima"], edge["barriers"], strict=True)
    ]
    return f"saddle {edge['saddle']} joins {' and '.join(ends)}"


def _write_plot(found: CriticalPoints, graph: Any, path: Path) -> None:
    from saddlelab.critical_plot import plot_critical_points, plot_landscape_graph

    with picture(path, height=5.4) as figure:
        if graph is None:
            plot_critical_points(found, ax=figure.subplots())
        else:
            plot_landscape_graph(graph, ax=figure.subplots())
