"""A small network on scikit-learn's digits and the exact Hessian of its loss, in plain numpy.

The gradient is analytic in the parameters, so column j of the Hessian is the imaginary part of
the gradient at w + ih·e_j over h, without cancellation (complex step: Squire, Trapp 1998).
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

INPUTS, HIDDEN, CLASSES = 16, 4, 10
SHAPES = [(HIDDEN, INPUTS), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,)]
SIZE = sum(int(np.prod(shape)) for shape in SHAPES)
STEP = 1e-30


def digits(count):
    """(count, 16) standardised principal components and (count, 10) one-hot labels."""
    images, labels = load_digits(return_X_y=True)
    components = PCA(INPUTS, svd_solver="full").fit_transform(images)[:count]
    return components / components.std(axis=0), np.eye(CLASSES)[labels[:count]]


def split(w):
    ends = np.cumsum([int(np.prod(shape)) for shape in SHAPES])
    return [part.reshape(s) for part, s in zip(np.split(w, ends[:-1]), SHAPES, strict=True)]


def gradient(w, X, Y, decay):
    """Of the mean cross-entropy of tanh → softmax plus decay/2 ‖w‖²; w may be complex."""
    V, a, W, b = split(w)
    hidden = np.tanh(X @ V.T + a)
    scores = hidden @ W.T + b
    p = np.exp(scores - scores.real.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    output = (p - Y) / len(X)
    back = (output @ W) * (1 - hidden**2)
    parts = [back.T @ X, back.sum(axis=0), output.T @ hidden, output.sum(axis=0)]
    return np.concatenate([part.ravel() for part in parts]) + decay * w


def hessian(w, X, Y, decay):
    """Symmetrised here, explicitly: the two triangles differ by rounding."""
    columns = [gradient(w + 1j * STEP * unit, X, Y, decay).imag / STEP for unit in np.eye(len(w))]
    H = np.array(columns)
    return (H + H.T) / 2


def training_hessians(steps, every, *, samples=300, rate=1.0, decay=0.0, seed=0):
    """Hessians (m, 118, 118) at every `every`-th step of plain gradient descent."""
    X, Y = digits(samples)
    w = np.random.default_rng(seed).normal(0, 0.5, SIZE)
    found = []
    for step in range(steps):
        if step % every == 0:
            found.append(hessian(w, X, Y, decay))
        w = w - rate * gradient(w, X, Y, decay)
    return np.array(found)
