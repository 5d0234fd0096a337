"""Steps of gradient descent that a linear network takes to learn, plainly."""

import numpy as np

from tests.reference.linear_networks import gradients, loss


def excess(weights, X, Y):
    """Mean loss above that of the least-squares fit."""
    best = np.linalg.lstsq(X, Y, rcond=None)[0].T
    return (loss(weights, X, Y) - loss([best], X, Y)) / len(X)


@np.errstate(over="ignore", invalid="ignore")  # a rate may be too large
def steps_to_learn(weights, X, Y, rate, fraction, most):
    """Until the excess is this fraction of the zero map's; infinite after too many."""
    end = fraction * excess([np.zeros((Y.shape[1], X.shape[1]))], X, Y)
    for step in range(most + 1):
        if excess(weights, X, Y) <= end:
            return step
        slopes = gradients(weights, X, Y)
        weights = [W - rate * slope / len(X) for W, slope in zip(weights, slopes, strict=True)]
        if not np.isfinite(weights[0]).all():
            return np.inf
    return np.inf
