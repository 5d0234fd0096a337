"""Linear networks, plainly: the loss, its Hessian by differences, and gradient descent."""

import numpy as np


def loss(weights, X, Y):
    """½ Σ ‖y − W_D … W₁x‖² over the samples, rows of X and Y."""
    A = X
    for W in weights:
        A = A @ W.T
    return 0.5 * np.sum((Y - A) ** 2)


def gradients(weights, X, Y):
    """Of each layer, by the chain rule."""
    activities = [X]
    for W in weights:
        activities.append(activities[-1] @ W.T)
    delta = activities[-1] - Y
    found = []
    for W, A in zip(reversed(weights), reversed(activities[:-1]), strict=True):
        found.append(delta.T @ A)
        delta = delta @ W
    return found[::-1]


def two_layers(theta, n, p, m):
    return theta[: p * n].reshape(p, n), theta[p * n :].reshape(m, p)


def hessian(W1, W2, X, Y):
    """Of f(W₁, W₂), a polynomial of degree 4: the fourth-order rule for mixed second differences.

    Along any two directions f is a polynomial of degree 4, so that the rule
    has no error but rounding, whatever the step: it is 1, and the Hessian is to about
    eps · |f| near the point.
    """
    p, n = W1.shape
    theta, m = np.concatenate([W1.ravel(), W2.ravel()]), len(W2)

    def f(x):
        return loss(two_layers(x, n, p, m), X, Y)

    H = np.empty((len(theta), len(theta)))
    axes = np.eye(len(theta))

    def along(direction):
        """Second derivative along a direction, from five points one apart."""
        values = [f(theta + h * direction) for h in (-2, -1, 0, 1, 2)]
        return np.dot([-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12], values)

    for i, one in enumerate(axes):
        for j, other in enumerate(axes[: i + 1]):
            H[i, j] = H[j, i] = (along(one + other) - along(one - other)) / 4
    return H


def descend(weights, X, Y, rate, steps):
    """Weights after each step of gradient descent, the first ones included."""
    weights = [W.copy() for W in weights]
    path = [[W.copy() for W in weights]]
    for _ in range(steps):
        slopes = gradients(weights, X, Y)
        weights = [W - rate * slope for W, slope in zip(weights, slopes, strict=True)]
        path.append([W.copy() for W in weights])
    return path


def product(weights):
    W = weights[0]
    for after in weights[1:]:
        W = after @ W
    return W
