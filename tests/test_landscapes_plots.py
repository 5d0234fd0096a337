"""Pictures of landscapes: the data that the artists hold, drawn to files."""

import sys

import matplotlib as mpl
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver
from matplotlib.text import Annotation

from saddlelab import landscapes, minimize, objective, slice_line, slice_plane, slice_volume
from saddlelab.contours import heights_of, is_steep, levels_of
from saddlelab.spectrum import spectral_density

ORANGE, BLUE = to_rgba("#d55e00"), to_rgba("#0072b2")


def hills(x):
    return x[0] ** 3 - 3.0 * x[0] * x[1] ** 2 + x[2] ** 2 + 0.5 * x[0] ** 2


def bowl(x):
    return x[0] ** 2 + 10.0 * x[1] ** 2 + x[2] ** 2


HILLS, BOWL = objective(hills), objective(bowl)
E = np.eye(3)


@pytest.fixture(autouse=True)
def no_display():
    with mpl.rc_context(), mpl.style.context("default"):
        mpl.use("agg")
        yield
        plt.close("all")


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@pytest.fixture(scope="module")
def plane():
    return slice_plane(HILLS, np.zeros(3), E[0], E[1], resolution=(21, 31))


def drawn(ax, folder):
    ax.figure.savefig(folder / "picture.png", dpi=60)
    assert mpl.image.imread(folder / "picture.png").std() > 0.02


def by_gid(ax):
    return {each.get_gid(): each for each in (*ax.lines, *ax.collections) if each.get_gid()}


# --- slices --------------------------------------------------------------------------------------


def test_a_line(ax, tmp_path):
    line = slice_line(HILLS, np.zeros(3), E[0], resolution=11)
    assert line.plot(ax=ax) is ax
    shown = by_gid(ax)
    np.testing.assert_array_equal(shown["line"].get_xydata(), np.c_[line.a, line.values])
    assert shown["x"].get_xydata().tolist() == [[0.0, 0.0]]
    assert (ax.get_yscale(), ax.get_title(), ax.get_xlabel()) == ("linear", "hills", "a")
    drawn(ax, tmp_path)


def test_a_loss_is_drawn_in_logarithms(ax, tmp_path):
    line = slice_line(BOWL, np.full(3, 0.01), E[1], resolution=11)
    assert landscapes.plot_line(line, ax=ax).get_yscale() == "log"
    np.testing.assert_array_equal(by_gid(ax)["line"].get_ydata(), line.values)
    drawn(ax, tmp_path)


@pytest.mark.parametrize("plot", [landscapes.plot_contour, landscapes.plot_filled])
def test_contours_lie_as_the_axes_say(plane, plot, ax, tmp_path):
    """values[i, j] belongs to a[i] along x and b[j] along y: matplotlib wants the transpose."""
    assert plot(plane, ax=ax) is ax
    sets = [c for c in ax.collections if isinstance(c, QuadContourSet)]
    for level, path in zip(sets[0].levels, sets[0].get_paths(), strict=False):
        if plot is landscapes.plot_contour:
            x, y = path.vertices[(np.abs(path.vertices) < 0.99).all(axis=1)].T
            np.testing.assert_allclose(x**3 - 3 * x * y**2 + 0.5 * x**2, level, atol=0.02)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1.0, 1.0), (-1.0, 1.0))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    drawn(ax, tmp_path)


def test_the_bar_tells_values(ax, tmp_path):
    plane = slice_plane(BOWL, np.full(3, 0.01), E[0], E[1], resolution=41)
    plane.plot(ax=ax)
    filled = next(c for c in ax.collections if isinstance(c, QuadContourSet))
    assert isinstance(filled.norm, LogNorm)
    assert filled.levels[0] == pytest.approx(plane.values.min())
    assert filled.levels[-1] == pytest.approx(plane.values.max())
    drawn(ax, tmp_path)
    bar = ax.figure.axes[1]
    ticks = [text.get_text() for text in bar.get_yticklabels()]
    assert ticks == ["0.01", "0.1", "1", "10"]


def test_nothing_to_draw(ax, tmp_path):
    flat = slice_plane(lambda x: 2.0 + 0.0 * x[0], [0, 0], [1, 0], [0, 1], resolution=3)
    assert not landscapes.plot_contour(flat, ax=ax).collections
    flat.plot(ax=ax)
    drawn(ax, tmp_path)


def test_holes_are_left_out(ax, tmp_path):
    holes = slice_plane(lambda x: np.sqrt(x[0]) + x[1], [0, 0], [1, 0], [0, 1], resolution=21)
    holes.plot(ax=ax)
    drawn(ax, tmp_path)


def test_a_surface(plane, tmp_path):
    ax = Figure().add_subplot(projection="3d")
    assert landscapes.plot_surface(plane, ax=ax) is ax
    assert (ax.get_title(), ax.get_zlabel()) == ("hills", "f")
    heights = plane.values
    assert ax.zz_dataLim.intervalx.tolist() == [heights.min(), heights.max()]
    drawn(ax, tmp_path)
    with pytest.raises(ValueError, match="`ax` must be three-dimensional"):
        landscapes.plot_surface(plane, ax=Figure().subplots())


def test_a_volume_has_one_scale(tmp_path):
    cube = slice_volume(HILLS, np.zeros(3), *E, resolution=9)
    axes = cube.plot()
    assert [a.get_title() for a in axes] == [f"c = {c:g}" for c in (-1, -0.5, 0, 0.5, 1)]
    sets = [next(c for c in a.collections if isinstance(c, QuadContourSet)) for a in axes]
    for each in sets:
        np.testing.assert_array_equal(each.levels, sets[0].levels)
    assert sets[0].levels[0] <= cube.values.min() <= cube.values.max() <= sets[0].levels[-1]
    drawn(axes[0], tmp_path)
    one = Figure().subplots()
    assert landscapes.plot_volume(cube, ax=[one])[0].get_title() == "c = 0"


def test_an_ensemble(ax, tmp_path):
    found = landscapes.slice_ensemble(BOWL, np.full(3, 0.1), 20, resolution=11, rng=0)
    line = slice_line(BOWL, np.full(3, 0.1), E[0], resolution=11)
    assert found.plot(ax=ax, line=line) is ax
    median = next(each for each in ax.lines if each.get_label() == "median")
    np.testing.assert_array_equal(median.get_ydata(), np.median(found.values, axis=0))
    np.testing.assert_array_equal(by_gid(ax)["line"].get_ydata(), line.values)
    edges = ax.collections[0].get_paths()[0].vertices
    low, high = found.band(0.9)
    assert {*low, *high} <= {*edges[:, 1]}
    drawn(ax, tmp_path)


def test_a_barrier(ax, tmp_path):
    found = landscapes.barrier(lambda x: (x[0] ** 2 - 1.0) ** 2 + 0.3 * x[0], [-1.0], [1.0])
    assert found.plot(ax=ax) is ax
    shown = by_gid(ax)
    low, high = shown["barrier"].get_ydata()
    assert high - low == pytest.approx(found.height)
    assert shown["ends"].get_ydata().tolist() == list(found.ends)
    drawn(ax, tmp_path)


# --- curvature -----------------------------------------------------------------------------------


def test_a_map(plane, ax, tmp_path):
    found = landscapes.curvature_map(slice_plane(HILLS, np.zeros(3), E[0], E[1], resolution=7))
    assert found.plot(ax=ax) is ax
    assert ax.get_title() == "Curvature of hills"
    drawn(ax, tmp_path)


def test_unstable_directions_are_arrows(plane, ax, tmp_path):
    points = [[0.0, 0.0, 0.0], [-1 / 3, 0.0, 0.0], [0.5, 0.0, 2.0]]
    landscapes.plot_directions(plane, points, ax=ax)
    marks = [c for c in ax.collections if c.get_gid() == "point"]
    places = [c.get_offsets().tolist()[0] for c in marks]
    np.testing.assert_allclose(places, [p[:2] for p in points], atol=1e-12)
    assert marks[2].get_alpha() < marks[0].get_alpha()  # it lies off the plane
    arrows = [t for t in ax.texts if isinstance(t, Annotation)]
    # H = diag(1, 0, 2), diag(−1, 2, 2), diag(4, −3, 2): two saddles, two arrows for each.
    ends = np.array([np.subtract(t.xy, t.xyann) for t in arrows])
    assert len(arrows) == 4
    np.testing.assert_allclose(np.abs(ends[:2]), [[0.3, 0.0]] * 2, atol=1e-6)
    np.testing.assert_allclose(np.abs(ends[2:]), [[0.0, 0.3]] * 2, atol=1e-6)
    drawn(ax, tmp_path)


def test_eigenvectors_are_crosses(ax, tmp_path):
    """Of x² − 4y² the same everywhere: half as long along x, and of the other colour."""
    saddle = slice_plane(lambda x: x[0] ** 2 - 4.0 * x[1] ** 2, [0, 0], [1, 0], [0, 1])
    landscapes.plot_eigenvectors(saddle, ax=ax, count=4)
    least, largest = (c for c in ax.collections if isinstance(c, Quiver))
    np.testing.assert_allclose(np.abs(largest.U), 0.5 * np.abs(least.V), rtol=1e-9)
    np.testing.assert_allclose([*largest.V, *least.U], 0.0, atol=1e-9)
    assert {tuple(c) for c in least.get_facecolor()} == {ORANGE}
    assert {tuple(c) for c in largest.get_facecolor()} == {BLUE}
    drawn(ax, tmp_path)


def test_a_spectrum(ax, tmp_path):
    landscapes.plot_spectrum([3.0, -1.0, 0.0, 2.0], ax=ax)
    shown = by_gid(ax)
    places = {name: shown[name].get_offsets().tolist() for name in shown}
    assert places == {"negative": [[1, -1]], "zero": [[2, 0]], "positive": [[3, 2], [4, 3]]}
    drawn(ax, tmp_path)


def test_a_density(ax, tmp_path):
    found = spectral_density(np.diag([-1.0, 0.5, 2.0]), rng=0)
    landscapes.plot_density(found, ax=ax)
    assert ax.get_title() == "Spectral density of the Hessian"
    drawn(ax, tmp_path)


# --- trajectories --------------------------------------------------------------------------------


def test_a_trajectory_shows_what_is_not_seen(ax, tmp_path):
    t = np.linspace(0.0, 1.0, 20)
    found = landscapes.trajectory_plane(np.column_stack([3 * t, t**2, 0.3 * t**3]))
    surface = found.slice(BOWL, resolution=15)
    assert found.plot(ax=ax, surface=surface) is ax
    shown = by_gid(ax)
    np.testing.assert_array_equal(shown["path"].get_xydata(), found.coordinates)
    np.testing.assert_array_equal(shown["points"].get_array(), found.errors)
    np.testing.assert_array_equal(shown["end"].get_offsets(), found.coordinates[-1:])
    assert "% of the variance" in ax.get_xlabel()
    drawn(ax, tmp_path)
    with pytest.raises(ValueError, match="`surface` must be a slice made by"):
        found.plot(ax=ax, surface=slice_plane(BOWL, np.zeros(3), E[0], E[1]))
    with pytest.raises(ValueError, match="this picture is of two directions"):
        landscapes.trajectory_plane(found.points, k=1).plot(ax=ax)


def test_an_animation(tmp_path):
    def valley(x):
        return x[0] ** 2 + 3.0 * x[1] ** 2

    runs = minimize(valley, [[1.0, 1.0], [-1.0, 0.5]], method="gd", lr=0.1, steps=9, record="x")
    ax = Figure().subplots()
    made = landscapes.animate(runs, ax=ax, frames=5)
    made.save(tmp_path / "run.gif", writer="pillow")
    from PIL import Image

    with Image.open(tmp_path / "run.gif") as picture:
        assert picture.n_frames == 5
    tails = [line.get_xydata() for line in ax.lines]
    np.testing.assert_array_equal(tails, runs.history.x)
    assert ax.get_title().endswith("step 9")
    with pytest.raises(ValueError, match='pass record="x"'):
        landscapes.animate(minimize(valley, [1.0, 1.0], steps=2))


# --- heights -------------------------------------------------------------------------------------


def test_heights():
    values = np.array([0.0, 1e-3, 1.0, np.nan, np.inf])
    assert is_steep(values)
    heights, logarithmic = heights_of(values, None)
    assert logarithmic
    np.testing.assert_array_equal(heights, [1e-3, 1e-3, 1.0, np.nan, np.nan])
    assert not is_steep(values - 1.0)
    with pytest.raises(ValueError, match="`log` must be False"):
        heights_of(values - 1.0, True)
    assert not len(levels_of(np.full(3, np.nan)))


# --- plotly and bad input ------------------------------------------------------------------------


def test_an_interactive_picture(plane):
    pytest.importorskip("plotly")
    surface = landscapes.plot_3d(plane).data[0]
    np.testing.assert_array_equal(np.asarray(surface.z), plane.values.T)
    np.testing.assert_array_equal(np.asarray(surface.x), plane.a)
    cube = slice_volume(HILLS, np.zeros(3), *E, resolution=3)
    nested = landscapes.plot_3d(cube).data[0]
    np.testing.assert_array_equal(np.asarray(nested.value), cube.values.ravel())
    np.testing.assert_array_equal(np.asarray(nested.z), np.tile(cube.c, 9))


def test_without_plotly_one_line_names_the_extra(plane, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ImportError, match=r'needs plotly: pip install "saddlecore\[interactive\]"'):
        landscapes.plot_3d(plane)


def test_pictures_of_something_else(plane):
    line = slice_line(HILLS, np.zeros(3), E[0], resolution=3)
    for plot in (landscapes.plot_contour, landscapes.plot_filled, landscapes.plot_surface,
                 landscapes.plot_eigenvectors):  # fmt: skip
        with pytest.raises(ValueError, match="this picture is of a plane, `result` is a line"):
            plot(line)
    with pytest.raises(ValueError, match="this picture is of a line, `result` is a plane"):
        landscapes.plot_line(plane)
    with pytest.raises(ValueError, match="`result` must be a plane or a volume"):
        landscapes.plot_3d(line)
    with pytest.raises(ValueError, match="`points` must have 3 numbers each"):
        landscapes.plot_directions(plane, [[0.0, 0.0]])
