"""Columns of logs."""

from __future__ import annotations

import csv
import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_column"]

Floats: TypeAlias = NDArray[np.float64]

#: What losses are called, the likeliest first.
_NAMES = ("loss", "train_loss", "train loss", "training_loss", "loss/train", "train/loss",
          "perplexity", "ppl", "val_loss", "test_loss", "value")  # fmt: skip


def read_column(
    path: str | os.PathLike[str], column: str | int | None, *, loss: bool
) -> tuple[str, Floats]:
    """Return the name and the numbers of a column of a CSV file.

    The first line holds names unless all in it are numbers; lines that are empty there are
    skipped, as logs have them that write several columns at different times.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{os.fspath(path)} must be CSV in UTF-8, but {error}") from None
    if not lines:
        raise ValueError(f"{os.fspath(path)} must have a line of numbers, it is empty")
    names = [cell.strip() for cell in lines[0]]
    if all(_number(cell) is not None for cell in names):
        names = [f"column {i}" for i in range(len(names))]
    else:
        del lines[0]
    place = _place(path, names, column, loss)
    return names[place], _numbers(path, lines, place, names[place])


def _place(path: Any, names: list[str], column: str | int | None, loss: bool) -> int:
    if column is None:
        lower = [name.lower() for name in names]
        known = [lower.index(name) for name in _NAMES if name in lower] if loss else []
        return known[0] if known else len(names) - 1
    if column in names:
        return names.index(str(column))
    number = column if isinstance(column, int) else _whole(column)
    if number is not None and not isinstance(column, bool) and -len(names) <= number < len(names):
        return number % len(names)
    raise ValueError(
        f"`column` must be one of {', '.join(names)}, or a number from 0 to {len(names) - 1} "
        f"({os.fspath(path)}), got {column!r}"
    )


def _numbers(path: Any, lines: list[list[str]], place: int, name: str) -> Floats:
    found = []
    for i, line in enumerate(lines):
        cell = line[place].strip() if place < len(line) else ""
        if not cell:
            continue
        number = _number(cell)
        if number is None:
            raise ValueError(f"{name!r} of {os.fspath(path)} must be numbers, but record {i} is "
                             f"{cell!r}")  # fmt: skip
        found.append(number)
    return np.array(found)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
