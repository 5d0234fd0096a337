"""How common each kind of point is on a landscape, beside fractions known in closed form."""

import numpy as np
import pytest
from scipy import stats

from saddlelab import prevalence_of, surfaces
from saddlelab.intervals import clopper_pearson

LIKELY = 1e-4  # seeds are fixed: a p-value below this is a fault, not bad luck


def wells(x):
    return (x[0] ** 2 - 1.0) ** 2 + (x[1] ** 2 - 1.0) ** 2


def hinge(x):
    return max(x[0], 0.0) ** 2 + x[1] ** 2


def quartic(x):
    return x[0] ** 4 + x[1] ** 2


def edge(x):
    return np.sqrt(x[0]) + x[1] ** 2


def test_fractions_are_those_of_the_box(record_property):
    """∂²wells/∂x² < 0 where |x| < 1/√3, for each variable by itself: a binomial law."""
    samples, p = 300_000, 1.0 / (2.0 * np.sqrt(3.0))
    found = prevalence_of(wells, [(-2, 2), (-2, 2)], samples=samples, critical=False, rng=1)
    assert (found.degenerate, found.undecided) == (0, 0)
    law = stats.binom.pmf([0, 1, 2], 2, p)
    test = stats.chisquare(found.counts, samples * law)
    record_property("p", round(test.pvalue, 3))
    assert test.pvalue > LIKELY
    assert found.counts.sum() == samples
    assert found.count("convex") == found.counts[0]
    assert found.count("indefinite") == found.counts[1]
    assert found.count("concave") == found.counts[2]
    low, high = found.interval("convex", 0.9999)
    assert low < law[0] < high


def test_differences_agree_with_exact_derivatives():
    kw = {"samples": 20_000, "critical": False, "rng": 0}
    exact = prevalence_of(wells, [(-2, 2), (-2, 2)], **kw)
    central = prevalence_of(wells, [(-2, 2), (-2, 2)], method="central", **kw)
    # Near the border of the convex region differences cannot tell.
    unsure = central.degenerate + central.undecided
    assert unsure < 200
    assert (central.counts <= exact.counts).all()
    assert central.counts.sum() + unsure == 20_000


@pytest.mark.parametrize("workers", [1, 3])
def test_points_do_not_depend_on_workers(workers):
    found = prevalence_of(surfaces.rastrigin, [(-5.12, 5.12)] * 3, samples=200_001, critical=False,
                          workers=workers, rng=7)  # fmt: skip
    again = prevalence_of(surfaces.rastrigin, [(-5.12, 5.12)] * 3, samples=200_001, critical=False,
                          rng=found.seed)  # fmt: skip
    assert found.counts.tolist() == again.counts.tolist()
    assert found.counts.sum() + found.degenerate + found.undecided == 200_001


def test_flat_regions_are_degenerate():
    found = prevalence_of(hinge, [(-1, 3), (-1, 1)], samples=10_000, critical=False, rng=0)
    assert found.undecided == 0
    low, high = found.interval("degenerate", 0.9999)
    assert low < 0.25 < high
    assert found.counts.tolist() == [10_000 - found.degenerate, 0, 0]


def test_critical_points_are_counted_by_index():
    found = prevalence_of(surfaces.himmelblau, samples=1000, rng=0)
    assert found.critical_counts().tolist() == [4, 4, 1]
    assert found.critical_interval(1) == (4 / 9, 4 / 9)
    text = found.table()
    assert "9 critical points" in text
    assert "index 2" in text


def test_what_is_not_certain_widens_the_limits():
    found = prevalence_of(quartic, [(-1, 1), (-1, 2)], samples=1000, rng=0)
    assert found.critical_counts().tolist() == [0, 0, 0]
    assert found.critical_interval(0) == (0.0, 1.0)
    assert "not certain      1" in found.table()
    with pytest.raises(ValueError, match=r"`index` must be between 0 and 2, got 3"):
        found.critical_interval(3)


def test_none_found_says_nothing():
    found = prevalence_of(lambda x: x[0] + x[1], [(0, 1)] * 2, samples=100, rng=0)
    assert len(found.critical) == 0
    assert found.critical_interval(0) == (0.0, 1.0)
    assert found.fraction("degenerate") == 1.0


def test_no_hessian_is_undecided():
    found = prevalence_of(edge, [(-1, 1), (0, 1)], samples=2000, critical=False, rng=0)
    low, high = found.interval("undecided", 0.9999)
    assert low < 0.5 < high


def test_pictures(tmp_path):
    found = prevalence_of(surfaces.himmelblau, samples=1000, rng=0)
    ax = found.plot()
    left, right = ax.figure.axes
    heights = [bar.get_height() for bar in left.containers[1]]
    np.testing.assert_allclose(heights, found.counts / 1000)
    assert [t.get_text() for t in right.get_legend().get_texts()] == [
        "convex", "indefinite", "concave", "4 minima", "4 saddles", "1 maximum",
    ]  # fmt: skip
    ax.figure.savefig(tmp_path / "a.png")
    line = prevalence_of(surfaces.double_well, [(-2, 2)], samples=100, rng=0).plot()
    assert len(line.figure.axes) == 1


@pytest.mark.parametrize(
    ("kw", "message"),
    [
        ({"samples": 0}, "`samples` must be a positive integer"),
        ({"bounds": [(1, 0)]}, "`bounds` must be finite with lower < upper"),
        ({"method": "guess"}, "`method` must be one of"),
        ({"rng": -1}, "`rng` must be a non-negative integer"),
        ({"workers": 0}, "`workers` must be a positive integer"),
    ],
)
def test_bad_input(kw, message):
    with pytest.raises(ValueError, match=message):
        prevalence_of(wells, **({"bounds": [(-1, 1)] * 2} | kw))


def test_bad_questions():
    found = prevalence_of(wells, [(-1, 1)] * 2, samples=10, critical=False, rng=0)
    with pytest.raises(ValueError, match="`kind` must be one of convex"):
        found.count("minimum")
    with pytest.raises(ValueError, match="`level` must be between 0 and 1"):
        found.interval("convex", 1.0)


@pytest.mark.parametrize("error", [RuntimeError, OverflowError])
def test_the_functions_own_error_comes_through(error):
    def fails(x):
        if x[0] > 0.9:
            raise error("too far")
        return x[0] ** 2

    with pytest.raises(error, match="too far"):
        prevalence_of(fails, [(-1, 1)], samples=1000, rng=0)


@pytest.mark.parametrize("hits", [0, 1, 7, 20])
def test_intervals_are_scipys(hits):
    low, high = clopper_pearson(hits, 20, 0.9)
    truth = stats.binomtest(hits, 20).proportion_ci(0.9, "exact")
    np.testing.assert_allclose([low, high], [truth.low, truth.high], rtol=1e-12)
