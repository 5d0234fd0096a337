"""The gallery: every page draws what was computed, and the page shows pictures that are there."""

import ast
import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from commands import complaint
from matplotlib.figure import Figure

import saddlelab
from saddlelab import networks
from saddlelab.cli import main
from saddlelab.gallery import NAMES, gallery, making, pictures
from saddlelab.gallery.making import module_of

FOLDER = Path(pictures.__file__).parent
MODULES = {name: module_of(name) for name in NAMES}


def drawn(name):
    figure = Figure(figsize=MODULES[name].SIZE, layout="constrained")
    MODULES[name].draw(figure)
    return figure


def line(ax, label):
    (found,) = [each for each in ax.lines if each.get_label() == label]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


class Page(HTMLParser):
    """What a reader's program sees."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.images, self.links, self.ids, self.code = [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "img":
            self.images.append(found)
        if "href" in found:
            self.links.append(found["href"])
        self.ids += [found["id"]] if "id" in found else []

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "pre":
            self.code.append(data)


# --- pages of code -------------------------------------------------------------------------------


def test_no_page_is_forgotten():
    assert sorted([*NAMES, "__init__"]) == sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_short_and_uses_what_is_public(name):
    module = MODULES[name]
    source = inspect.getsource(module)
    assert len(source.splitlines()) <= 60
    assert module.TITLE
    assert module.CAPTION.endswith(".")
    assert len(re.findall(r"\. (?=[A-Z])", module.CAPTION)) == 1, "two sentences"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            assert [each.name for each in node.names] == ["numpy"]
        if isinstance(node, ast.ImportFrom):
            assert node.module in ("saddlelab", "typing")
            if node.module == "saddlelab":
                assert {each.name for each in node.names} <= set(saddlelab.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_draws(name):
    figure = drawn(name)
    assert len(figure.axes) >= 1
    for ax in figure.axes:
        assert ax.has_data()
        # Lines without points are there for the legend.
        heights = [np.asarray(each.get_ydata(), dtype=float) for each in ax.lines]
        assert all(np.isfinite(y).any() for y in heights if len(y))


# --- what they draw is so ------------------------------------------------------------------------


def test_activations_are_the_functions_and_their_derivatives():
    z = np.linspace(-4.0, 4.0, 33)
    value, slope = MODULES["activations"].response("tanh", z)
    np.testing.assert_allclose(value, np.tanh(z), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(slope, 1.0 - np.tanh(z) ** 2, rtol=1e-11)
    z = z[z != 0.0]
    value, slope = MODULES["activations"].response("leaky_relu", z)
    np.testing.assert_allclose(value, np.where(z > 0.0, z, 0.01 * z))
    np.testing.assert_allclose(slope, np.where(z > 0.0, 1.0, 0.01))


def test_the_signal_of_each_layer_is_that_of_a_plain_loop():
    sizes = [6, 5, 4, 3]
    theta = networks.initialise(sizes, "he_normal", rng=0)
    X = np.random.default_rng(1).normal(size=(10, 6))
    a, squares = X, []
    for W, b in networks.MLP(sizes).unpack(theta):
        z = a @ W.T + b
        squares.append(np.mean(z**2))
        a = np.maximum(z, 0.0)
    np.testing.assert_allclose(MODULES["initialisers"].signal(theta, sizes, X), squares)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_what_units_are_given_is_that_of_a_plain_loop(batch_norm):
    module = MODULES["batch_norm"]
    X = np.random.default_rng(1).normal(size=(40, 64))
    theta = networks.initialise(module.SIZES, rng=0, batch_norm=batch_norm)
    network = networks.MLP(module.SIZES, activation="sigmoid", batch_norm=batch_norm)
    a = X
    for W, *_ in network.unpack(theta)[:-1]:
        z = a @ W.T  # biases and β are 0, γ is 1
        if batch_norm:
            z = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
        a = 1.0 / (1.0 + np.exp(-z))
    expected = z - z.mean(axis=0)
    given = module.preactivations(theta, X, batch_norm)
    np.testing.assert_allclose(given, expected, rtol=1e-6, atol=1e-12)


def test_adam_settles_where_it_is_said_to_and_does_not_feel_the_noise():
    (ax,) = drawn("adam_noise").axes
    dotted = ax.lines[-1].get_ydata()[0]
    for noise in ("0.01", "1", "100"):
        _, steps = line(ax, f"adam, noise {noise}")
        assert steps[0] == pytest.approx(0.01, rel=1e-3)
        # |Δθ| of neighbouring steps are correlated: 4000 numbers of each are as good as some 10⁵.
        assert steps[100:].mean() == pytest.approx(dotted, rel=0.02)
    _, weak = line(ax, "gd, noise 1")
    _, strong = line(ax, "gd, noise 100")
    np.testing.assert_allclose(strong, 100.0 * weak, rtol=1e-9)


def test_the_plain_step_is_thrown_off_and_the_clipped_one_is_not():
    left, right, *_ = drawn("clipping").axes
    plain, clipped = (np.asarray(each.get_xydata()) for each in left.lines[-2:])
    assert np.linalg.norm(np.diff(plain, axis=0), axis=1).max() > 3.0
    assert np.linalg.norm(np.diff(clipped, axis=0), axis=1).max() <= 0.25 * (1.0 + 1e-12)
    assert line(right, "plain")[1][-1] > 0.05
    assert line(right, "clipped")[1][-20:].mean() < 0.01


def test_runs_end_where_the_caption_says():
    left = drawn("two_weights").axes[0]
    labels = [each.get_text() for each in left.get_legend().get_texts()]
    assert labels == ["11 ended at: degenerate", "1 ended at: saddle"]
    valley = line(left, labels[0])
    np.testing.assert_allclose(valley[0] * valley[1], 1.0, atol=1e-6)


def test_attention_maps_are_softmax_of_products():
    left, middle, *_ = drawn("attention_maps").axes
    for ax in (left, middle):
        weights = ax.images[0].get_array()
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    scaled, plain = (np.asarray(ax.images[0].get_array()) for ax in (left, middle))
    # Without the factor 1/8 logarithms of ratios of weights are eight times as large.
    ratio = np.log(scaled[:, 1:3] / scaled[:, :2])
    np.testing.assert_allclose(np.log(plain[:, 1:3] / plain[:, :2]), 8.0 * ratio, atol=1e-8)


# --- the page that shows them --------------------------------------------------------------------


def test_the_page_shows_pictures_that_are_there(tmp_path):
    names = ["saddle_surface", "vanishing", "activations"]
    made = gallery(tmp_path / "out", only=names)
    # In the gallery's order.
    assert made.names == ("saddle_surface", "activations", "vanishing")
    assert not made.skipped
    page = Page(made.index)
    assert not {"script", "link"} & set(page.tags)
    assert [each["src"] for each in page.images] == [path.name for path in made.paths]
    for image in page.images:
        assert image["alt"]
        pixels = matplotlib.image.imread(made.folder / image["src"])
        assert np.ptp(pixels) > 0.5
    # The code that is shown is the code that drew, and links lead somewhere.
    for name in made.names:
        assert inspect.getsource(MODULES[name]) in page.code
        assert f"saddlecore gallery --only {name} --out pictures" in page.code
    assert {link.removeprefix("#") for link in page.links} == set(made.names) <= set(page.ids)
    lines = made.table().splitlines()
    assert len(lines) == 4
    assert str(made.index) in lines[-1]


def test_a_page_keeps_what_is_in_the_folder(tmp_path):
    (tmp_path / "02-eigenvectors.png").write_bytes(b"drawn before")
    gallery(tmp_path, only="saddle_surface")
    sources = [each["src"] for each in Page(tmp_path / "index.html").images]
    assert sources == ["01-saddle_surface.png", "02-eigenvectors.png"]


def test_same_bits_again(tmp_path):
    (first,), (second,) = (
        gallery(tmp_path / folder, only="paths").paths for folder in ("a", "b")
    )  # fmt: skip
    assert first.read_bytes() == second.read_bytes()


def test_what_lacks_a_package_is_skipped(tmp_path, monkeypatch):
    def draw(figure):
        raise ImportError("datasets.digits needs scikit-learn")

    monkeypatch.setattr(MODULES["vanishing"], "draw", draw)
    made = gallery(tmp_path, only=["vanishing"])
    assert made.names == ()
    assert made.skipped == {"vanishing": "datasets.digits needs scikit-learn"}
    assert "skipped: datasets.digits needs scikit-learn" in made.table()
    assert Page(made.index).images == []


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"`only` must be of saddle_surface, .*got 'monalisa'"):
        gallery(tmp_path, only="monalisa")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(NotADirectoryError, match="`out` must be a folder"):
        gallery(file, only="saddle_surface")
    assert not (tmp_path / "index.html").exists()


def test_command_line(tmp_path, capsys, monkeypatch):
    out = str(tmp_path / "pictures")
    assert main(["gallery", "--out", out, "--only", "saddle_surface"]) == 0
    assert "01-saddle_surface.png" in capsys.readouterr().out
    assert main(["gallery", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [each.split()[0] for each in listed] == list(NAMES)
    assert "`only` must be of" in complaint(capsys, "gallery", "--out", out, "--only", "nothing")
    assert "--out must name a folder" in complaint(capsys, "gallery")
    asked = {}
    monkeypatch.setattr(making, "gallery", lambda folder, **options: asked.update(options) or made)
    made = making.Gallery(tmp_path, (), (), (), {})
    assert main(["gallery", "--out", out]) == 0
    assert asked["only"] is None
