"""Saturation of torch models beside what the model itself computes, and that nothing moves."""

import csv
import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from saddlelab import torch_saturation  # noqa: E402
from tests.test_models import snapshot  # noqa: E402
from tests.torch_models import KINDS, Encoder, make  # noqa: E402

torch.set_num_threads(1)

#: f' from the definitions, of numbers.
SLOPES = {
    nn.ReLU(): lambda z: float(z > 0),
    nn.LeakyReLU(0.1): lambda z: 1.0 if z > 0 else 0.1,
    nn.ELU(): lambda z: 1.0 if z > 0 else math.exp(z),
    nn.SELU(): lambda z: 1.0507009873554805 * (1.0 if z > 0 else 1.6732632423543772 * math.exp(z)),
    nn.GELU(): lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2)))
    + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    nn.SiLU(): lambda z: (1 + math.exp(-z) * (1 + z)) / (1 + math.exp(-z)) ** 2,
    nn.Sigmoid(): lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2,
    nn.Tanh(): lambda z: 1 / math.cosh(z) ** 2,
    nn.Softplus(): lambda z: 1 / (1 + math.exp(-z)),
    nn.Hardtanh(): lambda z: float(-1 < z < 1),
    nn.ReLU6(): lambda z: float(0 < z < 6),
    nn.Softsign(): lambda z: 1 / (1 + abs(z)) ** 2,
}


def hooks_of(model):
    return [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in model.modules()]


class Reused(nn.Module):
    """One activation, in place, called three times, behind linear maps of one's own."""

    def __init__(self, inplace):
        super().__init__()
        self.maps = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.act = nn.ELU(inplace=inplace)

    def forward(self, x):
        for each in self.maps:
            x = self.act(each(x))
        return x


# --- beside the definition -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", SLOPES, ids=lambda each: type(each).__name__)
def test_fractions_are_those_of_the_definition(kind):
    rng = np.random.default_rng(0)
    z = 4.0 * rng.standard_normal((40, 5))
    z[:, 1] = -30.0 - z[:, 1] ** 2
    slopes = np.abs(np.vectorize(SLOPES[kind])(z))
    for threshold in (0.01, 0.2):
        (row,) = torch_saturation(kind, torch.tensor(z), threshold=threshold)
        low = slopes < threshold
        assert row.saturated == low.mean()
        assert row.fractions == tuple(low.mean(0))
        assert row.stuck == low.all(0).sum()
        if isinstance(kind, nn.Tanh):  # 1 − tanh² is 0 in floats: no gradient passes
            assert row.dead == 1
        else:
            assert row.dead == (slopes == 0.0).all(0).sum()
    output = kind(torch.tensor(z)).numpy()
    assert row.mean == pytest.approx(output.mean(), rel=1e-12)
    assert row.variance == pytest.approx(output.var(), rel=1e-12)
    assert (row.kind, row.units, row.name) == (type(kind).__name__, 5, type(kind).__name__)
    assert math.isnan(row.entropy)


def test_a_sigmoid_driven_to_its_end_is_saturated_and_a_linear_layer_is_not_seen():
    net = nn.Sequential(nn.Linear(4, 7), nn.Sigmoid())
    with torch.no_grad():
        net[0].weight.mul_(0.01)
        net[0].bias.fill_(math.log(3e-4))
    (row,) = torch_saturation(net, np.ones((20, 4)))
    assert (row.module, row.saturated, row.stuck) == ("1", 1.0, 7)
    assert row.mean == pytest.approx(3e-4, rel=0.1)


def test_dead_units_of_relu_are_counted():
    net = nn.Sequential(nn.Linear(3, 10), nn.ReLU(), nn.Linear(10, 2))
    with torch.no_grad():
        net[0].bias[:4] = -1e3
        net[0].bias[4:] = 1e3
    found = torch_saturation(net, torch.randn(30, 3))
    assert found.modules[0].dead == found.modules[0].stuck == found.dead_units == 4
    assert found.saturated_fraction == {"1": 0.4}


@pytest.mark.parametrize("inplace", [False, True])
def test_every_call_of_a_module_is_a_row(inplace):
    rng = torch.Generator().manual_seed(1)
    net, X = Reused(inplace), 3.0 * torch.randn(25, 6, generator=rng)
    kept, x = X.clone(), X
    found = torch_saturation(net, X, threshold=0.5)
    assert (kept == X).all()
    assert [row.name for row in found] == ["act", "act (2)", "act (3)"]
    for row, each in zip(found, net.maps, strict=True):
        z = each(x)
        x = functional.elu(z)
        assert row.saturated == (z.exp() < 0.5).double().mean().item()
        assert row.mean == pytest.approx(x.mean().item(), rel=1e-5)


def test_units_of_images_are_channels():
    X = torch.randn(5, 3, 4, 4)
    X[:, 2] = -1.0
    (row,) = torch_saturation(nn.ReLU(), X)
    assert (row.units, row.dead, row.fractions[2]) == (3, 1, 1.0)
    assert row.fractions[0] == pytest.approx((X[:, 0] <= 0).double().mean().item())
    (row,) = torch_saturation(nn.ReLU(), torch.randn(5, 3, 4))
    assert row.units == 4


# --- softmax and attention -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nn.Softmax(dim=-1), nn.LogSoftmax(dim=-1), nn.Softmax(dim=1)])
def test_softmax_has_an_entropy(kind):
    z = torch.cat([torch.zeros(3, 4), 100.0 * torch.eye(4)[:1]])
    (row,) = torch_saturation(kind, z.double())
    assert row.saturated == 0.25
    assert row.entropy == pytest.approx(0.75 * math.log(4))
    assert row.largest == pytest.approx(0.75 * 0.25 + 0.25)
    assert (row.dead, row.units) == (None, 4)


@pytest.mark.parametrize("train", [True, False])
def test_attention_s_rows_are_those_of_each_head(train):
    net, (_, X, _) = Encoder(dropout=0.5).train(train), make("encoder")
    (row,) = torch_saturation(net, X)
    assert row.module == "encoder.layers.0.self_attn"
    attention = net.encoder.layers[0].self_attn
    W, b = attention.in_proj_weight[:8], attention.in_proj_bias[:8]
    Q, K = (X @ W.T + b).reshape(20, 3, 2, 2, 2).permute(2, 0, 3, 1, 4)
    p = (Q @ K.transpose(-1, -2) / math.sqrt(2)).softmax(-1).detach()
    assert row.entropy == pytest.approx(-(p * p.log()).sum(-1).mean().item(), rel=1e-5)
    assert row.largest == pytest.approx(p.max(-1).values.mean().item(), rel=1e-5)


def test_masked_attention():
    heads = nn.MultiheadAttention(4, 2, batch_first=True)
    X, mask = torch.randn(3, 5, 4), torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    causal = torch_saturation(heads, {"query": X, "key": X, "value": X, "attn_mask": mask})
    _, weights = heads(X, X, X, attn_mask=mask, average_attn_weights=False)
    assert causal.modules[0].largest == pytest.approx(weights.max(-1).values.mean().item())
    assert causal.modules[0].entropy == pytest.approx(
        torch.special.entr(weights).sum(-1).mean().item()
    )


def test_padded_sequences():
    """In evaluation mode torch would bring these to a fused kernel, past the hooks."""
    layer = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True)
    net = nn.TransformerEncoder(layer, 2).eval()
    X, padding = torch.randn(3, 5, 4), torch.zeros(3, 5, dtype=torch.bool)
    padding[0, 3:] = True
    found = torch_saturation(net, {"src": X, "src_key_padding_mask": padding})
    assert [row.name for row in found] == ["layers.0.self_attn", "layers.1.self_attn"]
    heads = net.layers[0].self_attn
    _, weights = heads(X, X, X, key_padding_mask=padding, average_attn_weights=False)
    assert found.modules[0].largest == pytest.approx(weights.max(-1).values.mean().item())


# --- nothing moves -------------------------------------------------------------------------------


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("kind", [*KINDS, "dropout"])
def test_the_model_is_as_it_was(kind, train):
    net, X, y = (Encoder(0.5), *make("encoder")[1:]) if kind == "dropout" else make(kind)
    net.train(train)
    nn.CrossEntropyLoss()(net(X), y).backward()
    before, hooks = snapshot(net), hooks_of(net)
    fast = torch.backends.mha.get_fastpath_enabled()
    if kind == "lstm":
        with pytest.raises(ValueError, match="`model` must use activations that are modules"):
            torch_saturation(net, X)
    else:
        found = torch_saturation(net, X)
        assert str(torch_saturation(net, (X.numpy(),))) == str(found)  # one seed, one draw
        with torch.inference_mode():
            assert str(torch_saturation(net, X)) == str(found)
    assert snapshot(net) == before
    assert hooks_of(net) == hooks
    assert torch.backends.mha.get_fastpath_enabled() == fast


def test_a_model_that_fails_is_as_it_was_too():
    net = nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3), nn.Linear(3, 2))
    X = torch.randn(4, 3, 5)
    before, hooks = snapshot(net), hooks_of(net)
    with pytest.raises(RuntimeError):
        torch_saturation(net, X)
    assert snapshot(net) == before
    assert hooks_of(net) == hooks


# --- text, files, picture, errors ----------------------------------------------------------------


def test_table_files_and_picture(tmp_path):
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3), nn.Softmax(-1))
    with torch.no_grad():
        net[0].bias[0] = -1e3
    found = torch_saturation(net, torch.randn(12, 4))
    assert len(found) == 2
    assert len(found.table().splitlines()) == 4
    found.to_csv(tmp_path / "found.csv")
    with open(tmp_path / "found.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["module"] for row in rows] == ["1", "3"]
    assert [row["dead"] for row in rows] == [str(found.modules[0].dead), ""]
    assert float(rows[1]["entropy"]) == found.modules[1].entropy
    kept = json.loads(found.to_json())["modules"]
    assert kept[0]["entropy"] is None
    assert kept[0]["fractions"] == list(found.modules[0].fractions)
    ax = found.plot()
    bars, dead = ax.containers
    assert [bar.get_width() for bar in bars] == [100.0 * row.saturated for row in found]
    assert [bar.get_width() for bar in dead] == [pytest.approx(100.0 * found.dead_units / 6)]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1: ReLU", "3: Softmax"]


def test_bad_arguments_are_named():
    X = torch.randn(3, 4)
    with pytest.raises(TypeError, match=r"`model` must be a torch\.nn\.Module"):
        torch_saturation(torch.relu, X)
    with pytest.raises(ValueError, match="Linear calls none"):
        torch_saturation(nn.Linear(4, 2), X)
    with pytest.raises(ValueError, match="`threshold` must be positive"):
        torch_saturation(nn.ReLU(), X, threshold=0.0)
    with pytest.raises(TypeError, match="`seed` must be an integer"):
        torch_saturation(nn.ReLU(), X, seed=None)
    with pytest.raises(TypeError, match="`inputs` must be tensors or arrays"):
        torch_saturation(nn.ReLU(), "X")
    with pytest.raises(ValueError, match=r"`inputs` must hold samples, got shape \(0, 4\)"):
        torch_saturation(nn.ReLU(), X[:0])
    with pytest.raises(ValueError, match=r"`model` must have run once: its parameter 0\.weight"):
        torch_saturation(nn.Sequential(nn.LazyLinear(3), nn.ReLU()), X)
    with pytest.raises(ValueError, match="`inputs` must be where the model is, on cpu, got meta"):
        torch_saturation(nn.Sequential(nn.Linear(4, 2), nn.ReLU()), X.to("meta"))
