"""Critical points as text, CSV and JSON."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from saddlelab.critical_result import CriticalPoints

__all__ = ["as_dict", "table", "write_csv"]

_MOST_COLUMNS = 6


def table(found: CriticalPoints) -> str:
    """Write one line for each point, and what is known about the search below."""
    n = found.x.shape[1]
    shown = min(n, _MOST_COLUMNS)
    head = ["kind", "index", "value", *(f"x{i}" for i in range(shown)), "least", "largest", "found"]
    rows = [head]
    for k in range(len(found)):
        x = [f"{v:.8g}" for v in found.x[k, :shown]]
        ends = [f"{v:.4g}" for v in found.eigenvalues[k, [0, -1]]]
        sure = "" if found.certified[k] else " ?"
        rows.append([f"{found.kind[k]}{sure}", str(found.index[k]), f"{found.value[k]:.8g}", *x,
                     *ends, str(found.found[k])])  # fmt: skip
    widths = [max(len(row[c]) for row in rows) for c in range(len(head))]
    lines = [
        "  ".join(cell.ljust(w) if c == 0 else cell.rjust(w)
                  for c, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]  # fmt: skip
    return "\n".join([*lines, "", *_summary(found)])


def _summary(found: CriticalPoints) -> list[str]:
    ends = ", ".join(f"{count} {name}" for name, count in found.ends.items() if count)
    certified = int(np.count_nonzero(found.certified))
    lines = [
        f"{_counted(len(found), 'critical point')} of {found.name}, {certified} with a certified "
        "index",
        f"{_counted(found.starts, 'start')}: {ends}",
        f"estimated missing: {found.missing:.1f}, coverage {100 * found.coverage:.2f} %",
    ]
    if found.euler_expected is not None:
        lines.append(
            f"signs (-1)^index sum to {found.euler}, the boundary says {found.euler_expected}"
        )
    return [*lines, *([found.message] if found.message else [])]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


_COLUMNS = ("kind", "index", "certified", "value", "gradient_norm", "error", "flatness", "found")


def write_csv(found: CriticalPoints, path: Path) -> None:
    """Write one row for each point, all digits."""
    n = found.x.shape[1]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*_COLUMNS, *(f"x{i}" for i in range(n)), *(f"eig{i}" for i in range(n))])
        columns = [getattr(found, name).tolist() for name in _COLUMNS]
        for row, x, eigenvalues in zip(zip(*columns, strict=True), found.x.tolist(),
                                       found.eigenvalues.tolist(), strict=True):  # fmt: skip
            writer.writerow([*row, *x, *eigenvalues])


def as_dict(found: CriticalPoints) -> dict[str, Any]:
    """Return everything as plain Python, for JSON, which has no infinity: None instead."""
    points = [
        {name: _plain(getattr(found, name)[k].item()) for name in _COLUMNS}
        | {"x": found.x[k].tolist(), "eigenvalues": found.eigenvalues[k].tolist()}
        for k in range(len(found))
    ]
    scalars = ("name", "starts", "ends", "missing", "coverage", "euler", "euler_expected",
               "message", "method")  # fmt: skip
    return {name: getattr(found, name) for name in scalars} | {
        "bounds": found.bounds.tolist(),
        "points": points,
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
