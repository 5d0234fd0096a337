"""Reading command line arguments, and complaining about them in one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

#: More dimensions than anybody means: 1:10000000000 must not fill the memory.
MAX_DIMS = 10**6
#: Options whose value may begin with a minus.
_OF_NUMBERS = ("--box", "--x0", "--point")


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line that says what to type."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        """Take the arguments of ArgumentParser, and a command line that works."""
        # Abbreviated options would break scripts when a new option is added.
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)
        self.example = example

    def error(self, message: str) -> NoReturn:
        """Print the fault and an example, exit 2."""
        self.exit(2, f"{self.prog}: {message}; type for example: {self.example}\n")


def dimensions(text: str) -> list[int]:
    """Read ``1:100``, ``10,20,50`` or ``1:9,10:100:10``; both ends of a range are included."""
    found: list[int] = []
    for piece in text.split(","):
        try:
            first, *rest = (whole(word) for word in piece.split(":"))
            last, step = {0: (first, 1), 1: (*rest, 1), 2: (*rest,)}[len(rest)]
        except (argparse.ArgumentTypeError, KeyError):
            raise argparse.ArgumentTypeError(
                f"must look like 10, 1:100 (100 included), 10:100:10 or 2,5,9, got {text!r}"
            ) from None
        numbers = range(first, last + 1, step)
        if not numbers:
            raise argparse.ArgumentTypeError(f"{piece!r} is an empty range: begin with the smaller")
        if len(numbers) + len(found) > MAX_DIMS:
            raise argparse.ArgumentTypeError(f"holds more than {MAX_DIMS} dimensions: {text!r}")
        found.extend(numbers)
    return found


def box(text: str) -> list[tuple[float, float]]:
    """Read ``-5:5,-1:2``: lower and upper bound of each variable."""
    found = []
    for piece in text.split(","):
        try:
            low, high = (float(word) for word in piece.split(":"))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"must look like -5:5,-5:5, lower:upper for each variable, got {text!r}"
            ) from None
        found.append((low, high))
    return found


def joined(argv: Sequence[str]) -> list[str]:
    """Join ``--box -5:5`` to ``--box=-5:5``: argparse takes -5:5 and -1,2 for options."""
    found: list[str] = []
    for word in argv:
        negative = len(word) > 1 and word[0] == "-" and (word[1].isdigit() or word[1] == ".")
        if found and found[-1] in _OF_NUMBERS and negative:
            found[-1] = f"{found[-1]}={word}"
        else:
            found.append(word)
    return found


def whole(text: str) -> int:
    """Read a positive integer, also as 1_000_000 or 1e6."""
    number = _integer(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return number


def seed(text: str) -> int:
    """Read a non-negative integer."""
    number = _integer(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must be a non-negative integer, got {text!r}")
    return number


def number(text: str) -> float:
    """Read a number; its range is checked where it is used."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None


def add_parameters(parser: argparse.ArgumentParser, example: str) -> None:
    """Let ``--param NAME=VALUE`` be given, once for each parameter of the ensemble."""
    parser.add_argument(
        "--param",
        type=parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"a parameter of the ensemble, as in {example}",
    )


def parameter(text: str) -> tuple[str, int | float | bool | str]:
    """Read ``ratio=0.5``; a value is a number, true or false, or else a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or not value:
        raise argparse.ArgumentTypeError(f"must look like ratio=0.5, got {text!r}")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            pass
    return name, {"true": True, "false": False}.get(value.lower(), value)


def together(parameters: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Collect what `parameter` read; a name must not come twice."""
    found = dict(parameters)
    if len(found) < len(parameters):
        names = [name for name, _ in parameters]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"`--param {twice}` must be given once, got it {names.count(twice)} times")
    return found


def output(text: str) -> Path:
    """Read the name of a file to write; a run of hours must not end on a missing folder."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}; make it first")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file, {text!r} is a folder")
    return path


def picture(text: str) -> Path:
    """Read the name of a picture; its suffix picks the format."""
    formats = ("png", "pdf", "svg", "jpg", "webp")
    path = output(text)
    if path.suffix.lower().removeprefix(".") not in formats:
        raise argparse.ArgumentTypeError(f"must end with .{', .'.join(formats)}, got {text!r}")
    return path


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        pass
    # 1e6 is how people write a million; in digits, since a float is not exact beyond 2**53.
    mantissa, e, exponent = text.lower().partition("e")
    if e and mantissa.isdecimal() and exponent.isdecimal() and int(exponent) < 40:
        return int(mantissa + "0" * int(exponent))
    raise argparse.ArgumentTypeError(f"must be an integer, got {text!r}")
