"""Comparisons as text, CSV and JSON."""

from __future__ import annotations

import csv
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.optimize.escape_table import rate_of
from saddlelab.studies.output import versions

if TYPE_CHECKING:
    from saddlelab.optimize.comparison import Comparison

__all__ = ["as_dict", "table", "write_csv"]


def table(found: Comparison) -> str:
    """One line for each method, the lowest median of the final values first."""
    rows = [["method", "rate", "lowest f", "median f", "90 %", "to target", "gradients", "settled",
             "ns/step"]]  # fmt: skip
    order = sorted(found.methods, key=lambda name: (found.quantile(name), found.median_steps(name)))
    for method in order:
        rate = rate_of(found.contenders[found.row(method)].learning_rate)
        values = [_value(found.quantile(method, p)) for p in (0.0, 0.5, 0.9)]
        steps = found.median_steps(method, "target")
        seconds = float(found.seconds[found.row(method)])
        rows.append([
            method, rate, *values, _whole(steps), _whole(steps * found.cost(method)),
            _whole(found.median_steps(method, "settled")),
            "" if math.isnan(seconds) else f"{1e9 * seconds:.3g}",
        ])  # fmt: skip
    if found.target is None:
        rows = [row[:5] + row[7:] for row in rows]
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(w) if c == 0 else cell.rjust(w)
                  for c, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]  # fmt: skip
    ends = [
        f"{method:{widths[0]}}  " + ", ".join(f"{count} {kind}" for kind, count in
                                              found.kinds(method).items())
        for method in order
    ]  # fmt: skip
    return "\n".join([*_head(found), "", *lines, "", "where they ended", *ends])


def _head(found: Comparison) -> list[str]:
    starts = f"{len(found.x0)} start{'' if len(found.x0) == 1 else 's'}"
    n = found.x0.shape[1]
    lines = [f"{found.name}, {n} variables: {starts}, at most {found.horizon} steps"]
    if found.target is not None:
        lines.append(f"to target: median steps to f <= {found.target:g}; gradients, or what costs "
                     "as much")  # fmt: skip
    what = "f changes by" if found.change_of == "value" else "a step is"
    return [*lines, f"settled: median of the first step at which {what} < {found.change:g}"]


def _value(value: float) -> str:
    return f"{value:.6g}"


def _whole(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "never"


_COLUMNS = ("value", "kind", "index", "certified", "status", "steps", "to_target", "settled")


def write_csv(found: Comparison, path: str | os.PathLike[str]) -> None:
    """Write one row for each method and start, all digits; empty where something never was."""
    n = found.x0.shape[1]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        ends = [f"{name}_{i}" for name in ("start", "end") for i in range(n)]
        writer.writerow(["method", "start", *_COLUMNS, *ends])
        for k, method in enumerate(found.methods):
            columns = [getattr(found, name)[k].tolist() for name in _COLUMNS]
            for s, row in enumerate(zip(*columns, strict=True)):
                cells = ["" if _plain(cell) is None else cell for cell in row]
                writer.writerow([method, s, *cells, *found.x0[s].tolist(),
                                 *found.x[k, s].tolist()])  # fmt: skip


def as_dict(found: Comparison) -> dict[str, Any]:
    """Return everything as plain Python, for JSON, which has no infinity: None instead."""
    plain = ("name", "horizon", "every", "target", "change", "change_of", "seed")
    return {name: getattr(found, name) for name in plain} | {
        "x0": found.x0.tolist(),
        "methods": {method: _method(found, k) for k, method in enumerate(found.methods)},
        "versions": versions(),
    }


def _method(found: Comparison, k: int) -> dict[str, Any]:
    one, label = found.contenders[k], found.methods[k]
    arrays = {name: [_plain(cell) for cell in getattr(found, name)[k].tolist()]
              for name in _COLUMNS}  # fmt: skip
    return {
        "method": one.method,
        "options": one.options,
        "learning_rate": rate_of(one.learning_rate) if callable(one.learning_rate)
        else np.asarray(one.learning_rate).tolist(),
        "evaluations_per_step": found.cost(label),
        "seconds_per_step": _plain(float(found.seconds[k])),
        "median": _plain(found.quantile(label)),
        "kinds": found.kinds(label),
        "x": found.x[k].tolist(),
        **arrays,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
