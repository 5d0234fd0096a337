"""Why a loss stands still: the critical point beside a plateau."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.networks.nearest import nearest_critical_point
from saddlelab.networks.records import LARGEST
from saddlelab.verdict import Verdict, check

if TYPE_CHECKING:
    from saddlelab.networks.training import Training

__all__ = ["Explanation", "explain"]

#: A critical point is near a plateau if its loss differs by at most this part of the plateau's,
#: as much as the loss may move on one, and this part of the largest loss, which is rounding.
_LEVEL, _ROUNDING = 0.1, 1e-12


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a plateau is beside.

    Attributes
    ----------
    first, last : int
        Epochs of the plateau.
    level : float
        Its loss.
    ended : str
        "drop", "rise" or "end".
    epoch : int
        In its middle, where the search for a critical point begins.
    gradient_norm : float
        There.
    verdict : str
        "near a saddle of index 6", "near a minimum", "no critical point near; further off …" where
        one was found at another loss, "no critical point found: gradient-flat" and the like.
    found : bool
        Whether a critical point was found; the rest is NaN, −1, "" and False if none was.
    near : bool
        Whether its loss is the plateau's.
    distance : float
        From the middle to it.
    value : float
        Its loss.
    kind : str
        As `saddlelab.check` says.
    index, zeros : int
        Eigenvalues of its Hessian that are negative, and that are 0 within its error.
    certified : bool
        Whether the index is proved.
    """

    first: int
    last: int
    level: float
    ended: str
    epoch: int
    gradient_norm: float
    verdict: str
    found: bool = False
    near: bool = False
    distance: float = np.nan
    value: float = np.nan
    kind: str = ""
    index: int = -1
    zeros: int = -1
    certified: bool = False

    def __str__(self) -> str:
        """The plateau, and what it is beside."""
        return (
            f"plateau, epochs {self.first} to {self.last}, loss {self.level:.4g}, "
            f"|gradient| {self.gradient_norm:.2g}: {self.verdict}{self._more()}"
        )

    def _more(self) -> str:
        if not self.found:
            return ""
        sure = "certified, " if self.certified else ""
        return f" ({sure}distance {self.distance:.3g}, loss {self.value:.6g} there)"

    def as_dict(self) -> dict[str, Any]:
        """All of it; None for what is NaN, which JSON does not know."""
        plain = dataclasses.asdict(self)
        return {name: None if value != value else value for name, value in plain.items()}


def explain(training: Training, number: int, workers: int | None) -> Explanation:
    """Look for the critical point beside a plateau, by its number."""
    assert training.plateaus is not None
    found = training.plateaus
    start, stop = int(found.start[number]), int(found.stop[number])
    middle = (start + stop - 1) // 2
    level = float(found.level[number])
    plateau: dict[str, Any] = {
        "first": int(training.epochs[start]), "last": int(training.epochs[stop - 1]),
        "level": level, "ended": str(found.ended[number]), "epoch": int(training.epochs[middle]),
        "gradient_norm": float(training.gradient_norm[middle]),
    }  # fmt: skip
    theta = training.thetas[middle]
    if len(theta) > LARGEST:
        why = f"not looked for: {len(theta)} parameters, at most {LARGEST}"
        return Explanation(**plateau, verdict=why)
    end = nearest_critical_point(training.objective, theta)
    if not end.found:
        return Explanation(**plateau, verdict=end.message)
    what = check(training.objective, end.theta, workers=workers)
    if not what.critical:
        why = f"no critical point found: none within reach, |gradient| = {end.gradient_norm:.2g}"
        return Explanation(**plateau, verdict=why)
    slack = _LEVEL * level + _ROUNDING * float(training.loss.max())
    near = abs(float(what.value) - level) <= slack
    return Explanation(
        **plateau, verdict=_said(what, near), found=True, near=near, distance=end.distance,
        value=float(what.value), kind=str(what.kind), index=int(what.index),
        zeros=int(what.zeros), certified=bool(what.certified),
    )  # fmt: skip


def _said(what: Verdict, near: bool) -> str:
    n, index, zeros = len(what.x), int(what.index), int(what.zeros)
    flat = f", {zeros} zero eigenvalue{'' if zeros == 1 else 's'}" if zeros else ""
    if str(what.kind) == "undecided":
        point = "an undecided point"
    elif 0 < index < n - zeros:  # curved both ways, whatever the zeros hide
        point = f"a saddle of index {index}"
    else:
        point = f"a degenerate point of index {index}" if zeros else f"a {what.kind}"
    return f"near {point}{flat}" if near else f"no critical point near; further off {point}{flat}"
