"""The picture of how the index of critical points rises with their energy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles import get_ensemble
from saddlelab.ensembles._kac_rice import KacRice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.studies.result import PrevalenceStudy

__all__ = ["plot_index_energy"]

# Told apart by every kind of colour vision, as in `plots`.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "osD^vP"
# The curve is that of n → ∞; its figures are then right to the last digit.
_LARGE = 10**12
_CURVE_POINTS = 401


def plot_index_energy(
    studies: Iterable[PrevalenceStudy], *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw the mean fraction of negative eigenvalues of critical points against their energy.

    Samples are markers with 95 % intervals, one kind of marker for each dimension.  The curve is
    the shifted semicircle of n → ∞ (Bray & Dean, Phys. Rev. Lett. 98, 2007).

    Parameters
    ----------
    studies : iterable of WeightedStudy
        Of ``"gaussian-field"`` or ``"p-spin"``, each with an ``energy`` of its own and all other
        parameters alike.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.errorbar``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If a study has no energy, or they are of different landscapes.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> studies = [prevalence("p-spin", 20, energy=e, samples=1000, rng=0) for e in (-1, 0, 1)]
    >>> plot_index_energy(studies).get_ylabel()
    'fraction of negative eigenvalues'
    """
    given = list(studies)
    laws = [_landscape(study) for study in given]
    _check_alike(laws)
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(layout="constrained").add_subplot()
    dims = sorted({n for study in given for n in study.dims.tolist()})
    reach = 0.0
    for number, n in enumerate(dims):
        x, mean, error = _points(given, laws, n)
        style: dict[str, Any] = {"linestyle": "none", "capsize": 2, "markersize": 4}
        style |= {"color": _COLORS[number % 6], "marker": _MARKERS[number % 6], "label": f"n = {n}"}
        ax.errorbar(x, mean, 1.96 * error, **(style | kwargs))
        reach = max(reach, float(np.abs(x).max()))
    _draw_curve(ax, laws[0], reach)
    ax.set_xlabel(laws[0].energy_label)
    ax.set_ylabel("fraction of negative eigenvalues")
    ax.set_ylim(-0.03, 1.03)
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False)
    return ax


def _landscape(study: PrevalenceStudy) -> KacRice:
    law = get_ensemble(study.ensemble, **study.parameters)
    if not isinstance(law, KacRice) or law.energy is None:
        raise ValueError(
            "`studies` must be of landscapes at a given `energy`, got "
            f"{study.ensemble!r} with parameters {study.parameters}"
        )
    return law


def _check_alike(laws: list[KacRice]) -> None:
    if not laws:
        raise ValueError("`studies` must hold at least one study, got none")
    kinds = {dataclasses.replace(law, energy=None) for law in laws}
    if len(kinds) > 1:
        shown = " and ".join(sorted(map(repr, kinds))[:2])
        raise ValueError(f"`studies` must differ in their `energy` alone, got {shown}")


def _points(
    studies: list[PrevalenceStudy], laws: list[KacRice], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Energy, mean index by n, and its standard error, of the studies that have that dimension."""
    from saddlelab.studies.weighted import WeightedStudy

    found = []
    for study, law in zip(studies, laws, strict=True):
        at = np.flatnonzero(study.dims == n)
        if at.size and law.energy is not None and isinstance(study, WeightedStudy):
            mean, error = study.index_mean()[at[0]], study.index_mean_error()[at[0]]
            found.append((law.energy / law.energy_scale(n), mean / n, error / n))
    x, mean, error = np.array(found).T
    return x, mean, error


def _draw_curve(ax: Axes, law: KacRice, reach: float) -> None:
    scale = law.energy_scale(_LARGE)
    x = np.linspace(-reach, reach, _CURVE_POINTS)
    curve = [dataclasses.replace(law, energy=e * scale).bulk_fraction(_LARGE) for e in x.tolist()]
    ax.plot(x, curve, color="black", linewidth=1.0, zorder=1, label="shifted semicircle, n → ∞")
