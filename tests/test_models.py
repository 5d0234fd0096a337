"""Objectives of torch models beside torch's own backward, and what they leave untouched."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from reference import torch_models as reference  # noqa: E402
from torch import nn  # noqa: E402
from torch_models import KINDS, Encoder, make  # noqa: E402

from saddlelab import (  # noqa: E402
    check,
    extreme_eigenpairs,
    from_torch,
    gradient,
    hessian,
    hessian_operator,
    hvp,
    minimize,
    models,
    spectral_density,
    trace,
)

torch.set_num_threads(1)

CRITERION = nn.CrossEntropyLoss()


def snapshot(model):
    """All that must stay: values, gradients, modes, identities and the random state."""
    own = list(model.parameters())
    return (
        [p.detach().numpy().tobytes() for p in own],
        [None if p.grad is None else p.grad.numpy().tobytes() for p in own],
        [b.numpy().tobytes() for b in model.buffers()],
        [each.training for each in model.modules()],
        [(id(p), p.requires_grad) for p in own],
        torch.get_rng_state().numpy().tobytes(),
        torch.is_grad_enabled(),
    )


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_are_backward_s_and_nothing_moves(kind, train):
    net, X, y = make(kind)
    net.train(train)
    CRITERION(net(X), y).backward()
    before = snapshot(net)
    f = from_torch(net, CRITERION, (X, y))
    exact = from_torch(net, CRITERION, (X, y), dtype=torch.float64)
    assert f.dtype == np.float32
    assert exact.dtype == np.float64
    theta, v = f.theta, np.cos(np.arange(f.size))
    assert (theta == nn.utils.parameters_to_vector(net.parameters()).detach().numpy()).all()
    values = f.value(theta), exact.value(theta)
    slopes = f.gradient(theta), exact.gradient(theta)
    products = f.hvp(theta, v), exact.hvp(theta, v)
    operator = hessian_operator(f, theta)
    assert operator.dtype == np.float32
    assert (operator @ v).dtype == np.float32
    size = np.abs(products[0]).max()
    np.testing.assert_allclose(operator @ v, products[0], rtol=0, atol=1e-5 * size)
    for surrounded in (torch.no_grad(), torch.inference_mode()):
        with surrounded:
            assert (f.gradient(theta) == slopes[0]).all()
            assert (hessian_operator(f, theta) @ v == operator @ v).all()
    assert snapshot(net) == before
    assert values[0] == pytest.approx(CRITERION(net(X), y).item(), rel=1e-6)
    assert values[1] == pytest.approx(values[0], rel=1e-6)
    truth = reference.gradient(net.double(), CRITERION, X.double(), y)
    size = np.abs(truth).max()
    np.testing.assert_allclose(slopes[0], truth, rtol=0, atol=1e-5 * size)
    np.testing.assert_allclose(slopes[1], truth, rtol=0, atol=1e-13 * size)
    truth = reference.product(net, CRITERION, X, y, v)
    size = np.abs(truth).max()
    np.testing.assert_allclose(products[0], truth, rtol=0, atol=1e-5 * size)
    np.testing.assert_allclose(products[1], truth, rtol=0, atol=1e-7 * size)


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_float32_hold(kind, record_property):
    """What is claimed is more than the distance from the same derivative in float64."""
    net, X, y = make(kind)
    f = from_torch(net, CRITERION, (X, y))
    exact = from_torch(net, CRITERION, (X, y), dtype=torch.float64)
    theta, v = f.theta, np.cos(np.arange(f.size))
    for name, found, truth in (
        ("gradient", gradient(f, theta), exact.gradient(theta)),
        ("product", hvp(f, theta, v), exact.hvp(theta, v)),
        ("Hessian", hessian(f, theta), exact.hessian(theta)),
    ):
        off = np.abs(found.value - truth)
        assert found.method == "given"
        assert (off <= found.error).all()
        # Not so much more that it says nothing.
        assert found.error.max() < 2e-4 * np.abs(truth).max()
        ratio = found.error.max() / off.max()
        record_property(f"{name}: error claimed over the largest made", ratio)


def test_float32_certifies_nothing_that_is_not_so():
    """A least-squares fit with one flat direction, 1e-9 of the others: float32 cannot tell."""
    X, y = torch.eye(3), torch.ones(3, 1)
    net = nn.Linear(3, 1, bias=False)
    X[2, 2] = 3e-5
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0, 1.0, 1.0]]))

    def loss(out, y):
        return ((out - X @ torch.ones(3, 1, dtype=out.dtype)) ** 2).sum()

    f = from_torch(net, loss, (X, y))
    found = check(f, f.theta)
    assert not found.certified
    assert found.kind == "degenerate"
    X = X.double()
    exact = from_torch(net, loss, (X, y), dtype=torch.float64)
    found = check(exact, exact.theta)
    assert found.certified
    assert found.kind == "minimum"


def test_verdict_of_a_saddle():
    """(1 − w₁w₂)² in torch: a saddle at 0, minima on a curve."""
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    f = from_torch(net, nn.MSELoss(), (torch.ones(1, 1), torch.ones(1, 1)))
    found = check(f, np.zeros(2))
    assert (found.kind, found.index, found.certified) == ("saddle", 1, True)
    np.testing.assert_array_equal(found.hessian, [[0.0, -2.0], [-2.0, 0.0]])


def test_shared_and_frozen_parameters():
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    first.bias.requires_grad_(False)
    net = nn.Sequential(first, nn.Tanh(), second)
    X, y = torch.randn(9, 4), torch.randint(0, 4, (9,))
    before = snapshot(net)
    f = from_torch(net, CRITERION, (X, y))
    assert f.size == 20
    assert list(f.unpack(f.theta)) == ["0.weight", "2.bias"]
    truth = reference.gradient(net, CRITERION, X, y)
    np.testing.assert_allclose(f.gradient(f.theta), truth, rtol=0, atol=1e-6)
    assert snapshot(net) == before
    v = np.cos(np.arange(20))
    truth = reference.product(net, CRITERION, X, y, v)
    np.testing.assert_allclose(f.hvp(f.theta, v), truth, rtol=0, atol=1e-5)


def test_batches_weigh_by_their_samples():
    net, X, y = make("cnn")
    whole = from_torch(net, CRITERION, (X, y), dtype=torch.float64)
    theta, v = whole.theta, np.sin(np.arange(whole.size))
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(X, y), batch_size=13, shuffle=True
    )
    state = torch.get_rng_state()
    parts = from_torch(net, CRITERION, loader, dtype=torch.float64)
    assert torch.equal(state, torch.get_rng_state())
    assert parts.value(theta) == pytest.approx(whole.value(theta), rel=1e-13)
    for one, other in (
        (parts.gradient(theta), whole.gradient(theta)),
        (parts.hvp(theta, v), whole.hvp(theta, v)),
        (hessian_operator(parts, theta) @ v, whole.hvp(theta, v)),
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13 * np.abs(other).max())
    assert parts.value(theta) == parts.value(theta)


def test_inputs_of_every_form():
    net = nn.Bilinear(2, 3, 2)
    a, b, y = torch.randn(8, 2), torch.randn(8, 3), torch.randint(0, 2, (8,))
    expected = CRITERION(net(a, b), y).item()
    for X in ((a, b), {"input1": a, "input2": b}, [a.numpy(), b.double().numpy()]):
        f = from_torch(net, CRITERION, (X, y.numpy() if isinstance(X, list) else y))
        assert f.value(f.theta) == pytest.approx(expected, rel=1e-6)


def test_dropout_is_one_draw_or_none():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net, X, y = Encoder(dropout=0.5), torch.randn(10, 3, 4), torch.randint(0, 2, (10,))
    with pytest.raises(ValueError, match=r"`model` must not draw random numbers .* `seed`"):
        from_torch(net, CRITERION, (X, y))
    before = snapshot(net)
    f, g = (from_torch(net, CRITERION, (X, y), seed=k, dtype=torch.float64) for k in (1, 2))
    theta = f.theta
    torch.manual_seed(5)
    value = f.value(theta)
    torch.manual_seed(6)
    assert f.value(theta) == value != g.value(theta)
    v, h = np.cos(np.arange(f.size)), 1e-5
    sloped = (f.gradient(theta + h * v) - f.gradient(theta - h * v)) / (2 * h)
    np.testing.assert_allclose(f.hvp(theta, v), sloped, rtol=0, atol=1e-7 * np.abs(sloped).max())
    assert snapshot(net)[:5] == before[:5]
    net.eval()
    assert from_torch(net, CRITERION, (X, y)).value(theta) != value


def test_a_loss_that_reads_the_model():
    """Weight decay written into the loss has its derivatives too."""
    net, X, y = make("lstm")

    def loss(out, y):
        return CRITERION(out, y) + 0.05 * sum((p**2).sum() for p in net.parameters())

    plain, decayed = (from_torch(net, each, (X, y), dtype=torch.float64)
                      for each in (CRITERION, loss))  # fmt: skip
    theta, v = plain.theta + 0.1, np.cos(np.arange(plain.size))
    assert decayed.value(theta) == pytest.approx(plain.value(theta) + 0.05 * theta @ theta)
    slope, product = plain.gradient(theta), plain.hvp(theta, v)
    np.testing.assert_allclose(decayed.gradient(theta), slope + 0.1 * theta, atol=1e-14)
    np.testing.assert_allclose(decayed.hvp(theta, v), product + 0.1 * v, atol=1e-14)


def test_spectra_and_runs():
    net, X, y = make("normalised")
    f = from_torch(net, CRITERION, (X, y), dtype=torch.float64)
    theta = f.theta
    H = hessian_operator(f, theta)
    values = np.linalg.eigvalsh(f.hessian(theta))
    found = extreme_eigenpairs(H, k=2, rng=0)
    np.testing.assert_allclose(found.values, values[[0, 1, -2, -1]], rtol=1e-8)
    estimate = trace(H, rng=0)
    assert abs(estimate.value - values.sum()) < 5 * estimate.error + 1e-9
    density = spectral_density(H, probes=3, steps=30, rng=0)
    below = density.fraction_below(0.5)
    assert abs(below.value - np.mean(values < 0.5)) < 5 * below.error + 0.01
    runs = minimize(f, theta, method="adam", steps=30)
    assert runs.value < f.value(theta)
    assert runs.kind in ("not critical", "gradient-flat")
    again = minimize(f, theta, method="adam", steps=30)
    assert (runs.x == again.x).all()


def test_many_parameters_are_only_multiplied_with():
    net = nn.Sequential(nn.Linear(300, 400), nn.Tanh(), nn.Linear(400, 2))
    f = from_torch(net, CRITERION, (torch.randn(20, 300), torch.randint(0, 2, (20,))))
    assert f.size == 121_202
    pairs = extreme_eigenpairs(hessian_operator(f, f.theta), tol=1e-2, rng=0)
    assert pairs.converged.all()
    with pytest.raises(ValueError, match=r"121202 parameters, and its Hessian 109 GiB"):
        check(f, f.theta)


def test_pickled():
    f = from_torch(*_parts("lstm"))
    again = pickle.loads(pickle.dumps(f))
    assert isinstance(again, models.ModelObjective)
    assert again.value(f.theta) == f.value(f.theta)


def test_what_a_model_raises_comes_with_the_point():
    net, X, y = make("cnn")
    fails = []

    def loss(out, y):
        if fails:
            raise RuntimeError("no")
        return CRITERION(out, y)

    f = from_torch(net, loss, (X, y))
    fails.append(True)
    with pytest.raises(RuntimeError, match="no") as raised:
        f.value(f.theta)
    assert raised.value.__notes__[0].endswith(", …], 310 numbers")


def _parts(kind):
    net, X, y = make(kind)
    return net, CRITERION, (X, y)


def _typed(dtype):
    net, X, y = make("cnn")
    net[0].weight = nn.Parameter(net[0].weight.detach().to(dtype))
    return net, CRITERION, (X, y)


def _with_loss(loss):
    net, X, y = make("cnn")
    return net, loss, (X, y)


def _frozen():
    net, X, y = make("cnn")
    return net.requires_grad_(False), CRITERION, (X, y)


def _elsewhere(model):
    """On the meta device: the model, or the data."""
    net, X, y = make("cnn")
    return (net.to("meta"), CRITERION, (X, y)) if model else (net, CRITERION, (X.to("meta"), y))


def _on_two():
    net, X, y = make("normalised")
    net[6].to("meta").requires_grad_(False)
    return net, CRITERION, (X, y)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    (lambda: (print, CRITERION, ()), TypeError, "`model` must be a torch.nn.Module, got <built-in"),
    (lambda: (nn.Linear(1, 1), 3, ()), TypeError, "`loss` must be a function .*, got 3"),
    (lambda: _typed(torch.complex64), TypeError, "`model` must have real parameters, but 0.weight"),
    (lambda: _typed(torch.float16), ValueError, "torch.float16 in 0.weight, too few digits"),
    (_frozen, ValueError, "`model` must have parameters that require gradients"),
    (lambda: (nn.LazyLinear(2), CRITERION, ()), ValueError, "`model` must have run once"),
    (lambda: _elsewhere(True), ValueError, "but its parameter 0.weight is on the meta device"),
    (lambda: _elsewhere(False), ValueError, "`data` must be where the model is, on cpu, but batch "
                                            "0 is on meta"),
    (_on_two, ValueError, "`model` must be on one device, got cpu, meta"),
    (lambda: _with_loss(lambda out, y: out), ValueError, r"one number, .* of shape \(60, 10\)"),
    (lambda: _with_loss(lambda out, y: 3), ValueError, "must return one number, it returned 3"),
    (lambda: _with_loss(lambda out, y: out.argmax()), TypeError, "a real number, .* torch.int64"),
    (lambda: (*_parts("cnn")[:2], 5), TypeError, r"`data` must be \(X, y\) or an .* got 5"),
    (lambda: (*_parts("cnn")[:2], []), ValueError, "at least one batch, it is empty"),
    (lambda: (*_parts("cnn")[:2], [torch.ones(3)]), ValueError, "but batch 0 is Tensor of 3"),
])  # fmt: skip
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        from_torch(*arguments())


def test_refused_options():
    with pytest.raises(ValueError, match=r"`dtype` must be torch.float32, .* got torch.int64"):
        from_torch(*_parts("cnn"), dtype=torch.int64)
    with pytest.raises(TypeError, match="`seed` must be an integer or None, got 'a'"):
        from_torch(*_parts("cnn"), seed="a")
    with pytest.raises(ValueError, match="`x` must have 310 numbers, the parameters of Sequential"):
        from_torch(*_parts("cnn")).value(np.zeros(3))
    detached = from_torch(*_with_loss(lambda out, y: CRITERION(out.detach(), y)))
    with pytest.raises(ValueError, match="depends on the parameters, it is detached"):
        detached.gradient(detached.theta)
