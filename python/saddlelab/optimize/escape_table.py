"""Escape studies as text, CSV and JSON."""

from __future__ import annotations

import csv
import math
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.studies.output import versions

if TYPE_CHECKING:
    from saddlelab.optimize.escape_study import EscapeStudy

__all__ = ["as_dict", "rate_of", "table", "write_csv"]

_PLACES = {
    "ball": "in a ball of radius {0.radius:g}",
    "stable": "on the stable tangent space, within {0.radius:g}",
    "saddle": "at the saddle",
    "given": "as given",
}
_MOST_NUMBERS = 4


def table(study: EscapeStudy, level: float) -> str:
    """One line for each method, the fastest median first."""
    rows = [["method", "rate", "median", "from", "to", "90 %", "gradients", "never", "from", "to",
             "ended by"]]  # fmt: skip
    for method in sorted(study.methods, key=lambda name: (study.quantile(name)[0],
                                                          study.never(name)[0])):  # fmt: skip
        median = study.quantile(method, 0.5, level)
        rate = study.contenders[study.methods.index(method)].learning_rate
        rows.append([
            method, rate_of(rate), *map(_whole, median), _whole(study.quantile(method, 0.9)[0]),
            _whole(study.cost(method) * median[0]), *map(_fraction, study.never(method, level)),
            _reasons(study, method),
        ])  # fmt: skip
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(w) if c in (0, len(row) - 1) else cell.rjust(w)
                  for c, (cell, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
    return "\n".join([*_head(study, level), "", *lines])


def _reasons(study: EscapeStudy, method: str) -> str:
    """How those ended that never left."""
    k = study.methods.index(method)
    counts = Counter(study.status[k][~study.left[k]].tolist())
    return ", ".join(f"{status} {count}" for status, count in counts.most_common())


def _head(study: EscapeStudy, level: float) -> list[str]:
    where = _PLACES[study.at].format(study)
    noisy = f" with noise {study.noise:g}" if study.noise > 0.0 and study.at != "given" else ""
    reasons = [] if study.leave is None else [f"|projection| >= {study.leave:g}"]
    reasons += [] if study.target is None else [f"f <= {study.target:g}"]
    lines = [
        f"{study.name} at ({_short(study.saddle)}), least eigenvalue {study.eigenvalues[0]:.6g}: "
        f"{len(study.x0)} starts {where}{noisy}",
        f"left at {' or '.join(reasons)}, within {study.horizon} steps; steps to leave and limits "
        f"at {100 * level:g} %",
    ]
    if study.degenerate:
        lines.append("no curvature is negative, some is zero: the null space is watched")
    return lines


def _short(x: Any) -> str:
    shown = [f"{value:.6g}" for value in x[:_MOST_NUMBERS]]
    return ", ".join([*shown, *(["…"] if len(x) > _MOST_NUMBERS else [])])


def _whole(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "never"


def _fraction(value: float) -> str:
    return f"{value:.4f}"


def rate_of(rate: Any) -> str:
    """A learning rate in a few letters."""
    if callable(rate):
        return str(getattr(rate, "name", "schedule"))
    return "array" if np.ndim(rate) else f"{float(rate):g}"


def write_csv(study: EscapeStudy, path: str | os.PathLike[str]) -> None:
    """Write one row for each method and start; steps to leave are empty where it never did."""
    left = study.left
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        x = [f"x{i}" for i in range(len(study.saddle))]
        writer.writerow(["method", "start", "left", "steps", "evaluations", "status", *x])
        for k, method in enumerate(study.methods):
            cost = study.cost(method)
            for s, x0 in enumerate(study.x0.tolist()):
                steps = int(study.steps[k, s])
                writer.writerow([method, s, bool(left[k, s]), steps, cost * steps,
                                 study.status[k, s], *x0])  # fmt: skip


def as_dict(study: EscapeStudy) -> dict[str, Any]:
    """Return everything as plain Python, for JSON, which has no infinity: None instead."""
    plain = ("name", "degenerate", "at", "radius", "noise", "leave", "target", "horizon", "seed")
    return {name: getattr(study, name) for name in plain} | {
        "saddle": study.saddle.tolist(),
        "eigenvalues": study.eigenvalues.tolist(),
        "directions": study.directions.tolist(),
        "samples": len(study.x0),
        "methods": {method: _method(study, k) for k, method in enumerate(study.methods)},
        "versions": versions(),
    }


def _method(study: EscapeStudy, k: int) -> dict[str, Any]:
    label, one = study.methods[k], study.contenders[k]
    named = ("value", "low", "high")
    return {
        "method": one.method,
        "options": one.options,
        "learning_rate": rate_of(one.learning_rate) if callable(one.learning_rate)
        else np.asarray(one.learning_rate).tolist(),
        "evaluations_per_step": study.cost(label),
        "median": dict(zip(named, map(_finite, study.quantile(label)), strict=True)),
        "never": dict(zip(named, study.never(label), strict=True)),
        "steps_to_leave": [_finite(steps) for steps in study.steps_to_leave(label).tolist()],
        "status": study.status[k].tolist(),
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
