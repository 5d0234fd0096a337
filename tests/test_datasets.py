"""Data sets: what is promised of their shapes, parts, streams and numbers."""

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from saddlelab import datasets

EPS = np.finfo(float).eps
TEACHER = [([[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]], [0.1, 0.2, 0.3]), [[1.0, 2.0, 3.0]]]

MAKERS = [
    lambda rng, test: datasets.digits(pixels=2, test=test, rng=rng),
    lambda rng, test: datasets.gaussian_blobs(50, test=test, rng=rng),
    lambda rng, test: datasets.two_spirals(50, noise=0.1, test=test, rng=rng),
    lambda rng, test: datasets.teacher_student(TEACHER, 50, noise=0.1, test=test, rng=rng),
]


def whole(data):
    """X and y of all samples, in the order they were drawn in."""
    order = np.argsort(np.concatenate(data.rows))
    return (np.concatenate([data.X, data.X_test])[order],
            np.concatenate([data.y, data.y_test])[order])  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_every_data_set(make):
    data, again, other = make(3, 0.3), make(3, 0.3), make(4, 0.3)
    X, y = data
    assert X is data.X
    assert y is data.y
    count = len(X) + len(data.X_test)
    assert len(y) == len(X)
    assert len(data.y_test) == len(data.X_test) == pytest.approx(0.3 * count, abs=5)
    for mine, same in ((X, again.X), (y, again.y), (data.X_test, again.X_test)):
        np.testing.assert_array_equal(mine, same)
    assert not np.array_equal(data.rows[0], other.rows[0])
    np.testing.assert_array_equal(np.sort(np.concatenate(data.rows)), np.arange(count))
    none = make(3, 0.0)
    assert none.X_test.shape == (0, X.shape[1])
    for mine, all_ in zip(whole(data), none, strict=True):
        np.testing.assert_array_equal(mine, all_)  # setting aside changes no sample
    assert data.name in str(data)
    if data.classes:
        assert set(y) == set(range(data.classes))
        assert y.dtype == np.int64


@given(st.floats(0.0, 0.9), st.integers(1, 5), st.integers(0, 2**40))
@settings(max_examples=25)
def test_the_test_part_has_its_share_of_each_class(test, classes, seed):
    data = datasets.gaussian_blobs(60, classes=classes, test=test, rng=seed)
    for label in range(classes):
        aside = np.count_nonzero(data.y_test == label)
        total = aside + np.count_nonzero(data.y == label)
        assert total in (60 // classes, 60 // classes + 1)
        assert aside == round(test * total)


# --- digits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pixels", [8, 4, 2, 1])
def test_digits_are_pooled(pixels):
    X, y = whole(datasets.digits(pixels=pixels))
    source = load_digits()
    np.testing.assert_array_equal(y, source.target)
    size = 8 // pixels
    for k in (0, 1000):
        for r in range(pixels):
            for c in range(pixels):
                block = source.images[k, r * size : (r + 1) * size, c * size : (c + 1) * size]
                assert X[k, r * pixels + c] == block.mean() / 16  # sums of whole numbers: exact


def test_digits_projected_are_scikit_learn_s():
    data = datasets.digits(pixels=4, components=6)
    plain = datasets.digits(pixels=4)
    theirs = PCA(6, svd_solver="full").fit(plain.X)
    for mine, pixels in ((data.X, plain.X), (data.X_test, plain.X_test)):
        expected = theirs.transform(pixels)
        signs = np.sign(np.sum(mine * expected, axis=0))
        # singular vectors to eps · ‖X‖/gap
        np.testing.assert_allclose(mine, expected * signs, atol=1e6 * EPS)
    spread = data.X.var(axis=0)
    assert (np.diff(spread) < 0.0).all()
    np.testing.assert_allclose(np.cov(data.X.T), np.diag(np.diag(np.cov(data.X.T))), atol=1e3 * EPS)


@pytest.mark.parametrize("components", [None, 5])
def test_digits_standardized(components):
    data = datasets.digits(components=components, standardize=True)
    n = len(data.X)
    np.testing.assert_allclose(data.X.mean(axis=0), 0.0, atol=n * EPS)
    spread = data.X.std(axis=0)
    constant = np.ptp(datasets.digits().X, axis=0) == 0.0
    if components is None:
        assert constant.sum() >= 3  # the digits have three pixels that are always white
        assert not data.X[:, constant].any()
        assert not data.X_test[:, constant].any()
        spread = spread[~constant]
    np.testing.assert_allclose(spread, 1.0, atol=n * EPS)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r"needs scikit-learn.*'saddlecore\[data\]'"):
        datasets.digits()


# --- made by us -----------------------------------------------------------------------------------


def test_the_spirals_are_those_of_lang_and_witbrock():
    X, y = datasets.two_spirals()
    for i in range(97):
        angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
        point = [radius * np.sin(angle), radius * np.cos(angle)]
        # the angle, up to 6π, is rounded
        np.testing.assert_allclose(X[2 * i], point, atol=6.5 * 20 * 4 * EPS)
        np.testing.assert_array_equal(X[2 * i + 1], -X[2 * i])
    assert y.tolist() == [0, 1] * 97
    noisy = datasets.two_spirals(10000, noise=0.3).X - datasets.two_spirals(10000).X
    assert abs(noisy.std() / 0.3 - 1.0) < 6 / (2 * 20000) ** 0.5


def test_blobs_are_around_their_centers():
    centers = np.array([[0.0, 100.0, 0.0], [-50.0, 0.0, 7.0]])
    X, y = datasets.gaussian_blobs(20000, centers=centers, spread=2.0, test=0.0)
    rest = (X - centers[y]) / 2.0
    assert abs(rest.mean()) < 6 / rest.size**0.5
    assert abs(rest.var() - 1.0) < 6 * (2 / rest.size) ** 0.5
    drawn = datasets.gaussian_blobs(1000, classes=500, features=40, spread=1e-9, test=0.0).X
    assert abs(drawn[:500].std() / 4.0 - 1.0) < 6 / (2 * 20000) ** 0.5


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu", "sigmoid", "erf"])
def test_teachers_answer_as_their_weights_say(activation):
    from math import erf, exp, tanh

    f = {"linear": float, "tanh": tanh, "relu": lambda x: max(x, 0.0), "erf": erf,
         "sigmoid": lambda x: 1.0 / (1.0 + exp(-x))}[activation]  # fmt: skip
    X, y = datasets.teacher_student(TEACHER, 20, activation=activation, test=0.0)
    (W, b), V = TEACHER
    for x, answer in zip(X, y, strict=True):
        hidden = [f(np.dot(row, x) + c) for row, c in zip(W, b, strict=True)]
        assert answer == pytest.approx([np.dot(V[0], hidden)], abs=100 * EPS)


def test_teachers_in_other_forms():
    W = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]])
    matrix = datasets.teacher_student(W, 30)
    for teacher in (W.tolist(), [W], [(W, np.zeros(3))]):
        np.testing.assert_array_equal(datasets.teacher_student(teacher, 30).y, matrix.y)
    called = datasets.teacher_student(lambda X: X @ W.T, 30, inputs=2)
    np.testing.assert_allclose(called.y, matrix.y, atol=100 * EPS)
    noisy = datasets.teacher_student(W, 30000, noise=0.5, test=0.0)
    assert abs((noisy.y - noisy.X @ W.T).std() / 0.5 - 1.0) < 6 / (2 * 90000) ** 0.5


def test_white_inputs_are_white():
    data = datasets.teacher_student([[1.0, 2.0, 3.0]], 100, white=True)
    n = len(data.X)
    np.testing.assert_allclose(data.X.T @ data.X / n, np.eye(3), atol=20 * n * EPS)
    np.testing.assert_allclose(data.y, data.X @ [[1.0], [2.0], [3.0]], atol=100 * EPS)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: datasets.digits(pixels=3), "`pixels` must be one of 8, 4, 2, 1, got 3"),
        (lambda: datasets.digits(pixels=2, components=5), "`components` must be at most 4, got 5"),
        (lambda: datasets.digits(test=1.0), "`test` must be a fraction.*got 1.0"),
        (lambda: datasets.gaussian_blobs(2), "`samples` must be at least 3.*got 2"),
        (lambda: datasets.gaussian_blobs(spread=0.0), "`spread` must be positive"),
        (lambda: datasets.gaussian_blobs(centers=[1.0]), "`centers` must have shape"),
        (lambda: datasets.gaussian_blobs(centers=[[np.inf]]), "`centers` must be finite"),
        (lambda: datasets.two_spirals(7), "`samples` must be even and at least 4, got 7"),
        (lambda: datasets.two_spirals(noise=-1), "`noise` must be finite and not negative"),
        (lambda: datasets.teacher_student([]), "`teacher` must have a layer, got none"),
        (lambda: datasets.teacher_student([[[1.0]], [[1.0, 2.0]]]), "layer 1 of .*must take 1 inp"),
        (lambda: datasets.teacher_student([([[1.0]], [1.0, 2.0])]), "layer 0 of .*must be a matr"),
        (lambda: datasets.teacher_student([[np.nan]]), "layer 0 of `teacher` must be finite"),
        (lambda: datasets.teacher_student([[1.0]], inputs=2), "`inputs` must be 1"),
        (lambda: datasets.teacher_student(lambda X: X), "`inputs` must be given"),
        (lambda: datasets.teacher_student(lambda X: X[0], inputs=2), "`teacher` must return shape"),
        (lambda: datasets.teacher_student(np.eye(9), 5, white=True), "`samples` must leave at lea"),
    ],
)
def test_bad_input_is_named(make, text):
    with pytest.raises(ValueError, match=text):
        make()
