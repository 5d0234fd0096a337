"""Simulated annealing, one chain and one variable at a time.

Numbers come from the streams' reference: blocks (chain, step, block), two normals from each; the
24 bits V that decide are in the first (Metropolis et al. 1953; Kirkpatrick, Gelatt & Vecchi 1983).
"""

import math

from reference import streams


def reflected(y, low, high):
    """Mirror y at the ends of an interval until it is inside."""
    while not low <= y <= high:
        y = 2 * low - y if y < low else 2 * high - y
    return y


def proposal(key, chain, step, x, lengths, bounds):
    """The point y that a chain at x proposes."""
    y = []
    for i, xi in enumerate(x):
        A, B = streams.block(key, chain, step, i // 2)
        normal = float(streams.normal_pair(A, B)[i % 2])
        y.append(reflected(xi + lengths[i] * normal, *bounds[i]))
    return y


def anneal(fun, key, chain, x, plan, lengths, bounds):
    """Points at times 0, 1, …, the best of them, and how many steps were taken.

    `plan` holds for each step its temperature and what `lengths` are multiplied by.
    """
    x, f = list(x), fun(x)
    path, best, taken = [x], (f, x), 0
    for step, (temperature, factor) in enumerate(plan):
        y = proposal(key, chain, step, x, [factor * each for each in lengths], bounds)
        v = float(streams.acceptance(streams.block(key, chain, step, 0)[1]))
        change = fun(y) - f
        if change <= 0 or (temperature > 0 and v < math.exp(-change / temperature)):
            x, f, taken = y, fun(y), taken + 1
        best = min(best, (f, x))
        path.append(x)
    return path, best[1], taken


def boltzmann(values, temperature):
    """Probabilities of states with these values."""
    weights = [math.exp(-(f - min(values)) / temperature) for f in values]
    return [weight / math.fsum(weights) for weight in weights]
