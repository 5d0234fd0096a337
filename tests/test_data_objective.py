"""Means over data: value, gradient, and the terms that mini-batches take."""

import pickle

import numpy as np
import pytest

from saddlelab import check, data_objective, gradient, hessian, minimize


def line(w, row):
    return 0.5 * (w[0] + w[1] * row[0] - row[1]) ** 2


def odd(w, row):
    return np.tanh(w[0] * row[0] + w[1]) * row[1] + 0.1 * w[0] ** 2 * w[1]


RNG = np.random.default_rng(1)
DATA = RNG.standard_normal((37, 2))
EPS = 2.0**-52


@pytest.mark.parametrize("term", [line, odd])
def test_value_and_derivatives_are_means(term):
    f = data_objective(term, DATA)
    X = RNG.standard_normal((9, 2))
    expected = [np.mean([term(x, row) for row in DATA]) for x in X]
    np.testing.assert_allclose(f.value(X), expected, rtol=0.0, atol=64 * EPS * 10)
    h = 1e-5
    slopes = [[np.mean([(term(x + h * e, r) - term(x - h * e, r)) / (2 * h) for r in DATA])
               for e in np.eye(2)] for x in X]  # fmt: skip
    found = gradient(f, X)
    assert found.method == "given"
    np.testing.assert_allclose(found.value, slopes, rtol=0.0, atol=1e-8)  # h²f‴ and ε/h
    np.testing.assert_allclose(gradient(f, X[0]).value, found.value[0], rtol=0.0, atol=64 * EPS)
    curved = hessian(f, X)
    exact = hessian(f, X, method="exact")
    assert (np.abs(curved.value - exact.value) <= curved.error + exact.error).all()


def test_a_long_mean_has_its_exact_gradient_too():
    data = RNG.standard_normal((50_000, 2))
    f = data_objective(line, data)
    A = np.column_stack([np.ones(len(data)), data[:, 0]])
    w = np.array([0.3, -0.7])
    expected = A.T @ (A @ w - data[:, 1]) / len(data)
    np.testing.assert_allclose(gradient(f, w).value, expected, rtol=0.0, atol=EPS * 50_000)


def chosen_rows(N, size, steps, starts, **more):
    """Which terms each start took: the gradient of the k-th is k, and x falls by it."""
    f = data_objective(lambda x, row: x[0] * row[0], np.arange(float(N)))
    runs = minimize(f, np.zeros((starts, 1)), method="sgd", lr=1.0, batch_size=size, steps=steps,
                    record="x", **more)  # fmt: skip
    return -np.diff(runs.history.x[:, :, 0], axis=1) * size


@pytest.mark.parametrize("N", [1, 2, 3, 16, 17, 37])
def test_every_epoch_takes_every_row_once_in_an_order_of_its_own(N):
    rows = np.rint(chosen_rows(N, 1, 4 * N, 20, rng=3)).astype(int)
    epochs = rows.reshape(20, 4, N)
    assert (np.sort(epochs, axis=2) == np.arange(N)).all()
    if N > 10:
        assert len({tuple(e) for e in epochs.reshape(80, N)}) == 80


def test_orders_are_uniform():
    """Each row is as likely at each place, and neighbours are as likely to follow as others."""
    N, starts = 8, 4000
    rows = np.rint(chosen_rows(N, 1, 2 * N, starts, rng=5)).astype(int).reshape(-1, N)
    from scipy.stats import chisquare

    for place in range(N):
        assert chisquare(np.bincount(rows[:, place], minlength=N)).pvalue > 1e-4
    steps = (rows[:, 1] - rows[:, 0]) % N
    assert chisquare(np.bincount(steps, minlength=N)[1:]).pvalue > 1e-4


def test_batches_are_means_of_their_terms():
    N, size = 12, 5
    one = np.rint(chosen_rows(N, 1, 60, 3, rng=7)).reshape(3, 12, 5).sum(axis=2)
    together = chosen_rows(N, size, 12, 3, rng=7)
    np.testing.assert_allclose(together, one, rtol=0.0, atol=EPS * 60 * 60)


def test_same_seed_same_bits():
    f = data_objective(odd, DATA)
    x0 = RNG.standard_normal((300, 2))

    def run(**more):
        return minimize(f, x0, method="adam", batch_size=4, lr=0.01, steps=50, **more).x

    assert np.array_equal(run(rng=1, workers=1), run(rng=1, workers=2))
    assert not np.array_equal(run(rng=1), run(rng=2))
    whole = minimize(f, x0, method="adam", batch_size=4, lr=0.01, steps=50, rng=1)
    begun = minimize(f, x0, method="adam", batch_size=4, lr=0.01, steps=20, rng=1)
    assert np.array_equal(minimize(f, begun, lr=0.01, steps=30).x, whole.x)


def test_sgd_finds_the_least_squares():
    f = data_objective(line, DATA)
    A = np.column_stack([np.ones(len(DATA)), DATA[:, 0]])
    truth = np.linalg.lstsq(A, DATA[:, 1], rcond=None)[0]
    rate = lambda t: 0.2 / (1.0 + 0.02 * t)  # noqa: E731
    runs = minimize(f, RNG.standard_normal((20, 2)), method="sgd", batch_size=8,
                    learning_rate=rate, steps=20_000, rng=0)  # fmt: skip
    assert np.abs(runs.x - truth).max() < 0.01
    full = minimize(f, [0.0, 0.0], method="gd", lr=0.5, steps=2000, tol=1e-12)
    np.testing.assert_allclose(full.x, truth, rtol=0.0, atol=1e-10)
    assert full.success
    assert check(f, truth).kind == "minimum"


def test_sgd_with_momentum_and_all_rows_is_momentum():
    f = data_objective(line, DATA)
    options = {"lr": 0.1, "steps": 40, "momentum": 0.8}
    batches = minimize(f, [1.0, 1.0], method="sgd", batch_size=len(DATA), **options)
    whole = minimize(f, [1.0, 1.0], method="momentum", **options)
    np.testing.assert_allclose(batches.x, whole.x, rtol=0.0, atol=1000 * EPS)


def test_it_pickles():
    f = pickle.loads(pickle.dumps(data_objective(line, DATA)))
    assert f.name == "line"
    assert f.rows.shape == (37, 2)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: data_objective(line, np.zeros((0, 2))), ValueError, "`data` must have shape"),
    (lambda: data_objective(line, [[1.0, np.nan]]), ValueError, "`data` must be finite.*row 0"),
    (lambda: data_objective(3, DATA), TypeError, "`term` must be a function"),
    (lambda: minimize(lambda x: x[0] ** 2, [1.0], method="sgd"), ValueError,
     "must be made by saddlelab.data_objective"),
    (lambda: minimize(data_objective(line, DATA), [1.0, 1.0], batch_size=38), ValueError,
     "`batch_size` must be at most 37"),
    (lambda: minimize(data_objective(lambda x, r: x[0] if x[0] > r[0] else r[0], DATA), [1.0, 1.0]),
     ValueError, "must not decide by the values"),
])  # fmt: skip
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
