"""The tables as text, and RESULTS.md."""

import importlib.metadata
import os
import platform
from dataclasses import astuple
from pathlib import Path

from bench.bounds import bound
from bench.harness import WORKERS, Row, Table

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEADER = ("job", "size", "ours", "peer", "peer's", "ratio", "target", "met")
_MET = {None: "", True: "yes", False: "**no**"}

_HOW = """\
# Measured beside the peers

`pip install -e ".[bench]"`, then `python -m bench --write` in the repository's root, on a machine
that does nothing else, writes this file (`--only classify`: a section; `--quick` is shorter and
cannot be written).
Ours and the peers are timed in turn, repeatedly: a figure is the median over the repeats with its
range in parentheses, a ratio is the median of the ratios within each repeat.  Compiling and a
first call are outside the timing except under *startup*.  Wrong answers stop the run."""


def machine() -> str:
    """Versions, processor and threads."""
    packages = ("numpy", "numba", "llvmlite", "scipy", "torch", "jax", "numdifftools")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"Python {platform.python_version()}, {versions}; {platform.system()} on {_processor()}, "
        f"{os.cpu_count()} logical CPUs; {WORKERS} threads for each contestant."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def text(table: Table) -> str:
    """A table in Markdown, its columns aligned for the terminal too."""
    lines = [_HEADER, *(_cells(row) for row in table.rows)]
    # A column that no row of this table fills says nothing.
    kept = [c for c in range(len(_HEADER)) if any(line[c] for line in lines[1:])]
    widths = [max(len(line[c]) for line in lines) for c in kept]
    rule = ["-" * width for width in widths]
    body = [[line[c].ljust(w) for c, w in zip(kept, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [body[0], rule, *body[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    *cells, met = astuple(row)
    return (*cells, _MET[met])


def results(tables: list[Table], jobs: tuple[str, ...]) -> str:
    """RESULTS.md with the sections of these tables new, the others as they were."""
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = {part.split("\n", 1)[0]: part.strip() for part in old.split("\n## ")[1:]}
    sections |= {table.title: _section(table) for table in tables}
    kept = [f"## {sections[job]}" for job in jobs if job in sections]
    return "\n\n".join([_HOW, *kept]) + "\n"


def _section(table: Table) -> str:
    missed = [_missed(row) for row in table.rows if row.met is False]
    parts = [table.title, machine(), table.note, text(table)]
    return "\n\n".join([*parts, "Missed:", "\n".join(missed)] if missed else parts)


def _missed(row: Row) -> str:
    beside = f" beside {row.peer}" if row.peer else ""
    what = f"{row.job}, {row.size}{beside}: {row.ratio or row.ours}, target {row.target}"
    return f"- {what}.  What bounds it: {bound(row.job, row.size)}."
