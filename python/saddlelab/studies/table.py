"""The text table of a study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def format_table(
    columns: Mapping[str, NDArray[Any]], kinds: Sequence[str], max_rows: int | None
) -> str:
    """Lay out one line per dimension: fractions with their errors, mean and sd of the index."""
    plural = {"saddle": "saddles", "minimum": "minima", "maximum": "maxima"}
    effective = columns.get("effective_samples")
    more = ["effective samples"] if effective is not None else []
    lines = [["n", *(plural[kind] for kind in kinds), "mean index", "sd", *more]]
    rows = columns["n"].size
    for row in _chosen(rows, max_rows):
        at = {name: values[row].item() for name, values in columns.items()}
        cells = [
            with_error(at[kind], at[f"{kind}_low"], at[f"{kind}_high"], at["n"] == 1)
            if kind == "saddle"
            else with_error(at[kind], at[f"{kind}_low"], at[f"{kind}_high"])
            for kind in kinds
        ]
        spread = math.sqrt(at["index_var"])
        last = [f"{at['effective_samples']:.0f}"] if more else []
        lines.append([str(at["n"]), *cells, f"{at['index_mean']:.3f}", f"{spread:.3f}", *last])
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    text = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    left_out = rows - (len(lines) - 1)
    return "\n".join([*text, f"({left_out} dimensions left out)"] if left_out else text)


def format_parameters(parameters: Mapping[str, Any]) -> str:
    """Write the parameters of an ensemble in one line."""
    return ", ".join(f"{name} = {value}" for name, value in parameters.items())


def with_error(value: float, low: float, high: float, none_exist: bool = False) -> str:
    """Write a fraction to the digits its interval allows, or the limit if it is 0 or 1."""
    if none_exist:
        return "0"
    if value == 0.0:
        return f"< {high:.1e}"
    if value == 1.0:
        return f"> 1 - {1.0 - low:.1e}"
    half = (high - low) / 2.0
    if value < 1e-4:
        return f"{value:.2e} ± {half:.1e}"
    digits = min(max(1 - math.floor(math.log10(half)), 2), 12)
    return f"{value:.{digits}f} ± {half:.{digits}f}"


def _chosen(rows: int, max_rows: int | None) -> list[int]:
    """All rows, or some of them, dense at small dimensions, where prevalence changes fastest."""
    if max_rows is None or rows <= max_rows:
        return list(range(rows))
    # geomspace repeats small integers; ask for more until enough distinct ones are found.
    asked, picked = max_rows, np.zeros(0, int)
    while True:
        more = np.unique(np.geomspace(1, rows, asked).astype(int)) - 1
        if more.size > max_rows:
            return [int(row) for row in picked]
        asked, picked = asked + 1, more
