"""Multistart: what starts are drawn, and what `minimize` is asked for."""

import sys
import types

import numpy as np
import pytest
from scipy import stats

from saddlelab import surfaces
from saddlelab.optimize.multistart import draw_starts, multistart

BOX = np.array([[-1.0, 3.0], [5.0, 6.0], [0.0, 1e-3]])


@pytest.fixture
def asked(monkeypatch):
    """What `minimize` is called with; it returns "runs"."""
    calls = []

    def minimize(fun, x0, **options):
        calls.append((fun, x0, options))
        return "runs"

    module = types.ModuleType("saddlelab.optimize.minimize")
    module.minimize = minimize
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return calls


@pytest.mark.parametrize("sampling", ["sobol", "uniform"])
def test_starts_fill_the_box(sampling):
    points = draw_starts(BOX, 4096, sampling, 1)
    assert points.shape == (4096, 3)
    for i, (low, high) in enumerate(BOX):
        share = (points[:, i] - low) / (high - low)
        if sampling == "uniform":
            assert stats.kstest(share, "uniform").pvalue > 1e-4
        else:  # one point in each of 4096 intervals
            assert np.unique(np.floor(share * 4096)).size == 4096


@pytest.mark.parametrize("sampling", ["sobol", "uniform"])
def test_more_starts_begin_with_the_same(sampling):
    few, many = draw_starts(BOX, 10, sampling, 4), draw_starts(BOX, 1000, sampling, 4)
    np.testing.assert_array_equal(many[:10], few)
    assert not (draw_starts(BOX, 10, sampling, 5) == few).any()


def test_minimize_is_asked(asked):
    surface = surfaces.himmelblau
    assert multistart(surface, method="adam", starts=33, rng=2, steps=10, tol=1e-3) == "runs"
    (fun, x0, options), = asked
    assert fun is surface
    np.testing.assert_array_equal(x0, draw_starts(surface.bounds(), 33, "sobol", 2))
    assert options == {"method": "adam", "rng": 2, "steps": 10, "tol": 1e-3}


WRONG = [
    ({"starts": 0}, "`starts` must be a positive integer, got 0"),
    ({"sampling": "sobel"}, "did you mean 'sobol'"),
    ({"bounds": [(1, 0)]}, "`bounds` must be finite with lower < upper"),
    ({"rng": -3}, "`rng` must be a non-negative integer"),
]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(("given_to", "message"), WRONG)
def test_bad_input(given_to, message):
    given_to = {"bounds": [(0, 1)], "method": "gd"} | given_to
    with pytest.raises(ValueError, match=message):
        multistart(lambda x: x[0] ** 2, **given_to)
