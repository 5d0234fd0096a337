"""Exact index laws: how probable each index is, without sampling."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import MAX_DIM, dimensions, positive_integer
from saddlelab.ensembles import Ensemble, get_ensemble
from saddlelab.ensembles._hermite import Hermite
from saddlelab.ensembles._kac_rice import KacRice
from saddlelab.laws._bulk import bulk_law
from saddlelab.laws._chain import chain_laws
from saddlelab.laws._field import MAX_DIM as MAX_FIELD
from saddlelab.laws._field import landscape_law
from saddlelab.laws._minimum import log_minimum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.studies.result import Kind

__all__ = ["IndexLaw", "index_law", "index_laws", "log_minimum_probability"]

Floats: TypeAlias = NDArray[np.float64]
Method: TypeAlias = Literal["chain", "bulk", "field"]

#: The chain: largest n where something cheaper takes over, largest n, and largest βn, whose root
#: the number of nodes grows with.
_PREFERRED, _MAX_CHAIN, _MAX_WORK = 300, 500, 10_000.0
_MAX_BULK = 2000
#: Relative errors measured beside tables and determinants are below 5e-13; absolute ones in the
#: bulk below 5e-13.  Where less than six digits of a logarithm are known it is not given.
_CHAIN_ERROR, _FIELD_ERROR, _BULK_ERROR, _DIGITS = 1e-11, 1e-11, 1e-12, 1e-6
_WEIGHTS = (None, "determinant")


@dataclass(frozen=True, slots=True, eq=False)
class IndexLaw:
    """The probability of each index of a random Hessian.

    Attributes
    ----------
    ensemble : str
    parameters : dict
    n : int
        Dimension.
    weight : {None, "determinant"}
    probabilities : ndarray of float64, shape (n + 1,)
        Of index 0 … n; 0 below 1e-308.
    log_probabilities : ndarray of float64, shape (n + 1,)
        Natural logarithms; nan where `method` is "bulk" and fewer than six digits are known.
    method : {"chain", "bulk", "field"}
        How they were computed, see :func:`index_law`.
    accuracy : float
        Bound of the errors of the probabilities: relative, and absolute for "bulk".
    """

    ensemble: str
    n: int
    probabilities: Floats
    log_probabilities: Floats
    method: Method
    accuracy: float
    weight: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean index."""
        return float(np.dot(self.probabilities, np.arange(self.n + 1)))

    @property
    def variance(self) -> float:
        """Variance of the index."""
        return float(np.dot(self.probabilities, (np.arange(self.n + 1) - self.mean) ** 2))

    def log_fraction(self, kind: Kind) -> float:
        """Return the logarithm of the probability of a kind of critical point.

        Parameters
        ----------
        kind : {"minimum", "maximum", "saddle"}
            Index 0, index n, or between them.
        """
        if kind in ("minimum", "maximum"):
            return float(self.log_probabilities[0 if kind == "minimum" else -1])
        if kind != "saddle":
            raise ValueError(f"`kind` must be 'minimum', 'maximum' or 'saddle', got {kind!r}")
        between = float(np.sum(self.probabilities[1:-1]))
        return math.log(between) if between > 0.0 else -math.inf

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the probability of each index; returns the axes."""
        from saddlelab.law_plot import plot_law

        return plot_law(self, ax=ax, **kwargs)


def index_law(
    ensemble: str | Ensemble,
    n: int,
    /,
    *,
    shift: float = 0.0,
    weight: str | None = None,
    **parameters: Any,
) -> IndexLaw:
    """Compute the exact law of the index.

    Parameters
    ----------
    ensemble : {"goe", "gue", "gse", "beta", "gaussian-field", "p-spin"} or Ensemble
        The last two are critical points of random landscapes, at all heights or at an ``energy``
        (their Hessians are weighted by |det H|).
    n : int
        Dimension.  Any β and any shift: up to 500 (and βn up to 10⁴).  β = 1, 2, 4 without shift or
        weight: up to 2000, beyond 300 in the bulk only.  Landscapes: up to 50, or 500 where the
        energy leaves no random shift ("p-spin", and ``correlation=1``).
    shift : float, optional
        In units of the semicircle's radius, as in :func:`saddlelab.prevalence`.
    weight : {None, "determinant"}, optional
        "determinant": weighted by |det H|, as Kac & Rice's formula has it.
    **parameters
        Of the ensemble: ``beta``; ``energy``, ``correlation``, ``p``.

    Returns
    -------
    IndexLaw

    Raises
    ------
    ValueError
        If no exact law is known, or not at that size to that accuracy.

    Notes
    -----
    "chain": the pivots of the tridiagonal model (Dumitriu & Edelman 2002) are a Markov chain, whose
    densities are carried from n to n + 1.  All that is added is positive: every probability has a
    small relative error, those far below the range of a double too.  "bulk": de Bruijn's Pfaffian
    (β = 1, 4) or a sum of Bernoulli variables (β = 2), to a small absolute error.

    Examples
    --------
    >>> law = index_law("goe", 3)
    >>> law.probabilities.round(6).tolist()
    [0.024921, 0.475079, 0.475079, 0.024921]
    >>> round(index_law("goe", 100).log_fraction("minimum"), 3)
    -2785.123
    """
    size = positive_integer("n", n, at_most=MAX_DIM)
    return next(iter(_laws(ensemble, (size,), shift, weight, parameters)))


def index_laws(
    ensemble: str | Ensemble,
    dims: int | Iterable[int],
    /,
    *,
    shift: float = 0.0,
    weight: str | None = None,
    **parameters: Any,
) -> dict[int, IndexLaw]:
    """Compute the exact laws of several dimensions: without shift for the price of the largest.

    Parameters
    ----------
    ensemble, shift, weight, **parameters
        See :func:`index_law`.
    dims : int or iterable of int

    Returns
    -------
    dict of int to IndexLaw

    Examples
    --------
    >>> laws = index_laws("goe", range(1, 4))
    >>> [round(float(law.probabilities[0]), 6) for law in laws.values()]
    [0.5, 0.146447, 0.024921]
    """
    found = _laws(ensemble, dimensions(dims), shift, weight, parameters)
    return {law.n: law for law in found}


def log_minimum_probability(ensemble: str | Ensemble, n: int, /, **parameters: Any) -> float:
    """Compute ln P(index = 0) without shift, for any n.

    Up to n = 200 by :func:`index_law`'s chain; beyond, Dean & Majumdar's −β (ln 3/4) n² with
    further terms (of a form found numerically, not proved) that continue the chain.

    Parameters
    ----------
    ensemble : {"goe", "gue", "gse", "beta"} or Ensemble
    n : int
    **parameters
        Of the ensemble: ``beta``.

    Returns
    -------
    float
        Relative error 1e-12 at most.

    Examples
    --------
    >>> round(log_minimum_probability("goe", 10**6))
    -274653455993
    """
    size = positive_integer("n", n, at_most=MAX_DIM)
    law = _hermite(get_ensemble(ensemble, **parameters))
    if law.shift != 0.0:
        raise ValueError(f"`shift` must be 0, got {law.shift}")
    _check_work(law.dyson_index(), min(size, 200))
    return log_minimum(law.dyson_index(), size)


def _laws(
    ensemble: str | Ensemble,
    dims: tuple[int, ...],
    shift: float,
    weight: str | None,
    parameters: dict[str, Any],
) -> Iterator[IndexLaw]:
    if weight not in _WEIGHTS:
        raise ValueError(f"`weight` must be None or 'determinant', got {weight!r}")
    law = _ensemble(ensemble, shift, parameters)
    if isinstance(law, KacRice):
        return _landscape_laws(law, dims, shift, weight)
    law = _hermite(law)
    split = _check_sizes(law, dims, weight)
    return _hermite_laws(law, dims[:split], dims[split:], weight)


def _ensemble(ensemble: str | Ensemble, shift: float, parameters: dict[str, Any]) -> Ensemble:
    law = get_ensemble(ensemble, **parameters)
    # A landscape's shift is its energy: `shift` is refused there with another word.
    if shift == 0.0 or isinstance(law, KacRice):
        return law
    return get_ensemble(law, shift=shift)


def _hermite(law: Ensemble) -> Hermite:
    if not isinstance(law, Hermite):
        raise ValueError(
            "`ensemble` must have a known exact law (beta, gaussian-field, goe, gse, gue or "
            f"p-spin), got {law.name!r}; sample it with prevalence"
        )
    return law


def _check_sizes(law: Hermite, dims: tuple[int, ...], weight: str | None) -> int:
    """Refuse what is too large; return how many of `dims` the chain does."""
    beta, largest = law.dyson_index(), dims[-1]
    plain = beta in (1.0, 2.0, 4.0) and law.shift == 0.0 and weight is None
    if plain:
        if largest > _MAX_BULK:
            raise ValueError(
                f"`n` must be at most {_MAX_BULK} for an exact index law of β = 1, 2, 4, got "
                f"{largest}; see log_minimum_probability for index 0"
            )
        return sum(n <= _PREFERRED for n in dims)
    if largest > _MAX_CHAIN:
        raise ValueError(
            f"`n` must be at most {_MAX_CHAIN} for an exact index law with a shift, a weight, or β "
            f"other than 1, 2, 4, got {largest}"
        )
    _check_work(beta, largest)
    return len(dims)


def _check_work(beta: float, n: int) -> None:
    if beta * n > _MAX_WORK:
        raise ValueError(
            f"`beta` times n must be at most {_MAX_WORK:g} for an exact index law, got {beta:g} "
            f"times {n}"
        )


def _hermite_laws(
    law: Hermite, small: tuple[int, ...], large: tuple[int, ...], weight: str | None
) -> Iterator[IndexLaw]:
    beta, parameters = law.dyson_index(), law.parameters
    # One sweep gives all dimensions, if the shift is the same in the scale of the chain.
    sweeps = [small] if law.shift == 0.0 else [(n,) for n in small]
    for dims in filter(None, sweeps):
        s = law.shift * math.sqrt(2.0 * beta * dims[-1])
        for n, logs in chain_laws(beta, s, dims, weighted=weight is not None):
            found = logs - np.logaddexp.reduce(logs) if weight else logs
            p = np.exp(found)
            yield IndexLaw(law.name, n, p, found, "chain", _CHAIN_ERROR, weight, parameters)
    for n in large:
        found, logs = _bulk(beta, n)
        yield IndexLaw(law.name, n, found, logs, "bulk", _BULK_ERROR, weight, parameters)


def _bulk(beta: float, n: int) -> tuple[Floats, Floats]:
    found = bulk_law(beta, n)
    known = found > _BULK_ERROR / _DIGITS
    logs = np.log(found, where=known, out=np.full(n + 1, np.nan))
    logs[0] = logs[n] = log_minimum(beta, n)
    return found, logs


def _landscape_laws(
    law: KacRice, dims: tuple[int, ...], shift: float, weight: str | None
) -> Iterator[IndexLaw]:
    if shift != 0.0:
        raise ValueError(f"`shift` is not a parameter of {law.name!r}, got {shift}; see `energy`")
    if weight is not None:
        raise ValueError(f"`weight` must be None: {law.name!r} is weighted by |det H| as it is")
    # A shift that is not random takes one chain only.
    most = MAX_FIELD if law.shift_law(dims[-1])[1] > 0.0 else _MAX_CHAIN
    if dims[-1] > most:
        raise ValueError(f"`n` must be at most {most} for {law.name!r}, got {dims[-1]}")
    laws = ((n, landscape_law(n, *law.shift_law(n))) for n in dims)
    return (
        IndexLaw(law.name, n, np.exp(logs), logs, "field", _FIELD_ERROR, None, law.parameters)
        for n, logs in laws
    )
