"""``saddlecore slice``."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from saddlelab import cli_arguments as read
from saddlelab import cli_functions
from saddlelab.cli_optimize import bars, point
from saddlelab.cli_pictures import picture


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "evaluate a function on a plane through a point"
    parser = commands.add_parser(
        "slice",
        help=text,
        description=text,
        example="saddlecore slice himmelblau --resolution 201 --plot plane.png",
    )
    cli_functions.add_landscape(parser)
    parser.add_argument(
        "--point", type=point, metavar="A,B,…", help="the middle (default: that of the box)"
    )
    parser.add_argument(
        "--along",
        choices=("axes", "random", "hessian"),
        default="axes",
        help="two variables, Gaussian directions, or the Hessian's outermost eigenvectors",
    )
    parser.add_argument(
        "--radius", type=read.number, metavar="R", help="on either side (default: to the box)"
    )
    parser.add_argument(
        "--resolution", type=read.whole, default=101, metavar="M", help="points (default: 101)"
    )
    parser.add_argument(
        "--seed", type=read.seed, metavar="S", help="of random directions (default: a new one)"
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument("--csv", type=read.output, metavar="FILE", help="write all values as CSV")
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help="write the picture")
    parser.add_argument("--surface", action="store_true", help="draw a surface, not contours")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    if args.list:
        cli_functions.print_catalogue()
        return
    found = _slice(args)
    if args.csv is not None:
        found.to_csv(args.csv)
    if args.plot is not None:
        _write_plot(found, args)
    print(found.to_json() if args.json else found.table())


def _slice(args: argparse.Namespace) -> Any:
    from saddlelab.landscapes import slice_plane

    function, box = cli_functions.landscape(args)
    n = len(box)
    if n < 2:
        raise ValueError("a plane needs two variables, the box has one")
    middle = box.mean(axis=1) if args.point is None else np.array(args.point)
    if len(middle) != n:
        raise ValueError(f"--point has {len(middle)} variables, the box {n}")
    with cli_functions.notes_on_stderr(), cli_functions.own_errors():
        u, v = _directions(function, middle, args)
        reach = 0.5 * np.ptp(box, axis=1)
        radius = reach[:2] if args.along == "axes" else reach.min()
        return slice_plane(
            function, middle, u, v, resolution=args.resolution, workers=args.workers,
            radius=radius if args.radius is None else args.radius, progress=bars(),
        )  # fmt: skip


def _directions(function: Any, x: Any, args: argparse.Namespace) -> Any:
    from saddlelab.landscapes import hessian_directions, random_directions

    if args.along == "axes":
        return np.eye(len(x))[:2]
    if args.along == "hessian":
        return hessian_directions(function, x, rng=args.seed)[1]
    u, v = random_directions(x, 2, rng=args.seed)
    return u / np.linalg.norm(u), v / np.linalg.norm(v)


def _write_plot(found: Any, args: argparse.Namespace) -> None:
    from saddlelab.landscapes import plot_filled, plot_surface

    with picture(args.plot, 6.8, 5.4) as figure:
        if args.surface:
            plot_surface(found, ax=figure.add_subplot(projection="3d"))
        else:
            plot_filled(found, ax=figure.add_subplot())
