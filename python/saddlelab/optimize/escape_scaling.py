"""How the time to leave a saddle grows with dimension, curvature, noise or learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_number, one_of, positive_integer, positive_number
from saddlelab.objective import Objective, objective
from saddlelab.optimize.contenders import Methods
from saddlelab.optimize.escape import escape
from saddlelab.optimize.escape_study import EscapeStudy
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EscapeScaling", "escape_scaling", "quadratic_family"]

Floats: TypeAlias = NDArray[np.float64]

#: What can vary, and what the axis of a picture is called.
_LABELS = {
    "curvature": "−1/λmin",
    "dimension": "dimension n",
    "noise": "noise of the starts",
    "radius": "radius of the ball of starts",
    "learning_rate": "learning rate",
}
#: Those that are arguments of `escape`.
_OF_ESCAPE = ("noise", "radius", "learning_rate")


def _quadratic(x: Any, curvature: Any) -> Any:
    return 0.5 * (np.sum(x[:-1] ** 2) - curvature[0] * x[-1] ** 2)


@dataclass(frozen=True, slots=True)
class EscapeScaling:
    """The same escape study for several values of one parameter.

    Attributes
    ----------
    over : str
        "curvature", "dimension", "noise", "radius" or "learning_rate".
    values : (k,) float
    studies : tuple of EscapeStudy
        One for each value.
    """

    over: str
    values: Floats
    studies: tuple[EscapeStudy, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """Labels of the methods."""
        return self.studies[0].methods

    def quantile(
        self, method: str, p: float = 0.5, level: float = 0.95
    ) -> tuple[Floats, Floats, Floats]:
        """(k,) quantile of the steps to leave, and its limits, see `EscapeStudy.quantile`."""
        found = np.array([study.quantile(method, p, level) for study in self.studies])
        return found[:, 0], found[:, 1], found[:, 2]

    def axis(self) -> tuple[Floats, str]:
        """(k,) numbers of a picture's horizontal axis, −1/λmin for curvatures, and its label."""
        return (1.0 / self.values if self.over == "curvature" else self.values), _LABELS[self.over]

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self, level: float = 0.95) -> str:
        """Say in text the median number of steps, with its limits."""
        wide = max(12, *(len(method) + 2 for method in self.methods))
        lines = [
            f"{self.studies[0].name}: median steps to leave, with limits at {100 * level:g} %",
            f"{self.over:>13} {'method':{wide}} {'median':>9} {'from':>9} {'to':>9} {'never':>8}",
        ]
        for value, study in zip(self.values.tolist(), self.studies, strict=True):
            for method in self.methods:
                told = " ".join(f"{x:9.0f}" for x in study.quantile(method, 0.5, level))
                lines.append(f"{value:13g} {method:{wide}} {told} {study.never(method)[0]:8.4f}")
        return "\n".join(lines)

    def plot(self, *, ax: Axes | None = None, level: float = 0.95, **kwargs: Any) -> Axes:
        """Draw the medians with their limits."""
        from saddlelab.optimize.escape_plot import plot_scaling

        return plot_scaling(self, ax=ax, level=level, **kwargs)


def quadratic_family(curvature: ArrayLike) -> Objective:
    """(Σ_{i < n} x_i² − λ x_n²)/2: one direction down, as flat as λ is small.

    Parameters
    ----------
    curvature : float or (1,) float64 array
        λ, positive.  An array is taken by address, so that λ can be changed.

    Returns
    -------
    Objective
        Of any number of variables.

    Raises
    ------
    ValueError, TypeError
        If the curvature is not positive and finite.

    Examples
    --------
    >>> from saddlelab.optimize.escape_scaling import quadratic_family
    >>> float(quadratic_family(0.5)([1.0, 1.0, 2.0]))
    0.0
    """
    array = np.atleast_1d(np.asarray(curvature, dtype=np.float64))
    positive_number("curvature", array[0], at_most=1e300)
    return objective(_quadratic, args=(array,), name="quadratic saddle")


def escape_scaling(
    over: str,
    values: ArrayLike,
    methods: Methods = ("gd", "momentum", "adam", "perturbed_gd"),
    *,
    f: Any = None,
    saddle: ArrayLike | None = None,
    dimension: int = 10,
    curvature: float = 1.0,
    rng: RNG = None,
    **settings: Any,
) -> EscapeScaling:
    """Repeat `escape` for several values of one parameter.

    Parameters
    ----------
    over : {"curvature", "dimension", "noise", "radius", "learning_rate"}
        What varies.
    values : (k,) array_like
        Its values, positive and ascending; curvatures are −λmin.
    methods : str, sequence of str or dict, optional
        See `saddlelab.escape`.
    f : callable or Objective, optional
        The function, whose `saddle` must be given too; curvature and dimension cannot vary then.
        By default `quadratic_family`.
    saddle : (n,) array_like, optional
    dimension, curvature : int and float, optional
        Of the quadratic family, where they do not vary.
    rng : int, SeedSequence, Generator or None, optional
        The seed is the same for all values.
    **settings
        Passed to `saddlelab.escape`.

    Returns
    -------
    EscapeScaling

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    Examples
    --------
    >>> from saddlelab.optimize.escape_scaling import escape_scaling
    >>> found = escape_scaling("curvature", [0.1, 1.0], ["gd"], dimension=2, leave=1.0,
    ...                        starts=[[1.0, 1e-8]], learning_rate=0.1)
    >>> found.quantile("gd")[0].tolist()
    [1852.0, 194.0]
    """
    over = one_of("over", over, tuple(_LABELS))
    if over in settings:
        raise ValueError(f"`{over}` varies: do not pass a value of it")
    if f is not None and (saddle is None or over in ("curvature", "dimension")):
        why = "`saddle` is missing" if saddle is None else f"`{over}` is that of `f`"
        raise ValueError(f"{why}: without `f` a quadratic saddle is taken")
    numbers, seed = _ascending(values), resolve_seed(rng)
    sizes = [_dimension(v if over == "dimension" else dimension) for v in numbers.tolist()]
    flat = np.full(len(numbers), positive_number("curvature", curvature, at_most=1e300))
    curvatures = numbers if over == "curvature" else flat
    current = curvatures[:1].copy()
    fun = quadratic_family(current) if f is None else f  # compiled once
    studies = []
    for value, n, falls in zip(numbers.tolist(), sizes, curvatures, strict=True):
        current[0] = falls  # the function reads it where it is
        varied = {over: value} if over in _OF_ESCAPE else {}
        at = np.zeros(n) if saddle is None else saddle
        studies.append(escape(fun, at, methods, rng=seed, **settings, **varied))
    return EscapeScaling(over, numbers, tuple(studies))


def _ascending(values: ArrayLike) -> Floats:
    listed = [finite_number("values", each) for each in np.atleast_1d(np.asarray(values))]
    found = np.array(listed)
    if not len(found) or (found <= 0.0).any() or (np.diff(found) <= 0.0).any():
        raise ValueError(f"`values` must be positive and ascending, got {listed}")
    return found


def _dimension(value: float) -> int:
    """A number of variables, which may come as 10.0 out of an array."""
    whole = int(value) if float(value).is_integer() else value
    n = positive_integer("dimension", whole, at_most=10**6)
    if n < 2:
        raise ValueError(f"`dimension` must be at least 2, got {n}")
    return n
