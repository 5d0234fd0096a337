"""The result of a prevalence study."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import positive_integer
from saddlelab.intervals import clopper_pearson
from saddlelab.studies.blocks import Histogram, IntArray
from saddlelab.studies.output import as_json, data_frame, data_set, versions, write_csv
from saddlelab.studies.spec import StudySpec
from saddlelab.studies.table import format_parameters, format_table

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

    from saddlelab.laws import IndexLaw

FloatArray: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["minimum", "maximum", "saddle"]
KINDS: tuple[Kind, ...] = ("saddle", "minimum", "maximum")
_FORMAT = "saddlecore prevalence study 2"


@dataclass(frozen=True, slots=True, eq=False)
class PrevalenceStudy:
    """How many random Hessians of each dimension had each index.

    Attributes
    ----------
    ensemble : str
        Name of the ensemble.
    parameters : dict
        Its parameters (a `shift` or `beta` at its default may be left out).
    dims : ndarray of int64, shape (d,)
        Dimensions, increasing.  Arrays that the methods return are in this order.
    samples : int
        Hessians per dimension.
    seed : int
        What to pass as ``rng`` to get the same counts again.
    nested : bool
        Whether the dimensions share their samples (they are correlated then).
    stream : int
        Version of the ensemble's samples: the same seed gives the same ones as long as it lasts.
    versions : dict
        What the study was run with: versions of saddlecore, numpy, numba and Python.
    """

    ensemble: str
    parameters: dict[str, Any]
    dims: IntArray
    samples: int
    seed: int
    nested: bool
    stream: int
    versions: dict[str, str]
    # Every nonempty bin, by dimension and then by index; _sizes says how many each dimension has.
    _sizes: IntArray = field(repr=False)
    _index: IntArray = field(repr=False)
    _count: IntArray = field(repr=False)

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for values in (self.dims, self._sizes, self._index, self._count):
            values.flags.writeable = False

    @classmethod
    def from_parts(cls, spec: StudySpec, totals: list[Histogram]) -> PrevalenceStudy:
        """Assemble the result from the histogram of each part of the study."""
        dims = np.array(spec.dims, np.int64)
        # Bins are numbered through within a part: all of them if nested, else one dimension.
        offsets = np.concatenate([[0], np.cumsum(dims + 1)]) if spec.nested else np.zeros(2, int)
        index = np.concatenate([total.bins for total in totals])
        if spec.nested:
            sizes = np.diff(np.searchsorted(index, offsets))
            index = index - np.repeat(offsets[:-1], sizes)
        else:
            sizes = np.array([total.bins.size for total in totals], np.int64)
        return cls(
            spec.ensemble.name,
            spec.ensemble.parameters,
            dims,
            spec.samples,
            spec.seed,
            spec.nested,
            spec.ensemble.stream,
            dict(versions()),
            sizes,
            index,
            np.concatenate([total.counts for total in totals]),
        )

    def histogram(self, n: int) -> tuple[IntArray, IntArray]:
        """Return the indices that were seen in dimension ``n``, and how often each was."""
        seen = self._bins_of(n)
        return self._index[seen], self._count[seen]

    def distribution(self, n: int) -> tuple[IntArray, FloatArray]:
        """Return the indices that were seen in dimension ``n``, and the fraction of each."""
        index, count = self.histogram(n)
        return index, count / self.samples

    def counts(self, n: int) -> IntArray:
        """Return how many samples of dimension ``n`` had index 0 … n.

        Parameters
        ----------
        n : int
            One of ``dims``.

        Returns
        -------
        ndarray of int64, shape (n + 1,)

        Raises
        ------
        ValueError
            If ``n`` is not one of ``dims``.
        """
        index, count = self.histogram(n)
        dense = np.zeros(int(n) + 1, np.int64)
        dense[index] = count
        return dense

    def kind_counts(self, kind: Kind) -> IntArray:
        """Return how many samples of each dimension were of that kind, shape (d,)."""
        if kind not in KINDS:
            raise ValueError(f"`kind` must be 'minimum', 'maximum' or 'saddle', got {kind!r}")
        if kind == "saddle":
            extrema = self.kind_counts("minimum") + self.kind_counts("maximum")
            saddles: IntArray = self.samples - extrema
            return saddles
        return self._of_kind(kind, self._count)

    def fraction(self, kind: Kind) -> FloatArray:
        """Return the fraction of samples of a kind in each dimension.

        Parameters
        ----------
        kind : {"minimum", "maximum", "saddle"}
            Index 0, index n, or between them (in dimension 1 there are no saddles).

        Returns
        -------
        ndarray of float64, shape (d,)
        """
        return self.kind_counts(kind) / self.samples

    def interval(self, kind: Kind, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return exact confidence limits of :meth:`fraction` (Clopper & Pearson 1934).

        They are those of ``scipy.stats.binomtest(...).proportion_ci(level, "exact")``.  A kind
        that was never seen has lower limit 0 and an upper limit that says how rare it must be.

        Parameters
        ----------
        kind : {"minimum", "maximum", "saddle"}
        level : float, optional
            Confidence level, between 0 and 1.

        Returns
        -------
        low, high : ndarray of float64, shape (d,)
        """
        return clopper_pearson(self.kind_counts(kind), self.samples, level)

    def index_mean(self) -> FloatArray:
        """Return the mean index in each dimension, shape (d,)."""
        return self._sum(self._index * self._count.astype(np.float64)) / self.samples

    def index_var(self) -> FloatArray:
        """Return the variance of the index in each dimension, shape (d,).

        The mean squared deviation of the samples from their mean (divisor ``samples``).
        """
        deviation = self._index - np.repeat(self.index_mean(), self._sizes)
        return self._sum(deviation**2 * self._count) / self.samples

    def columns(self, level: float = 0.95) -> dict[str, NDArray[Any]]:
        """Return the study's figures by name, one value per dimension: the columns of a table."""
        found: dict[str, NDArray[Any]] = {
            "n": self.dims,
            "samples": np.full_like(self.dims, self.samples),
        }
        for kind in KINDS:
            low, high = self.interval(kind, level)
            found |= {
                f"{kind}_count": self.kind_counts(kind),
                kind: self.fraction(kind),
                f"{kind}_low": low,
                f"{kind}_high": high,
            }
        return found | {"index_mean": self.index_mean(), "index_var": self.index_var()}

    def table(self, *, level: float = 0.95, max_rows: int | None = None) -> str:
        """Return the study as a text table: the parameters, if any, and a line per dimension.

        Parameters
        ----------
        level : float, optional
            Confidence level of the errors: half the width of :meth:`interval`, or its limit where
            a kind was never (or always) seen.
        max_rows : int, optional
            Leave out dimensions evenly on a log scale so that no more lines remain.
        """
        table = format_table(self.columns(level), KINDS, max_rows)
        return f"{format_parameters(self.parameters)}\n{table}" if self.parameters else table

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the fractions on ``ax``; without one, a figure that also has the index law.

        ``laws=study.exact_laws()`` draws the exact laws beside them.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the fractions.  Nothing is shown or written.
        """
        from saddlelab.plots import plot_prevalence, prevalence_figure

        if ax is not None:
            return plot_prevalence(self, ax=ax, **kwargs)
        return prevalence_figure(self, **kwargs).axes[0]

    def exact_laws(self) -> dict[int, IndexLaw]:
        """Compute the exact law in each dimension, see :func:`saddlelab.index_laws`."""
        from saddlelab.laws import index_laws

        return index_laws(self.ensemble, self.dims.tolist(), **self.parameters)

    def bins(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return all that was seen: dimension, index and count, one entry for each nonempty bin."""
        return np.repeat(self.dims, self._sizes), self._index, self._count

    def bin_values(self) -> dict[str, NDArray[Any]]:
        """Return by name what was summed in each of :meth:`bins`."""
        return {"count": self._count}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`columns` to ``path``, one line per dimension.

        The ensemble, its parameters (as JSON), the seed and the versions are columns too.
        """
        write_csv(self, path)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the study as JSON: specification, versions, columns, and every count.

        Parameters
        ----------
        path : path-like or None, optional
            Where to write the text too.
        """
        text = json.dumps(as_json(self))
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"{text}\n")
        return text

    def to_dataframe(self, *, counts: bool = False) -> pd.DataFrame:
        """Return a pandas.DataFrame whose ``attrs`` hold the specification and the versions.

        Parameters
        ----------
        counts : bool, optional
            A line for each index that was seen (n, index, count) instead of one per dimension.

        Raises
        ------
        ImportError
            If pandas is not installed (extra ``frames``).
        """
        return data_frame(self, counts=counts)

    def to_dataset(self) -> xr.Dataset:
        """Return an xarray.Dataset: :meth:`columns` over n, ``counts`` over n and index.

        Raises
        ------
        ImportError
            If xarray is not installed (extra ``frames``).
        """
        return data_set(self)

    def to_npz(self, path: str | os.PathLike[str]) -> None:
        """Write the study to ``path`` as a NumPy ``.npz`` file (no pickles), name unchanged.

        :meth:`load` gets it back, to the last bit.
        """
        with open(path, "wb") as file:
            np.savez(
                file,
                format=np.array(_FORMAT),
                ensemble=np.array(self.ensemble),
                parameters=np.array(json.dumps(self.parameters)),
                dims=self.dims,
                samples=np.array(self.samples, np.int64),
                seed=np.array(str(self.seed)),  # it may not fit an integer type
                nested=np.array(self.nested),
                stream=np.array(self.stream, np.int64),
                versions=np.array(json.dumps(self.versions)),
                sizes=self._sizes,
                index=self._index,
                count=self._count,
                **self._saved(),
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PrevalenceStudy:
        """Read a study that :meth:`to_npz` wrote.

        Raises
        ------
        ValueError
            If the file holds something else.
        """
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                if file["format"] != _FORMAT:
                    raise ValueError("another format")
                kind = _kind_of(file)
                return kind(
                    str(file["ensemble"]),
                    json.loads(str(file["parameters"])),
                    file["dims"],
                    int(file["samples"]),
                    int(str(file["seed"])),
                    bool(file["nested"]),
                    int(file["stream"]),
                    json.loads(str(file["versions"])),
                    file["sizes"],
                    file["index"],
                    file["count"],
                    **kind._loaded(file),
                )
        except OSError:
            raise
        except Exception as error:  # NumPy, zipfile, zlib and tokenize have one each
            raise ValueError(f"`path` must be a saved study, got {os.fspath(path)!r}") from error

    def _saved(self) -> dict[str, Any]:
        """Arrays that a study of this kind has besides."""
        return {}

    @staticmethod
    def _loaded(file: Any) -> dict[str, Any]:
        """The fields that were saved in them."""
        return {}

    def _bins_of(self, n: int) -> slice:
        """Where the bins of dimension ``n`` are."""
        n = positive_integer("n", n, at_most=2**63 - 1)
        place = int(np.searchsorted(self.dims, n))
        if place == self.dims.size or self.dims[place] != n:
            raise ValueError(f"`n` must be a dimension of the study, {_listed(self.dims)}, got {n}")
        first = int(self._sizes[:place].sum())
        return slice(first, first + int(self._sizes[place]))

    def _of_kind(self, kind: Kind, values: NDArray[Any]) -> NDArray[Any]:
        """Sum the values of the bins of a kind in each dimension."""
        if kind not in KINDS:
            raise ValueError(f"`kind` must be 'minimum', 'maximum' or 'saddle', got {kind!r}")
        row = np.repeat(np.arange(self.dims.size), self._sizes)
        low, high = self._index == 0, self._index == self.dims[row]
        hit = {"minimum": low, "maximum": high, "saddle": ~(low | high)}[kind]
        found = np.zeros(self.dims.size, values.dtype)
        np.add.at(found, row[hit], values[hit])
        return found

    def _sum(self, values: NDArray[Any]) -> FloatArray:
        """Sum the bins of each dimension (each has at least one), in floats: integers overflow."""
        starts = np.cumsum(self._sizes) - self._sizes
        total: FloatArray = np.add.reduceat(values, starts, dtype=np.float64)
        return total


def _kind_of(file: Any) -> type[PrevalenceStudy]:
    from saddlelab.studies.weighted import WeightedStudy

    return WeightedStudy if "weight" in file else PrevalenceStudy


def _listed(dims: IntArray) -> str:
    shown = [str(n) for n in dims.tolist()]
    return ", ".join(shown if len(shown) <= 8 else [*shown[:3], "…", shown[-1]])
