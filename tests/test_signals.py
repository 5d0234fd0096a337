"""Signals of networks beside loops, what reports say of them, and mean-field theory."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import saddlelab
from saddlelab import edge_of_chaos, mean_field, networks, saturation, saturation_history
from saddlelab.signals.forecast import forecast
from saddlelab.signals.gaussian import averages, hermite_coefficients
from saddlelab.signals.passage import judge
from saddlelab.signals.propagate import objective_of, signals_of
from tests.reference import networks as plain
from tests.reference import signals as reference
from tests.test_networks import shapes, targets


def random_network(seed=0, sizes=(4, 6, 5, 3), **told):
    network = networks.MLP(sizes, **told)
    rng = np.random.default_rng(seed)
    return network, rng.standard_normal(network.size), rng.standard_normal((7, sizes[0]))


# --- beside the definition -----------------------------------------------------------------------


@settings(max_examples=60)
@given(data=st.data())
def test_signals_are_the_reference_s(data):
    sizes, N = data.draw(shapes()), data.draw(st.integers(1, 4))
    activation = data.draw(st.sampled_from(networks.ACTIVATIONS))
    loss, given_loss = data.draw(st.sampled_from(networks.LOSSES)), data.draw(st.booleans())
    told = {"activation": activation, "bias": data.draw(st.booleans()),
            "residual": data.draw(st.booleans()), "batch_norm": data.draw(st.booleans())}
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    network = networks.MLP(sizes, loss=loss, **told)
    theta, X = rng.standard_normal(network.size), rng.standard_normal((N, sizes[0]))
    frozen = None
    if told["batch_norm"] and (N == 1 or data.draw(st.booleans())):
        frozen = network.statistics(theta, rng.standard_normal((5, sizes[0])))
    if told["batch_norm"] and frozen is None:
        # Below, what is normalised is rounding.
        assume(all(v.min() > 1e-2 for _, v in network.statistics(theta, X)))
    y, cotangent = targets(rng, loss, N, sizes[-1]), rng.standard_normal((N, sizes[-1]))
    start = ("loss", loss, np.reshape(y, (N, -1))) if given_loss else ("outputs", cotangent)
    objective = objective_of(network, X, y, frozen)
    found = signals_of(objective, theta, None if given_loss else cotangent)
    expected = reference.signals(sizes, theta, X, start=start, statistics=frozen, **told)
    names = ("z", "slopes", "given", "gradients")
    for name, layers in zip(names, expected, strict=True):
        for got, layer in zip(getattr(found, name), layers, strict=True):
            scale = 1.0 + np.abs(layer).max()
            kink = activation in plain.KINKED and name in ("slopes", "gradients")
            if kink and min(np.abs(z).min() for z in found.z) < 1e-9:
                continue
            np.testing.assert_allclose(got.T, layer, rtol=0.0, atol=1e-10 * scale, err_msg=name)


def test_chunks_change_nothing():
    network, theta, _ = random_network(activation="gelu", residual=True)
    X = np.random.default_rng(5).standard_normal((173, 4))
    together = signals_of(objective_of(network, X, np.ones((173, 3)), None), theta, None)
    for part in (X[:80], X[:1]):
        alone = signals_of(objective_of(network, part, np.ones((len(part), 3)), None), theta, None)
        for one, all_ in zip(alone.gradients, together.gradients, strict=True):
            np.testing.assert_array_equal(one, all_[:, : len(part)])


def test_gradients_are_those_of_the_objective():
    # With biases, ∂ℓ/∂b is the sum of ∂ℓ/∂z over samples.
    network, theta, X = random_network(loss="cross_entropy")
    y = np.arange(7) % 3
    found = signals_of(objective_of(network, X, y, None), theta, None)
    slope = saddlelab.gradient(network.objective(X, y), theta).value
    for (_, b), gradients in zip(network.unpack(slope), found.gradients, strict=True):
        np.testing.assert_allclose(gradients.mean(axis=1), b, rtol=0.0, atol=1e-14)


# --- what a report says --------------------------------------------------------------------------


def test_a_sigmoid_driven_to_small_outputs_is_saturated():
    network = networks.MLP([3, 8, 2], activation="sigmoid")
    layers = [(np.full((8, 3), 1e-3), np.full(8, math.log(3e-4))), (np.ones((2, 8)), np.zeros(2))]
    X = np.random.default_rng(0).standard_normal((20, 3))
    report = saturation(network, network.pack(layers), X)
    assert report.activation_mean[0] == pytest.approx(3e-4, rel=0.01)
    assert report.saturated_fraction[0] == 1.0
    assert report.dead[0].all()
    # With one unit of eight at work.
    layers[0][1][3] = 0.0
    report = saturation(network, network.pack(layers), X)
    assert report.saturated_fraction[0] == 7 / 8
    assert report.dead[0].sum() == 7
    assert report.unit_saturated[0].tolist() == [1, 1, 1, 0, 1, 1, 1, 1]


def test_a_linear_layer_is_not():
    network, theta, X = random_network(activation="linear")
    report = saturation(network, 100.0 * theta, X, threshold=1.0)
    assert report.saturated_fraction.tolist() == [0.0, 0.0]
    assert not any(dead.any() for dead in report.dead)


def test_a_relu_reports_its_true_dead_fraction():
    network, theta, X = random_network(sizes=(4, 30, 3), activation="relu")
    W, b = network.unpack(theta)[0]
    z = X @ W.T + b
    dead = (z <= 0.0).all(axis=0)
    report = saturation(network, theta, X)
    assert 0 < dead.sum() < 30
    np.testing.assert_array_equal(report.dead[0], dead)
    assert report.dead_fraction[0] == dead.mean()
    assert report.saturated_fraction[0] == (z <= 0.0).mean()


@pytest.mark.parametrize(("activation", "at"), [("sigmoid", 4.58486333912236),
                                                ("tanh", 2.99322284612638)])  # fmt: skip
def test_the_threshold_is_where_it_says(activation, at):
    network = networks.MLP([1, 1, 1], activation=activation, bias=False)
    for factor, expected in ((1 - 1e-9, 0.0), (1 + 1e-9, 1.0)):
        report = saturation(network, [1.0, 1.0], [[at * factor]])
        assert report.saturated_fraction[0] == expected


def test_figures_are_those_of_the_arrays():
    network, theta, X = random_network(residual=True, sizes=(4, 5, 5, 3), loss="cross_entropy")
    y = np.arange(7) % 3
    report = saturation(network, theta, X, y=y, bins=9)
    start = "loss", "cross_entropy", y[:, None]
    expected = reference.signals((4, 5, 5, 3), theta, X, start=start, activation="tanh", bias=True,
                                 residual=True, batch_norm=False)  # fmt: skip
    for k, (z, slopes, a, g) in enumerate(zip(*(map(np.array, part) for part in expected),
                                              strict=True)):  # fmt: skip
        assert report.mean_square[k] == pytest.approx(np.mean(z**2))
        assert report.spread[k] == pytest.approx(np.mean(np.var(z, axis=0)))
        assert report.gradient_norm[k] == pytest.approx(math.sqrt(np.mean(np.sum(g**2, axis=1))))
        if k < 2:
            assert report.activation_mean[k] == pytest.approx(a.mean())
            assert report.activation_variance[k] == pytest.approx(a.var())
            assert report.saturated_fraction[k] == np.mean(np.abs(slopes) < 0.01)
            np.testing.assert_allclose(report.unit_mean[k], a.mean(axis=0), atol=1e-14)
            np.testing.assert_allclose(report.unit_variance[k], a.var(axis=0), atol=1e-14)
            counts, edges = report.histograms[k]
            assert counts.sum() == a.size
            assert (edges[0], edges[-1]) == pytest.approx((a.min(), a.max()))
    np.testing.assert_array_equal(
        report.backward_ratio, report.gradient_norm[:-1] / report.gradient_norm[1:]
    )
    u = network.forward(theta, X)
    p = np.exp(u) / np.exp(u).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(report.entropy, -(p * np.log(p)).sum(axis=1), atol=1e-12)
    assert report.output_saturated == np.mean(p * (1 - p) < 0.01)


def test_softmax_of_huge_outputs():
    network = networks.MLP([1, 2], loss="cross_entropy", bias=False)
    report = saturation(network, [1e4, -1e4], [[1.0], [0.0]])
    np.testing.assert_allclose(report.entropy, [0.0, math.log(2.0)], atol=1e-15)
    assert report.output_saturated == 0.5


def test_one_output_of_a_sigmoid():
    network = networks.MLP([1, 1], loss="binary_cross_entropy", bias=False)
    report = saturation(network, [1.0], [[-800.0], [0.0], [4.0], [5.0]])
    assert report.output_saturated == 0.5
    assert report.entropy is None


@pytest.mark.parametrize("N", [1, 9])
def test_no_hidden_layer(N):
    network = networks.MLP([2, 3])
    report = saturation(network, np.ones(9), np.ones((N, 2)))
    assert report.saturated_fraction.shape == (0,)
    assert report.verdict == "healthy"
    assert "outputs" in report.table()
    json.loads(report.to_json())


def test_one_sample_has_no_spread():
    network, theta, X = random_network()
    report = saturation(network, theta, X[:1])
    assert (report.spread == 0.0).all()
    assert math.isnan(report.spread_ratio)
    assert report.verdict == "healthy"


def test_seeds():
    network, theta, X = random_network()
    first, again = (saturation(network, theta, X, rng=5) for _ in range(2))
    np.testing.assert_array_equal(first.gradient_norm, again.gradient_norm)
    assert (first.gradient_norm != saturation(network, theta, X, rng=6).gradient_norm).all()


def test_batch_norm_has_no_forecast():
    network = networks.MLP([4, 6, 3], batch_norm=True, activation="relu")
    _, _, X = random_network()
    theta = networks.initialise(network.sizes, "he_normal", rng=0, batch_norm=True)
    report = saturation(network, theta, X)
    assert np.isnan(report.mean_square_predicted).all()
    assert report.mean_square[0] == pytest.approx(1.0, abs=1e-3)
    frozen = saturation(network, theta, X, statistics=network.statistics(theta, X))
    np.testing.assert_allclose(frozen.mean_square, report.mean_square, rtol=1e-12)
    # Statistics that do not move let all of the gradient pass.
    assert frozen.gradient_norm[0] == pytest.approx(report.gradient_norm[0])
    assert "nan" not in report.table()


# --- verdicts ------------------------------------------------------------------------------------


def deep(activation, gain, depth=20, **told):
    sizes = [10, *[64] * depth, 5]
    network = networks.MLP(sizes, activation=activation, **told)
    theta = networks.initialise(sizes, "lecun_normal", gain=gain, rng=3,
                                batch_norm=network.batch_norm)  # fmt: skip
    return saturation(network, theta, np.random.default_rng(0).standard_normal((30, 10)))


@pytest.mark.parametrize(("activation", "gain", "verdict"), [
    ("sigmoid", 1.0, "vanishing"), ("relu", 1.0, "vanishing"), ("relu", math.sqrt(2.0), "healthy"),
    ("relu", 3.0, "exploding"), ("tanh", 1.0, "healthy"), ("tanh", 4.0, "exploding"),
])  # fmt: skip
def test_verdicts_of_deep_networks(activation, gain, verdict):
    report = deep(activation, gain)
    assert report.verdict == verdict
    if verdict == "healthy":
        assert report.passage.layer is None
        return
    relative = report.gradient_norm / report.gradient_norm[-1]
    beyond = relative < 1e-3 if verdict == "vanishing" else relative > 1e3
    assert report.passage.layer == np.flatnonzero(beyond)[-1] + 1
    assert "batch_norm" in report.passage.advice
    assert ("clip" in report.passage.advice) == (verdict == "exploding")


@pytest.mark.parametrize(("activation", "depth"), [("relu", 250), ("linear", 130)])
def test_overflow_explodes(activation, depth):
    report = deep(activation, 1e3, depth=depth)
    assert not np.isfinite(report.mean_square).all()
    assert report.verdict == "exploding"
    assert "exploding" in report.table()
    json.loads(report.to_json())


def test_skips_heal_and_are_not_advised_twice():
    assert deep("sigmoid", 1.0, residual=True).verdict == "healthy"
    assert "residual" not in deep("relu", 3.0, residual=True).passage.advice


def test_signals_that_are_lost_forwards():
    network = networks.MLP([1, 1, 1])
    flat = np.ones(2)
    lost = judge(network, flat, np.array([1.0, 1e-9]), flat, np.zeros(1))
    assert (lost.kind, lost.layer) == ("vanishing", 2)
    grown = judge(network, flat, flat, np.array([1.0, np.inf]), np.zeros(1))
    assert (grown.kind, grown.layer) == ("exploding", 2)
    # No gradient arrives where none leaves: the fit is perfect.
    assert judge(network, np.zeros(2), flat, flat, np.zeros(1)).kind == "healthy"
    full = judge(network, np.array([1e-5, 1.0]), flat, flat, np.ones(1))
    assert "saturated to 100 %" in full.reason


# --- mean-field theory ---------------------------------------------------------------------------

# E f² and E f'² of N(0, 1).
MOMENTS = {
    "tanh": (0.394294490398, 0.464402902448), "sigmoid": (0.293379035858, 0.0448362413502),
    "relu": (0.5, 0.5), "gelu": (0.425221482570, 0.455850865649),
    "silu": (0.355775519817, 0.379482351633), "linear": (1.0, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("activation", MOMENTS)
def test_moments(activation):
    found = averages(activation, 1.0)
    assert (found.second[0], found.slope[0]) == pytest.approx(MOMENTS[activation], abs=2e-12)


@pytest.mark.parametrize("activation", reference.FORMULAS)
@pytest.mark.parametrize("q", [1e-3, 7.0, 1e4])
def test_moments_at_other_lengths(activation, q):
    found = averages(activation, q)
    assert found.second[0] == pytest.approx(reference.average(activation, q), rel=1e-9)
    if q < 1e4:  # mpmath's own derivative of a step is none
        slope = reference.average(activation, q, slope=True)
        assert found.slope[0] == pytest.approx(slope, rel=1e-9)


def test_selu_keeps_a_standard_gaussian():
    found = averages("selu", 1.0)
    assert found.first[0] == pytest.approx(0.0, abs=1e-14)
    assert found.second[0] == pytest.approx(1.0, abs=1e-14)


def test_correlations_are_a_power_series():
    for activation, q, c in (("tanh", 2.0, 0.6), ("gelu", 1.0, -0.4)):
        a = hermite_coefficients(activation, q, 120)
        series = float(np.sum(a**2 * c ** np.arange(120.0)))
        assert series == pytest.approx(reference.kernel(activation, q, c), abs=1e-9)


def test_edge_of_chaos():
    edge = edge_of_chaos("tanh", 0.05)
    assert edge.weight_variance == pytest.approx(1.76095463960674, rel=1e-12)
    assert edge.q == pytest.approx(0.570047881640764, rel=1e-11)
    again = mean_field("tanh", weight_variance=edge.weight_variance, bias_variance=0.05)
    assert again.phase == edge.phase == "critical"
    assert edge_of_chaos("relu").weight_variance == pytest.approx(2.0, rel=1e-14)
    assert edge_of_chaos("tanh").weight_variance == pytest.approx(1.0, rel=1e-14)
    assert edge_of_chaos("linear").weight_variance == pytest.approx(1.0, rel=1e-14)
    assert edge_of_chaos("relu", 0.1).q == math.inf
    with pytest.raises(ValueError, match="`activation` gelu has χ₁ = 1 at no length"):
        edge_of_chaos("gelu")


@pytest.mark.parametrize(("weights", "biases"), [(0.5, 0.0), (1.3, 0.05), (4.0, 0.05), (4.0, 0.0)])
def test_tanh_goes_to_its_fixed_point(weights, biases):
    found = mean_field("tanh", weight_variance=weights, bias_variance=biases)
    q, c = 1.0, 0.3
    for _ in range(300):
        q = weights * averages("tanh", q).second[0] + biases
    assert found.q == pytest.approx(q, rel=1e-9, abs=1e-12)
    assert found.phase == ("chaotic" if found.chi > 1 else "ordered")
    if found.phase == "chaotic":
        a = weights * hermite_coefficients("tanh", q, 200) ** 2
        for _ in range(200):
            c = (a @ c ** np.arange(200.0) + biases) / q
        assert found.correlation == pytest.approx(c, abs=1e-9)
        assert found.correlation < 1.0
    else:
        assert found.correlation == 1.0
        assert found.correlation_length == pytest.approx(-1.0 / math.log(found.chi))


@pytest.mark.parametrize(("told", "q", "phase"), [
    ({"weight_variance": 1.0, "bias_variance": 0.1}, 0.2, "ordered"),
    ({"weight_variance": 2.0}, 1.0, "critical"),
    ({"weight_variance": 3.0}, math.inf, "chaotic"),
])  # fmt: skip
def test_relu_in_closed_form(told, q, phase):
    found = mean_field("relu", **told)
    assert found.q == pytest.approx(q)
    assert found.phase == phase
    assert found.chi == pytest.approx(told["weight_variance"] / 2)
    assert phase in found.table()
    assert json.loads(found.to_json())["q"] == (None if q == math.inf else pytest.approx(q))


@pytest.mark.parametrize(("activation", "residual"), [("tanh", False), ("relu", False),
                                                      ("sigmoid", False), ("gelu", True),
                                                      ("relu", True)])  # fmt: skip
def test_wide_networks_are_as_forecast(activation, residual):
    # Over several networks: their spread is the sampling error.
    sizes = [60, *[300] * 4, 200]
    network = networks.MLP(sizes, activation=activation, residual=residual)
    X = np.random.default_rng(1).standard_normal((40, 60))
    forwards, backwards = [], []
    for seed, theta in enumerate(networks.initialise(sizes, "he_normal", rng=4, count=10)):
        b = np.random.default_rng(seed).standard_normal(300)
        layers = [(W, 0.3 * b[: len(W)]) for W, _ in network.unpack(theta)]
        at = network.pack(layers)
        report = saturation(network, at, X, rng=seed)
        lengths, norms = forecast(network, at, X)
        np.testing.assert_array_equal(report.mean_square_predicted, lengths)
        forwards.append(report.mean_square / lengths)
        squares = (report.gradient_norm / report.gradient_norm[-1]) ** 2
        backwards.append(squares[:-1] / norms[:-1])
    for ratios in map(np.array, (forwards, backwards)):
        error = ratios.std(axis=0, ddof=1) / math.sqrt(len(ratios))
        assert (np.abs(ratios.mean(axis=0) - 1.0) < 5.0 * error + 0.02).all()
        assert (error < 0.1).all()


# --- in training ---------------------------------------------------------------------------------


def test_history_of_a_training():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 4)), np.arange(40) % 3
    network = networks.MLP([4, 6, 5, 3], loss="cross_entropy")
    training = networks.train(network, X, y, epochs=3, rng=0)
    history = saturation_history(training)
    assert history.saturated.shape == history.dead.shape == (4, 2)
    for r in (0, 3):
        report = saturation(network, training.thetas[r], X, y=y)
        np.testing.assert_array_equal(history.saturated[r], report.saturated_fraction)
        np.testing.assert_array_equal(history.gradient_norm[r], report.gradient_norm)
    bare = saturation_history(training.thetas, network, X)
    np.testing.assert_array_equal(bare.saturated, history.saturated)
    assert np.isnan(bare.gradient_norm).all()
    assert json.loads(bare.to_json())["gradient_norm"][0][0] is None
    assert len(history.table().splitlines()) == 6
    other = saturation_history(training, X=X[:9])
    assert other.saturated.shape == (4, 2)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "error", "text"), [
    ({"network": 3}, TypeError, "`network` must be an MLP, got int"),
    ({"theta": [1.0]}, ValueError, r"`theta` must have shape \(83,\), got \(1,\)"),
    ({"X": np.ones((2, 3))}, ValueError, r"`X` must have shape \(N, 4\), got \(2, 3\)"),
    ({"X": np.full((2, 4), np.nan)}, ValueError, "`X` must be finite"),
    ({"y": np.ones((2, 3))}, ValueError, r"`y` must have shape \(7, 3\)"),
    ({"threshold": 0.0}, ValueError, "`threshold` must be positive and at most 1, got 0.0"),
    ({"threshold": "x"}, TypeError, "`threshold` must be positive and at most 1, got 'x'"),
    ({"bins": 0}, ValueError, "`bins` must be a positive integer, got 0"),
    ({"statistics": []}, ValueError, "`statistics` must be None"),
])  # fmt: skip
def test_bad_input(change, error, text):
    network, theta, X = random_network()
    told = {"network": network, "theta": theta, "X": X} | change
    with pytest.raises(error, match=text):
        saturation(**told)


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: mean_field("tan", weight_variance=1.0), ValueError, "`activation` must be one of"),
    (lambda: mean_field("tanh", weight_variance=-1.0), ValueError, "`weight_variance` must not be"),
    (lambda: edge_of_chaos("tanh", math.inf), ValueError, "`bias_variance` must be a finite"),
    (lambda: saturation_history(np.ones((2, 3))), TypeError, "`network` and `X` must be given"),
    (lambda: saturation_history(np.ones(3), networks.MLP([1, 1]), [[1.0]]), ValueError,
     r"`training` must be a Training or parameters \(r, 2\), got shape \(3,\)"),
])  # fmt: skip
def test_bad_input_of_others(call, error, text):
    with pytest.raises(error, match=text):
        call()
