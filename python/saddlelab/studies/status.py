"""What is in a checkpoint: what is done, how fast it went, what is left."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from saddlelab.studies.checkpoint import Checkpoint, StoredRun
from saddlelab.studies.merge import require_file
from saddlelab.studies.progress import in_thousands
from saddlelab.studies.spec import Part

__all__ = ["PartStatus", "StudyStatus", "study_status"]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """How far one dimension (or all of a nested study) has come."""

    dims: str
    n: int
    blocks_done: int
    blocks: int
    samples_done: int
    samples: int


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """What a checkpoint holds.

    Attributes
    ----------
    fields : dict
        The study: ensemble, parameters, stream, dims, samples, seed, nested, block_size.
    parts : tuple of PartStatus
        How far each dimension has come.
    runs : tuple of StoredRun
        When each run began and last stored a block, and what it added.
    """

    fields: dict[str, Any]
    parts: tuple[PartStatus, ...]
    runs: tuple[StoredRun, ...]

    @property
    def done(self) -> float:
        """The part of the work (matrix rows) that is done, 0 … 1."""
        whole = sum(part.samples * part.n for part in self.parts)
        return sum(part.samples_done * part.n for part in self.parts) / whole

    @property
    def seconds(self) -> float:
        """Time that runs have taken so far, up to the last block that each stored."""
        return sum(run.latest - run.began for run in self.runs)

    @property
    def rows_per_second(self) -> float:
        """Matrix rows per second of the last run; 0 if none has stored a block."""
        runs = [run for run in self.runs if run.rows and run.latest > run.began]
        return runs[-1].rows / (runs[-1].latest - runs[-1].began) if runs else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time that is left at the speed of the last run; None if that is not known."""
        rows = sum((part.samples - part.samples_done) * part.n for part in self.parts)
        if not rows:
            return 0.0
        return rows / self.rows_per_second if self.rows_per_second else None

    def table(self) -> str:
        """Return it as text: the study, a line per dimension, the speed and what is left."""
        lines = [["n", "samples", "of", "done", "blocks left"]]
        for part in self.parts:
            lines.append(
                [
                    part.dims,
                    str(part.samples_done),
                    str(part.samples),
                    _percent(part.samples_done, part.samples),
                    str(part.blocks - part.blocks_done),
                ]
            )
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        body = [
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]
        return "\n".join([self._heading(), *body, self._summary()])

    def _heading(self) -> str:
        of = self.fields
        parameters = [f"{k}={json.dumps(v)}" for k, v in of["parameters"].items()]
        nested = ["nested"] if of["nested"] else []
        return ", ".join(
            [of["ensemble"], *parameters, *nested, f"{of['samples']} samples", f"seed {of['seed']}"]
        )

    def _summary(self) -> str:
        text = [f"{_percent(self.done, 1.0)} done"]
        if self.runs:
            plural = "run" if len(self.runs) == 1 else "runs"
            text.append(f"{duration(self.seconds)} in {len(self.runs)} {plural}")
        if self.rows_per_second:
            text.append(f"{in_thousands(self.rows_per_second)} rows/s in the last")
        left = self.seconds_left
        if left is None:
            text.append("speed not known yet")
        elif left:
            text.append(f"about {duration(left)} left")
        return ", ".join(text)


def study_status(path: str | os.PathLike[str]) -> StudyStatus:
    """Read what a checkpoint holds; a run that is under way may go on meanwhile.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    CheckpointError
        If there is no such file, or it is damaged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from saddlelab.prevalence import prevalence
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "run.sqlite")
    ...     study = prevalence("goe", 3, samples=200, rng=0, checkpoint=path)
    ...     status = study_status(path)
    >>> status.done, status.seconds_left
    (1.0, 0.0)
    """
    require_file(path)
    with closing(Checkpoint(path)) as file:
        parts = file.parts()
        blocks, samples = [0] * len(parts), [0] * len(parts)
        for i, row in file.rows(parts):
            blocks[i] += 1
            samples[i] += parts[i].samples_in(row.block)
        status = zip(parts, blocks, samples, strict=True)
        return StudyStatus(
            file.fields or {},
            tuple(PartStatus(_named(p), p.n, b, p.blocks, s, p.samples) for p, b, s in status),
            tuple(file.runs()),
        )


def duration(seconds: float) -> str:
    """Write a time as people say it: 12 s, 3 min 20 s, 5 h 12 min, 3 d 4 h."""
    whole = round(seconds)
    for unit, size, below, part in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {below}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{whole} s"


def _percent(done: float, whole: float) -> str:
    """Write a percentage that is 100 only if all is done."""
    tenths = int(1000 * done / whole) if done < whole else 1000
    return f"{tenths / 10:g} %"


def _named(part: Part) -> str:
    if not part.nested:
        return str(part.n)
    return str(part.n) if len(part.dims) == 1 else f"{part.dims[0]}…{part.n}"
