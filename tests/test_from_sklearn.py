"""scikit-learn's fitted networks as ours: beside what they predict, and what they minimised."""

import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlogy
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from saddlelab import from_sklearn, from_torch, networks

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
TARGETS = {
    "classes": np.array(["ant", "bee", "cow"])[np.arange(40) % 3],
    "two": np.where(X[:, 0] > 0, 7, -2),
    "labels": (X[:, :2] > 0).astype(int),
    "number": X[:, 0] * X[:, 1],
    "numbers": X[:, :2] ** 2,
}


def fitted(kind, **options):
    make = MLPRegressor if kind.startswith("number") else MLPClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        given = {"solver": "lbfgs", "max_iter": 20, "random_state": 0} | options
        return make(hidden_layer_sizes=[4, 3], **given).fit(X, TARGETS[kind])


def loss_of(estimator, kind):
    """By what the estimator predicts: the definition in its user guide, at its weights."""
    decay = sum((W**2).sum() for W in estimator.coefs_) * estimator.alpha / len(X) / 2
    if kind.startswith("number"):
        off = np.reshape(estimator.predict(X) - TARGETS[kind], (len(X), -1))
        return (off**2).sum() / len(X) / 2 + decay
    P, y = estimator.predict_proba(X), TARGETS[kind]
    if kind == "labels":
        return -(xlogy(y, P) + xlogy(1 - y, 1 - P)).sum() / len(X) + decay
    return -np.log(P[np.arange(len(X)), np.searchsorted(estimator.classes_, y)]).mean() + decay


@pytest.mark.parametrize("kind", TARGETS)
@settings(max_examples=6)
@given(
    st.sampled_from(["identity", "logistic", "tanh", "relu"]),
    st.sampled_from([0.0, 1e-4, 3.0]),
    st.integers(0, 10**6),
)
def test_value_is_the_definition_s(kind, activation, alpha, seed):
    estimator = fitted(kind, activation=activation, alpha=alpha, max_iter=2)
    f, theta = from_sklearn(estimator, X, TARGETS[kind])
    assert f.value(theta) == pytest.approx(loss_of(estimator, kind), rel=1e-12)
    # And at any other weights.
    theta = theta + 0.3 * np.random.default_rng(seed).standard_normal(theta.size)
    layers = f.network.unpack(theta)
    estimator.coefs_ = [W.T.copy() for W, _ in layers]
    estimator.intercepts_ = [b for _, b in layers]
    assert f.value(theta) == pytest.approx(loss_of(estimator, kind), rel=1e-12)
    again, at = from_sklearn(estimator, X, TARGETS[kind])
    assert (at == theta).all()
    assert again.network == f.network


@pytest.mark.parametrize("kind", TARGETS)
def test_its_steps_are_our_gradients(kind):
    estimator = fitted(kind, activation="tanh", alpha=0.5, solver="sgd", momentum=0.0, max_iter=1,
                       learning_rate_init=1.0, batch_size=len(X), warm_start=True)  # fmt: skip
    f, theta = from_sklearn(estimator, X, TARGETS[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(X, TARGETS[kind])
    after = from_sklearn(estimator, X, TARGETS[kind])[1]
    np.testing.assert_allclose(theta - after, f.gradient(theta), rtol=0, atol=1e-14)
    # Its loss before the step; that of several outputs it divides by their number.
    if kind != "numbers":
        assert f.value(theta) == pytest.approx(estimator.loss_, rel=1e-12)


def test_digits():
    rows, y = load_digits(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator = MLPClassifier([10], max_iter=3, random_state=0).fit(rows, y)
    f, theta = from_sklearn(estimator, rows, y)
    assert f.network == networks.MLP([64, 10, 10], activation="relu", loss="cross_entropy",
                                     weight_decay=1e-4 / 1797, decay_biases=False)  # fmt: skip
    assert f.accuracy(theta) == estimator.score(rows, y)
    assert f.hvp(theta, theta).shape == (760,)


@pytest.mark.parametrize(("estimator", "y", "error", "message"), [
    (LinearRegression, [], TypeError, "an MLPClassifier or MLPRegressor, got LinearRegression"),
    (MLPRegressor, [], ValueError, "must be fitted, this MLPRegressor is not"),
    (lambda: fitted("classes"), np.repeat("dog", 40), ValueError, r"knows, but y\[0\] = .*'dog'"),
    (lambda: fitted("two"), np.zeros(40), ValueError, r"knows, but y\[0\] = "),
    (lambda: fitted("number"), np.zeros(39), ValueError, r"`y` must have shape \(40, 1\)"),
])  # fmt: skip
def test_refused(estimator, y, error, message):
    with pytest.raises(error, match=message):
        from_sklearn(estimator(), X, y)


def test_refused_loss():
    estimator = fitted("number")
    estimator.loss = "poisson"
    with pytest.raises(ValueError, match=r"squared error or the cross-entropy .* got 'poisson'"):
        from_sklearn(estimator, X, TARGETS["number"])
    with pytest.raises(ValueError, match=r"`X` must have shape \(N, 3\)"):
        from_sklearn(fitted("number"), X[:, :2], TARGETS["number"])


def test_without_torch(monkeypatch):
    """Here, since this file needs none."""
    monkeypatch.setitem(sys.modules, "torch", None)
    message = r"^`from_torch` needs torch: pip install 'saddlecore\[torch\]'$"
    with pytest.raises(ImportError, match=message):
        from_torch(None, None, None)
