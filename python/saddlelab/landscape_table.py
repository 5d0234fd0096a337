"""The text table of `saddlelab.prevalence_of`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saddlelab.studies.table import with_error

if TYPE_CHECKING:
    from saddlelab.landscape_prevalence import LandscapePrevalence

__all__ = ["table"]


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
