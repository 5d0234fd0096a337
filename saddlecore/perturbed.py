"""Perturbed gradient descent: a random kick where the gradient is small (Jin et al. 2017, Alg. 2).

Where ‖∇f‖ ≤ THRESHOLD, and no kick has been given for WAIT steps, x is remembered and moved to a
random point of the ball of radius KICK around it.  If WAIT steps later f has not fallen by FALL
it is over, at the lower of the two: along no direction does f fall fast enough for a saddle.
"""

from saddlecore.first import gradient_at, value_at
from saddlecore.jit import device
from saddlecore.kicks import kick
from saddlecore.laneops import any_lane, select, splat, width
from saddlecore.memory import load, store
from saddlecore.rules import FALL, KICK, THRESHOLD, WAIT

__all__ = ["SINCE", "SLOPE_THEN", "VALUE_THEN", "perturb", "settled"]

#: Rows of a table of lanes: when the last kick was given (−∞: never), f and ‖∇f‖² before it.
SINCE, VALUE_THEN, SLOPE_THEN = 1, 2, 3


@device
def settled(like, forms, n, at, group, t, method, alive, work):
    """The lanes whose last kick has led nowhere; they are put back if it led up."""
    options, lanes, w = method[2], work[4], width(like)
    due = t - load(like, lanes[SINCE], group * w) == options[WAIT]
    if not any_lane(due):
        return due, due
    value = value_at(like, forms, work[0], at, n, alive, work[5])
    then = load(like, lanes[VALUE_THEN], group * w)
    due &= value > then - options[FALL]
    back = due & (value > then)
    for k in range(at, at + n * w, w):
        x = load(like, work[0], k)
        store(work[0], k, select(back, load(like, work[2][0], k), x))
    return due, back


@device
def perturb(like, forms, n, at, group, t, method, alive, work):
    """Kick the lanes that seem to stand still, and take their gradient again."""
    options, lanes, w = method[2], work[4], width(like)
    x, g, place = work[0], work[1], group * w
    square = splat(like, 0.0)
    for k in range(at, at + n * w, w):
        square += load(like, g, k) * load(like, g, k)
    since = load(like, lanes[SINCE], place)
    still = (square <= options[THRESHOLD] * options[THRESHOLD]) & (t - since > options[WAIT])
    if not any_lane(still):
        return
    for k in range(at, at + n * w, w):
        before = load(like, work[2][0], k)
        store(work[2][0], k, select(still, load(like, x, k), before))
    value = value_at(like, forms, x, at, n, alive, work[5])
    store(lanes[SINCE], place, select(still, splat(like, 1.0 * t), since))
    store(lanes[VALUE_THEN], place, select(still, value, load(like, lanes[VALUE_THEN], place)))
    store(lanes[SLOPE_THEN], place, select(still, square, load(like, lanes[SLOPE_THEN], place)))
    ids = load(like, work[6], place)
    kick(like, n, at, x, options[KICK], ids, t, method[3], still, work[7])
    gradient_at(like, forms, x, at, n, g, at, alive, work[5])
