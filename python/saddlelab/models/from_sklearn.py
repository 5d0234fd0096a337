"""A fitted scikit-learn network as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.networks.mlp import MLP

if TYPE_CHECKING:
    from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["from_sklearn"]

Floats: TypeAlias = NDArray[np.float64]

#: Ours for scikit-learn's names.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_LOSSES = {
    ("softmax", "log_loss"): "cross_entropy",
    ("logistic", "log_loss"): "binary_cross_entropy",
    ("identity", "squared_error"): "squared_error",
}


def from_sklearn(
    estimator: Any, X: ArrayLike, y: ArrayLike
) -> tuple[NetworkObjective, NDArray[np.float64]]:
    """Turn a fitted MLPClassifier or MLPRegressor into one of our networks, over data.

    Parameters
    ----------
    estimator : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted.
    X : (N, inputs) array_like
    y : (N,) or (N, outputs) array_like
        Targets, or labels as the estimator was given them.

    Returns
    -------
    objective : NetworkObjective
        What the estimator's training lowers, with ``objective.network`` the `networks.MLP`.
    theta : (n,) float array
        The estimator's weights and biases.

    Raises
    ------
    TypeError
        If it is another estimator, or data are no real numbers.
    ValueError
        If it is not fitted, has another loss than the squared error or the cross-entropy, or does
        not know one of the labels; if the shapes do not fit.

    Notes
    -----
    scikit-learn adds ½·(alpha/N)·Σ W² over weights, not over biases, where N is the number of
    samples in hand; that is `weight_decay` = alpha/N without `decay_biases`.  With all data in one
    batch the gradient here is that of its L-BFGS to rounding.  Of its losses two differ in value
    only: the squared error it prints is divided by the number of outputs, unlike the one whose
    gradient it takes, which is ours; and its cross-entropy cuts probabilities off at the unit of
    rounding.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> from saddlelab import models
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 0.0, 1.0]
    >>> fitted = MLPRegressor(hidden_layer_sizes=[4], solver="lbfgs", random_state=0).fit(X, y)
    >>> loss, theta = models.from_sklearn(fitted, X, y)
    >>> bool(abs(loss.value(theta) - fitted.loss_) < 1e-12)
    True
    """
    name = type(estimator).__name__
    if not any(each.__name__ in ("MLPClassifier", "MLPRegressor") for each in
               type(estimator).__mro__):  # fmt: skip
        raise TypeError(f"`estimator` must be an MLPClassifier or MLPRegressor, got {name}")
    if not hasattr(estimator, "coefs_"):
        raise ValueError(f"`estimator` must be fitted, this {name} is not")
    kind = estimator.out_activation_, getattr(estimator, "loss", "squared_error")
    if kind not in _LOSSES:
        raise ValueError(f"`estimator` must have the squared error or the cross-entropy as its "
                         f"loss, got {kind[1]!r} with {kind[0]} outputs")  # fmt: skip
    layers = [(W.T, b) for W, b in zip(estimator.coefs_, estimator.intercepts_, strict=True)]
    sizes = [layers[0][0].shape[1], *(len(b) for _, b in layers)]
    rows = np.asarray(X)
    network = MLP(
        sizes, activation=_ACTIVATIONS[estimator.activation], loss=_LOSSES[kind],
        weight_decay=float(estimator.alpha) / max(len(rows), 1), decay_biases=False,
    )  # fmt: skip
    return network.objective(rows, _targets(estimator, network, y)), network.pack(layers)


def _targets(estimator: Any, network: MLP, y: ArrayLike) -> NDArray[Any]:
    """Numbers of classes for labels; 0 and 1 for those of several outputs."""
    labels = np.asarray(y)
    if not hasattr(estimator, "classes_"):
        return labels
    known = np.asarray(estimator.classes_)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        return labels
    found = np.isin(labels, known)
    if not found.all():
        k = int(np.argmin(found))
        raise ValueError(f"`y` must hold labels the estimator knows, but y[{k}] = {labels[k]!r}")
    return np.searchsorted(known, labels)
