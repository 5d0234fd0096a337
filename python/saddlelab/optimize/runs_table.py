"""Runs as text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from saddlelab.optimize.runs import Runs

__all__ = ["table"]


def table(runs: Runs) -> str:
    """One line for each kind of end: how many starts, their status, best value, median steps."""
    kinds, indices = np.atleast_1d(runs.kind), np.atleast_1d(runs.index)
    certified = np.atleast_1d(runs.certified & runs.verdict.critical)
    values = np.atleast_1d(runs.value)
    steps, statuses = np.atleast_1d(runs.steps), np.atleast_1d(runs.status)
    named = np.array([
        f"saddle, index {i}" if kind == "saddle" else str(kind)
        for kind, i in zip(kinds, indices, strict=True)
    ])  # fmt: skip
    lines = [
        f"{runs.method} on {runs.fun_.name}: {len(runs)} starts",
        f"{'ended at':20} {'starts':>8} {'certified':>10} {'lowest f':>13} {'median f':>13} "
        f"{'steps':>7}  status",
    ]
    for name, count in Counter(named.tolist()).most_common():
        those = named == name
        reasons = Counter(statuses[those].tolist()).most_common()
        told = ", ".join(f"{status} {c}" for status, c in reasons)
        lowest, median = _extremes(values[those])
        lines.append(
            f"{name:20} {count:8d} {np.count_nonzero(certified[those]):10d} {lowest:13.6g} "
            f"{median:13.6g} {np.median(steps[those]):7.0f}  {told}"
        )
    return "\n".join(lines)


def _extremes(values: np.ndarray) -> tuple[float, float]:
    finite = values[~np.isnan(values)]
    return (float(finite.min()), float(np.median(finite))) if len(finite) else (np.nan, np.nan)
