"""Networks as objectives: every derivative beside plain loops, and saddlelab on them."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import networks as reference

from saddlelab import check, gradient, hessian, hvp, minimize, networks

EPS = 2.0**-52


def tolerance(scale, terms):
    """Rounding of a sum of so many terms, each of a few operations of four units."""
    return 64 * EPS * scale * np.sqrt(terms)


def targets(rng, loss, N, outputs):
    if loss == "cross_entropy":
        return rng.integers(0, outputs, N)
    draw = rng.standard_normal if loss == "squared_error" else rng.random
    return draw((N, outputs))


@st.composite
def shapes(draw, most=3):
    """Sizes of 1 to 3 layers, the last at least 2: small, for the reference takes n² losses."""
    depth = draw(st.integers(1, 3))
    return (*(draw(st.integers(1, most)) for _ in range(depth)), draw(st.integers(2, 3)))


def case(sizes, activation, loss, bias, residual, decay, N, seed, biases=True):
    """A network, its objective, a point away from kinks, and the reference's arguments."""
    rng = np.random.default_rng(seed)
    network = networks.MLP(sizes, activation=activation, loss=loss, bias=bias, residual=residual,
                           weight_decay=decay, decay_biases=biases)  # fmt: skip
    decays = np.concatenate([
        np.repeat([decay, decay * biases], [o * i, o * bias])
        for i, o in itertools.pairwise(sizes)
    ])  # fmt: skip
    X, y = rng.standard_normal((N, sizes[0])), targets(rng, loss, N, sizes[-1])
    theta = rng.standard_normal(network.size)
    if activation in reference.KINKED:
        while reference.distance_to_kink(theta, sizes, X, activation=activation, bias=bias,
                                         residual=residual) < 1e-6:  # fmt: skip
            theta = rng.standard_normal(network.size)
    told = {"activation": activation, "kind": loss, "bias": bias, "residual": residual,
            "decay": decays}  # fmt: skip
    return network.objective(X, y), theta, (list(theta), sizes, X, np.reshape(y, (N, -1))), told


@pytest.mark.parametrize("loss", networks.LOSSES)
@pytest.mark.parametrize("activation", networks.ACTIVATIONS)
@settings(max_examples=5)
@given(st.data())
def test_every_derivative_is_the_reference_s(activation, loss, data):
    sizes = data.draw(shapes())
    bias, residual = data.draw(st.booleans()), data.draw(st.booleans())
    decay, N = data.draw(st.sampled_from([0.0, 0.25])), data.draw(st.integers(1, 4))
    f, theta, at, told = case(sizes, activation, loss, bias, residual, decay, N,
                              seed=data.draw(st.integers(0, 10**6)),
                              biases=data.draw(st.booleans()))  # fmt: skip
    value, slope, H = map(np.array, reference.derivatives(*at, **told))
    within = tolerance(1.0 + np.abs(H).max() + np.abs(slope).max() + abs(value), theta.size)
    assert abs(f.value(theta) - value) <= within
    np.testing.assert_allclose(gradient(f, theta).value, slope, rtol=0.0, atol=within)
    found = hessian(f, theta)
    assert found.method == "given"
    np.testing.assert_allclose(found.value, H, rtol=0.0, atol=within)
    assert (found.value == found.value.T).all()
    v = np.cos(np.arange(1.0, theta.size + 1.0))
    np.testing.assert_allclose(hvp(f, theta, v).value, H @ v, rtol=0.0, atol=theta.size * within)
    G = np.array(reference.gauss_newton(*at, **told))
    within = tolerance(1.0 + np.abs(G).max(), theta.size)
    np.testing.assert_allclose(f.gauss_newton(theta), G, rtol=0.0, atol=within)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("sizes", [(5, 7, 3), (17, 9, 9, 4), (3, 4, 4, 4, 2), (9, 17, 20, 11, 2)])
@pytest.mark.parametrize("N", [1, 80, 81, 1000])
def test_shapes_that_fill_no_register(sizes, N, residual):
    """Beside products with unit vectors, and those beside differences of exact gradients."""
    rng = np.random.default_rng(N)
    network = networks.MLP(sizes, loss="cross_entropy", residual=residual, weight_decay=0.1)
    f = network.objective(rng.standard_normal((N, sizes[0])), rng.integers(0, sizes[-1], N))
    theta = rng.standard_normal(network.size) / 2
    H = f.hessian(theta)
    columns = hvp(f, theta, np.eye(network.size)).value
    assert np.abs(H - columns).max() <= tolerance(np.abs(H).max(), N)
    assert (hessian(f, theta).error >= np.abs(H - columns) / 10).all()
    v, h = rng.standard_normal(network.size), 2.0**-17
    sloped = (f.gradient(theta + h * v) - f.gradient(theta - h * v)) / (2 * h)
    # ε/h of rounding and h² of truncation
    np.testing.assert_allclose(H @ v, sloped, rtol=0.0, atol=1e5 * h * h * np.abs(H @ v).max())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch itself
def test_torch_agrees():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((50, 6)), rng.integers(0, 3, 50)
    network = networks.MLP([6, 5, 4, 3], activation="gelu", loss="cross_entropy")
    theta = rng.standard_normal(network.size)

    def loss(t):
        a, at = torch.tensor(X), 0
        for k, (i, o) in enumerate(zip(network.sizes, network.sizes[1:], strict=False)):
            W, at = t[at : at + i * o].reshape(o, i), at + i * o
            a, at = a @ W.T + t[at : at + o], at + o
            a = torch.nn.functional.gelu(a) if k < 2 else a
        return torch.nn.functional.cross_entropy(a, torch.tensor(y))

    H = torch.func.hessian(loss)(torch.tensor(theta)).numpy()
    found = network.objective(X, y).hessian(theta)
    np.testing.assert_allclose(found, H, rtol=0.0, atol=tolerance(np.abs(H).max(), 50))


@pytest.mark.parametrize("loss", networks.LOSSES)
def test_threads_and_points_change_no_bit(loss):
    rng = np.random.default_rng(3)
    network = networks.MLP([7, 6, 5, 2], loss=loss)
    f = network.objective(rng.standard_normal((900, 7)), targets(rng, loss, 900, 2))
    thetas = rng.standard_normal((40, network.size))
    many = hessian(f, thetas, workers=2).value
    assert (many == np.stack([hessian(f, t, workers=1).value for t in thetas])).all()
    assert (f.value(thetas) == [f.value(t) for t in thetas]).all()
    assert (f.gradient(thetas) == np.stack([f.gradient(t) for t in thetas])).all()
    assert (f.gauss_newton(thetas[0], workers=1) == f.gauss_newton(thetas[0], workers=2)).all()


# --- Gauss–Newton --------------------------------------------------------------------------------


@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 1000))
def test_gauss_newton_is_semidefinite_and_of_low_rank(N, outputs, seed):
    rng = np.random.default_rng(seed)
    network = networks.MLP([3, 4, outputs])
    f = network.objective(rng.standard_normal((N, 3)), rng.standard_normal((N, outputs)))
    G = f.gauss_newton(rng.standard_normal(network.size))
    eigenvalues = np.linalg.eigvalsh(G)
    noise = tolerance(np.abs(G).max() * network.size, network.size)
    assert eigenvalues[0] >= -noise
    assert np.count_nonzero(eigenvalues > noise) <= N * outputs


def test_without_residuals_it_is_the_hessian():
    rng = np.random.default_rng(1)
    network = networks.MLP([4, 5, 2], activation="softplus")
    X, theta = rng.standard_normal((30, 4)), rng.standard_normal(37)
    f = network.objective(X, network.forward(theta, X))
    H, G = f.hessian(theta), f.gauss_newton(theta)
    np.testing.assert_allclose(G, H, rtol=0.0, atol=tolerance(np.abs(G).max(), 30))
    found = check(f, theta)
    assert found.critical
    assert found.index == 0


# --- one array of parameters ---------------------------------------------------------------------


@given(shapes(6), st.booleans(), st.integers(0, 1000))
def test_pack_undoes_unpack(sizes, bias, seed):
    network = networks.MLP(sizes, bias=bias)
    theta = np.random.default_rng(seed).standard_normal(network.size)
    layers = network.unpack(theta)
    assert [W.shape for W, _ in layers] == list(zip(sizes[1:], sizes, strict=False))
    assert (network.pack(layers) == theta).all()
    for (W, b), (V, c) in zip(layers, reference.layers_of(sizes, bias, theta), strict=True):
        np.testing.assert_array_equal(W, V)
        assert (b is None) != bias
        assert b is None or (b == np.array(c)).all()


# --- values --------------------------------------------------------------------------------------


def test_outputs_losses_and_predictions():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((100, 4)), rng.integers(0, 3, 100)
    network = networks.MLP([4, 6, 3], loss="cross_entropy", weight_decay=0.5)
    theta = rng.standard_normal(network.size)
    (W, b), (V, c) = network.unpack(theta)
    u = np.tanh(X @ W.T + b) @ V.T + c
    f = network.objective(X, y)
    within = tolerance(np.abs(u).max(), 6)
    np.testing.assert_allclose(network.forward(theta, X), u, rtol=0.0, atol=within)
    each = np.log(np.exp(u).sum(axis=1)) - u[np.arange(100), y]
    np.testing.assert_allclose(f.per_sample(theta), each, rtol=0.0, atol=4 * within)
    assert f.value(theta) == pytest.approx(each.mean() + 0.25 * theta @ theta, rel=tolerance(1, 9))
    assert (f.predictions(theta) == u.argmax(axis=1)).all()
    assert f.accuracy(theta) == np.mean(u.argmax(axis=1) == y)
    two = networks.MLP([4, 1], loss="binary_cross_entropy").objective(X, (y > 0).astype(float))
    assert two.accuracy(theta[:5]) == np.mean((X @ theta[:4] + theta[4] > 0) == (y > 0))


@pytest.mark.parametrize("loss", networks.LOSSES)
def test_saturated_networks_stay_finite(loss):
    network = networks.MLP([2, 3, 2], activation="sigmoid", loss=loss)
    y = [0, 1] if loss == "cross_entropy" else [[0.0, 1.0], [1.0, 0.0]]
    f = network.objective([[1e3, -1e3], [-1e3, 1e3]], y)
    theta = 1e3 * np.cos(np.arange(17.0))
    assert np.isfinite(f.value(theta))
    assert np.isfinite(f.hessian(theta)).all()


# --- the rest of saddlelab -----------------------------------------------------------------------


def test_two_weights_have_their_saddle():
    """½(1 − w₁w₂)²: −1 and 1 at 0 (Baldi & Hornik 1989)."""
    f = networks.MLP([1, 1, 1], activation="linear", bias=False).objective([[1.0]], [[1.0]])
    found = check(f, [0.0, 0.0])
    assert (found.kind, found.index, bool(found.certified)) == ("saddle", 1, True)
    np.testing.assert_allclose(found.eigenvalues, [-1.0, 1.0], rtol=0.0, atol=4 * EPS)


def problem(N=60):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((N, 3))
    network = networks.MLP([3, 4, 2], loss="cross_entropy", weight_decay=1e-2)
    f = network.objective(X, (X[:, 0] * X[:, 1] > 0).astype(int))
    return f, rng.standard_normal((3, network.size)) / 2


@pytest.mark.parametrize("method", ["adam", "trust_region"])
def test_minimize_takes_networks(method):
    f, starts = problem()
    runs = minimize(f, starts, method=method, steps=200)
    assert (runs.value < f.value(starts)).all()


def test_batches_are_means_of_their_samples():
    """One step of SGD from the same start, with all samples and with some."""
    f, starts = problem(64)
    whole = minimize(f, starts, method="gd", lr=0.1, steps=1).x
    all_of_them = minimize(f, starts, method="sgd", lr=0.1, steps=1, batch_size=64, rng=0).x
    np.testing.assert_allclose(all_of_them, whole, rtol=0.0, atol=tolerance(1.0, 64))
    # An epoch of steps of no length visits every sample once: their mean is the whole gradient.
    tiny = 2.0**-30
    epoch = minimize(f, starts, method="sgd", lr=tiny, steps=8, batch_size=8, rng=0).x
    mean = (starts - epoch) / (8 * tiny)
    np.testing.assert_allclose(mean, f.gradient(starts), rtol=0.0, atol=64 * tiny + EPS / tiny)
    # Each start runs as it does alone.
    alone = minimize(f, starts[:1], method="sgd", lr=0.1, steps=20, batch_size=5, rng=7).x
    beside = minimize(f, starts, method="sgd", lr=0.1, steps=20, batch_size=5, rng=7).x
    assert (alone[0] == beside[0]).all()


def test_newton_finds_a_critical_point():
    f, starts = problem()
    runs = minimize(f, starts, method="trust_region", steps=500, tol=1e-10)
    found = check(f, runs.x)
    assert found.critical.all()
    assert found.certified.all()


def test_it_pickles():
    f, starts = problem()
    again = pickle.loads(pickle.dumps(f))
    assert again.network == f.network
    assert (again.hessian(starts[0]) == f.hessian(starts[0])).all()


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "message"), [
    (([3],), "`sizes` must be inputs, hidden units, …, outputs"),
    (([3, 0, 2],), r"sizes\[1\]"),
    (([3, 2], {"activation": "cube"}), "`activation` must be one of linear, sigmoid"),
    (([3, 2], {"loss": "hinge"}), "`loss` must be one of squared_error"),
    (([3, 2], {"weight_decay": -1.0}), "`weight_decay` must not be negative, got -1.0"),
    (([3, 1], {"loss": "cross_entropy"}), "at least 2 outputs"),
])  # fmt: skip
def test_bad_networks(arguments, message):
    sizes, options = arguments[0], arguments[1] if len(arguments) > 1 else {}
    with pytest.raises(ValueError, match=message):
        networks.MLP(sizes, **options)


@pytest.mark.parametrize(("loss", "X", "y", "message"), [
    ("squared_error", [[1.0]], [[1.0, 2.0]], r"`X` must have shape \(N, 2\), got \(1, 1\)"),
    ("squared_error", [[1.0, np.nan]], [[1.0, 2.0]], r"`X` must be finite, but X\[0, 1\] = nan"),
    ("squared_error", [[1.0, 2.0]], [1.0], r"`y` must have shape \(1, 2\) for squared_error"),
    ("squared_error", [[1.0, 2.0]], [[1.0, np.inf]], r"`y` must be finite, but y\[0, 1\] = inf"),
    ("cross_entropy", [[1.0, 2.0]], [2], r"`y` must be classes from 0 to 1, but y\[0\] is 2"),
    ("cross_entropy", [[1.0, 2.0]], [0.5], "must be classes from 0 to 1"),
    ("cross_entropy", [[1.0, 2.0]], [0, 1], r"`y` must have shape \(1,\) of classes"),
    ("binary_cross_entropy", [[1.0, 2.0]], [[0.0, 1.5]], "`y` must be from 0 to 1"),
    ("squared_error", np.zeros((0, 2)), np.zeros((0, 2)), "`X` must have shape"),
])  # fmt: skip
def test_bad_data(loss, X, y, message):
    with pytest.raises(ValueError, match=message):
        networks.MLP([2, 2], loss=loss).objective(X, y)


def test_bad_points():
    f, starts = problem()
    with pytest.raises(ValueError, match="`x` must have 26 numbers"):
        f.value(np.ones(25))
    with pytest.raises(ValueError, match=r"`theta` must have shape \(26,\), got \(25,\)"):
        f.gauss_newton(np.ones(25))
    with pytest.raises(ValueError, match="is not traced"):
        hessian(f, starts[0], method="exact")
    with pytest.raises(ValueError, match="`batch_size` must be at most 60"):
        minimize(f, starts, method="sgd", batch_size=61)


def test_a_hessian_too_large_is_refused():
    network = networks.MLP([784, 100, 10], loss="cross_entropy")
    f = network.objective(np.zeros((2, 784)), [0, 1])
    with pytest.raises(ValueError, match=r"79510 parameters would take \d+\.\d GiB.*hvp"):
        f.hessian(np.zeros(network.size))
