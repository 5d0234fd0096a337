"""The search for extreme eigenpairs: restarts, new starts and the dense way out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saddlelab.spectrum._krylov import KrylovBasis, Ritz, norm, random_start_failure
from saddlelab.spectrum._operator import Floats, SymmetricOperator

#: Rows of the basis, apart from those for the wanted pairs; fewer where they would take 2 GiB.
_BASIS = 64
_MOST_NUMBERS = 2**28
#: Part of the basis, beyond the wanted pairs, that a restart keeps: measured on spectra with
#: square-root edges, isolated and clustered ends, products vary by 5 % between 0.25 and 0.6.
_KEPT = 0.4
#: Up to this size all of H (n products) is the fallback.
_DENSE = 2000
#: Products between two looks at the projected matrix.
_EVERY = 5
#: Probability that one search for a missing copy of an eigenvalue ends too early.
_MISSED = 1e-4


@dataclass(frozen=True, slots=True)
class Ends:
    """How many pairs are wanted at each end."""

    low: int
    high: int

    @property
    def count(self) -> int:
        return self.low + self.high

    def of(self, size: int, more: int = 0) -> NDArray[np.intp]:
        """Numbers of the wanted ones of `size` in ascending order, and of `more` beside them."""
        low = self.low + (more if not self.high else more // 2 if self.low else 0)
        high = self.high + more - (low - self.low)
        return np.concatenate([np.arange(low), np.arange(size - high, size)])


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs as found, in the operator's scaled units; the vectors are rows."""

    values: Floats
    residuals: Floats
    vectors: Floats
    converged: NDArray[np.bool_]
    settled: bool
    ruled_out: bool


def find_pairs(
    op: SymmetricOperator, ends: Ends, tol: float | None, budget: int, rng: np.random.Generator
) -> Found:
    """Search the pairs at the ends with at most `budget` products in all."""
    capacity = _capacity(op.n, ends.count)
    if op.n <= min(capacity, budget):
        return _dense(op, ends, tol)
    if budget < 2 * ends.count:
        raise ValueError(f"`max_products` must be at least {2 * ends.count}, a step and a residual "
                         f"for each pair, got {budget}")  # fmt: skip
    # Where Lanczos has not ended after n products, another n end it.
    fallback = op.n <= _DENSE and budget >= 2 * op.n
    most = op.n if fallback else budget - ends.count
    search = _Search(KrylovBasis(op, capacity, rng), ends, tol, most)
    ritz, ruled_out = search.run(repeat=max(ends.low, ends.high) > 1)
    if fallback and not ruled_out:
        return _dense(op, ends, tol)
    return search.result(ritz, ruled_out)


class _Search:
    """Lanczos steps and restarts until the wanted pairs have converged, on a budget of products."""

    def __init__(self, basis: KrylovBasis, ends: Ends, tol: float | None, budget: int) -> None:
        self.basis, self.ends, self.tol, self.budget = basis, ends, tol, budget
        self.op = basis.operator

    def run(self, *, repeat: bool) -> tuple[Ritz, bool]:
        """Return Ritz pairs, and whether other copies of the wanted ones are ruled out."""
        ritz = self._advance(anew=False)
        while repeat and self._settled(ritz) and not self.basis.complete:
            if self.op.products >= self.budget:
                return ritz, False
            wanted = self.ends.of(self.basis.size)
            before = ritz.values[wanted]
            self.basis.start_anew(ritz, wanted)
            ritz = self._advance(anew=True)
            after = ritz.values[self.ends.of(self.basis.size)]
            if not self._settled(ritz) or not (self.basis.complete or self._no_copies(ritz)):
                return ritz, False
            if np.abs(after - before).max() <= self._limit(ritz):
                break
        return ritz, self._settled(ritz)

    def result(self, ritz: Ritz, ruled_out: bool) -> Found:
        """Compute residuals, with one product for each pair."""
        wanted = self.ends.of(self.basis.size)
        vectors = self.basis.rows(ritz, wanted)
        return _measured(
            vectors, self.op.apply(vectors), self._limit(ritz),
            settled=self._settled(ritz), ruled_out=ruled_out,
        )  # fmt: skip

    def _advance(self, *, anew: bool) -> Ritz:
        """Step until the pairs have converged, the basis is complete or the budget is spent."""
        basis = self.basis
        done = self._no_copies if anew else self._settled
        while True:
            room = min(basis.capacity - basis.size, self.budget - self.op.products, _EVERY)
            for _ in range(room):
                basis.step()
            ritz = basis.ritz()
            if basis.complete or done(ritz) or self.op.products >= self.budget:
                return ritz
            if basis.size == basis.capacity:
                more = int(_KEPT * (basis.capacity - self.ends.count))
                basis.restart(ritz, self.ends.of(basis.size, more))

    def _limit(self, ritz: Ritz) -> float:
        return _tolerance(self.op, self.tol) * ritz.norm

    def _settled(self, ritz: Ritz) -> bool:
        """Whether the wanted pairs have converged."""
        size = len(ritz.values)
        if size < self.ends.count:
            return False
        return bool((ritz.residuals[self.ends.of(size)] <= self._limit(ritz)).all())

    def _no_copies(self, ritz: Ritz) -> bool:
        """Whether the search beside the wanted pairs shows that it has nothing to add to them."""
        size, low, high = len(ritz.values), self.ends.low, self.ends.high
        if size <= self.ends.count or not self._settled(ritz):
            return False
        values = ritz.values
        spread = values[size - high - 1] - values[low]
        found = []
        if low:
            found.append((values[low] - values[low - 1], ritz.residuals[low]))
        if high:
            next_one = size - high - 1
            found.append((values[next_one + 1] - values[next_one], ritz.residuals[next_one]))
        return all(
            residual <= self._limit(ritz) or self._unlikely(gap, spread) for gap, residual in found
        )

    def _unlikely(self, gap: float, spread: float) -> bool:
        """Whether an eigenvalue beyond the gap would have been seen, but for a rare start."""
        if self.basis.steps is None or gap <= 0.0:
            return False
        # The spread of the eigenvalues may exceed that of the Ritz values by twice the error.
        epsilon = gap / (spread + 2.0 * gap)
        return random_start_failure(self.op.n, self.basis.steps, epsilon) <= _MISSED / 2


def _dense(op: SymmetricOperator, ends: Ends, tol: float | None) -> Found:
    matrix = op.dense()
    values, vectors = np.linalg.eigh(matrix)
    chosen = np.ascontiguousarray(vectors[:, ends.of(op.n)].T)
    limit = _tolerance(op, tol) * float(np.abs(values).max())
    return _measured(chosen, chosen @ matrix, limit, settled=True, ruled_out=True)


def _measured(
    vectors: Floats, products: Floats, limit: float, *, settled: bool, ruled_out: bool
) -> Found:
    """Rayleigh quotients and residuals of the rows of `vectors`, given H times them."""
    values = np.einsum("ij,ij->i", vectors, products)
    residuals = np.array([norm(r) for r in products - values[:, None] * vectors])
    order = np.argsort(values, kind="stable")
    return Found(
        values[order], residuals[order], vectors[order], residuals[order] <= limit,
        settled, ruled_out,
    )  # fmt: skip


def _tolerance(op: SymmetricOperator, tol: float | None) -> float:
    return op.eps ** (2 / 3) if tol is None else tol


def _capacity(n: int, wanted: int) -> int:
    return min(n, max(2 * wanted + 8, min(_BASIS + 2 * wanted, _MOST_NUMBERS // n)))


