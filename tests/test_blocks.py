"""Blocks beside plain loops, dual numbers and torch; what saturates; what is refused."""

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import saddlelab
from saddlelab import blocks, networks
from tests.reference import blocks as reference

EPSILON = 1e-5
SIZES = st.integers(1, 4)


def rows_of(flat, *shape):
    """Nested lists of one flat list."""
    if len(shape) == 1:
        return list(flat)
    step = len(flat) // shape[0]
    return [rows_of(flat[i * step : (i + 1) * step], *shape[1:]) for i in range(shape[0])]


def parts_of(flat, shapes):
    """The flat list cut into arrays of these shapes, as nested lists."""
    cuts = np.cumsum([0, *(math.prod(shape) for shape in shapes)])
    return [rows_of(flat[a:b], *shape)
            for a, b, shape in zip(cuts[:-1], cuts[1:], shapes, strict=True)]  # fmt: skip


def agrees(made, truth, arrays, rng, within=1e-11):
    """Output, gradients and products along a direction of `made(*arrays)` are the reference's."""
    shapes = [array.shape for array in arrays]

    def function(flat):
        return truth(*parts_of(flat, shapes))

    point = np.concatenate([array.ravel() for array in arrays]).tolist()
    found = made(*arrays)
    np.testing.assert_allclose(found.output, truth(*(a.tolist() for a in arrays)), rtol=0.0,
                               atol=within)  # fmt: skip
    dy = rng.standard_normal(found.output.shape)
    slopes = found.backward(dy)
    slopes = slopes if isinstance(slopes, tuple) else (slopes,)
    for slope, shape in zip(slopes, shapes, strict=True):
        assert slope.shape == shape
    np.testing.assert_allclose(np.concatenate([s.ravel() for s in slopes]),
                               reference.gradient(function, point, dy.tolist()), rtol=0.0,
                               atol=within)  # fmt: skip
    along = [rng.standard_normal(shape) for shape in shapes]
    flat = np.concatenate([a.ravel() for a in along]).tolist()
    moved = found.jvp(*along)
    np.testing.assert_allclose(moved, reference.along(function, point, flat), rtol=0.0, atol=within)
    backwards = sum(np.sum(s * a) for s, a in zip(slopes, along, strict=True))
    assert np.sum(dy * moved) == pytest.approx(backwards, rel=1e-9, abs=1e-9)


def differences(made, arrays, h=1e-6):
    """Central differences along a direction, of the output; and what `jvp` says."""
    along = [np.cos(np.arange(1.0, a.size + 1.0)).reshape(a.shape) for a in arrays]
    ends = [made(*(a + side * d for a, d in zip(arrays, along, strict=True))).output
            for side in (h, -h)]  # fmt: skip
    return (ends[0] - ends[1]) / (2.0 * h), made(*arrays).jvp(*along)


# --- beside the definition -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["batch_norm", "layer_norm"])
@settings(max_examples=25)
@given(N=st.integers(2, 10), n=st.integers(1, 4), seed=st.integers(0, 10**6))
def test_norms_are_the_reference_s(kind, N, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, n)) + 10.0
    arrays = (x, rng.standard_normal(n), rng.standard_normal(n))
    truth = getattr(reference, kind)
    # Where the variance is small û is steep: 1/√ε at most.
    agrees(lambda *a: getattr(blocks, kind)(*a), lambda *a: truth(*a, EPSILON), arrays, rng, 1e-7)
    found = getattr(blocks, kind)(x)
    axis = 0 if kind == "batch_norm" else 1
    np.testing.assert_allclose(found.mean, x.mean(axis), rtol=1e-14)
    np.testing.assert_allclose(found.variance, x.var(axis), rtol=1e-9, atol=1e-20)


@settings(max_examples=25)
@given(N=st.integers(1, 9), n=SIZES, activation=st.sampled_from(networks.mlp.ACTIVATIONS),
       seed=st.integers(0, 10**6))  # fmt: skip
def test_residual_is_the_reference_s(N, n, activation, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in ((N, n), (n, n), (n,))]
    agrees(lambda *a: blocks.residual(*a, activation=activation),
           lambda *a: reference.residual(*a, activation), arrays, rng)  # fmt: skip


@settings(max_examples=25)
@given(queries=SIZES, keys=SIZES, d=st.integers(1, 3), m=st.integers(1, 3),
       scale=st.sampled_from([None, 1.0, 3.0]), masked=st.booleans(),
       seed=st.integers(0, 10**6))  # fmt: skip
def test_attention_is_the_reference_s(queries, keys, d, m, scale, masked, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in ((queries, d), (keys, d), (keys, m))]
    mask = np.ones((queries, keys), bool)
    if masked:
        mask = rng.random((queries, keys)) < 0.5
        mask[np.arange(queries), rng.integers(0, keys, queries)] = True
    factor = scale or 1.0 / math.sqrt(d)
    agrees(lambda *a: blocks.attention(*a, mask=mask, scale=scale),
           lambda *a: reference.attention(*a, mask, factor), arrays, rng)  # fmt: skip
    found = blocks.attention(*arrays, mask=mask, scale=scale)
    logits = reference.logits(arrays[0].tolist(), arrays[1].tolist(), mask, factor)
    truth = [reference.softmax(row) for row in logits]
    rows = found.saturation()
    np.testing.assert_allclose(found.weights, truth, atol=1e-14)
    np.testing.assert_allclose(rows.entropy, list(map(reference.entropy, truth)), atol=1e-13)
    np.testing.assert_allclose(rows.largest, [max(p) for p in truth], rtol=1e-14)
    np.testing.assert_allclose(rows.jacobian, list(map(reference.jacobian_norm, truth)), atol=1e-13)
    assert (found.weights[~mask] == 0.0).all()


@settings(max_examples=40)
@given(shape=st.sampled_from([(1,), (5,), (2, 3), (9,)]), by_norm=st.booleans(),
       bound=st.floats(0.05, 5.0), seed=st.integers(0, 10**6))  # fmt: skip
def test_clipping_is_the_reference_s(shape, by_norm, bound, seed):
    rng = np.random.default_rng(seed)
    g = rng.standard_normal(shape)
    told = {"norm" if by_norm else "value": bound}
    truth = reference.clip_by_norm if by_norm else reference.clip_by_value
    found = blocks.clip_gradient(g, **told)
    np.testing.assert_allclose(found.output.ravel(), truth(g.ravel().tolist(), bound), rtol=1e-13)
    assert found.norm == pytest.approx(np.linalg.norm(g))
    d = rng.standard_normal(shape)
    moved = reference.along(lambda flat: [truth(flat, bound)], g.ravel().tolist(),
                            d.ravel().tolist())  # fmt: skip
    np.testing.assert_allclose(found.jvp(d).ravel(), moved[0], rtol=0.0, atol=1e-12)
    dy = rng.standard_normal(shape)
    assert np.sum(dy * found.jvp(d)) == pytest.approx(np.sum(found.backward(dy) * d), abs=1e-12)
    if by_norm:
        assert np.linalg.norm(found.output) <= bound * (1.0 + 1e-14)
        assert found.fraction == (found.norm > bound)
    else:
        assert found.fraction == pytest.approx((np.abs(g) > bound).mean())


def test_derivatives_are_differences():
    rng = np.random.default_rng(0)
    x, vector = rng.standard_normal((20, 11)), rng.standard_normal(11)
    wide = rng.standard_normal((4, 530))
    for made, arrays in (
        (blocks.batch_norm, (x, vector, vector)),
        (blocks.layer_norm, (x, vector, vector)),
        # Columns in several blocks.
        (blocks.batch_norm, (wide, wide[0], wide[1])),
        (blocks.layer_norm, (wide.T, vector[:4], vector[4:8])),
        (lambda *a: blocks.residual(*a, activation="silu"), (x, x[:11] / 3.0, vector)),
        (blocks.attention, (x, x[3:12], x[1:10, :5])),
        (lambda g: blocks.clip_gradient(g, norm=1.0), (x,)),
    ):
        near, exact = differences(made, arrays)
        np.testing.assert_allclose(exact, near, atol=1e-7)
        dy, found = rng.standard_normal(exact.shape), made(*arrays)
        slopes = found.backward(dy)
        slopes = slopes if isinstance(slopes, tuple) else (slopes,)
        along = [np.cos(np.arange(1.0, a.size + 1.0)).reshape(a.shape) for a in arrays]
        passed = sum(np.sum(s * a) for s, a in zip(slopes, along, strict=True))
        assert passed == pytest.approx(np.sum(dy * exact), rel=1e-10)


# --- beside torch --------------------------------------------------------------------------------


def test_blocks_are_torch_s():
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    def tensors(*arrays):
        return [torch.tensor(a, requires_grad=True) for a in arrays]

    def compare(found, y, leaves, dy):
        y.backward(torch.tensor(dy))
        np.testing.assert_allclose(found.output, y.detach(), atol=1e-13)
        for slope, leaf in zip(found.backward(dy), leaves, strict=True):
            np.testing.assert_allclose(slope, leaf.grad, atol=1e-12)

    rng = np.random.default_rng(1)
    arrays = rng.standard_normal((17, 9)), rng.standard_normal(9), rng.standard_normal(9)
    dy = rng.standard_normal((17, 9))
    x, gamma, beta = tensors(*arrays)
    y = functional.batch_norm(x, None, None, gamma, beta, training=True)
    compare(blocks.batch_norm(*arrays), y, (x, gamma, beta), dy)
    x, gamma, beta = tensors(*arrays)
    y = functional.layer_norm(x, (9,), gamma, beta)
    compare(blocks.layer_norm(*arrays), y, (x, gamma, beta), dy)

    arrays = [rng.standard_normal((2, 3, size, 4)) for size in (5, 6, 6)]
    mask, dy = rng.random((2, 3, 5, 6)) < 0.6, rng.standard_normal((2, 3, 5, 4))
    mask[..., 2] = True
    for seen in (None, mask):
        leaves = tensors(*arrays)
        y = functional.scaled_dot_product_attention(
            *leaves, None if seen is None else torch.tensor(seen)
        )
        compare(blocks.attention(*arrays, mask=seen), y, leaves, dy)

    g = rng.standard_normal(30)
    leaf = torch.nn.Parameter(torch.zeros(30, dtype=torch.float64))
    leaf.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_([leaf], 0.7)
    np.testing.assert_allclose(blocks.clip_gradient(g, norm=0.7).output, leaf.grad, rtol=1e-5)


# --- saturation ----------------------------------------------------------------------------------


def test_a_row_that_has_chosen_loses_no_digits():
    """Of weights 1 − p and p, p = 1e-40: 1 − (1 − p) would be 0."""
    gap = 40.0 * math.log(10.0)
    rows = blocks.attention([[1.0]], [[gap], [0.0]], [[1.0], [2.0]]).saturation()
    p = 1e-40
    assert rows.largest[0] == 1.0
    assert rows.entropy[0] == pytest.approx(p * (1.0 + gap), rel=1e-12)
    assert rows.jacobian[0] == pytest.approx(2.0 * p, rel=1e-12)  # p(1 − p) [[1, −1], [−1, 1]]


def test_a_row_that_has_not_chosen():
    rows = blocks.attention(np.zeros((3, 2)), np.ones((5, 2)), np.ones((5, 1))).saturation()
    np.testing.assert_allclose(rows.entropy, np.log(5.0))
    np.testing.assert_allclose(rows.largest, 0.2)
    np.testing.assert_allclose(rows.jacobian, 2.0 / 5.0)  # √(5 − 1)/5


def test_the_jacobian_s_norm_is_what_passes_backwards():
    rng = np.random.default_rng(3)
    q, k = rng.standard_normal((1, 4)), rng.standard_normal((6, 4))
    found = blocks.attention(np.repeat(q, 4000, axis=0), k, np.eye(6), scale=1.0)
    passed = found._through(rng.standard_normal((4000, 6)))
    squares = (passed**2).sum(axis=1)
    error = squares.std() / math.sqrt(len(squares))
    assert abs(squares.mean() - found.saturation().jacobian[0] ** 2) < 5.0 * error


def test_attention_of_random_keys_saturates_without_the_root():
    tokens = 256
    study = saddlelab.attention_saturation([64, 4, 256], tokens=tokens, runs=3, rng=1)
    scaled, plain = study.mean("entropy")
    assert study.dims.tolist() == [4, 64, 256]
    # Many keys and normal logits of variance 1, of which d makes 1 on average only.
    np.testing.assert_allclose(scaled, np.log(tokens) - 0.5, atol=0.06)
    assert plain[0] > 3.0
    assert plain[1] < 1.2
    assert plain[2] < 0.6
    assert (study.saturated[0] == 0.0).all()
    assert (np.diff(study.mean("saturated")[1]) > 0.0).all()
    assert study.mean("typical")[1, 2] < study.mean("typical")[1, 1]
    again = saddlelab.attention_saturation([64], tokens=tokens, runs=2, rng=1)
    for name in ("entropy", "gradient", "jacobian"):
        assert (again.runs(name)[:, 0] == study.runs(name)[:, 1, :2]).all()


def test_study_s_table_files_and_pictures(tmp_path):
    from matplotlib.figure import Figure

    study = blocks.attention_saturation([2, 8], tokens=5, runs=2, rng=0)
    assert len(study.table().splitlines()) == 2 + 4
    study.to_csv(tmp_path / "study.csv")
    with open(tmp_path / "study.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["entropy"]) for row in rows] == study.entropy.ravel().tolist()
    assert [float(row["typical"]) for row in rows] == study.typical.ravel().tolist()
    assert json.loads(study.to_json())["rows"] == study.rows()
    for name in ("entropy", "largest", "saturated", "jacobian", "gradient", "typical"):
        ax = study.plot(name, ax=Figure().add_subplot())
        for k, drawn in enumerate(ax.containers):
            assert drawn.lines[0].get_xdata().tolist() == [2, 8]
            np.testing.assert_array_equal(drawn.lines[0].get_ydata(), study.mean(name)[k])
        assert len(ax.containers) == 2
    with pytest.raises(ValueError, match="`quantity` must be one of"):
        study.plot("entropie")
    assert np.isnan(blocks.attention_saturation(2, tokens=2, runs=1, rng=0).error("entropy")).all()


# --- edges, and what is refused ------------------------------------------------------------------


def test_edges():
    one = blocks.attention([[2.0]], [[3.0]], [[5.0, 7.0]])
    assert one.output.tolist() == [[5.0, 7.0]]
    assert [part.tolist() for part in one.saturation()] == [[0.0], [1.0], [0.0]]
    assert blocks.layer_norm([[4.0]], [2.0], [3.0]).output.tolist() == [[3.0]]
    constant = blocks.batch_norm(np.full((3, 2), 1e8))
    assert (constant.output == 0.0).all()
    assert np.isfinite(constant.backward(np.eye(3, 2)).x).all()
    huge = blocks.clip_gradient([3e200, 4e200], norm=5.0)
    assert huge.norm == pytest.approx(5e200)
    np.testing.assert_allclose(huge.output, [3.0, 4.0])
    zero = blocks.clip_gradient([0.0, 0.0], norm=1.0)
    assert (zero.norm, zero.factor, zero.output.tolist()) == (0.0, 1.0, [0.0, 0.0])
    assert (zero.jvp([1.0, 2.0]) == [1.0, 2.0]).all()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: blocks.batch_norm([[1.0, 2.0]]), "`x` must have at least 2 samples"),
        (lambda: blocks.layer_norm([1.0, 2.0]), r"`x` must have shape \(N, n\), got \(2,\)"),
        (lambda: blocks.layer_norm([[np.nan]]), r"`x` must be finite, but x\[0, 0\] = nan"),
        (lambda: blocks.layer_norm([[1.0]], [1.0, 2.0]), r"`gamma` must have shape \(1,\)"),
        (lambda: blocks.layer_norm([[1.0]], epsilon=0.0), "`epsilon` must be positive"),
        (lambda: blocks.layer_norm([[1.0]]).backward([1.0]), r"`dy` must have shape \(1, 1\)"),
        (lambda: blocks.residual([[1.0, 2.0]], [[1.0]]), r"`W` must have shape \(2, 2\)"),
        (lambda: blocks.residual([[1.0]], [[1.0]], activation="rely"), "did you mean 'relu'"),
        (lambda: blocks.attention([1.0], [[1.0]], [[1.0]]), r"`Q` must have shape \(\.\.\., q"),
        (lambda: blocks.attention([[1.0]], [[1.0, 2.0]], [[1.0]]), r"`K` must have the leading"),
        (lambda: blocks.attention([[1.0]], [[1.0]], [[1.0], [1.0]]), r"`V` must have shape \(1, m"),
        (lambda: blocks.attention([[1e200]], [[1e200]], [[1.0]]), "finite, they overflow"),
        (lambda: blocks.attention([[1.0]], [[1.0]], [[1.0]], mask=[[False]]), r"mask\[0\] is all"),
        (lambda: blocks.attention([[1.0]], [[1.0]], [[1.0]], mask=[True]), "`mask` must have shap"),
        (lambda: blocks.attention([[1.0]], [[1.0]], [[1.0]], scale=-1.0), "`scale` must be posi"),
        (lambda: blocks.clip_gradient([1.0]), "`norm` or `value` must be given"),
        (lambda: blocks.clip_gradient([1.0], norm=1.0, value=1.0), "and not both"),
        (lambda: blocks.clip_gradient([1.0], norm=0.0), "`norm` must be positive"),
        (lambda: blocks.attention_saturation([4], tokens=1), "`tokens` must be at least 2"),
        (lambda: blocks.attention_saturation([0]), "`dims` must be a positive integer"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_bad_types_are_named():
    with pytest.raises(TypeError, match="`mask` must be true where a query may look"):
        blocks.attention([[1.0]], [[1.0]], [[1.0]], mask=[[1.0]])
    with pytest.raises(TypeError, match="`x` must be real numbers"):
        blocks.layer_norm([["a"]])


def test_a_sample_has_the_same_bits_alone_and_among_others():
    rng = np.random.default_rng(5)
    x, W, K, V = (rng.standard_normal(shape) for shape in ((11, 7), (7, 7), (9, 7), (9, 3)))
    for made in (
        blocks.layer_norm,
        lambda x: blocks.residual(x, W, activation="tanh"),
        lambda x: blocks.attention(x, K, V),
    ):
        together = made(x).output
        for i in (0, 10):
            assert (made(x[i : i + 1]).output[0] == together[i]).all()
    stacked = blocks.attention(np.stack([x, -x]), np.stack([K, K]), np.stack([V, V]))
    assert (stacked.output[0] == blocks.attention(x, K, V).output).all()
    rows = blocks.attention(-x, K, V).saturation()
    assert (stacked.saturation().entropy[1] == rows.entropy).all()
