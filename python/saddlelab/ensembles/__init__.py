"""Random Hessians: one module per ensemble.

A new ensemble is one file here, named like the ensemble, that holds a frozen dataclass derived
from :class:`Ensemble` and ends with ``ENSEMBLE = ThatClass``.  Its fields are the ensemble's
parameters, each with a default; nothing else has to be registered.  "_plus_" in a file's name
stands for "+", and any other "_" for "-".
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from typing import Any

from saddlelab.ensembles._base import Ensemble

__all__ = ["Ensemble", "UnknownParameterError", "get_ensemble", "names"]


class UnknownParameterError(TypeError, ValueError):
    """A parameter that the ensemble does not have.

    A TypeError as an unexpected keyword is, and a ValueError as an unknown name is.
    """


@functools.cache
def names() -> tuple[str, ...]:
    """Names of the ensembles that can be asked for, sorted."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    public = (name for name in found if not name.startswith("_"))
    return tuple(sorted(name.replace("_plus_", "+").replace("_", "-") for name in public))


def get_ensemble(ensemble: str | Ensemble, /, **parameters: Any) -> Ensemble:
    """Return the ensemble of that name with those parameters.

    Parameters
    ----------
    ensemble : str or Ensemble
        A name from :func:`names`, in any case; or an instance, of which a copy with other
        parameters is returned if any are given.
    **parameters
        The ensemble's parameters; those left out have its defaults.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        If there is no such ensemble, or a parameter is out of its range.
    UnknownParameterError
        If the ensemble has no such parameter (a ValueError and a TypeError).  As for unknown
        ensembles, the nearest name is suggested.
    TypeError
        If `ensemble` is neither a string nor an :class:`Ensemble`, or a parameter of a wrong type.

    Examples
    --------
    >>> get_ensemble("Wishart", ratio=0.5)
    Wishart(ratio=0.5, shift=0.0, beta=1.0)
    """
    return with_parameters(ensemble, parameters)


def with_parameters(
    ensemble: str | Ensemble, parameters: Mapping[str, Any], others: Iterable[str] = ()
) -> Ensemble:
    """Do what :func:`get_ensemble` does; ``others`` are names that may have been meant."""
    if isinstance(ensemble, Ensemble):
        _check_names(type(ensemble), parameters, others)
        return dataclasses.replace(ensemble, **parameters) if parameters else ensemble
    if not isinstance(ensemble, str):
        raise TypeError(f"`ensemble` must be a name or an Ensemble, got {ensemble!r}")
    name, known = ensemble.lower(), names()
    if name not in known:
        hint = _nearest(name, known) or "unknown ensemble"
        raise ValueError(f"`ensemble` must be one of {', '.join(known)}, got {ensemble!r}: {hint}")
    module = name.replace("+", "_plus_").replace("-", "_")
    kind = importlib.import_module(f"{__name__}.{module}").ENSEMBLE
    _check_names(kind, parameters, others)
    made = kind(**parameters)
    assert isinstance(made, Ensemble)
    return made


def _check_names(kind: type[Ensemble], parameters: Iterable[str], others: Iterable[str]) -> None:
    known = tuple(field.name for field in dataclasses.fields(kind) if field.init)
    for name in parameters:
        if name not in known:
            hint = _nearest(name, known) or _nearest(name, others, cutoff=0.7)
            raise UnknownParameterError(
                f"`{name}` is not a parameter of the ensemble {kind.name!r}, which has "
                f"{', '.join(known) or 'none'}{hint and f': {hint}'}"
            )


def _nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    near = difflib.get_close_matches(name, known, cutoff=cutoff)
    # Of equally close ones the word with the same letters: two are easily exchanged.
    near.sort(key=lambda word: sorted(word) != sorted(name))
    return f"did you mean {near[0]!r}?" if near else ""
