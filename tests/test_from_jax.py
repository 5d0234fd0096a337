"""Objectives of JAX functions beside formulas and the same network of ours."""

import pickle
import sys

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from saddlelab import (  # noqa: E402
    check,
    extreme_eigenpairs,
    from_jax,
    gradient,
    hessian,
    hessian_operator,
    networks,
)

jnp = jax.numpy
DATA = np.random.default_rng(0).standard_normal((30, 3)), np.arange(30) % 4
HOT = np.eye(4, dtype=np.float32)[DATA[1]]  # indices are of another type with x64, and cached
NETWORK = networks.MLP([3, 5, 4], loss="cross_entropy")


@pytest.fixture
def x64():
    """Float64 while a test runs."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def loss(params):
    a = jnp.asarray(DATA[0], params[0]["W"].dtype)
    for k, layer in enumerate(params):
        a = a @ layer["W"].T + layer["b"]
        a = jnp.tanh(a) if k == 0 else a
    return -(jax.nn.log_softmax(a) * HOT).sum(1).mean()


def tree(theta, dtype):
    return [{"W": jnp.asarray(W, dtype), "b": jnp.asarray(b, dtype)}
            for W, b in NETWORK.unpack(theta)]  # fmt: skip


def test_a_network_is_ours(x64):
    ours = NETWORK.objective(*DATA)
    theta = np.random.default_rng(1).standard_normal(NETWORK.size)
    f = from_jax(loss, tree(theta, np.float64))
    assert f.name == "loss"
    assert (f.theta == theta).all()
    assert f.value(theta) == pytest.approx(ours.value(theta), rel=1e-14)
    np.testing.assert_allclose(f.gradient(theta), ours.gradient(theta), atol=1e-14)
    np.testing.assert_allclose(f.hessian(theta), ours.hessian(theta), atol=1e-13)
    v = np.cos(np.arange(f.size))
    np.testing.assert_allclose(hessian_operator(f, theta) @ v, ours.hvp(theta, v), atol=1e-13)
    np.testing.assert_array_equal(f.unpack(theta)[1]["b"], theta[-4:])
    pairs = extreme_eigenpairs(hessian_operator(f, theta), rng=0)
    values = np.linalg.eigvalsh(ours.hessian(theta))
    np.testing.assert_allclose(pairs.values, values[[0, -1]], rtol=1e-9)
    again = pickle.loads(pickle.dumps(f))
    assert again.value(theta) == f.value(theta)


def test_float32_says_so():
    theta = np.random.default_rng(1).standard_normal(NETWORK.size).astype(np.float32)
    f = from_jax(loss, tree(theta, np.float32))
    assert f.dtype == np.float32
    ours = NETWORK.objective(*DATA)
    for derivative in (gradient, hessian):
        found, truth = derivative(f, f.theta), derivative(ours, f.theta).value
        assert (np.abs(found.value - truth) <= found.error).all()
        assert found.error.max() < 2e-4 * np.abs(truth).max()
    assert hessian_operator(f, f.theta).dtype == np.float32


def test_verdict():
    f = from_jax(lambda p: jnp.sum(p["w"] ** 2) - p["b"] ** 2,
                 {"w": jnp.zeros(2), "b": jnp.zeros(())})  # fmt: skip
    found = check(f, f.theta)
    assert (found.kind, found.index, found.certified) == ("saddle", 1, True)


@pytest.mark.parametrize(("fun", "params", "error", "message"), [
    (3, 1.0, TypeError, "`fun` must be a function of the parameters, got 3"),
    (jnp.sum, jnp.arange(3), TypeError, "arrays of float32 or float64, but one has dtype int32"),
    (jnp.sum, [], ValueError, "`params` must hold at least one number"),
    (lambda p: p, jnp.ones(3), ValueError, r"one number, it returned an array of shape \(3,\)"),
    (lambda p: p.argmax(), jnp.ones(3), TypeError, "a real number, it returned dtype int32"),
])  # fmt: skip
def test_refused(fun, params, error, message):
    with pytest.raises(error, match=message):
        from_jax(fun, params)


def test_without_jax(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match=r"needs jax: pip install 'saddlecore\[jax\]'"):
        from_jax(loss, [])
