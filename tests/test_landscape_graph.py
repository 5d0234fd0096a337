"""Which minima each saddle joins, and that the way there goes down."""

import time

import numpy as np
import pytest
from reference import critical as reference

from saddlelab import critical_points, descend_from_saddle, objective, surfaces

EPS = np.finfo(float).eps


@pytest.fixture(scope="module")
def graphs():
    """By name, made once."""
    return {
        name: descend_from_saddle(critical_points(surfaces.get(name), rng=0))
        for name in ("himmelblau", "muller_brown", "six_hump_camel", "double_well", "branin")
    }


def joined(graph):
    """Pairs of positions of minima, rounded."""
    x = [tuple(row) for row in (np.round(graph.points.x, 2) + 0.0).tolist()]
    return {frozenset({x[a], x[b]}) for a, b in graph.minima if min(a, b) >= 0}


def test_himmelblaus_minima_form_a_ring(graphs):
    assert joined(graphs["himmelblau"]) == {
        frozenset({(3.0, 2.0), (3.58, -1.85)}),
        frozenset({(3.58, -1.85), (-3.78, -3.28)}),
        frozenset({(-3.78, -3.28), (-2.81, 3.13)}),
        frozenset({(-2.81, 3.13), (3.0, 2.0)}),
    }


def test_muller_and_browns_minima_form_a_chain(graphs):
    assert joined(graphs["muller_brown"]) == {
        frozenset({(0.62, 0.03), (-0.05, 0.47)}),
        frozenset({(-0.05, 0.47), (-0.56, 1.44)}),
    }


def test_the_camels_humps(graphs):
    """The graph is symmetric under x -> −x; its six minima hang together."""
    graph = graphs["six_hump_camel"]
    assert len(graph.saddles) == 7
    pairs = joined(graph)
    assert {frozenset((-a + 0.0, -b + 0.0) for a, b in pair) for pair in pairs} == pairs
    assert frozenset({(-0.09, 0.71), (0.09, -0.71)}) in pairs
    assert len(pairs) == 7 or len(graph.minima) == 7
    networkx = pytest.importorskip("networkx")
    made = graph.to_networkx()
    assert made.number_of_nodes() == 6
    assert networkx.is_connected(networkx.Graph(made))


@pytest.mark.parametrize("name", ["himmelblau", "muller_brown", "six_hump_camel", "branin"])
def test_plain_descent_ends_there_too(graphs, name):
    """Euler's method with steps so short that it is stable: 1 / the largest curvature."""
    graph = graphs[name]
    points, f = graph.points, graph.points.objective
    steepest = np.abs(f.hessian(np.vstack([p for two in graph.paths for p in two]))).sum(axis=2)
    step = 0.5 / steepest.max()
    for k, saddle in enumerate(graph.saddles):
        v = points.vectors[saddle][:, 0]
        v = v if v[np.argmax(np.abs(v))] > 0 else -v
        for side, sign in enumerate((-1.0, 1.0)):
            start = points.x[saddle] + sign * 1e-3 * v
            end = reference.descend(f.gradient, start, step, 6000)
            if graph.minima[k, side] >= 0:
                nearest = np.argmin(np.linalg.norm(points.x - end, axis=1))
                assert nearest == graph.minima[k, side]


@pytest.mark.parametrize("name", ["himmelblau", "muller_brown", "six_hump_camel", "branin"])
def test_every_path_goes_down_from_the_saddle_to_the_minimum(graphs, name):
    graph = graphs[name]
    points, f = graph.points, graph.points.objective
    assert graph.minima.shape == graph.barriers.shape == (len(graph.saddles), 2)
    assert graph.ends.shape == (len(graph.saddles), 2, points.x.shape[1])
    for k, (saddle, sides) in enumerate(zip(graph.saddles, graph.paths, strict=True)):
        assert points.index[saddle] == 1
        for side, path in enumerate(sides):
            values = f.value(path)
            # What the values are rounded by, and no more.
            slack = 64 * EPS * np.abs(values).max()
            assert (np.diff(values) <= slack).all()
            np.testing.assert_array_equal(path[0], points.x[saddle])
            np.testing.assert_array_equal(path[-1], graph.ends[k, side])
            minimum = graph.minima[k, side]
            barrier = points.value[saddle] - values[-1]
            assert abs(graph.barriers[k, side] - barrier) <= slack
            assert barrier > 0
            if minimum >= 0:
                assert points.kind[minimum] == "minimum"
                np.testing.assert_array_equal(path[-1], points.x[minimum])


@pytest.mark.parametrize("name", ["himmelblau", "muller_brown"])
def test_paths_follow_the_gradient(graphs, name):
    """Chords of the path lie along −∇f in their middle, to the curvature of the path."""
    graph = graphs[name]
    f = graph.points.objective
    cosines = []
    for path in (side for sides in graph.paths for side in sides):
        path = path[1:-1]
        chords = np.diff(path, axis=0)
        length = np.linalg.norm(chords, axis=1)
        slope = -f.gradient((path[1:] + path[:-1]) / 2)
        kept = length > 1e-6
        cosine = np.sum(chords * slope, axis=1)[kept]
        cosines.append(cosine / length[kept] / np.linalg.norm(slope, axis=1)[kept])
    assert np.median(np.concatenate(cosines)) > 0.999


def test_as_a_networkx_graph(graphs):
    pytest.importorskip("networkx")
    graph = graphs["himmelblau"]
    made, points = graph.to_networkx(), graph.points
    assert sorted(made.nodes) == np.flatnonzero(points.kind == "minimum").tolist()
    for i, data in made.nodes(data=True):
        np.testing.assert_array_equal(data["x"], points.x[i])
        assert data["value"] == points.value[i]
    assert made.number_of_edges() == 4
    for a, b, data in made.edges(data=True):
        row = graph.saddles.tolist().index(data["saddle"])
        assert {a, b} == set(graph.minima[row].tolist())
        assert data["value"] == points.value[data["saddle"]]
    assert all(degree == 2 for _, degree in made.degree)


def test_two_saddles_between_the_same_minima_are_two_edges():
    """Two wells with a hill between: passes on both sides of it."""
    pytest.importorskip("networkx")

    def ring(x):
        square = x[0] * x[0] + x[1] * x[1] - 1.0
        return square * square + 0.1 * x[0] * x[0]

    graph = descend_from_saddle(critical_points(ring, [(-1.5, 1.5), (-1.5, 1.5)], rng=0))
    made = graph.to_networkx()
    assert (made.number_of_nodes(), made.number_of_edges()) == (2, 2)
    assert made.number_of_edges(*made.nodes) == 2


def test_a_path_that_leaves_the_box_leads_nowhere():
    """x² − y² falls forever; y³/3 − y falls on one side of its maximum only."""
    for fun in (lambda x: x[0] ** 2 - x[1] ** 2, lambda x: x[0] ** 2 + x[1] - x[1] ** 3 / 3.0):
        graph = descend_from_saddle(critical_points(fun, [(-2, 2), (-2, 2)], rng=0))
        ends = graph.ends[graph.minima < 0]
        assert len(ends) > 0
        assert (np.abs(ends).max(axis=1) >= 2).all()
    assert (graph.minima >= 0).sum() == 1


def test_a_path_that_ends_where_the_function_does():
    """√x₀ is NaN to the left of 0, where the path from the saddle at 1 leads."""
    points = critical_points(
        lambda x: x[1] ** 2 - (x[0] - 1.0) ** 2 + 0.01 * np.sqrt(x[0]), [(0.1, 2), (-1, 1)], rng=0
    )
    assert points.kind.tolist() == ["saddle"]
    graph = descend_from_saddle(points)
    assert graph.minima.tolist() == [[-1, -1]]
    assert np.isfinite(graph.ends).all()
    assert np.isfinite(graph.barriers).all()
    assert 0 <= graph.ends[0, 0, 0] < 0.1


def test_a_minimum_outside_the_box_is_elsewhere():
    """Only a saddle and one of its two minima are in the box; it does not take forever."""
    points = critical_points(surfaces.himmelblau, [(1.0, 5.0), (-1.0, 3.0)], rng=0)
    began = time.perf_counter()
    graph = descend_from_saddle(points)
    assert time.perf_counter() - began < 5
    assert points.kind[graph.minima[graph.minima >= 0]].tolist() == ["minimum"]
    assert np.count_nonzero(graph.minima < 0) == graph.minima.size - 1
    away = graph.ends[graph.minima < 0]
    known = surfaces.himmelblau.points().x[:4]
    distance = np.linalg.norm(known[None] - away[:, None], axis=2).min(axis=1)
    assert distance.min() < 0.1


def test_one_variable_and_three():
    line = descend_from_saddle(critical_points(surfaces.double_well, rng=0))
    assert len(line.saddles) == 0  # in one variable there are none
    assert line.minima.shape == (0, 2)
    cube = critical_points(surfaces.double_well, surfaces.double_well.bounds(3), rng=0)
    graph = descend_from_saddle(cube)
    # Twelve edges of a cube between its eight corners.
    assert len(graph.saddles) == 12
    assert (graph.minima >= 0).all()
    for saddle, (a, b) in zip(graph.saddles, graph.minima, strict=True):
        np.testing.assert_allclose(
            (cube.x[a] + cube.x[b]) / 2, cube.x[saddle], atol=4 * EPS, rtol=0
        )
    np.testing.assert_allclose(graph.barriers, 1.0, atol=16 * EPS, rtol=0)


def test_a_long_narrow_valley():
    """Stiffness 1e6: explicit steps would be as short as 1e-6."""

    def canyon(x):
        u, v = x[0] + 0.5 * x[1] * x[1], x[1]
        w = v * v - 1.0
        return 1e6 * u * u + w * w

    found = critical_points(objective(canyon), [(-2, 1), (-2, 2)], rng=0)
    began = time.perf_counter()
    graph = descend_from_saddle(found)
    assert time.perf_counter() - began < 5
    assert found.kind.tolist() == ["minimum", "minimum", "saddle"]
    assert sorted(graph.minima[0].tolist()) == [0, 1]


def test_errors():
    with pytest.raises(TypeError, match="`points` must come from critical_points, got list"):
        descend_from_saddle([1, 2])
