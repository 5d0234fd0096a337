"""Several methods for one problem: which, with what options and learning rates."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.objective import Objective
from saddlelab.optimize.costs import evaluations
from saddlelab.optimize.methods import method_of, options_of

__all__ = ["Contender", "Methods", "contenders_of", "costs_of"]

#: A name, several, or labels with a name or with all that belongs to a method.
Methods: TypeAlias = str | Iterable[str] | Mapping[str, str | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A method with all its options.

    Attributes
    ----------
    label : str
        How it is called in tables and pictures.
    method : str
    given : dict
        The options that were named.
    options : dict
        All of them, checked.
    learning_rate : float, array or schedule
    """

    label: str
    method: str
    given: dict[str, Any]
    options: dict[str, Any]
    learning_rate: Any


def contenders_of(
    methods: Methods, learning_rate: Any = None, options: Mapping[str, Any] | None = None
) -> tuple[Contender, ...]:
    """Read the arguments `methods`, `learning_rate` and `options`; ValueError says what is wrong.

    A single learning rate is for the methods of first order: those of second order know how far to
    go and keep their own, unless a mapping names them.
    """
    named = _named(methods)
    rates = learning_rate if isinstance(learning_rate, Mapping) else {}
    extra = _known("options", {} if options is None else options, named)
    _known("learning_rate", rates, named)
    found = []
    for label, given in named.items():
        settings = {**given, **_mapping("options", label, extra.get(label, {}))}
        name = settings.pop("method", label)
        method = method_of(name)
        name = name.lower().replace("-", "_")
        rate = settings.pop("learning_rate", settings.pop("lr", rates.get(label)))
        if rate is None and rates is not learning_rate and not method.second_order:
            rate = learning_rate
        rate = method.rate if rate is None else rate
        found.append(Contender(label, name, settings, options_of(name, settings), rate))
    return tuple(found)


def costs_of(contenders: Iterable[Contender], fun: Objective, n: int) -> NDArray[np.float64]:
    """(methods,) gradients that a step of each costs."""
    terms = fun.terms or None
    found = [evaluations(one.method, one.options, n, 1, terms) for one in contenders]
    return np.array(found, dtype=np.float64)


def _named(methods: Methods) -> dict[str, dict[str, Any]]:
    """Settings by label."""
    if isinstance(methods, Mapping):
        named = {
            str(label): {"method": given} if isinstance(given, str)
            else _mapping("methods", str(label), given)
            for label, given in methods.items()
        }  # fmt: skip
    else:
        given = [methods] if isinstance(methods, str) else methods
        if not isinstance(given, Iterable):
            raise TypeError(f"`methods` must be names of methods, got {methods!r}")
        listed = list(given)
        named = {name: {} for name in listed if method_of(name)}
        twice = next((name for name in named if listed.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"`methods` must not name {twice!r} twice: pass a dict from labels to settings, "
                f"{{'{twice}, slow': {{'method': {twice!r}, 'learning_rate': 1e-3}}, …}}"
            )
    if not named:
        raise ValueError("`methods` must name at least one method, got none")
    return named


def _mapping(name: str, label: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise TypeError(f"`{name}[{label!r}]` must be a dict of options, got {given!r}")
    return dict(given)


def _known(name: str, given: Any, labels: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse what belongs to none of the methods."""
    if not isinstance(given, Mapping):
        raise TypeError(f"`{name}` must be a dict by method, got {given!r}")
    for label in given:
        if label not in labels:
            near = difflib.get_close_matches(str(label), labels, n=1)
            hint = f": did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"`{name}` must be by {', '.join(labels)}, got {label!r}{hint}")
    return given
