"""The methods: what each is called, remembers and may be told, in PyTorch's words."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.optimize.options import checked

__all__ = ["METHODS", "Method", "method_of", "names", "options_of"]

Floats: TypeAlias = NDArray[np.float64]
Options: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One way to go down.

    Attributes
    ----------
    rule : callable
        Options -> name of the engine's rule, in `saddlecore.rules` (or `saddlecore.spectral`).
    vectors : callable
        Options -> how many vectors it remembers.
    rate : float
        Learning rate by default.
    options : dict
        Its own options and their defaults.
    coefficients : callable
        (options, rates, t) -> four columns of coefficients of the steps t = 1, 2, …
    constants : callable
        Options -> numbers by their place in the engine's options.
    second_order : bool
        Whether it uses the Hessian.
    """

    rule: Callable[[Options], str]
    vectors: Callable[[Options], int]
    rate: float
    options: Options
    coefficients: Callable[[Options, Floats, Floats], tuple[Any, ...]]
    constants: Callable[[Options], dict[str, float]]
    second_order: bool = False
    needs_data: bool = False


#: Options of every method of first order.
COMMON: Options = {"noise": 0.0, "clip_norm": None, "clip_value": None, "batch_size": None}


def names() -> tuple[str, ...]:
    """Names of all methods."""
    return tuple(METHODS)


def method_of(name: Any) -> Method:
    """Return the method of that name; ValueError suggests the nearest."""
    if not isinstance(name, str):
        raise TypeError(f"`method` must be a string, got {name!r}")
    key = name.lower().replace("-", "_")
    if key not in METHODS:
        if key in ("annealing", "grid_search", "multistart"):
            raise ValueError(f"`method` must be one of {', '.join(METHODS)}; for {name!r} there is "
                             f"saddlelab.{key}")  # fmt: skip
        near = difflib.get_close_matches(key, METHODS, n=2, cutoff=0.5)
        hint = f": did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {name!r}{hint}")
    return METHODS[key]


def options_of(name: str, given: Options) -> dict[str, Any]:
    """All options of a method, checked; ValueError for one that it does not have."""
    method = method_of(name)
    known = {**({} if method.second_order else COMMON), **method.options}
    for each in given:
        if each not in known:
            near = difflib.get_close_matches(each, known, n=1, cutoff=0.5)
            hint = f": did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"`{each}` is no option of {name}, which has {', '.join(known) or 'none'}{hint}"
            )
    return {key: checked(key, value) for key, value in {**known, **given}.items()}


# --- coefficients of the engine's rules (see saddlecore.rules) -----------------------------------


def _plain(o: Options, rate: Floats, t: Floats) -> tuple[Any, ...]:
    return rate, 1.0, 1.0, 1.0


def _damped(o: Options, rate: Floats, t: Floats) -> tuple[Any, ...]:
    # PyTorch's first step takes the whole gradient.
    return rate, np.where(t == 1, 1.0, 1.0 - o["dampening"]), 1.0, 1.0


def _adagrad(o: Options, rate: Floats, t: Floats) -> tuple[Any, ...]:
    return rate / (1.0 + (t - 1.0) * o["lr_decay"]), 1.0, 1.0, 1.0


def _corrections(o: Options, t: Floats) -> tuple[Floats, Floats]:
    """What sums of gradients, and roots of sums of squares, are multiplied by."""
    beta1, beta2 = o["betas"]
    return (1.0 - beta1) / (1.0 - beta1**t), np.sqrt((1.0 - beta2) / (1.0 - beta2**t))


def _rmsprop_share(o: Options, rate: Floats, t: Floats) -> tuple[Any, ...]:
    return rate, 1.0, math.sqrt(1.0 - o["alpha"]), 1.0


def _adam(o: Options, rate: Floats, t: Floats) -> tuple[Any, ...]:
    first, second = _corrections(o, t)
    return rate * first, 1.0, second, 1.0


def _adamw(o: Options, rate: Floats, t: Floats) -> tuple[Any, ...]:
    first, second = _corrections(o, t)
    return rate * first, 1.0, second, 1.0 - rate * o["weight_decay"]


def _nadam(o: Options, rate: Floats, t: Floats) -> tuple[Any, ...]:
    beta1, decay = o["betas"][0], o["momentum_decay"]
    every = np.arange(1.0, t[-1] + 2.0)
    mu = beta1 * (1.0 - 0.5 * 0.96 ** (every * decay))
    product = np.cumprod(mu)
    at = t.astype(np.intp) - 1
    slope = rate * (1.0 - mu[at]) / (1.0 - product[at])
    mean = rate * mu[at + 1] / (1.0 - product[at + 1])
    kept = 1.0 - rate * o["weight_decay"] if o["decoupled_weight_decay"] else 1.0
    return slope, mean * (1.0 - beta1), _corrections(o, t)[1], kept


# --- constants ------------------------------------------------------------------------------------


def _decay(o: Options) -> dict[str, float]:
    return {"DECAY": o["weight_decay"]}


def _momentum(o: Options) -> dict[str, float]:
    return {"DECAY": o["weight_decay"], "BETA": o["momentum"]}


def _eps(o: Options) -> dict[str, float]:
    place = "EPS_INSIDE" if o["eps_inside"] else "EPS"
    return {"DECAY": o["weight_decay"], place: o["eps"]}


def _rmsprop(o: Options) -> dict[str, float]:
    found = _eps(o) | {"BETA": o["momentum"], "BETA2": o["alpha"]}
    if "EPS_INSIDE" in found:
        found["EPS_INSIDE"] /= 1.0 - o["alpha"]
    return found


def _betas(o: Options) -> dict[str, float]:
    beta1, beta2 = o["betas"]
    return {"DECAY": o["weight_decay"], "BETA": beta1, "BETA2": beta2, "EPS": o["eps"]}


def _decoupled(o: Options) -> dict[str, float]:
    return _betas(o) | {"DECAY": 0.0}


def _nadam_constants(o: Options) -> dict[str, float]:
    return _decoupled(o) if o["decoupled_weight_decay"] else _betas(o)


def _perturbed(o: Options) -> dict[str, float]:
    places = {"THRESHOLD": "threshold", "KICK": "radius", "WAIT": "wait", "FALL": "fall"}
    return _decay(o) | {place: float(o[name]) for place, name in places.items()}


def _curved(*names: str) -> Callable[[Options], dict[str, float]]:
    return lambda o: {name.upper(): float(o[name]) for name in names}


# --- the table ------------------------------------------------------------------------------------


def _always(value: Any) -> Callable[[Options], Any]:
    return lambda options: value


_ADAM: Options = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False}


def _gd(**changes: Any) -> Method:
    fields: dict[str, Any] = {
        "rule": _always("PLAIN"), "vectors": _always(0), "rate": 1e-3,
        "options": {"weight_decay": 0.0}, "coefficients": _plain, "constants": _decay,
    }  # fmt: skip
    return Method(**{**fields, **changes})


def _of_adam(coefficients: Any, constants: Any, options: Options) -> Method:
    return Method(
        lambda o: "AMSGRAD" if o["amsgrad"] else "ADAM", lambda o: 3 if o["amsgrad"] else 2, 1e-3,
        options, coefficients, constants,
    )  # fmt: skip


def _second(rule: str, rate: float = 1.0, **options: Any) -> Method:
    return Method(
        _always(rule), _always(0), rate, {**options, "krylov": 0}, _plain, _curved(*options),
        second_order=True,
    )  # fmt: skip


METHODS: dict[str, Method] = {
    "gd": _gd(),
    "noisy_gd": _gd(options={"weight_decay": 0.0, "noise": 1e-2}),
    "perturbed_gd": _gd(
        vectors=_always(1), constants=_perturbed,
        options={"weight_decay": 0.0, "threshold": 1e-3, "radius": 1e-2, "wait": 50, "fall": 1e-5},
    ),
    "sgd": _gd(
        rule=lambda o: "NESTEROV" if o["nesterov"] else "HEAVY_BALL", vectors=_always(1),
        coefficients=_damped, constants=_momentum, needs_data=True,
        options={"momentum": 0.0, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0,
                 "batch_size": 32},
    ),
    "momentum": _gd(
        rule=_always("HEAVY_BALL"), vectors=_always(1), coefficients=_damped, constants=_momentum,
        options={"momentum": 0.9, "dampening": 0.0, "weight_decay": 0.0},
    ),
    "nesterov": _gd(
        rule=lambda o: "LOOK_AHEAD" if o["look_ahead"] else "NESTEROV", vectors=_always(1),
        constants=_momentum, options={"momentum": 0.9, "look_ahead": False, "weight_decay": 0.0},
    ),
    "adagrad": Method(
        _always("ADAGRAD"), _always(1), 1e-2,
        {"lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10,
         "eps_inside": False},
        _adagrad, _eps,
    ),
    "rmsprop": Method(
        lambda o: "RMSPROP_CENTERED" if o["centered"] else "RMSPROP",
        lambda o: 3 if o["centered"] else 2, 1e-2,
        {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False,
         "eps_inside": False},
        _rmsprop_share, _rmsprop,
    ),
    "adam": _of_adam(_adam, _betas, _ADAM),
    "adamw": _of_adam(_adamw, _decoupled, {**_ADAM, "weight_decay": 1e-2}),
    "nadam": Method(
        _always("NADAM"), _always(2), 2e-3,
        {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "momentum_decay": 4e-3,
         "decoupled_weight_decay": False},
        _nadam, _nadam_constants,
    ),
    "newton": _second("NEWTON"),
    "damped_newton": _second("DAMPED_NEWTON", damping=1e-3),
    "cubic_newton": _second("CUBIC", sigma=1.0, least_sigma=1e-8, adapt=True),
    "trust_region": _second("TRUST_REGION", radius=1.0, max_radius=1e3, eta=0.1),
    "negative_curvature": _second("NEGATIVE_CURVATURE", 1e-2, curvature_rate=1e-2),
    "saddle_free_newton": _second("SADDLE_FREE", damping=0.0),
}  # fmt: skip
