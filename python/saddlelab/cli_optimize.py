"""What the commands that run optimizers have in common."""

from __future__ import annotations

import argparse
import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab import cli_arguments as read
from saddlelab import cli_functions

__all__ = ["add_runs", "add_starts", "function_and_box", "method_names", "options_by_method",
           "rates", "start_points", "surface_named"]  # fmt: skip

Floats: TypeAlias = NDArray[np.float64]

#: What people call them.
_ALIASES = {"saddle": "quadratic_saddle"}


# --- arguments ------------------------------------------------------------------------------------


def add_runs(parser: argparse.ArgumentParser, *, several: bool, steps: int, picture: str) -> None:
    """Let steps, learning rates, options, seed, threads and files be given."""
    parser.add_argument(
        "--steps", type=read.whole, default=steps, metavar="N", help=f"at most (default: {steps})"
    )
    parser.add_argument(
        "--lr",
        type=rates if several else read.number,
        metavar="R" if not several else "R,…",
        help="learning rate: 0.1, or gd=0.01,adam=0.1 (default: each method's own)"
        if several
        else "learning rate (default: the method's own)",
    )
    parser.add_argument(
        "--param",
        type=method_option if several else option,
        action="append",
        default=[],
        metavar="METHOD.NAME=VALUE" if several else "NAME=VALUE",
        help=f"an option, as in {'adam.' if several else ''}betas=0.9,0.99",
    )
    parser.add_argument(
        "--seed", type=read.seed, metavar="S", help="same seed, same bits (default: a new one)"
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help=f"write {picture}")
    parser.add_argument(
        "--csv", type=read.output, metavar="FILE", help="write a line for each start as CSV"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")


def add_starts(parser: argparse.ArgumentParser, count: int) -> None:
    """Let the starts be given: how many in the box, or one point."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--starts",
        type=read.whole,
        default=count,
        metavar="M",
        help=f"so many, spread over the box (default: {count})",
    )
    where.add_argument("--x0", type=point, metavar="A,B,…", help="one start, this")


def method_names(text: str) -> list[str]:
    """Read ``gd,adam``."""
    names = [piece.strip() for piece in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"must look like gd,momentum,adam, got {text!r}")
    return names


def point(text: str) -> list[float]:
    """Read ``1,-0.5``."""
    try:
        return [float(piece) for piece in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must look like 1,-0.5, got {text!r}") from None


def rates(text: str) -> float | dict[str, float]:
    """Read ``0.1`` or ``gd=0.01,adam=0.1``."""
    if "=" not in text:
        return read.number(text)
    found: dict[str, float] = {}
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(
                f"must look like 0.1 or gd=0.01,adam=0.1, got {text!r}"
            )
        found[name.strip()] = read.number(value)
    return found


def option(text: str) -> tuple[str, Any]:
    """Read ``betas=0.9,0.99``: a number, several, true, false, none, or a word."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or not value:
        raise argparse.ArgumentTypeError(f"must look like momentum=0.5, got {text!r}")
    if "," in value:
        return name, tuple(read.number(piece) for piece in value.split(","))
    if value.lower() == "none":
        return name, None
    return read.parameter(text)


def method_option(text: str) -> tuple[str, tuple[str, Any]]:
    """Read ``adam.betas=0.9,0.99``."""
    method, dot, rest = text.partition(".")
    if not dot or not method.isidentifier():
        raise argparse.ArgumentTypeError(f"must look like adam.betas=0.9,0.99, got {text!r}")
    return method, option(rest)


def options_by_method(given: list[tuple[str, tuple[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Collect what `method_option` read; an option must not come twice."""
    flat = read.together([(f"{method}.{name}", value) for method, (name, value) in given])
    found: dict[str, dict[str, Any]] = {}
    for key, value in flat.items():
        method, _, name = key.partition(".")
        found.setdefault(method, {})[name] = value
    return found


# --- functions and starts -------------------------------------------------------------------------


def surface_named(name: str | None) -> str | None:
    """The catalogue's name of what people call otherwise."""
    return name if name is None else _ALIASES.get(name, name)


def function_and_box(args: argparse.Namespace) -> tuple[Any, Any]:
    """Return the function and the box of starts; with ``--x0`` a function needs none."""
    args.function = surface_named(args.function)
    if args.x0 is None or args.box is not None or args.function is None:
        return cli_functions.landscape(args)
    args.dim = args.dim or len(args.x0)
    args.box = [(-1.0, 1.0)] * len(args.x0) if ":" in args.function else None
    return cli_functions.landscape(args)


def start_points(args: argparse.Namespace, box: Floats, seed: int) -> Floats:
    """(m, n) starts: the one that was given, or Sobol's points of the box."""
    from saddlelab.starts import Rounds

    if args.x0 is not None:
        if len(args.x0) != len(box):
            raise ValueError(f"--x0 has {len(args.x0)} variables, the box {len(box)}")
        return np.array([args.x0])
    return np.concatenate(list(Rounds(args.starts, box, np.random.default_rng(seed), True)))


def bars() -> bool:
    """Whether somebody looks at the progress bars."""
    return sys.stderr.isatty()
