"""Pictures: the data that the artists hold, and nothing drawn where it was not asked for."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from saddlelab.plots import plot_index_law, plot_prevalence, prevalence_figure
from saddlelab.prevalence import prevalence

SAMPLES = 2000
KINDS = {"saddle": "saddles", "minimum": "minima", "maximum": "maxima"}


@pytest.fixture(autouse=True)
def no_display():
    with mpl.rc_context(), mpl.style.context("default"):
        mpl.use("agg")
        yield
        plt.close("all")


@pytest.fixture(scope="module")
def study():
    return prevalence("goe", range(1, 21), samples=SAMPLES, rng=0)


@pytest.fixture
def ax():
    return Figure().subplots()


def line(ax, label):
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_the_fractions(study, ax, kind):
    plot_prevalence(study, ax=ax)
    x, y = line(ax, KINDS[kind]).get_data()
    fraction = study.fraction(kind)
    np.testing.assert_array_equal(x, study.dims)
    np.testing.assert_array_equal(y, np.where(fraction > 0, fraction, np.nan))
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize("kind", ["minimum", "maximum"])
def test_what_was_never_seen_is_drawn_as_its_upper_limit(study, ax, kind):
    plot_prevalence(study, ax=ax)
    unseen = study.fraction(kind) == 0
    assert unseen.any()
    y = line(ax, f"_{kind} limit").get_ydata()
    np.testing.assert_array_equal(y, np.where(unseen, study.interval(kind)[1], np.nan))
    (note,) = ax.texts
    assert note.get_text() == "none seen: < 1.8e-03\n(95 % interval)"


def test_no_limit_is_drawn_for_saddles_that_cannot_exist(study, ax):
    plot_prevalence(study, ax=ax)
    assert "_saddle limit" not in [line.get_label() for line in ax.lines]


@pytest.mark.parametrize("level", [0.5, 0.99])
def test_bands_are_the_intervals(study, ax, level):
    plot_prevalence(study, ax=ax, level=level)
    bands = [c for c in ax.collections if isinstance(c, PolyCollection) and c.get_alpha() == 0.25]
    assert len(bands) == 3
    for kind, band in zip(KINDS, bands, strict=True):
        corners = {tuple(point) for path in band.get_paths() for point in path.vertices}
        low, high = study.interval(kind, level)
        low = np.maximum(low, 0.3 / SAMPLES)
        for n, bottom, top in zip(study.dims, low, high, strict=True):
            if study.fraction(kind)[n - 1] > 0:
                assert {(n, bottom), (n, top)} <= corners


def test_the_map_holds_the_index_law(study, ax):
    plot_index_law(study, ax=ax)
    (cells,) = ax.collections
    boxes = [path.get_extents() for path in cells.get_paths()]
    values = cells.get_array()
    assert len(boxes) == len(values)
    for n in study.dims.tolist():
        here = [
            (round(box.y0 * (n + 1)), value)
            for box, value in zip(boxes, values, strict=True)
            if box.x0 < n < box.x1
        ]
        counts = study.counts(n)
        assert dict(here) == {k: counts[k] / SAMPLES for k in np.flatnonzero(counts)}


def test_a_few_dimensions_are_drawn_as_curves(ax):
    study = prevalence("goe", [3, 30], samples=SAMPLES, rng=0)
    plot_index_law(study, ax=ax)
    for n in (3, 30):
        x, y = line(ax, f"n = {n}").get_data()
        index, count = study.histogram(n)
        np.testing.assert_array_equal(x, index - n / 2)
        np.testing.assert_array_equal(y, count / SAMPLES)


@pytest.mark.parametrize("dims", [[1], [2], [10**6], [3, 4], [1, 10, 100, 1000], range(1, 40)])
@pytest.mark.parametrize("samples", [1, 3])
def test_every_study_can_be_drawn(dims, samples, tmp_path):
    study = prevalence("goe", dims, samples=samples, rng=0)
    figure = Figure(layout="constrained")
    assert prevalence_figure(study, figure=figure) is figure
    figure.savefig(tmp_path / "picture.png")


def test_plot_draws_on_the_given_axes(study, ax):
    assert study.plot(ax) is ax
    assert len(ax.figure.axes) == 1
    assert plt.get_fignums() == []


def test_plot_without_axes_makes_both_pictures(study):
    ax = study.plot()
    assert plt.get_fignums() == [ax.figure.number]
    titles = [axes.get_title() for axes in ax.figure.axes]
    assert titles[:2] == ["Kinds of critical points", "Index: number of negative eigenvalues"]


def test_options_reach_the_lines(study, ax):
    plot_prevalence(study, ax=ax, linewidth=5)
    assert line(ax, "minima").get_linewidth() == 5


def test_no_global_style_is_changed(study):
    before = dict(mpl.rcParams)
    study.plot()
    assert dict(mpl.rcParams) == before


def test_kinds_are_told_apart_without_colour(study, ax):
    plot_prevalence(study, ax=ax)
    styles = {(line(ax, label).get_marker()) for label in KINDS.values()}
    assert len(styles) == 3
