"""Wigner matrices: independent entries of any of five laws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from saddlelab.arguments import finite_number, one_of, positive_number
from saddlelab.ensembles._base import silent
from saddlelab.ensembles._dense import Dense, Sampler
from saddlelab.ensembles._latents import Latents

#: In the order of the engine's numbers for them.
ENTRIES = ("gaussian", "rademacher", "uniform", "laplace", "student")
MIN_NU, MAX_NU = 0.2, 1e6
MAX_DIAGONAL = 1e6


@dataclass(frozen=True, kw_only=True)
class Wigner(Dense):
    """Real symmetric matrices with independent entries on and above the diagonal.

    All entries have the same law, the diagonal's times √`diagonal`: by default it is like the
    others, of variance 1 (where the law has one), and the GOE of the same scale is
    ``entries="gaussian", diagonal=2``.  As n → ∞ the eigenvalues fill a semicircle of radius 2√n
    and the index becomes that of the GOE, whatever the law of finite variance (universality: Erdős,
    Yau & Yin, Adv. Math. 229, 2012); below four moments its edges, and below two all of it, are
    ruled by the largest entries instead (Soshnikov, Electron. Commun. Probab. 9, 2004).

    Parameters
    ----------
    entries : str, optional
        ``"gaussian"``, ``"rademacher"`` (±1), ``"uniform"`` (on [−√3, √3]), ``"laplace"`` or
        ``"student"``.
    nu : float, optional
        Degrees of freedom of Student's t, between 0.2 and 10⁶; the entries are divided by their
        standard deviation √(ν/(ν − 2)) if ν > 2, and raw if not.  Means nothing for the others.
    shift : float, optional
        Classify H − shift·2√n·I instead of H: in units of the semicircle's radius, as for ``goe``.
    diagonal : float, optional
        Variance of the diagonal entries by that of the others, from 0 to 10⁶.

    Notes
    -----
    Eigenvalues of zero are not counted as negative.  Matrices of signs have them often when n is
    small: half of them are singular at n = 2, a fifth at n = 10.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("wigner", 2, entries="uniform", samples=100_000, rng=0)
    >>> bool(abs(study.fraction("minimum")[0] - 1 / 9) < 0.004)
    True
    """

    name: ClassVar[str] = "wigner"
    stream: ClassVar[int] = 1

    entries: str = "gaussian"
    nu: float = 3.0
    shift: float = 0.0
    diagonal: float = silent(1.0)

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "entries", one_of("entries", self.entries, ENTRIES))
        nu = positive_number("nu", self.nu, at_least=MIN_NU, at_most=MAX_NU)
        # The others have no ν: whatever is given, theirs is the same study.
        object.__setattr__(self, "nu", nu if self.entries == "student" else 3.0)
        object.__setattr__(self, "shift", finite_number("shift", self.shift))
        diagonal = finite_number("diagonal", self.diagonal)
        if not 0.0 <= diagonal <= MAX_DIAGONAL:
            raise ValueError(
                f"`diagonal` must be at least 0 and at most {MAX_DIAGONAL:g}, got {self.diagonal!r}"
            )
        object.__setattr__(self, "diagonal", diagonal)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name; ν only where there is one."""
        found = super().parameters
        if self.entries != "student":
            del found["nu"]
        return found

    def sampler(self, n: int) -> Sampler:
        """Return what draws matrices of dimension n."""
        from saddlecore.entries import SCRATCH
        from saddlecore.wigner import wigner_lanes, wigner_plain

        scale = 1.0 if self.nu <= 2.0 else math.sqrt((self.nu - 2.0) / self.nu)
        shift = self.shift * 2.0 * math.sqrt(n)
        law = ENTRIES.index(self.entries)
        numbers = np.array([law, math.sqrt(self.diagonal), shift, self.nu, scale])
        return Sampler(wigner_lanes(), wigner_plain(), numbers, SCRATCH, gap=self._gap(n))

    def latents(self, n: int) -> Latents:
        """Return what the entries are functions of (see :meth:`Ensemble.latents`)."""
        entries, factor = n * (n + 1) // 2, math.sqrt(self.diagonal)
        made = Latents(self.entries, self.shift * 2.0 * math.sqrt(n), factor=factor)
        if self.entries == "rademacher":
            return made._replace(bits=entries)
        if self.entries == "uniform":
            return made._replace(uniforms=entries)
        if self.entries == "gaussian":
            return made._replace(normals=entries)
        # A normal times the root of an exponential variate, or over that of a χ²/ν.
        scale, shape = 1.0, 1.0
        if self.entries == "student":
            shape = 0.5 * self.nu
            scale = math.sqrt(shape if self.nu <= 2.0 else shape - 1.0)
        return made._replace(normals=entries, gammas=np.full(entries, shape), scale=scale)

    def _gap(self, n: int) -> int:
        """Return e if no eigenvalue but 0 is below 2⁻ᵉ: matrices of integers have a last one.

        The sum of the principal minors of order r, the rank, is the product of the nonzero
        eigenvalues; for entries ±1 a multiple of 2^(r − 1).  All but the smallest have squares that
        add up to at most n², so their product is at most (n²/(r − 1))^((r − 1)/2).
        """
        if self.entries != "rademacher" or self.shift != 0.0 or self.diagonal not in (0.0, 1.0):
            return 0
        least = 0.0
        for r in range(2, n + 1):
            product = 0.5 * (r - 1) * math.log2(n * n / (r - 1))
            least = max(least, product - (r - 1 if self.diagonal == 1.0 else 0))
        # Beyond, the margins are wider than the gap, and singular matrices rare.
        return math.ceil(least) + 1 if least < 40.0 else 0


ENSEMBLE = Wigner
