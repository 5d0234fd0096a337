"""Interval proofs that a list of critical points is complete in a box.

Endpoints are float64 arrays, one entry per box.  Sums and products are correctly rounded, so the
next float outwards bounds them; exp, sin and cos are trusted to 8 units in the last place.
"""

import numpy as np
import sympy

LIBM_ULPS = 8
#: A point is the critical point that lies within this distance of it.
TINY = 1e-9
MOST_BOXES = 1_000_000


class Interval:
    """[lo, hi], elementwise; every operation encloses the exact result."""

    __slots__ = ("hi", "lo")

    def __init__(self, lo, hi):
        self.lo, self.hi = lo, hi

    def __add__(self, other):
        return outwards(self.lo + other.lo, self.hi + other.hi)

    def __sub__(self, other):
        return outwards(self.lo - other.hi, self.hi - other.lo)

    def __mul__(self, other):
        corners = [a * b for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
        return outwards(np.minimum.reduce(corners), np.maximum.reduce(corners))

    def power(self, k):
        if k == 1:
            return self
        half = self.power(k // 2)
        result = half.square()
        return result * self if k % 2 else result

    def square(self):
        small = np.where(
            (self.lo <= 0) & (self.hi >= 0), 0.0, np.minimum(abs(self.lo), abs(self.hi))
        )
        large = np.maximum(abs(self.lo), abs(self.hi))
        result = outwards(small * small, large * large)
        return Interval(np.maximum(result.lo, 0.0), result.hi)

    def exp(self):
        return outwards(np.exp(self.lo), np.exp(self.hi), LIBM_ULPS)

    def cos(self):
        """1 wherever a multiple of 2π lies inside, −1 wherever π + one does."""
        ends = np.cos(self.lo), np.cos(self.hi)
        lo, hi = np.minimum(*ends), np.maximum(*ends)
        # The quotient may be rounded across an integer: a hair wider decides for the wider range.
        turns = Interval(self.lo, self.hi) * constant(1 / (2 * sympy.pi))
        hi = np.where(np.floor(turns.hi) >= np.ceil(turns.lo), 1.0, hi)
        lo = np.where(np.floor(turns.hi - 0.5) >= np.ceil(turns.lo - 0.5), -1.0, lo)
        result = outwards(lo, hi, LIBM_ULPS)
        return Interval(np.maximum(result.lo, -1.0), np.minimum(result.hi, 1.0))

    def sin(self):
        return (self - constant(sympy.pi / 2)).cos()

    def contains_zero(self):
        return (self.lo <= 0) & (self.hi >= 0)


def outwards(lo, hi, ulps=1):
    for _ in range(ulps):
        lo, hi = np.nextafter(lo, -np.inf), np.nextafter(hi, np.inf)
    return Interval(lo, hi)


def constant(number):
    """An enclosure of a sympy number."""
    nearest = np.float64(sympy.N(number, 30))
    if sympy.Rational(float(nearest)) == number:
        return Interval(nearest, nearest)
    return outwards(nearest, nearest)


def evaluate(expression, values):
    """The expression with intervals for its symbols; `values` remembers subexpressions."""
    if expression not in values:
        values[expression] = _apply(expression, values)
    return values[expression]


def _apply(expression, values):
    if expression.is_number:
        return constant(expression)
    parts = [evaluate(part, values) for part in expression.args]
    if expression.is_Add or expression.is_Mul:
        result = parts[0]
        for part in parts[1:]:
            result = result + part if expression.is_Add else result * part
        return result
    if expression.is_Pow:
        return parts[0].power(int(expression.exp))
    return {sympy.exp: Interval.exp, sympy.cos: Interval.cos, sympy.sin: Interval.sin}[
        expression.func
    ](*parts)


class Field:
    """Enclosures of an expression's gradient and Hessian over boxes (m, n, 2)."""

    def __init__(self, symbols, expression):
        self.symbols = symbols
        self.first = [narrow(sympy.diff(expression, s)) for s in symbols]
        self.second = [[narrow(sympy.diff(expression, s, t)) for t in symbols] for s in symbols]

    def gradient(self, boxes):
        values = self._values(boxes)
        return [spread(evaluate(g, values), len(boxes)) for g in self.first]

    def hessian(self, boxes):
        values = self._values(boxes)
        return [[spread(evaluate(h, values), len(boxes)) for h in row] for row in self.second]

    def _values(self, boxes):
        return {s: side(boxes, i) for i, s in enumerate(self.symbols)}


def narrow(expression):
    """A form with fewer occurrences of each symbol, whose enclosures are narrower."""
    return sympy.horner(expression) if expression.is_polynomial() else expression


def spread(interval, count):
    return Interval(np.broadcast_to(interval.lo, count), np.broadcast_to(interval.hi, count))


def side(boxes, i):
    return Interval(boxes[:, i, 0], boxes[:, i, 1])


def point(value):
    return Interval(np.float64(value), np.float64(value))


def middles(boxes):
    """The middle of each box, as floats (m, n) and as boxes of no size."""
    middle = boxes.mean(axis=2)
    return middle, np.stack([middle, middle], axis=2)


def may_hold_critical_point(field, boxes):
    """False where an entry of the gradient has no zero in the box.

    Two enclosures are asked: g(X), and the mean value form g(m) + H(X)(X − m).
    """
    possible = np.ones(len(boxes), bool)
    middle, at_middle = middles(boxes)
    rows = zip(field.gradient(boxes), field.gradient(at_middle), field.hessian(boxes), strict=True)
    for whole, value, row in rows:
        for j, entry in enumerate(row):
            centre = Interval(middle[:, j], middle[:, j])
            value = value + entry * (side(boxes, j) - centre)
        possible &= whole.contains_zero() & value.contains_zero()
    return possible


def holds_exactly_one(field, box):
    """Whether Krawczyk's operator proves that the box (n, 2) holds exactly one critical point.

    K(X) = m − Y g(m) + (I − Y H(X))(X − m) with Y near H(m)⁻¹; K(X) ⊂ int X is the proof.
    (R. Krawczyk, Computing 4, 1969; A. Neumaier, Interval Methods for Systems of Equations, 1990.)
    """
    n, boxes = len(box), box[None]
    middle, at_middle = middles(boxes)
    g, H = field.gradient(at_middle), field.hessian(boxes)
    near = np.array([[(h.lo + h.hi).item() / 2 for h in row] for row in field.hessian(at_middle)])
    Y = np.linalg.inv(near)
    for i in range(n):
        K = point(middle[0, i])
        for k in range(n):
            K = K - point(Y[i, k]) * g[k]
            entry = point(float(i == k))
            for j in range(n):
                entry = entry - point(Y[i, j]) * H[j][k]
            K = K + entry * (side(boxes, k) - point(middle[0, k]))
        if not (box[i, 0] < K.lo.item() and K.hi.item() < box[i, 1]):
            return False
    return True


def around(x, radius):
    return x[:, None] + radius * np.array([-1.0, 1.0])


def home(field, x):
    """A box about `x`, as large as halving finds, proved to hold one critical point: that by `x`.

    The same is proved of a box so small that `x` is that point up to rounding.
    """
    if not holds_exactly_one(field, around(x, TINY)):
        raise ArithmeticError(f"no critical point can be proved to lie within {TINY} of {x}")
    radii = (0.5**halvings for halvings in range(1, 29))  # down to 4 TINY
    proved = (r for r in radii if holds_exactly_one(field, around(x, r)))
    return around(x, next(proved, TINY))


def prove_complete(symbols, expression, domain, points, most=MOST_BOXES):
    """Prove that `points` (k, n) are all the critical points in `domain` (n, 2); raise if not.

    Returns how many boxes it took.  Each point gets a home, in which there is no other; what is
    outside the homes is bisected until no piece can hold a critical point.
    """
    field = Field(symbols, expression)
    gaps = np.abs(points[:, None] - points[None]).max(axis=2) + np.diag(np.full(len(points), 1.0))
    assert (gaps > 2 * TINY).all(), "a point is listed twice"
    assert ((domain[:, 0] + TINY < points) & (points < domain[:, 1] - TINY)).all(), "outside"
    homes = [home(field, x) for x in points]
    boxes, seen = domain[None].astype(float), 0
    while len(boxes):
        seen += len(boxes)
        if seen > most:
            raise ArithmeticError(f"undecided after {seen} boxes, for instance {boxes[0].tolist()}")
        for each in homes:
            inside = (each[:, 0] <= boxes[:, :, 0]) & (boxes[:, :, 1] <= each[:, 1])
            boxes = boxes[~inside.all(axis=1)]
        boxes = boxes[may_hold_critical_point(field, boxes)]
        boxes = bisected(boxes)
    return seen


def bisected(boxes):
    """Both halves of each box, cut across its longest side."""
    axis = np.argmax(boxes[:, :, 1] - boxes[:, :, 0], axis=1)
    rows = np.arange(len(boxes))
    middle = boxes[rows, axis].mean(axis=1)
    lower, upper = boxes.copy(), boxes.copy()
    lower[rows, axis, 1] = middle
    upper[rows, axis, 0] = middle
    return np.concatenate([lower, upper])
