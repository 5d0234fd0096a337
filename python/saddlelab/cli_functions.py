"""Functions and boxes that a command line names: of the catalogue, or of the person's own."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from saddlelab import cli_arguments as read

__all__ = ["add_landscape", "landscape", "named", "notes_on_stderr", "own_errors",
           "print_catalogue"]  # fmt: skip


def add_landscape(parser: argparse.ArgumentParser) -> None:
    """Let a function and its box be given."""
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


def landscape(args: argparse.Namespace) -> tuple[Any, Any]:
    """Return the function and the box that :func:`add_landscape` has read."""
    from saddlelab import surfaces
    from saddlelab.box import box_of

    if args.function is None:
        raise ValueError("a function is missing: type a name of --list, or module:function")
    function = named(args.function) if ":" in args.function else surfaces.get(args.function)
    return function, box_of(_bounds(function, args.box, args.dim))


def print_catalogue() -> None:
    """Write a line for each surface."""
    from saddlelab import surfaces

    width = max(map(len, surfaces.names()))
    for name, surface in surfaces.catalogue().items():
        first = (surface.__doc__ or "").strip().splitlines()[0]
        print(f"{name:{width}}  {first}")


def named(name: str) -> Any:
    """Return what ``module:attribute`` names.

    Raises
    ------
    ValueError
        If there is no such module or attribute, or the module cannot be imported.
    """
    module, _, attribute = name.partition(":")
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


@contextmanager
def own_errors() -> Iterator[None]:
    """Say in one line what the person's own function raised, which a note of the error tells.

    A traceback would be of our lines.
    """
    try:
        yield
    except Exception as error:
        for note in getattr(error, "__notes__", ()):
            raise ValueError(f"{type(error).__name__}: {error}, {note}") from error
        raise


@contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Print at the end, as a note, that a function runs at Python's speed."""
    from saddlelab.objective import PythonSpeedWarning

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", PythonSpeedWarning)
        yield
    for each in said:
        print(f"saddlecore: note: {each.message}", file=sys.stderr)


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
