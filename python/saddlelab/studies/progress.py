"""The progress bar of a study, drawn between blocks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from saddlelab.studies.blocks import IntArray
from saddlelab.studies.plan import missing_rows
from saddlelab.studies.spec import Part, StudySpec

_FORMAT = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


class Progress:
    """A tqdm bar on stderr that counts matrix rows and shows samples/s and the time left.

    Rows, because a sample of a large dimension takes longer than one of a small: only they make
    the time left right.
    """

    def __init__(
        self, spec: StudySpec, parts: list[Part], done: Mapping[int, IntArray], *, shown: bool
    ) -> None:
        """Draw the bar with what is done already, if it is to be shown at all."""
        self._bar: Any = None
        if not shown:
            return
        from tqdm import tqdm

        self._bar = tqdm(
            desc=spec.ensemble.name,
            total=spec.rows,
            initial=spec.rows - missing_rows(parts, done),
            unit="row",
            bar_format="{desc}: " + _FORMAT,
        )
        self._began, self._samples = time.monotonic(), 0

    def add(self, part: Part, block: int) -> None:
        """Count a finished block."""
        if self._bar is None:
            return
        samples = part.samples_in(block)
        self._samples += samples
        rate = self._samples / max(time.monotonic() - self._began, 1e-9)
        self._bar.set_postfix_str(f"{in_thousands(rate)} samples/s", refresh=False)
        self._bar.update(samples * part.work)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()


def in_thousands(value: float) -> str:
    """Write a number with three digits and a unit prefix: 1.23M."""
    for prefix in ("", "k", "M", "G"):
        if value < 999.5:
            return f"{value:.3g}{prefix}"
        value /= 1000
    return f"{value:.3g}T"
