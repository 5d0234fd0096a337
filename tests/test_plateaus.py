"""Plateaus: staircases with noise, whose treads are known; files, pictures and the command."""

import csv
import json

import matplotlib.image
import numpy as np
import pytest
from commands import complaint
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlelab.cli import main
from saddlelab.networks.deep_linear import learning_time, mode_curve
from saddlelab.plateaus import plateaus

EPS = np.finfo(float).eps


@st.composite
def staircases(draw, noises=(0.0, 0.01, 0.05)):
    """(loss, starts, stops, levels, noise) of treads one below the other."""
    count = draw(st.integers(1, 5))
    lengths = draw(st.lists(st.integers(60, 200), min_size=count, max_size=count))
    drops = draw(st.lists(st.floats(1.0, 2.0), min_size=count, max_size=count))
    riser = draw(st.integers(0, 5))
    noise = draw(st.sampled_from(noises))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.floats(-5.0, 5.0)) - np.cumsum(drops)
    parts, starts, stops, at = [], [], [], 0
    for i, length in enumerate(lengths):
        starts.append(at)
        stops.append(at + length)
        parts.append(np.full(length, levels[i]))
        at += length
        if i + 1 < count:
            parts.append(np.linspace(levels[i], levels[i + 1], riser + 2)[1:-1])
            at += riser
    x = np.concatenate(parts)
    return np.exp(x + noise * rng.normal(size=len(x))), starts, stops, np.exp(levels), noise


@settings(max_examples=100)
@given(staircases())
def test_the_treads_of_a_staircase_are_found(staircase):
    losses, starts, stops, levels, noise = staircase
    found = plateaus(losses)
    assert found.ended.tolist() == ["drop"] * (len(starts) - 1) + ["end"]
    # A median as wide as the shortest plateau, and a riser, may move an end.
    slack = 0 if noise == 0.0 else max(5, 0.04 * len(losses)) + 5
    assert np.abs(found.start - starts).max() <= slack
    assert np.abs(found.stop - stops).max() <= slack
    np.testing.assert_array_equal(found.length, found.stop - found.start)
    # The median of 60 and more: five standard errors, and what half of `slack` may add.
    np.testing.assert_allclose(np.log(found.level / levels), 0.0, atol=noise + 8 * EPS)
    np.testing.assert_allclose(found.after[:-1], found.level[1:])
    assert found.noise == pytest.approx(noise, rel=0.5, abs=1e-12)


@settings(max_examples=30)
@given(staircases(noises=(0.0, 0.05)), st.sampled_from([2.0**-30, 0.5, 2.0**40]))
def test_a_factor_changes_nothing(staircase, factor):
    losses = staircase[0]
    one, other = plateaus(losses), plateaus(factor * losses)
    np.testing.assert_array_equal(one.start, other.start)
    np.testing.assert_array_equal(one.stop, other.stop)
    np.testing.assert_allclose(other.level, factor * one.level, rtol=1e-12)
    shifted = plateaus(losses + 3.0, floor=3.0)
    assert shifted.ended.tolist() == one.ended.tolist()


@given(st.integers(5, 300), st.floats(1e-3, 1.0))
@settings(max_examples=30)
def test_a_constant_rate_is_no_plateau(count, rate):
    assert len(plateaus(np.exp(-rate * np.arange(count)))) == 0


def test_a_noisy_constant_rate_is_no_plateau():
    rng = np.random.default_rng(5)
    for noise in (0.01, 0.1):
        x = -4.0 * np.arange(2000) / 2000 + noise * rng.normal(size=2000)
        assert len(plateaus(np.exp(x))) == 0


@given(st.integers(5, 400), st.sampled_from([0.0, 1e-3, 0.2]), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_what_never_moves_is_one_plateau(count, noise, seed):
    rng = np.random.default_rng(seed)
    found = plateaus(np.exp(noise * rng.normal(size=count)))
    if noise and count < 60:
        return  # too few to tell the noise from
    assert found.ended.tolist() == ["end"]
    assert found.fraction == 0.0
    assert found.length[0] >= 0.9 * count


def test_rises_and_spikes():
    flat = np.ones(100)
    risen = plateaus(np.concatenate([flat, 5.0 * flat, 0.5 * flat]))
    assert risen.ended.tolist() == ["rise", "drop", "end"]
    assert risen.after.tolist() == pytest.approx([5.0, 0.5, 0.5])
    assert risen.fraction == pytest.approx(2 / 3)
    rng = np.random.default_rng(0)
    noisy = np.exp(0.05 * rng.normal(size=400) - 2.0 * (np.arange(400) >= 200))
    noisy[[50, 51, 300]] *= 20.0
    assert plateaus(noisy).ended.tolist() == ["drop", "end"]


def test_slow_departures_from_a_saddle():
    """Descent from near the saddle of (1 − w₁w₂)²: one plateau, as long as the formula says."""
    rate, w = 0.01, np.array([1e-4, 1e-4])
    losses = []
    for _ in range(1000):
        losses.append((1.0 - w[0] * w[1]) ** 2 + 1e-3)
        w = w + 2.0 * rate * (1.0 - w[0] * w[1]) * w[::-1]
    found = plateaus(losses)
    # w grows by 1 + 2 rate, and the plateau ends where the loss has fallen by the band.
    end = np.log((1.0 - np.exp(-found.band / 2.0)) ** 0.5 / 1e-4) / np.log1p(2.0 * rate)
    assert found.ended.tolist() == ["drop", "end"]
    assert found.stop[0] == pytest.approx(end, rel=0.05)


def test_the_stages_of_a_linear_network_that_learns():
    """Three modes, each learnt in its turn (Saxe et al. 2014): a plateau before each, and after."""
    s, t = np.array([3.0, 1.0, 0.4]), np.linspace(0.0, 60.0, 2000)
    loss = 0.5 * ((s[:, None] - mode_curve(s, 1e-6, t)) ** 2).sum(axis=0) + 0.02
    loss *= np.exp(0.05 * np.random.default_rng(0).normal(size=loss.size))
    found = plateaus(loss, steps=t)
    assert found.ended.tolist() == ["drop", "drop", "drop", "end"]
    left = 0.5 * np.array([np.sum(s[k:] ** 2) for k in range(4)]) + 0.02
    np.testing.assert_allclose(np.log(found.level / left), 0.0, atol=found.band)
    learnt = [learning_time(one, 1e-6) for one in s]
    assert (t[found.stop[:3] - 1] < learnt).all()
    assert (t[found.start[1:]] > learnt).all()


def test_parameters_say_what_is_flat():
    losses = np.concatenate([np.full(50, 1.0), np.full(50, 0.98), np.full(50, 0.1)])
    assert len(plateaus(losses)) == 2
    assert len(plateaus(losses, most=0.01)) == 3
    assert len(plateaus(losses, flat=0.001)) == 3
    assert len(plateaus(losses, most=0.01, shortest=0.4)) == 0


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    losses = np.concatenate([np.full(40, 2.0), np.geomspace(2.0, 0.1, 10), np.full(50, 0.1)])
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "train_loss", "accuracy"])
        for i, loss in enumerate(losses):
            writer.writerow([10 * i, loss, ""])
            writer.writerow([10 * i + 5, "", 0.5])
    return path, losses


def test_columns_by_name_position_and_guess(log):
    path, losses = log
    truth = plateaus(losses)
    for column in (None, "train_loss", 1, "1", -2):
        found = plateaus(path, column=column)
        np.testing.assert_array_equal(found.losses, losses)
        assert found.name == "train_loss"
        np.testing.assert_array_equal(found.stop, truth.stop)
    bare = path.parent / "bare.csv"
    np.savetxt(bare, np.column_stack([10 * np.arange(100), losses]), delimiter=",")
    found = plateaus(str(bare), steps=0)
    assert found.name == "column 1"
    np.testing.assert_array_equal(found.losses, losses)
    assert found.steps[3] == 30.0


@pytest.mark.parametrize(
    ("text", "options", "match"),
    [
        ("a,b\n" + "1,2\n" * 9, {"column": "c"}, "`column` must be one of a, b, or a number"),
        ("a,b\n" + "1,2\n" * 9, {"column": 2}, "from 0 to 1 .*got 2"),
        ("loss\n1\n2\nx\n", {}, "'loss' of .* must be numbers, but record 2 is 'x'"),
        ("", {}, "it is empty"),
        ("loss\n1\n", {}, "at least 5 records, got 1"),
        ("loss\n" + "1\n" * 9 + "nan\n", {}, "must be finite, but record 9 is nan"),
    ],
)
def test_bad_files_are_named(tmp_path, text, options, match):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(ValueError, match=match):
        plateaus(tmp_path / "log.csv", **options)


@pytest.mark.parametrize(
    ("losses", "options", "error", "match"),
    [
        (np.ones((3, 2)), {}, ValueError, r"`losses` must have shape \(T,\), got \(3, 2\)"),
        ([1.0, "x"], {}, TypeError, "`losses` must be numbers"),
        ([1.0, 1.0, 0.0, 1.0, 1.0], {}, ValueError, "above `floor`, 0.*record 2 is 0: pass a"),
        (np.ones(9), {"floor": 2.0}, ValueError, "above `floor`, 2"),
        (np.ones(9), {"flat": 0.0}, ValueError, "`flat` must be positive and finite, got 0"),
        (np.ones(9), {"shortest": 1.0}, ValueError, "`shortest` must be below 1, got 1"),
        (np.ones(9), {"most": -1}, ValueError, "`most` must be positive"),
        (np.ones(9), {"column": 0}, ValueError, "must come with a file"),
        (np.ones(9), {"steps": np.zeros(9)}, ValueError, "`steps` must be 9 increasing numbers"),
    ],
)
def test_bad_input_is_named(losses, options, error, match):
    with pytest.raises(error, match=match):
        plateaus(losses, **options)


def test_the_plot_marks_each_plateau(log):
    import matplotlib.pyplot as plt

    found = plateaus(log[1])
    ax = found.plot(color="black")
    marks = [line for line in ax.collections if str(line.get_gid()).startswith("plateau")]
    assert len(marks) == len(found) == 2
    assert ax.get_lines()[0].get_color() == "black"
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["loss", "plateau, then a drop", "plateau to the end"]
    assert ax.get_yscale() == "log"
    plt.close(ax.figure)


def test_the_command(log, tmp_path, capsys):
    path, out, picture = str(log[0]), tmp_path / "out.csv", tmp_path / "out.png"
    assert main(["plateaus", path, "--csv", str(out), "--plot", str(picture)]) == 0
    found = plateaus(path)
    assert capsys.readouterr().out == f"{found.table()}\n"
    assert matplotlib.image.imread(picture).shape == (660, 1020, 4)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["ended"] for row in rows] == ["drop", "end"]
    assert [int(row["length"]) for row in rows] == found.length.tolist()
    assert main(["plateaus", path, "--json", "--flat", "0.02"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["plateaus"][0]["ended"] == "drop"
    assert told["records"] == 100


@pytest.mark.parametrize("extra", [["--column", "nothing"], ["--flat", "x"], ["--flat", "2"]])
def test_the_command_complains_in_a_line(log, capsys, extra):
    complaint(capsys, "plateaus", log[0], *extra)
    assert "there is no file 'nowhere.csv'" in complaint(capsys, "plateaus", "nowhere.csv")
