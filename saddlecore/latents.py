"""Random matrices as functions of independent numbers, which can be moved and keep their law.

A matrix of any of the ensembles is assembled from *latents*, independent of each other: normals;
logarithms of gamma variates; uniforms on [0, 1); and bits that are 1 with probability p.  Normal
variance mixtures (Laplace's and Student's entries) take a normal and a gamma.  A move with a step
h in (0, 1] is reversible for the law of each:

    normals     √(1 − h²) x + h ξ                                  (Neal 1999; Cotter et al. 2013)
    gammas      Metropolis: y + h s ξ, s about the standard deviation of y
    uniforms    x + h (U − ½), around the circle
    bits        with probability h² a fresh one

Arrays: ``parts`` = the numbers of normals, gammas, uniforms and bits; ``alpha`` = the gammas'
shapes; ``numbers`` = (p, scale of the entries, factor of the diagonal, shift, sign, data m).  A
group is eight matrices side by side; latent i of theirs is at 8 i, all kinds in that order.
"""

import math

import numpy as np

from saddlecore.bartlett import multiply, side_of
from saddlecore.chains import scale_of
from saddlecore.entries import block
from saddlecore.gammas import exp
from saddlecore.jit import allocating, device
from saddlecore.laneops import bits_of, fma, select, splat, width, zeros
from saddlecore.memory import load, store
from saddlecore.streams import acceptance, log, normal_pair, uniform

__all__ = ["DIAGONAL", "GAUSSIAN", "LAGUERRE", "LAPLACE", "RADEMACHER", "SPARSE", "STUDENT",
           "UNIFORM", "WISHART_GOE", "assemble", "bounded_exp", "count_chain", "entry", "is_chain",
           "move"]  # fmt: skip

#: What the latents are made into; the first as in `entries`.
(GAUSSIAN, RADEMACHER, UNIFORM, LAPLACE, STUDENT, SPARSE, WISHART_GOE, LAGUERRE,
 DIAGONAL) = range(9)  # fmt: skip
P, SCALE, FACTOR, SHIFT, SIGN, DATA = range(6)

_63 = np.uint64(63)
_TWO_ROOT_3 = 2.0 * math.sqrt(3.0)
_FARTHEST = 600.0


# --- moves ---------------------------------------------------------------------------------------


@device
def _move_normals(x, y, count, request, attempt, h):
    w, keep = width(h), math.sqrt(1.0 - h * h)
    for i in range(0, count, 2):
        A, B = block(request, i // 2, attempt)
        u, v = normal_pair(A, B)
        store(y, i * w, fma(load(h, x, i * w), keep, u * h))
        if i + 1 < count:
            store(y, (i + 1) * w, fma(load(h, x, (i + 1) * w), keep, v * h))


@device
def bounded_exp(y):
    """exp(y), for |y| up to 600."""
    return exp(max(min(y, splat(y, _FARTHEST)), splat(y, -_FARTHEST)))


@device
def _move_gammas(x, y, first, number, alpha, request, attempt, h):
    """The law of y = ln g is exp(αy − e^y) dy."""
    w = width(h)
    for i in range(len(alpha)):
        a, at = alpha[i], (first + i) * w
        A, B = block(request, number + i, attempt)
        old, (u, _) = load(h, x, at), normal_pair(A, B)
        new = fma(u, h * math.sqrt(1.0 / a + 1.0 / (a * a)), old)
        gain = a * (new - old) - (bounded_exp(new) - bounded_exp(old))
        store(y, at, select(log(acceptance(B)) < gain, new, old))


@device
def _move_uniforms(x, y, first, count, number, request, attempt, h):
    w = width(h)
    for i in range(0, count, 2):
        A, B = block(request, number + i // 2, attempt)
        for _ in range(2):
            if i < count:
                new = fma(uniform(A) - 0.5, h, load(h, x, (first + i) * w))
                new = select(new < 0.0, new + 1.0, new)
                store(y, (first + i) * w, select(new < 1.0, new, new - 1.0))
                i, A = i + 1, B


@device
def _move_bits(x, y, first, count, number, p, request, attempt, h):
    w = width(h)
    for i in range(count):
        A, B = block(request, number + i, attempt)
        fresh = select(uniform(B) < p, splat(h, 1.0), splat(h, 0.0))
        store(y, (first + i) * w, select(uniform(A) < h * h, fresh, load(h, x, (first + i) * w)))


@allocating
def move(parts, alpha, p, x, y, request, attempt, step):
    """Fill y with latents that have moved from x, by the blocks of `attempt`."""
    normals, gammas, uniforms, bits = parts
    h = splat(zeros(8), step)
    _move_normals(x, y, normals, request, attempt, h)
    number, first = (normals + 1) // 2, normals
    _move_gammas(x, y, first, number, alpha, request, attempt, h)
    number, first = number + gammas, first + gammas
    _move_uniforms(x, y, first, uniforms, number, request, attempt, h)
    number, first = number + (uniforms + 1) // 2, first + uniforms
    _move_bits(x, y, first, bits, number, p, request, attempt, h)


# --- matrices ------------------------------------------------------------------------------------


@device
def entry(z, form, x, i, entries):
    """Entry i of a Wigner matrix, of variance 1 but for a factor."""
    w = width(z)
    value = load(z, x, i * w)
    if form == RADEMACHER:
        return 2.0 * value - 1.0
    if form == UNIFORM:
        return fma(value, splat(z, _TWO_ROOT_3), splat(z, -0.5 * _TWO_ROOT_3))
    if form == LAPLACE:  # a normal times the root of an exponential variate
        return value * bounded_exp(0.5 * load(z, x, (entries + i) * w))
    if form == STUDENT:
        return value * bounded_exp(-0.5 * load(z, x, (entries + i) * w))
    if form == SPARSE:
        return value * load(z, x, (entries + i) * w)
    return value


@device
def _wigner(z, form, numbers, n, x, A):
    w, at = width(z), 0
    for i in range(n):
        for j in range(i, n):
            value = entry(z, form, x, at, n * (n + 1) // 2) * numbers[SCALE]
            store(A, (i * n + j) * w, value * numbers[FACTOR] if i == j else value)
            at += 1


@device
def _wishart_goe(z, numbers, n, x, A, T):
    """√(2ε/n) G, whose entries come first, and T's below its diagonal, then the χ²."""
    w, m, side = width(z), np.int64(numbers[DATA]), side_of(n)
    _wigner(z, GAUSSIAN, numbers, n, x, A)
    for at in range(side * side):
        store(T, at * w, splat(z, 0.0))
    at = n * (n + 1) // 2
    for i in range(n):
        for k in range(min(i, m)):
            store(T, (i * side + k) * w, load(z, x, at * w))
            at += 1
    for i in range(min(n, m)):
        root = bounded_exp(0.5 * load(z, x, (at + i) * w)) * math.sqrt(2.0)
        store(T, (i * side + i) * w, root)
    multiply(z, n, m, A, T, side)


@allocating
def assemble(z, form, numbers, n, x, level, A, T):
    """The upper triangles of sign (H − shift) − level."""
    w, sign = width(z), numbers[SIGN]
    if form == WISHART_GOE:
        _wishart_goe(z, numbers, n, x, A, T)
    else:
        _wigner(z, form, numbers, n, x, A)
    if sign < 0.0:
        for at in range(n * n):
            store(A, at * w, -load(z, A, at * w))
    down = sign * numbers[SHIFT] + level
    for i in range(n):
        at = (i * n + i) * w
        store(A, at, load(z, A, at) - down)


# --- ensembles whose eigenvalues are counted in O(n) ---------------------------------------------


@device
def is_chain(form):
    """Whether `count_chain` is for this form."""
    return form in (LAGUERRE, DIAGONAL)


@device
def _count_laguerre(z, numbers, n, x, level):
    """Eigenvalues below `level` by the recurrence of `laguerre`; the zeros beyond the rank too."""
    w, m = width(z), np.int64(numbers[DATA])
    rank, sigma = min(n, m), level * numbers[SCALE]
    M, N = splat(z, 1.0), splat(z, 1.0)
    found = splat(z, 1.0 * (n - rank) if level > 0.0 else 0.0)
    for i in range(rank):
        q = bounded_exp(load(z, x, i * w))
        N = fma(q, N, -(sigma * M))
        before = M
        if i + 1 < rank:
            M = fma(bounded_exp(load(z, x, (rank + i) * w)), M, N)
        else:
            M = N
        changed = (bits_of(M) ^ bits_of(before)) >> _63 != np.uint64(0)
        found += select(changed, splat(z, 1.0), splat(z, 0.0))
        scale = scale_of(M, N)
        M, N = M * scale, N * scale
    return found


@allocating
def count_chain(z, form, numbers, n, x, level):
    """How many eigenvalues of sign (H − shift) lie below `level`."""
    w, sign = width(z), numbers[SIGN]
    at = numbers[SHIFT] + sign * level
    if form == LAGUERRE:
        found = _count_laguerre(z, numbers, n, x, at)
    else:
        found = splat(z, 0.0)
        for i in range(n):
            found += select(load(z, x, i * w) < at, splat(z, 1.0), splat(z, 0.0))
    return found if sign > 0.0 else 1.0 * n - found
