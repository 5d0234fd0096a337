"""What `saddlelab.prevalence_of` found, as text, CSV and JSON."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saddlelab.studies.table import with_error

if TYPE_CHECKING:
    from saddlelab.landscape_prevalence import LandscapePrevalence

__all__ = ["as_dict", "table", "write_csv"]


def table(found: LandscapePrevalence) -> str:
    """Write the fractions as text, a line for each kind of point and each index."""
    from saddlelab.landscape_prevalence import CURVATURES

    lines = [f"{found.name}: {found.samples} points"]
    for kind in CURVATURES:
        if found.count(kind) or kind in ("convex", "concave"):
            low, high = found.interval(kind)
            lines.append(f"  {kind:10}  {with_error(found.fraction(kind), low, high)}")
    critical = found.critical
    if critical is not None:
        lines.append(f"{len(critical)} critical points")
        for index, count in enumerate(found.critical_counts()):
            if count:
                low, high = found.critical_interval(index)
                share = f"{low:.3f}" if high - low < 5e-4 else f"{low:.3f} to {high:.3f}"
                lines.append(f"  index {index:<5} {count:>6}   {share}")
        unsure = len(critical) - int(found.critical_counts().sum())
        if unsure:
            lines.append(f"  not certain {unsure:>6}")
        if critical.message:
            lines.append(f"  ({critical.message})")
    return "\n".join(lines)


def write_csv(found: LandscapePrevalence, path: Path) -> None:
    """Write a row for each kind of point and for each index of critical points."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["of", "kind", "count", "fraction", "low", "high"])
        writer.writeheader()
        for of, rows in (("points", _points(found)), ("critical points", _critical(found))):
            writer.writerows({"of": of} | row for row in rows)


def as_dict(found: LandscapePrevalence) -> dict[str, Any]:
    """Return everything as plain Python, for JSON."""
    from saddlelab.critical_table import as_dict as of_critical
    from saddlelab.doctor import version_of

    critical = found.critical
    return {
        "name": found.name,
        "bounds": found.bounds.tolist(),
        "samples": found.samples,
        "seed": found.seed,
        "saddlecore": version_of("saddlecore"),
        "counts": found.counts.tolist(),
        "points": _points(found),
        "critical_points": _critical(found),
        "critical": None if critical is None else of_critical(critical),
    }


def _points(found: LandscapePrevalence) -> list[dict[str, Any]]:
    from saddlelab.landscape_prevalence import CURVATURES

    return [
        {"kind": kind, "count": found.count(kind), "fraction": found.fraction(kind)}
        | dict(zip(("low", "high"), found.interval(kind), strict=True))
        for kind in CURVATURES
    ]


def _critical(found: LandscapePrevalence) -> list[dict[str, Any]]:
    """A row for each index; the limits are of what remains possible."""
    if found.critical is None or not len(found.critical):
        return []
    total = len(found.critical)
    return [
        {"kind": f"index {index}", "count": count, "fraction": count / total}
        | dict(zip(("low", "high"), found.critical_interval(index), strict=True))
        for index, count in enumerate(found.critical_counts().tolist())
    ]
