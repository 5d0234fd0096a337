"""Random Hessians: one module per ensemble.

A new ensemble is one file here, named like the ensemble, that holds a frozen dataclass derived
from :class:`Ensemble` and ends with ``ENSEMBLE = ThatClass``.  Its fields are the ensemble's
parameters; nothing else has to be registered.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil

from saddlelab.ensembles._base import Ensemble

__all__ = ["Ensemble", "get_ensemble", "names"]


@functools.cache
def names() -> tuple[str, ...]:
    """Names of the ensembles that can be asked for, sorted."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def get_ensemble(ensemble: str | Ensemble) -> Ensemble:
    """Return the ensemble of that name (or the ensemble itself, if it is one).

    Parameters
    ----------
    ensemble : str or Ensemble
        A name from :func:`names`, in any case; or an instance, to set its parameters.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        If there is no such ensemble; the nearest name is suggested.
    TypeError
        If it is neither a string nor an :class:`Ensemble`.

    Examples
    --------
    >>> get_ensemble("GOE").name
    'goe'
    """
    if isinstance(ensemble, Ensemble):
        return ensemble
    if not isinstance(ensemble, str):
        raise TypeError(f"`ensemble` must be a name or an Ensemble, got {ensemble!r}")
    name, known = ensemble.lower(), names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else "unknown ensemble"
        raise ValueError(f"`ensemble` must be one of {', '.join(known)}, got {ensemble!r}: {hint}")
    made = importlib.import_module(f"{__name__}.{name}").ENSEMBLE()
    assert isinstance(made, Ensemble)
    return made
