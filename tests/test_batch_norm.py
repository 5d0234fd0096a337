"""Networks normalised over the batch, or by frozen statistics, beside plain loops and torch."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import networks as reference
from test_networks import shapes, targets, tolerance

from saddlelab import check, gradient, hessian, hvp, minimize, networks

SIZES = (6, 5, 5, 3)


def network_of(sizes=SIZES, **told):
    return networks.MLP(sizes, batch_norm=True, **{"loss": "cross_entropy", **told})


def problem(N=50, **told):
    """An objective by the batch's statistics, and a point."""
    rng = np.random.default_rng(N)
    network = network_of(**told)
    f = network.objective(rng.standard_normal((N, 6)), rng.integers(0, 3, N))
    return f, rng.standard_normal(network.size)


def least_variance(network, theta, X):
    return min((v.min() for _, v in network.statistics(theta, X)), default=1.0)


# --- beside the definition -----------------------------------------------------------------------


@pytest.mark.parametrize("frozen", [False, True])
@settings(max_examples=40)
@given(data=st.data())
def test_every_derivative_is_the_reference_s(frozen, data):
    sizes, loss = data.draw(shapes()), data.draw(st.sampled_from(networks.LOSSES))
    activation = data.draw(st.sampled_from(networks.ACTIVATIONS))
    bias, residual = data.draw(st.booleans()), data.draw(st.booleans())
    decay, N = data.draw(st.sampled_from([0.0, 0.25])), data.draw(st.integers(2, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    network = network_of(sizes, activation=activation, loss=loss, bias=bias, residual=residual,
                         weight_decay=decay)  # fmt: skip
    y = targets(rng, loss, N, sizes[-1])
    told = {"activation": activation, "bias": bias, "residual": residual, "batch_norm": True}
    while True:
        X, theta = rng.standard_normal((N, sizes[0])), rng.standard_normal(network.size)
        statistics = network.statistics(theta, X[:2]) if frozen else None
        told["statistics"] = statistics
        smooth = activation not in reference.KINKED
        if least_variance(network, theta, X if not frozen else X[:2]) > 1e-2 and (
            smooth or reference.distance_to_kink(theta, sizes, X, **told) > 1e-6
        ):
            break
    at = (list(theta), sizes, X, np.reshape(y, (N, -1)))
    told |= {"kind": loss, "decay": decay}
    f = network.objective(X, y, statistics=statistics)
    value, slope, H = map(np.array, reference.derivatives(*at, **told))
    # z − μ loses what z has in common: up to ten times what remains.
    within = 10 * tolerance(1.0 + np.abs(H).max() + np.abs(slope).max() + abs(value), theta.size)
    assert abs(f.value(theta) - value) <= within
    np.testing.assert_allclose(gradient(f, theta).value, slope, rtol=0.0, atol=within)
    found = hessian(f, theta)
    assert found.method == "given"
    # The reference has rounding too: of numbers near 1, where softmax saturates.
    assert (np.abs(found.value - H) <= found.error + tolerance(1.0, theta.size)).all()
    assert (found.value == found.value.T).all()
    v = np.cos(np.arange(1.0, theta.size + 1.0))
    np.testing.assert_allclose(hvp(f, theta, v).value, H @ v, rtol=0.0, atol=theta.size * within)
    G = np.array(reference.gauss_newton(*at, **told))
    within = 10 * tolerance(1.0 + np.abs(G).max(), theta.size)
    np.testing.assert_allclose(f.gauss_newton(theta), G, rtol=0.0, atol=within)


def test_statistics_are_the_reference_s():
    rng = np.random.default_rng(4)
    network, X = network_of(residual=True), rng.standard_normal((23, 6))
    theta = rng.standard_normal(network.size)
    layers = reference.normalised_layers_of(SIZES, True, list(theta))
    _, _, taken = reference.normalised_outputs(layers, "tanh", True, X)
    for (mean, variance), expected in zip(network.statistics(theta, X), taken, strict=True):
        np.testing.assert_allclose(np.stack([mean, variance], axis=1), expected, rtol=1e-13)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch itself
@pytest.mark.parametrize("frozen", [False, True])
def test_torch_agrees(frozen):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((50, 6)), rng.integers(0, 3, 50)
    network = network_of(residual=True)
    theta = rng.standard_normal(network.size)
    statistics = network.statistics(theta, X[:20]) if frozen else None

    def loss(t):
        a, at = torch.tensor(X), 0
        for k, (i, o) in enumerate(itertools.pairwise(SIZES)):
            z, at = a @ t[at : at + i * o].reshape(o, i).T, at + i * o
            if k == 2:
                return torch.nn.functional.cross_entropy(z + t[at:], torch.tensor(labels))
            # Not torch's batch_norm, whose second derivatives are not symmetric (torch 2.13).
            mean, variance = z.mean(0), z.var(0, unbiased=False)
            if frozen:
                mean, variance = map(torch.tensor, statistics[k])
            y = (z - mean) / torch.sqrt(variance + 1e-5) * t[at : at + o] + t[at + o : at + 2 * o]
            a, at = torch.tanh(y) + (a if k else 0.0), at + 2 * o
        raise AssertionError

    H = torch.func.hessian(loss)(torch.tensor(theta)).numpy()
    found = network.objective(X, labels, statistics=statistics).hessian(theta)
    np.testing.assert_allclose(found, H, rtol=0.0, atol=10 * tolerance(np.abs(H).max(), 50))


# --- shapes, threads -----------------------------------------------------------------------------


@pytest.mark.parametrize("N", [2, 79, 81, 128, 500])
def test_any_number_of_samples(N):
    """Beside differences of exact gradients; the loss frozen at its own statistics is the same."""
    f, theta = problem(N, weight_decay=0.1)
    frozen = f.network.objective(f.rows, f.targets,
                                 statistics=f.network.statistics(theta, f.rows))  # fmt: skip
    assert frozen.value(theta) == pytest.approx(f.value(theta), rel=1e-13)
    np.testing.assert_allclose(frozen.outputs(theta), f.outputs(theta), rtol=0.0, atol=1e-12)
    for each in (f, frozen):
        H = each.hessian(theta)
        columns = hvp(each, theta, np.eye(len(theta))).value
        assert (hessian(each, theta).error >= np.abs(H - columns) / 10).all()
        v, h = np.cos(np.arange(1.0, len(theta) + 1.0)), 2.0**-17
        sloped = (each.gradient(theta + h * v) - each.gradient(theta - h * v)) / (2 * h)
        size = np.abs(H @ v).max() / least_variance(f.network, theta, f.rows)
        np.testing.assert_allclose(H @ v, sloped, rtol=0.0, atol=1e6 * h * h * size)


@pytest.mark.parametrize("frozen", [False, True])
def test_threads_change_no_bit(frozen):
    f, theta = problem(300)
    if frozen:
        moments = f.network.statistics(theta, f.rows[:100])
        f = f.network.objective(f.rows, f.targets, statistics=moments)
    for matrix in (lambda w: hessian(f, theta, workers=w).value,
                   lambda w: f.gauss_newton(theta, workers=w)):  # fmt: skip
        assert (matrix(1) == matrix(2)).all()
    points = np.stack([theta, 2 * theta])
    assert (f.gradient(points) == np.stack([f.gradient(t) for t in points])).all()
    again = pickle.loads(pickle.dumps(f))
    assert again.network == f.network
    assert (again.hessian(theta) == f.hessian(theta)).all()


# --- what normalisation does ---------------------------------------------------------------------


def test_what_the_mean_takes_away_changes_nothing():
    """Inputs moved by a constant leave the loss, and so would biases; its own statistics do."""
    f, theta = problem()
    moved = f.network.objective(f.rows + 3.0, f.targets)
    assert moved.value(theta) == pytest.approx(f.value(theta), rel=1e-12)
    W, gamma, beta = f.network.unpack(theta)[0]
    grown = theta.copy()
    grown[: W.size] *= 1e6
    # But for ε, rows of weights have no length: the gradient is at right angles to them.
    slope = f.network.unpack(f.gradient(grown))[0][0]
    across = (slope * grown[: W.size].reshape(W.shape)).sum(axis=1)
    assert np.abs(across).max() < 1e-10
    assert gamma.shape == beta.shape == (5,)


def test_units_that_say_nothing():
    """Of variance 0: û is 0, and everything is finite."""
    f, theta = problem()
    dead = theta.copy()
    dead[:30] = 0.0
    assert np.isfinite(f.hessian(dead)).all()
    [(mean, variance), _] = f.network.statistics(dead, f.rows)
    assert not mean.any()
    assert not variance.any()
    frozen = f.network.objective(f.rows, f.targets,
                                 statistics=f.network.statistics(dead, f.rows))  # fmt: skip
    assert frozen.value(dead) == pytest.approx(f.value(dead), rel=1e-13)
    assert np.isfinite(frozen.hessian(dead)).all()


def test_batches_take_their_own_statistics():
    """A step of two of three samples follows the gradient of one of the three pairs."""
    rng = np.random.default_rng(1)
    network, X = network_of(), rng.standard_normal((3, 6))
    f, start = network.objective(X, [0, 1, 2]), rng.standard_normal(network.size)
    step = minimize(f, start, method="sgd", lr=0.5, steps=1, batch_size=2, rng=0).x
    pairs = [network.objective(X[[i, j]], [i, j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    off = [np.abs(start - 0.5 * pair.gradient(start) - step).max() for pair in pairs]
    assert min(off) < 1e-12
    whole = minimize(f, start, method="sgd", lr=0.5, steps=1, batch_size=3, rng=0).x
    np.testing.assert_allclose(whole, start - 0.5 * f.gradient(start), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("frozen", [False, True])
def test_second_order_methods_find_critical_points(frozen):
    f, theta = problem(20, sizes=(6, 3, 3), weight_decay=0.05)
    if frozen:
        moments = f.network.statistics(theta, f.rows)
        f = f.network.objective(f.rows, f.targets, statistics=moments)
    run = minimize(f, theta, method="trust_region", steps=500, tol=1e-9)
    found = check(f, run.x)
    assert found.critical
    assert found.index == 0


# --- one array of parameters ---------------------------------------------------------------------


@given(shapes(6), st.booleans(), st.integers(0, 1000))
def test_pack_undoes_unpack(sizes, bias, seed):
    network = network_of(sizes, bias=bias)
    theta = np.random.default_rng(seed).standard_normal(network.size)
    layers = network.unpack(theta)
    assert (network.pack(layers) == theta).all()
    expected = reference.normalised_layers_of(sizes, bias, theta)
    for arrays, wanted in zip(layers, expected, strict=True):
        assert all((a == np.array(b)).all() for a, b in zip(arrays, wanted, strict=True)
                   if a is not None)  # fmt: skip
    assert (layers[-1][1] is None) != bias


def test_initialisation():
    theta = networks.initialise(SIZES, rng=0, batch_norm=True)
    plain = networks.initialise(SIZES, rng=0)
    network = network_of()
    layers = network.unpack(theta)
    for (W, gamma, beta), (V, _) in zip(layers[:-1], networks.MLP(SIZES).unpack(plain)[:-1],
                                        strict=True):  # fmt: skip
        assert (W == V).all()
        assert (gamma == 1.0).all()
        assert not beta.any()
    assert networks.initialise(SIZES, rng=0, batch_norm=True, count=3).shape == (3, network.size)


# --- bad input -----------------------------------------------------------------------------------


def test_one_sample_has_no_statistics():
    network = network_of((2, 3, 2))
    with pytest.raises(ValueError, match="`X` must have at least 2 samples, for batch norm"):
        network.objective([[1.0, 2.0]], [0])
    with pytest.raises(ValueError, match="`X` must have at least 2 samples"):
        network.forward(np.ones(network.size), [[1.0, 2.0]])
    f = network.objective(np.eye(2), [0, 1])
    with pytest.raises(ValueError, match=r"`batch_size` must be at least 2 .*, got 1"):
        minimize(f, np.ones(network.size), method="sgd", batch_size=1)
    moments = network.statistics(np.ones(network.size), np.eye(2))
    assert network.forward(np.ones(network.size), [[1.0, 2.0]], statistics=moments).shape == (1, 2)
    frozen = network.objective(np.eye(2), [0, 1], statistics=moments)
    minimize(frozen, np.ones(network.size), method="sgd", steps=1, batch_size=1)


@pytest.mark.parametrize(("statistics", "message"), [
    ([], r"`statistics` must be \(mean, variance\) of each of 1 hidden"),
    ([[0.0, 1.0, 2.0]], r"`statistics\[0\]` must be \(mean, variance\)"),
    ([(np.zeros(3), np.ones(2))], r"`statistics\[0\]\[1\]` must have shape \(3,\), got \(2,\)"),
    ([(np.zeros(3), -np.ones(3))], r"`statistics\[0\]\[1\]` must not be negative, got -1.0"),
    ([(np.zeros(3), [1.0, np.inf, 1.0])], r"`statistics\[0\]\[1\]` must be finite"),
])  # fmt: skip
def test_bad_statistics(statistics, message):
    with pytest.raises(ValueError, match=message):
        network_of((2, 3, 2)).objective(np.eye(2), [0, 1], statistics=statistics)


def test_bad_networks_and_points():
    with pytest.raises(TypeError, match="`batch_norm` must be True or False, got 1"):
        networks.MLP([2, 2, 2], batch_norm=1)
    plain = networks.MLP([2, 3, 2])
    with pytest.raises(ValueError, match="`statistics` must be None"):
        plain.objective(np.eye(2), np.eye(2), statistics=[(np.zeros(3), np.ones(3))])
    with pytest.raises(ValueError, match="`batch_norm` must be True for statistics"):
        plain.statistics(np.ones(plain.size), np.eye(2))
    network = network_of((784, 100, 10))
    with pytest.raises(ValueError, match=r"79610 parameters would take \d+\.\d GiB.*hvp"):
        network.objective(np.zeros((2, 784)), [0, 1]).hessian(np.zeros(network.size))
    with pytest.raises(ValueError, match=r"`layers\[0\]` must have 3 arrays"):
        network_of((2, 3, 2)).pack([(np.ones((3, 2)), np.ones(3)), (np.ones((2, 3)), np.ones(2))])
