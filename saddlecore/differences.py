"""Gradients, Hessians and their products with vectors by finite differences, each with its error.

A kernel takes a table of forms (`saddlecore.forms`) and points; eight points, or eight moves of one
point, are evaluated at once (`saddlecore.places`).  Formulas are in `saddlecore.stencils` and
`saddlecore.pairs`, the choice of steps in `saddlecore.steps`, noise in `saddlecore.noise`, what
makes up an error in `saddlecore.margins`.

A point's derivatives are the same bits whatever its neighbours, as long as both batches have eight
points or more, or both have fewer.
"""

import numpy as np

from saddlecore.forms import LANES, VALUE
from saddlecore.groups import (
    INCOMPLETE,
    NOISY,
    NOT_FINITE,
    OK,
    ONE_SIDED,
    along_axes,
    calls_of,
    enter,
    report,
    width_for,
    write_axes,
    write_rows,
)
from saddlecore.jit import device, kernel
from saddlecore.laneops import any_lane, mask_bits, not_, splat, zeros
from saddlecore.margins import all_noise, look_along_all, weigh_variables
from saddlecore.noise import EPS
from saddlecore.pairs import inspect_pairs, list_pairs, mixed, order_of_entries
from saddlecore.places import make_place, shared, shared_all
from saddlecore.stencils import CENTRAL, FORWARD, GRADIENT_OF, HESSIAN_OF, RICHARDSON, stencil
from saddlecore.swift import swift_hessian
from saddlecore.transposes import scatter

__all__ = ["CENTRAL", "FORWARD", "INCOMPLETE", "NOISY", "NOT_FINITE", "OK", "ONE_SIDED",
           "RICHARDSON", "gradient_differences", "hessian_differences"]  # fmt: skip


@kernel
def gradient_differences(forms, X, scheme, step, noise, gradient, error, evaluations, status):
    """Gradients from values.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
        See `saddlecore.forms`; VALUE in plain numbers or in lanes is needed.
    X : (m, n) float64, C-contiguous
    scheme : int
        `CENTRAL` (4n + 2 evaluations, 2n + 1 without errors), `FORWARD` or `RICHARDSON`.
    step : (n,) or (0,) float64
        Steps; where they are 0 or NaN, or missing, they are chosen.
    noise : float
        σ_f/|f|; negative or NaN: taken for rounding, and measured where that cannot be.
    gradient : (m, n) float64, out
    error : (m, n) or (0, 0) float64, out
        Bound of the error of each component, meant to hold for 99 in 100; none is computed for
        shape (0, 0), and first steps are then taken as they are.
    evaluations, status : (m,) int64, out
        `status` is a sum of flags, see `saddlecore.groups`; what could not be computed is NaN.
    """
    like = zeros(8)
    m, n = X.shape
    place, calls = make_place(n, width_for(m, n), step, False), calls_of(forms, VALUE)
    order, shift = np.arange(n) * LANES + place.results, place.errors - place.results
    starts, flat = np.empty(LANES, np.int64), X.reshape(X.size)
    out, out_error = gradient.reshape(gradient.size), error.reshape(error.size)
    known, estimate = noise >= 0.0, error.size > 0
    relative = max(noise, EPS) if known else EPS
    first = 0
    while first < m:
        used = min(LANES, m - first) if place.width == 1 else 1
        everybody = enter(like, calls, place, flat, first, used, starts, known)
        counted, sided, fine = everybody, everybody, everybody
        for trial in range(2):
            formula = stencil(GRADIENT_OF, scheme if trial == 0 else FORWARD)
            check = estimate and not known and trial == 0
            along_axes(like, calls, place, formula, relative, check, estimate, counted)
            rest = all_noise(like, place, formula) if estimate else splat(like, 0.0)
            sided, fine = write_axes(like, place, formula, rest, trial == 1)
            counted = everybody & not_(fine)
            if scheme == FORWARD or not any_lane(counted):
                break
        write_rows(place, order, 0, first, used, starts, out)
        if estimate:
            write_rows(place, order, shift, first, used, starts, out_error)
        report(like, place, first, used, mask_bits(sided), mask_bits(fine), evaluations, status)
        first += used


@device
def _write_matrices(place, order, shift, first, used, starts, out):
    """Write the matrices of a group."""
    n, memory, diagonal = place.n, place.memory, place.results + shift
    if place.width == 1:
        scatter(memory, order, shift, first, used, starts, out)
    else:
        at, row = first * n * n, diagonal + place.blocks * LANES
        for i in range(n):
            for j in range(i):
                h = memory[row + i * place.blocks * LANES + j]
                out[at + i * n + j], out[at + j * n + i] = h, h
            out[at + i * n + i] = memory[diagonal + i]


@kernel
def hessian_differences(
    forms, X, pairs, scheme, step, noise, hessian, error, evaluations, status
):
    """Hessians from values, symmetric to the last bit.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
        See `saddlecore.forms`; VALUE in plain numbers or in lanes is needed.
    X : (m, n) float64, C-contiguous
    pairs : (k, 2) int64
        The entries beside the diagonal to compute, once for both sides; others are 0.
    scheme : int
        `CENTRAL` (n(n − 1) + 4n + 6 evaluations, n(n − 1) + 2n + 1 without errors), `FORWARD` or
        `RICHARDSON`.
    step, noise
        As in `gradient_differences`.
    hessian : (m, n, n) float64, out
    error : (m, n, n) or (0, 0, 0) float64, out
    evaluations, status : (m,) int64, out
        As in `gradient_differences`.
    """
    like = zeros(8)
    m, n = X.shape
    place, calls = make_place(n, width_for(m, n), step, True), calls_of(forms, VALUE)
    listed, known, estimate = list_pairs(pairs, n, place.width), noise >= 0.0, error.size > 0
    order, shift = order_of_entries(place), place.errors - place.results
    before, whole = place.memory[:0], place.memory[place.results : place.results + 2 * shift]
    if not listed.all:
        whole[:] = 0.0
    starts, flat = np.empty(LANES, np.int64), X.reshape(X.size)
    out, out_error = hessian.reshape(hessian.size), error.reshape(error.size)
    relative = max(noise, EPS) if known else EPS
    swift = place.width == 1 and scheme == CENTRAL and estimate and calls.lanes != 0
    first = 0
    while first < m:
        used = min(LANES, m - first) if place.width == 1 else 1
        everybody = enter(like, calls, place, flat, first, used, starts, known)
        counted, sided, fine = everybody, everybody & not_(everybody), everybody
        for trial in range(2):
            formula, mending = stencil(HESSIAN_OF, scheme if trial == 0 else FORWARD), trial == 1
            if mending:
                before = whole.copy()
            check, rest = estimate and not known and not mending, splat(like, 0.0)
            if swift and not mending:
                fine = swift_hessian(like, calls, place, formula, listed, relative, check, counted)
                counted = everybody & not_(fine)
                if not any_lane(counted):
                    break
                continue
            along_axes(like, calls, place, formula, relative, check, estimate, counted)
            if estimate:
                rest = all_noise(like, place, formula)
                if formula.scheme != FORWARD and n > 1:
                    rest = look_along_all(like, calls, place, formula, rest)
                weigh_variables(like, place, formula, rest)
            sided, fine = write_axes(like, place, formula, rest, mending)
            mixed(like, calls, place, formula, listed, estimate, counted)
            more, finite = inspect_pairs(like, place, listed, before, mending)
            sided |= shared(like, place, more)
            fine &= shared_all(like, place, finite)
            counted = everybody & not_(fine)
            if scheme == FORWARD or not any_lane(counted):
                break
        _write_matrices(place, order, 0, first, used, starts, out)
        if estimate:
            _write_matrices(place, order, shift, first, used, starts, out_error)
        report(like, place, first, used, mask_bits(sided), mask_bits(fine), evaluations, status)
        first += used
