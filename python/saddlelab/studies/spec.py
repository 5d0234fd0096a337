"""What a study is: its fields, their canonical hash, and its fixed grid of blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from saddlelab.ensembles import Ensemble
from saddlelab.studies.seeds import stream_key

# A row costs the engine about 4 ns, so a block of 2**24 rows takes 30 to 60 ms: short enough for
# Ctrl-C, progress and a killed run to lose little, long enough to make the overhead vanish.
# A study too small for 64 such blocks gets smaller ones, so that every core has some.
MAX_BLOCK_ROWS = 2**24
MIN_BLOCK_ROWS = 2**18
BLOCKS_PER_STUDY = 64
# The kernels take sixteen samples at once, and prepare every row once per block.
MIN_BLOCK_SAMPLES = 64


class Part(NamedTuple):
    """What one run of the sampler yields: one dimension, or every one of a nested study."""

    key: int
    dims: tuple[int, ...]
    nested: bool
    samples: int
    block_size: int
    #: What a sample costs, in rows of the O(n) ensembles.
    work: int

    @property
    def n(self) -> int:
        """The dimension that is sampled (the largest)."""
        return self.dims[-1]

    @property
    def blocks(self) -> int:
        """Number of blocks; the last may be short of samples."""
        return -(-self.samples // self.block_size)

    @property
    def offsets(self) -> list[int]:
        """Where the bins 0 … n of each dimension begin, and, at the end, how many there are."""
        found = [0]
        for n in self.dims:
            found.append(found[-1] + n + 1)
        return found

    def samples_in(self, block: int) -> int:
        """How many samples a block holds."""
        return min(self.block_size, self.samples - block * self.block_size)


@dataclass(frozen=True, slots=True)
class StudySpec:
    """A prevalence study, before anything is counted."""

    ensemble: Ensemble
    dims: tuple[int, ...]
    samples: int
    seed: int
    nested: bool
    block_size: int | None = None

    @property
    def rows(self) -> int:
        """Matrix rows that the whole study has to process, or their worth in work."""
        dims = self.dims[-1:] if self.nested else self.dims
        return self.samples * sum(map(self.ensemble.work, dims))

    @property
    def block_rows(self) -> int:
        """Rows that one block should have, unless ``block_size`` says otherwise."""
        return min(max(self.rows // BLOCKS_PER_STUDY, MIN_BLOCK_ROWS), MAX_BLOCK_ROWS)

    def parts(self) -> list[Part]:
        """The parts of the study, in increasing dimension."""
        ensemble = self.ensemble
        parameters = _canonical(ensemble.parameters)
        groups = [self.dims] if self.nested else [(n,) for n in self.dims]

        def key(dims: tuple[int, ...]) -> int:
            n = None if self.nested else dims[-1]
            return stream_key(self.seed, ensemble.name, parameters, ensemble.stream, n)

        rows = self.block_rows

        def size(n: int) -> int:
            least = max(rows // ensemble.work(n), MIN_BLOCK_SAMPLES)
            return self.block_size or 1 << (least.bit_length() - 1)

        def part(dims: tuple[int, ...]) -> Part:
            n = dims[-1]
            return Part(key(dims), dims, self.nested, self.samples, size(n), ensemble.work(n))

        return [part(dims) for dims in groups]

    def fields(self) -> dict[str, Any]:
        """Everything that decides the bits of the blocks, as JSON values."""
        return {
            "ensemble": self.ensemble.name,
            "parameters": self.ensemble.parameters,
            "stream": self.ensemble.stream,
            "dims": list(self.dims),
            "samples": self.samples,
            "seed": self.seed,
            "nested": self.nested,
            "block_size": [part.block_size for part in self.parts()],
        }

    def digest(self) -> str:
        """The canonical hash of the study."""
        return digest_of(self.fields())


def digest_of(fields: Mapping[str, Any]) -> str:
    """The hash of what :meth:`StudySpec.fields` gave."""
    return blake2b(_canonical(fields).encode(), digest_size=16).hexdigest()


def grid(fields: Mapping[str, Any]) -> list[Part]:
    """Return the parts of a study of which only :meth:`StudySpec.fields` is at hand, keys 0."""
    dims = tuple(map(int, fields["dims"]))
    groups = [dims] if fields["nested"] else [(n,) for n in dims]
    return [
        # The ensemble may be another's: rows stand for its work.
        Part(0, group, bool(fields["nested"]), int(fields["samples"]), int(size), group[-1])
        for group, size in zip(groups, fields["block_size"], strict=True)
    ]


def _canonical(value: Any) -> str:
    """One text for equal values: sorted keys, no spaces, shortest floats."""

    def plain(number: Any) -> Any:
        if isinstance(number, np.generic):
            return number.item()
        raise TypeError(f"a parameter must be a number, a string or a boolean, got {number!r}")

    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=plain)
