"""``saddlecore critical``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read

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
    parser.add_argument(
        "function",
        nargs="?",
        help="a name of the catalogue (see --list), or module:function of your own",
    )
    parser.add_argument("--list", action="store_true", help="print the catalogue of surfaces")
    parser.add_argument(
        "--box",
        type=read.box,
        metavar="A:B,…",
        help="bounds of each variable; one pair for all with --dim (default: the surface's own)",
    )
    parser.add_argument("--dim", type=read.whole, metavar="N", help="number of variables")
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
        _print_catalogue()
        return
    if args.function is None:
        raise ValueError("a function is missing: type a name of --list, or module:function")
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
    from saddlelab.box import box_of
    from saddlelab.critical import critical_points
    from saddlelab.landscape_graph import descend_from_saddle
    from saddlelab.objective import PythonSpeedWarning

    function = _function(args.function)
    box = box_of(_bounds(function, args.box, args.dim))
    if args.plot is not None and len(box) > 2:
        raise ValueError(f"--plot needs one or two variables, here are {len(box)}")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", PythonSpeedWarning)
        try:
            found = critical_points(
                function, box, starts=args.starts, rng=args.seed, workers=args.workers
            )
            graph = descend_from_saddle(found) if args.graph else None
        except Exception as error:
            # The function's own, which says where in a note; a traceback would be of our lines.
            for note in getattr(error, "__notes__", ()):
                raise ValueError(f"{type(error).__name__}: {error}, {note}") from error
            raise
    for each in said:
        print(f"saddlecore: note: {each.message}", file=sys.stderr)
    return found, graph


def _print_catalogue() -> None:
    from saddlelab import surfaces

    width = max(map(len, surfaces.names()))
    for name, surface in surfaces.catalogue().items():
        first = (surface.__doc__ or "").strip().splitlines()[0]
        print(f"{name:{width}}  {first}")


def _function(name: str) -> Any:
    """A surface of the catalogue, or what ``module:attribute`` names."""
    from saddlelab import surfaces

    module, colon, attribute = name.partition(":")
    if not colon:
        return surfaces.get(name)
    # As `python -m` does: modules of the current folder can be named.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"there is no module {error.name!r} (looked for {name!r})") from None
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ValueError(f"module {module!r} cannot be imported: {why}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ValueError(f"module {module!r} has no {attribute!r}")
        found = getattr(found, part)
    return found


def _bounds(function: Any, box: list[tuple[float, float]] | None, dim: int | None) -> Any:
    if box is None:
        if not hasattr(function, "bounds"):
            raise ValueError("--box is missing: it says where to look, for example -5:5,-5:5")
        return function.bounds(dim)
    if dim is not None and len(box) == 1:
        return box * dim
    if dim is not None and len(box) != dim:
        raise ValueError(f"--box has {len(box)} variables, --dim says {dim}")
    return box


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
    from matplotlib.figure import Figure

    from saddlelab.critical_plot import plot_critical_points, plot_landscape_graph

    # Without pyplot: no display is looked for.
    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    ax = figure.add_subplot()
    if graph is None:
        plot_critical_points(found, ax=ax)
    else:
        plot_landscape_graph(graph, ax=ax)
    figure.savefig(path, dpi=150)
