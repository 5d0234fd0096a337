"""Pictures of critical points: the data that the artists hold, drawn to files."""

import matplotlib as mpl
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from saddlelab import critical_points, descend_from_saddle, surfaces
from saddlelab.critical_plot import plot_critical_points, plot_landscape_graph

KINDS = ("minimum", "saddle", "maximum", "degenerate", "undecided")


@pytest.fixture(autouse=True)
def no_display():
    with mpl.rc_context(), mpl.style.context("default"):
        mpl.use("agg")
        yield
        plt.close("all")


@pytest.fixture(scope="module")
def found():
    """By name, made once."""
    names = ("himmelblau", "muller_brown", "double_well", "two_weights")
    return {name: critical_points(surfaces.get(name), rng=0) for name in names}


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


def markers(ax):
    """Positions by kind."""
    kinds = [c for c in ax.collections if c.get_gid() in KINDS]
    return {c.get_gid(): np.asarray(c.get_offsets()) for c in kinds}


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn(ax, folder):
    """The picture as an array, from a file."""
    ax.figure.savefig(folder / "picture.png", dpi=80)
    image = mpl.image.imread(folder / "picture.png")
    assert image.std() > 0.02
    return image


@pytest.mark.parametrize("name", ["himmelblau", "muller_brown", "two_weights"])
def test_points_are_where_they_are(found, name, ax, tmp_path):
    points = found[name]
    assert points.plot(ax=ax) is ax
    shown = markers(ax)
    assert set(shown) == set(points.kind)
    for kind, positions in shown.items():
        np.testing.assert_array_equal(positions, points.x[points.kind == kind])
    assert ax.get_title() == f"Critical points of {name}"
    assert (ax.get_xlim(), ax.get_ylim()) == tuple(map(tuple, points.bounds.tolist()))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x0", "x1")
    drawn(ax, tmp_path)


def test_the_legend_counts(found, ax):
    found["himmelblau"].plot(ax=ax)
    assert labels(ax) == ["4 minima", "4 saddles", "1 maximum"]


def test_a_valley_has_its_own_marker(found, ax):
    found["two_weights"].plot(ax=ax)
    count = np.count_nonzero(found["two_weights"].kind == "degenerate")
    assert labels(ax) == ["1 saddle", f"{count} degenerate"]
    marked = [c for c in ax.collections if c.get_gid() in KINDS]
    shapes = {str(c.get_paths()[0].vertices.tolist()) for c in marked}
    assert len(shapes) == len(marked) == 2


def test_contours_are_those_of_the_function(found, ax):
    """Every vertex of a contour has its level's value, to the grid's curvature."""
    points = found["himmelblau"]
    points.plot(ax=ax)
    (contours,) = [c for c in ax.collections if isinstance(c, QuadContourSet)]
    levels = contours.levels
    # Those through the saddles are among them.
    for value in points.value[points.kind == "saddle"]:
        assert np.abs(levels - value).min() == 0
    widths = np.ptp(points.bounds, axis=1) / 240
    for level, path in zip(levels, contours.get_paths(), strict=True):
        if len(path.vertices):
            f, g = points.objective, points.objective.gradient(path.vertices)
            curved = np.abs(points.objective.hessian(path.vertices)).sum(axis=(1, 2))
            off = np.abs(f.value(path.vertices) - level)
            assert (off <= np.abs(g) @ widths * 0.05 + curved * widths.max() ** 2).all()


def test_unstable_directions_of_saddles(found, ax):
    points = found["himmelblau"]
    points.plot(ax=ax)
    arrows = [child for child in ax.get_children() if isinstance(child, Annotation)]
    saddles = np.flatnonzero(points.kind == "saddle")
    assert len(arrows) == 2 * len(saddles)
    f = points.objective
    for arrow in arrows:
        # From the saddle downwards.
        assert f.value(np.array(arrow.xy)) < f.value(np.array(arrow.xyann))
        assert arrow.xyann in [tuple(x) for x in points.x[saddles].tolist()]
    other = Figure().subplots()
    plot_critical_points(points, ax=other, directions=False)
    assert not any(isinstance(child, Annotation) for child in other.get_children())


def test_one_variable_is_a_curve(found, ax, tmp_path):
    points = found["double_well"]
    points.plot(ax=ax, linewidth=3)
    (curve,) = ax.lines
    x, y = curve.get_data()
    np.testing.assert_array_equal(y, points.objective.value(x[:, None]))
    assert [x[0], x[-1]] == points.bounds[0].tolist()
    assert curve.get_linewidth() == 3
    shown = markers(ax)
    assert set(shown) == {"minimum", "maximum"}
    assert shown["minimum"].tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert labels(ax) == ["2 minima", "1 maximum"]
    drawn(ax, tmp_path)


def test_more_variables_cannot_be_drawn():
    cube = critical_points(surfaces.double_well, surfaces.double_well.bounds(3), rng=0)
    with pytest.raises(ValueError, match="a picture needs one or two variables, double_well has 3"):
        cube.plot()
    assert plt.get_fignums() == []


def test_descents_over_the_contours(found, ax, tmp_path):
    graph = descend_from_saddle(found["muller_brown"])
    assert graph.plot(ax=ax) is ax
    paths = [line.get_xydata() for line in ax.lines]
    expected = [side for sides in graph.paths for side in sides]
    assert len(paths) == len(expected) == 4
    for path, steps in zip(paths, expected, strict=True):
        np.testing.assert_array_equal(path, steps)
    assert labels(ax) == ["3 minima", "2 saddles"]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1.8, 1.5), (-0.6, 2.4))
    drawn(ax, tmp_path)


def test_a_box_without_points(ax, tmp_path):
    empty = critical_points(lambda x: x[0] + x[1], [(0, 1), (0, 1)], starts=20, rng=0)
    empty.plot(ax=ax)
    assert markers(ax) == {}
    assert ax.get_legend() is None
    drawn(ax, tmp_path)


def test_a_function_that_is_not_everywhere(ax, tmp_path):
    """NaN in half of the box, and one that is constant: no warning, a picture."""
    half = critical_points(
        lambda x: x[0] - np.sqrt(x[0]) + x[1] ** 2, [(-1, 1), (-1, 1)], starts=200, rng=0
    )
    half.plot(ax=ax)
    drawn(ax, tmp_path)
    constant = critical_points(lambda x: 0.0 * x[0] + 1.0, [(0, 1), (0, 1)], starts=20, rng=0)
    drawn(constant.plot(ax=Figure().subplots()), tmp_path)


def test_a_new_figure_and_options(found):
    ax = found["himmelblau"].plot(levels=[1.0, 10.0, 100.0], cmap="viridis")
    assert plt.get_fignums() == [ax.figure.number]
    (contours,) = [c for c in ax.collections if isinstance(c, QuadContourSet)]
    assert contours.levels.tolist() == [1.0, 10.0, 100.0]
    assert contours.get_cmap().name == "viridis"
    plain = found["himmelblau"].plot(colors="red", ax=Figure().subplots())
    (contours,) = [c for c in plain.collections if isinstance(c, QuadContourSet)]
    assert (contours.get_edgecolor()[:, :3] == (1.0, 0.0, 0.0)).all()


def test_no_global_style_is_changed(found):
    before = dict(mpl.rcParams)
    plot_landscape_graph(descend_from_saddle(found["himmelblau"]))
    assert dict(mpl.rcParams) == before
