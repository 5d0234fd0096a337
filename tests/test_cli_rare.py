"""``saddlecore rare``: what it prints and draws, and its complaints."""

import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
from commands import complaint, strictly
from matplotlib.figure import Figure

from saddlelab import index_law, log_minimum_probability, rare_prevalence
from saddlelab.cli import main
from saddlelab.rare_plot import plot_minimum_law

SEVERAL = ["rare", "goe", "--dims", "3,6", "--seed", "0"]


@pytest.fixture(scope="module")
def events():
    return [rare_prevalence("goe", n, rng=0) for n in (3, 6)]


# --- output --------------------------------------------------------------------------------------


def test_lines(capsys, events):
    assert main(SEVERAL) == 0
    assert capsys.readouterr().out.splitlines() == [*map(str, events), "seed 0"]


def test_json_can_be_parsed(capsys):
    arguments = ["--dim", "40", "--kind", "maximum", "--param", "shift=-0.25", "--seed", "7"]
    assert main(["rare", "gue", *arguments, "--rel-error", "0.5", "--json"]) == 0
    found = strictly(capsys.readouterr().out)
    event = rare_prevalence("gue", 40, kind="maximum", shift=-0.25, rel_error=0.5, rng=7)
    assert (found["ensemble"], found["kind"], found["seed"]) == ("gue", "maximum", 7)
    assert found["parameters"] == {"shift": -0.25}
    (of,) = found["events"]
    assert of == {name: getattr(event, name) for name in of}
    assert (of["n"], of["samples"]) == (40, event.samples)


def test_max_index(capsys):
    assert main(["rare", "goe", "--dim", "9", "--max-index", "2", "--seed", "1"]) == 0
    event = rare_prevalence("goe", 9, max_index=2, rng=1)
    assert capsys.readouterr().out == f"{event}\nseed 1\n"
    assert str(event).startswith("P(index <= 2) = ")
    ax = plot_minimum_law([event], ax=Figure().subplots())
    assert ax.get_ylabel() == "−ln P(index ≤ 2)"
    law = index_law("goe", 9).log_probabilities
    (exact,) = (line.get_ydata() for line in ax.lines if line.get_label() == "exact")
    np.testing.assert_array_equal(exact, [-np.logaddexp.reduce(law[:3])])


def test_parameters_of_dense_ensembles(capsys):
    arguments = ["--dims", "2,3", "--param", "entries=rademacher", "--seed", "1"]
    assert main(["rare", "wigner", *arguments]) == 0
    events = [rare_prevalence("wigner", n, entries="rademacher", rng=1) for n in (2, 3)]
    assert capsys.readouterr().out.splitlines() == [*map(str, events), "seed 1"]
    ax = plot_minimum_law(events, ax=Figure().subplots())
    assert "exact" not in lines(ax)


def test_a_fresh_seed_is_one_for_all_dimensions(capsys):
    arguments = ["rare", "goe", "--dims", "2:3", "--samples", "1", "--json"]
    assert main(arguments) == 0
    found = strictly(capsys.readouterr().out)
    assert main([*arguments, "--seed", str(found["seed"])]) == 0
    assert strictly(capsys.readouterr().out) == found


def test_in_a_shell(tmp_path):
    """A process of its own, with a picture; nothing on stderr."""
    result = subprocess.run(
        [sys.executable, "-m", "saddlelab", *SEVERAL, "--plot", "out.png"],
        capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    image = matplotlib.image.imread(tmp_path / "out.png")
    assert image.shape[0] > 400
    assert image.std() > 0.05


# --- complaints ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["goe"], "one of the arguments --dim --dims is required; type for example"),
        (["goe", "--dim", "5", "--dims", "5:9"], "not allowed with"),
        (["ginibre", "--dim", "5"], "'ginibre', which is not symmetric"),
        (["goe", "--dim", "5", "--kind", "saddle"], "invalid choice: 'saddle'"),
        (["goe", "--dim", "5", "--rel-error", "0"], "`rel_error` must be positive"),
        (["goe", "--dim", "5", "--param", "ratio=1"], "ratio"),
        (["goe", "--dim", "200000"], "`n` must be at most 1000"),
    ],
)
def test_complaints(capsys, arguments, text):
    assert text in complaint(capsys, "rare", *arguments)


# --- the picture ---------------------------------------------------------------------------------


def lines(ax):
    return {line.get_label(): line.get_xydata() for line in ax.lines}


def test_the_picture_holds_estimates_exact_law_and_large_deviations(events):
    ax = plot_minimum_law(events, ax=Figure().subplots())
    (bars,) = ax.containers
    assert bars.get_label() == "estimated"
    points = bars.lines[0].get_xydata()
    np.testing.assert_array_equal(points[:, 0], [9, 36])
    np.testing.assert_array_equal(points[:, 1], [-event.log_probability for event in events])
    drawn = lines(ax)
    np.testing.assert_array_equal(drawn["exact"][:, 0], np.arange(3, 7) ** 2)
    exact = [-log_minimum_probability("goe", n) for n in range(3, 7)]
    np.testing.assert_array_equal(drawn["exact"][:, 1], exact)
    np.testing.assert_allclose(
        drawn["(ln 3/4) n²"], [(9, 9 * np.log(3) / 4), (36, 9 * np.log(3))], rtol=1e-14
    )


def test_with_a_shift_only_the_exact_law_is_drawn():
    """The law of all indices; of maxima its other end."""
    given = {"kind": "maximum", "max_index": 1, "shift": 0.2, "samples": 1, "rng": 0}
    events = [rare_prevalence("beta", n, beta=3.0, **given) for n in (4, 2)]
    drawn = lines(plot_minimum_law(events, ax=Figure().subplots()))
    assert "3 (ln 3/4) n²" not in drawn
    laws = [index_law("beta", n, beta=3.0, shift=0.2).log_probabilities for n in (2, 4)]
    exact = [(law.size - 1) ** 2 for law in laws], [-np.logaddexp(*law[-2:]) for law in laws]
    np.testing.assert_allclose(drawn["exact"].T, exact, rtol=1e-14)
    event = rare_prevalence("beta", 4, beta=3.0, samples=1, rng=0)
    drawn = lines(plot_minimum_law([event], ax=Figure().subplots()))
    assert {"exact", "3 (ln 3/4) n²"} <= set(drawn)


def test_where_no_exact_law_is_known_none_is_drawn():
    event = rare_prevalence("goe", 101, max_index=1, samples=1, rng=0)
    assert "exact" not in lines(plot_minimum_law([event], ax=Figure().subplots()))


def test_the_dimensions_are_on_top(events):
    ax = plot_minimum_law(events, ax=Figure().subplots())
    (top,) = ax.child_axes
    assert top.get_xlabel() == "dimension n"
    assert top.get_xticks().tolist() == [3, 6]


def test_pictures_of_nothing_and_of_several_laws(events):
    with pytest.raises(ValueError, match="`events` must hold at least one event, got none"):
        plot_minimum_law([])
    other = rare_prevalence("gue", 3, samples=1, rng=0)
    with pytest.raises(ValueError, match="`events` must be of one ensemble and kind, got 2"):
        plot_minimum_law([*events, other])
