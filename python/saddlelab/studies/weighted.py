"""The result of a study whose samples carry weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles._kac_rice import KacRice
from saddlelab.intervals import clopper_pearson
from saddlelab.studies.blocks import Histogram, IntArray
from saddlelab.studies.result import FloatArray, Kind, PrevalenceStudy
from saddlelab.studies.spec import StudySpec

#: A digit of a sum is below 2²⁶ in each sample, and int64 has room for 2³⁷ of them.
MAX_SAMPLES = 2**37


@dataclass(frozen=True, slots=True, eq=False)
class WeightedStudy(PrevalenceStudy):
    """How common each index is among the critical points of a random landscape.

    Fractions, means and errors are those of the samples' weights, |det H| times what corrects for
    the way they are drawn.  ``counts``, ``histogram`` and ``kind_counts`` say how many samples
    there were, which is no measure of how common a kind is.

    Sums of weights are exact: they do not depend on the order or on who added.
    """

    # Sums of weights and of their squares in every nonempty bin, and what a weight stands for.
    _weight: FloatArray = field(repr=False)
    _square: FloatArray = field(repr=False)
    _log_unit: FloatArray = field(repr=False)

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        PrevalenceStudy.__post_init__(self)
        for values in (self._weight, self._square, self._log_unit):
            values.flags.writeable = False

    @classmethod
    def from_parts(cls, spec: StudySpec, totals: list[Histogram]) -> WeightedStudy:
        """Assemble the result from the sums of each part of the study."""
        assert isinstance(spec.ensemble, KacRice)
        sums = [_decode(total) for total in totals]
        counts = [Histogram(index, count) for index, count, _, _ in sums]
        plain = PrevalenceStudy.from_parts(spec, counts)
        fields = {each.name: getattr(plain, each.name) for each in dataclasses.fields(plain)}
        return cls(
            **fields,
            _weight=np.concatenate([weight for _, _, weight, _ in sums]),
            _square=np.concatenate([square for _, _, _, square in sums]),
            _log_unit=np.array([spec.ensemble.log_unit(n) for n in spec.dims]),
        )

    def distribution(self, n: int) -> tuple[IntArray, FloatArray]:
        """Return the indices that were seen in dimension ``n``, and the fraction of each."""
        index, weight, _ = self.weights(n)
        return index, weight / weight.sum()

    def weights(self, n: int) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return the indices seen in dimension ``n``, their sums of weights and of squared weights.

        Weights are in units near their mean.

        Returns
        -------
        index : ndarray of int64, shape (m,)
        weight, square : ndarray of float64, shape (m,)
        """
        seen = self._bins_of(n)
        return self._index[seen], self._weight[seen], self._square[seen]

    def effective_samples(self) -> FloatArray:
        """Return how many samples of equal weight would say as much, shape (d,).

        That is (Σw)²/Σw² (Kish, Survey Sampling, 1965).
        """
        return self._sum(self._weight) ** 2 / self._sum(self._square)

    def fraction(self, kind: Kind) -> FloatArray:
        """Return the fraction of critical points that are of a kind in each dimension.

        Parameters
        ----------
        kind : {"minimum", "maximum", "saddle"}

        Returns
        -------
        ndarray of float64, shape (d,)
        """
        return self._of_kind(kind, self._weight) / self._sum(self._weight)

    def standard_error(self, kind: Kind) -> FloatArray:
        """Return the standard error of :meth:`fraction`, a ratio of two sums, shape (d,)."""
        p, inside = self.fraction(kind), self._of_kind(kind, self._square)
        outside = np.maximum(self._sum(self._square) - inside, 0.0)
        spread = (1.0 - p) ** 2 * inside + p**2 * outside
        found: FloatArray = np.sqrt(spread) / self._sum(self._weight)
        return found

    def interval(self, kind: Kind, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return confidence limits of :meth:`fraction`.

        They are the exact binomial ones of as many samples as have the standard error (Korn &
        Graubard, Survey Methodology 24, 1998); of :meth:`effective_samples` for a kind that was
        never seen.

        Parameters
        ----------
        kind : {"minimum", "maximum", "saddle"}
        level : float, optional
            Confidence level, between 0 and 1.

        Returns
        -------
        low, high : ndarray of float64, shape (d,)
        """
        p, error = self.fraction(kind), self.standard_error(kind)
        known = (p > 0.0) & (p < 1.0) & (error > 0.0)
        samples = self.effective_samples()
        np.divide(p * (1.0 - p), error**2, out=samples, where=known)
        return clopper_pearson(samples * p, samples, level)

    def index_mean(self) -> FloatArray:
        """Return the mean index in each dimension, shape (d,)."""
        return self._sum(self._index * self._weight) / self._sum(self._weight)

    def index_mean_error(self) -> FloatArray:
        """Return the standard error of :meth:`index_mean`, shape (d,)."""
        deviation = self._index - np.repeat(self.index_mean(), self._sizes)
        found: FloatArray = np.sqrt(self._sum(deviation**2 * self._square))
        return found / self._sum(self._weight)

    def index_var(self) -> FloatArray:
        """Return the variance of the index in each dimension, shape (d,)."""
        deviation = self._index - np.repeat(self.index_mean(), self._sizes)
        return self._sum(deviation**2 * self._weight) / self._sum(self._weight)

    def log_number(self) -> FloatArray:
        """Return ln of the mean number of critical points in each dimension, shape (d,).

        ``"p-spin"``: on the sphere, per unit of E if an energy was given.  ``"gaussian-field"``:
        in a volume ℓⁿ, ℓ² = −C'(0)/C''(0), per unit of u if an energy was given.  The relative
        error of the number is √(1/effective_samples − 1/samples).
        """
        found: FloatArray = np.log(self._sum(self._weight) / self.samples) + self._log_unit
        return found

    def columns(self, level: float = 0.95) -> dict[str, NDArray[Any]]:
        """Return the study's figures by name, one value per dimension: the columns of a table."""
        found = PrevalenceStudy.columns(self, level)
        first = {name: found.pop(name) for name in ("n", "samples")}
        more = {"effective_samples": self.effective_samples()}
        return first | more | found | {"log_number": self.log_number()}

    def bin_values(self) -> dict[str, NDArray[Any]]:
        """Return by name what was summed in each of :meth:`bins`."""
        return {"count": self._count, "weight": self._weight, "square": self._square}

    def _saved(self) -> dict[str, Any]:
        return {"weight": self._weight, "square": self._square, "log_unit": self._log_unit}

    @staticmethod
    def _loaded(file: Any) -> dict[str, Any]:
        return {f"_{name}": file[name] for name in ("weight", "square", "log_unit")}


def _decode(total: Histogram) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Indices that were seen, how often, and their sums of weights and squared weights."""
    from saddlecore.weighted import BINS, DIGITS, SQUARE_DIGITS

    index, row = np.unique(total.bins // BINS, return_inverse=True)
    sums = np.zeros((index.size, BINS), np.int64)
    sums[row, total.bins % BINS] = total.counts
    weight = _number(sums[:, 1:4], DIGITS)
    return index, sums[:, 0].copy(), weight, _number(sums[:, 4:], SQUARE_DIGITS)


def _number(digits: IntArray, powers: tuple[int, ...]) -> FloatArray:
    """Σ digit · 2^power, rounded once: Python's integers and their ratios are exact."""
    last = powers[-1]
    return np.array(
        [
            sum(digit << (power - last) for digit, power in zip(row, powers, strict=True))
            / (1 << -last)
            for row in digits.tolist()
        ],
        np.float64,
    )
