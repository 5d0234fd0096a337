"""Why a start ends."""

import math

import numpy as np

from saddlecore.jit import device
from saddlecore.laneops import select, splat, width
from saddlecore.memory import load

__all__ = [
    "CONVERGED", "DIVERGED", "GOING", "STALL", "TARGET", "TOL", "ending", "is_finite",
    "square_norm",
]  # fmt: skip

#: Why a start ended; a start that has not is GOING.
GOING, STEPS, CONVERGED, REACHED, ESCAPED, STALLED, DIVERGED = range(-1, 6)

#: Places of the limits: ‖∇f‖ at most, f at most, ‖x − centre‖ among the watched directions at
#: least, length of a step beside max(1, ‖x‖) at most.  NaN: not looked at.  REFUSED is 0 for
#: methods that may try a step and not take it, else −1.
TOL, TARGET, RADIUS, STALL, REFUSED = range(5)


@device
def square_norm(like, n, at, x):
    """‖x‖² of the lanes from ``x[at]`` on."""
    total = splat(like, 0.0)
    for i in range(n):
        xi = load(like, x, at + i * width(like))
        total += xi * xi
    return total


@device
def _distance(like, n, at, x, directions, centre):
    """‖U (x − centre)‖², for the rows of U."""
    total = splat(like, 0.0)
    for j in range(len(directions)):
        part = splat(like, 0.0)
        for i in range(n):
            part += directions[j, i] * (load(like, x, at + i * width(like)) - centre[i])
        total += part * part
    return total


@device
def is_finite(like, n, at, x):
    """Where all of x is finite."""
    total = splat(like, 0.0)
    for i in range(n):
        total += 0.0 * load(like, x, at + i * width(like))
    return total == 0.0


@device
def ending(like, n, at, t, total, stops, x, value, square, length):
    """Why lanes end here, or GOING; the last reason found is the one that is told."""
    limits, directions, centre = stops
    end = splat(like, 1.0 * (STEPS if t == total else GOING))
    if limits[STALL] >= 0.0:
        # A step that was tried and not taken says nothing.
        length = select(length > limits[REFUSED], length, splat(like, np.inf))
        least = limits[STALL] * max(splat(like, 1.0), math.sqrt(square_norm(like, n, at, x)))
        end = select(length <= least, splat(like, 1.0 * STALLED), end)
    if limits[TOL] >= 0.0:
        end = select(square <= limits[TOL] * limits[TOL], splat(like, 1.0 * CONVERGED), end)
    end = select(value <= limits[TARGET], splat(like, 1.0 * REACHED), end)
    if len(directions) > 0:
        gone = _distance(like, n, at, x, directions, centre) >= limits[RADIUS] * limits[RADIUS]
        end = select(gone, splat(like, 1.0 * ESCAPED), end)
    return end
