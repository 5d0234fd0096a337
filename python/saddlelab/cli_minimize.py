"""``saddlecore minimize``."""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab import cli_arguments as read
from saddlelab import cli_functions
from saddlelab import cli_optimize as common
from saddlelab.cli_pictures import picture

if TYPE_CHECKING:
    from saddlelab.optimize.runs import Runs

#: Points of a path that is drawn, at most.
_MOST_POINTS = 400
_COLUMNS = ("value", "gradient_norm", "steps", "status", "kind", "index", "certified")


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "run an optimizer from many starts, and say what kind of point each ended at"
    parser = commands.add_parser(
        "minimize",
        help=text,
        description=text,
        example="saddlecore minimize himmelblau --method adam --starts 10000 --plot paths.png",
    )
    cli_functions.add_landscape(parser)
    parser.add_argument("--method", default="adam", help="gd, momentum, adam, … (default: adam)")
    common.add_starts(parser, 100)
    parser.add_argument(
        "--tol", type=read.number, metavar="T", help="end a start where |gradient| <= T"
    )
    parser.add_argument(
        "--target", type=read.number, metavar="V", help="end a start where f <= V"
    )
    common.add_runs(parser, several=False, steps=1000, picture="the picture of the paths")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    if args.list:
        cli_functions.print_catalogue()
        return
    with cli_functions.notes_on_stderr(), cli_functions.own_errors():
        runs = _runs(args)
        runs.verdict  # noqa: B018  the person's function may fail here, too
    if args.csv is not None:
        _write_csv(runs, args.csv)
    if args.plot is not None:
        with picture(args.plot, height=5.4) as figure:
            runs.plot(ax=figure.subplots())
    if args.json:
        json.dump(_as_dict(runs), sys.stdout)
        print()
        return
    best = runs.best
    where = ", ".join(f"{value:.8g}" for value in runs.x[best][:6])
    more = ", …" if runs.x.shape[1] > 6 else ""
    print(runs.table())
    print(f"best: {runs.kind[best]}, f = {runs.value[best]:.8g} at ({where}{more}); "
          f"seed {runs.seed}")  # fmt: skip


def _runs(args: argparse.Namespace) -> Runs:
    from saddlelab.optimize.minimize import minimize
    from saddlelab.studies.seeds import resolve_seed

    function, box = common.function_and_box(args)
    seed = resolve_seed(args.seed)
    every = max(1, args.steps // _MOST_POINTS)
    drawn = {} if args.plot is None else {"x" if len(box) == 2 else "value": every}
    return minimize(
        function, common.start_points(args, box, seed), method=args.method, steps=args.steps,
        learning_rate=args.lr, tol=args.tol, target=args.target, record=drawn, rng=seed,
        workers=args.workers, progress=common.bars(), **read.together(args.param),
    )  # fmt: skip


def _write_csv(runs: Runs, path: Path) -> None:
    n = runs.x.shape[1]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        ends = [f"{name}_{i}" for name in ("start", "end") for i in range(n)]
        writer.writerow([*_COLUMNS, *ends])
        columns = [getattr(runs, name).tolist() for name in _COLUMNS]
        for row, begun, ended in zip(zip(*columns, strict=True), runs.x0.tolist(),
                                     runs.x.tolist(), strict=True):  # fmt: skip
            writer.writerow([*row, *begun, *ended])


def _as_dict(runs: Runs) -> dict[str, Any]:
    """All as plain Python, for JSON, which has no infinity: None instead."""
    from saddlelab.studies.output import versions

    kinds, counts = np.unique(runs.kind, return_counts=True)
    arrays = {name: [_plain(v) for v in getattr(runs, name).tolist()] for name in _COLUMNS}
    return {
        "function": runs.fun_.name,
        "method": runs.method,
        "options": runs.options,
        "seed": runs.seed,
        "kinds": dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
        "best": runs.best,
        "x0": runs.x0.tolist(),
        "x": runs.x.tolist(),
        **arrays,
        "versions": versions(),
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
