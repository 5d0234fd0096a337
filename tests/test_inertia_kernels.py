"""One source of the inertia in four shapes: the kernels agree with their scalar twin."""

import numpy as np
import pytest
import strategies

from saddlecore import inertia as engine

SIZES = (1, 2, 3, 5, 8, 9, 12, 17, 24, 25, 33)


def run(kernel, stack, tol=-1.0, error=0.0):
    m = len(stack)
    out = [np.zeros(m, np.int64) for _ in range(3)]
    out += [np.zeros(m, bool), np.zeros(m), np.zeros(m, np.int64)]
    kernel(stack, np.array([tol]), np.array([error]), *out)
    names = ("negative", "zero", "positive", "certified", "tol", "status")
    return dict(zip(names, out, strict=True))


def stacks(n):
    rng = np.random.default_rng(n)
    hard = [A for _ in range(3) for _, A, _ in strategies.hard_matrices(rng, n)]
    random = rng.standard_normal((40, n, n))
    return np.concatenate([np.stack(hard), random + random.transpose(0, 2, 1)])


@pytest.mark.parametrize(("tol", "error"), [(-1.0, 0.0), (1e-3, 0.0), (-1.0, 1e-3)])
@pytest.mark.parametrize("n", SIZES)
def test_eight_lanes_are_the_scalar_twin(n, tol, error):
    """The same operations in the same order: every output is the same bits."""
    stack = stacks(n)
    scalar = run(engine.inertia_scalar, stack, tol, error)
    lanes = run(engine.inertia_batch, stack, tol, error)
    for name, values in scalar.items():
        np.testing.assert_array_equal(lanes[name], values, name)


@pytest.mark.parametrize("kernel", ["inertia_small", "inertia_large"])
@pytest.mark.parametrize("n", SIZES)
def test_other_shapes_agree_where_they_are_sure(n, kernel):
    """Other tiles round the factors otherwise; a proof is a proof, and so is a refusal."""
    stack = stacks(n)
    scalar, other = run(engine.inertia_scalar, stack), run(getattr(engine, kernel), stack)
    both = scalar["certified"] & other["certified"]
    assert np.mean(scalar["certified"] == other["certified"]) > 0.98
    for name in ("negative", "zero", "positive"):
        np.testing.assert_array_equal(other[name][both], scalar[name][both], name)
    np.testing.assert_array_equal(other["tol"], scalar["tol"])


@pytest.mark.parametrize(
    "kernel", ["inertia_scalar", "inertia_small", "inertia_batch", "inertia_large"]
)
def test_every_shape_refuses_the_same(kernel):
    stack = np.stack([np.eye(9)] * 19)
    stack[3, 1, 0], stack[7, 2, 2], stack[12, 0, 4] = 1e-3, np.nan, np.inf
    status = run(getattr(engine, kernel), stack)["status"]
    wanted = np.zeros(19, int)
    wanted[3], wanted[7], wanted[12] = engine.ASYMMETRIC, engine.NOT_FINITE, engine.NOT_FINITE
    np.testing.assert_array_equal(status, wanted)
