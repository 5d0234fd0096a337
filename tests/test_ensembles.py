"""Ensembles by name and parameters: what is refused, and what identifies a study."""

import csv
import json
import pickle
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from laws import LIKELY, chi_square
from matplotlib.figure import Figure
from reference import ensembles as dense

from saddlelab.cli import main
from saddlelab.ensembles import Ensemble, UnknownParameterError, get_ensemble, names
from saddlelab.ensembles._base import silent
from saddlelab.ensembles.wishart import Wishart
from saddlelab.plots import prevalence_figure
from saddlelab.prevalence import CheckpointMismatchError, PrevalenceStudy, prevalence
from saddlelab.studies.seeds import stream_key
from saddlelab.studies.spec import StudySpec

GOLDEN = json.loads((Path(__file__).parent / "data" / "goe_counts.json").read_text())
CASES = [
    ("goe", {"shift": 0.3}),
    ("gue", {}),
    ("gue", {"shift": -0.2}),
    ("gse", {"shift": 0.1}),
    ("beta", {"beta": 0.5}),
    ("beta", {"beta": 3, "shift": 0.5}),
    ("wishart", {"ratio": 0.5, "shift": 0.2}),
    ("wishart", {"ratio": 2.5, "shift": 1, "beta": 2}),
]


def spec(name, dims=(3,), nested=False, **parameters):
    return StudySpec(get_ensemble(name, **parameters), dims, 10, 0, nested)


# --- what an ensemble is --------------------------------------------------------------------------


def test_the_gaussian_ensembles_and_wishart_are_known():
    assert {"goe", "gue", "gse", "beta", "wishart"} <= set(names())


@pytest.mark.parametrize("name", ["goe", "gue", "gse", "beta", "wishart"])
def test_ensembles_are_frozen_plain_data(name):
    law = get_ensemble(name, shift=0.25)
    assert law.shift == 0.25
    assert pickle.loads(pickle.dumps(law)) == law
    with pytest.raises(FrozenInstanceError):
        law.shift = 0.5


def test_the_law_by_name_is_the_kernel_with_its_beta():
    """P(minimum), n = 2: (2 − √2)/4, 1/4 − 1/(2π), and the joint density's for β = 4 and ½."""
    samples = 4_000_000
    for name, beta, more in (
        ("goe", 1, {}), ("gue", 2, {}), ("gse", 4, {}), ("beta", 0.5, {"beta": 0.5}),
    ):  # fmt: skip
        study = prevalence(name, 2, samples=samples, rng=3, **more)
        assert chi_square(study.counts(2), dense.pair_law_hermite(beta, 0.0)) > LIKELY
        study = prevalence(name, 2, samples=samples, rng=3, shift=0.3, **more)
        law = dense.pair_law_hermite(beta, 0.3 * np.sqrt(4 * beta))
        assert chi_square(study.counts(2), law) > LIKELY


def test_wishart_by_ratio():
    """φ = n/m: 2 parameters and 0.4 have 5 data."""
    study = prevalence("wishart", 2, ratio=0.4, shift=0.7, samples=4_000_000, rng=3)
    law = dense.pair_law_laguerre(1, 5, 0.7 * 5 / 2)
    assert chi_square(study.counts(2), law) > LIKELY


@pytest.mark.parametrize(
    ("ratio", "n", "data"),
    [(0.5, 10, 20), (2.0, 10, 5), (2.0, 5, 3), (0.3, 10, 33), (1e6, 10, 1), (1e-6, 3, 3_000_000)],
)
def test_the_number_of_data(ratio, n, data):
    assert Wishart(ratio=ratio).data(n) == data


def test_without_a_shift_wishart_matrices_are_minima():
    for ratio in (0.5, 1.0, 3.0):
        study = prevalence("wishart", [1, 4], ratio=ratio, samples=1000, rng=0)
        assert study.fraction("minimum").tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_same_bits_for_any_split(name, parameters):
    args = {"samples": 5000, "rng": 1, **parameters}
    whole = prevalence(name, [2, 9], workers=1, **args)
    for block_size in (64, 999):
        other = prevalence(name, [2, 9], workers=2, block_size=block_size, **args)
        for n in (2, 9):
            np.testing.assert_array_equal(whole.counts(n), other.counts(n))


@pytest.mark.parametrize("name", ["gue", "gse", "beta"])
def test_nested_studies_have_the_same_law(name):
    samples = 200_000
    nested = prevalence(name, [2, 5], samples=samples, rng=0, nested=True)
    plain = prevalence(name, [2, 5], samples=samples, rng=0)
    sd = np.sqrt(2 * plain.index_var() / samples)
    assert np.all(abs(nested.index_mean() - plain.index_mean()) < 4 * sd)
    assert nested.counts(2).tolist() != plain.counts(2).tolist()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "error", "message"),
    [
        ("wishart", {"ratio": 0}, ValueError, "`ratio` must be positive, .* got 0"),
        ("wishart", {"ratio": -0.5}, ValueError, "`ratio` must be positive, .* got -0.5"),
        ("wishart", {"ratio": 1e-7}, ValueError, "`ratio` must be .* at least 1e-06 .* got 1e-07"),
        ("wishart", {"ratio": 1e7}, ValueError, r"`ratio` must be .* at most 1e\+06, got 1000"),
        ("wishart", {"ratio": "0.5"}, TypeError, "`ratio` must be positive, .* got '0.5'"),
        ("wishart", {"ratio": None}, TypeError, "`ratio` must be positive, .* got None"),
        ("wishart", {"ratio": True}, TypeError, "`ratio` must be positive, .* got True"),
        ("wishart", {"ratio": [1, 2]}, TypeError, "`ratio` must be positive"),
        ("wishart", {"shift": np.inf}, ValueError, "`shift` must be a finite number, got inf"),
        ("wishart", {"beta": 0}, ValueError, "`beta` must be positive and at most 1e.09, got 0"),
        ("goe", {"shift": np.nan}, ValueError, "`shift` must be a finite number, got nan"),
        ("goe", {"shift": 10**400}, ValueError, "`shift` must be a finite number, got 1000"),
        ("goe", {"shift": "edge"}, TypeError, "`shift` must be a finite number, got 'edge'"),
        ("goe", {"shift": 1j}, TypeError, "`shift` must be a finite number, got 1j"),
        ("beta", {"beta": -1}, ValueError, "`beta` must be positive and at most 1e.09, got -1"),
        ("beta", {"beta": 0.0}, ValueError, "`beta` must be positive and at most 1e.09, got 0.0"),
        ("beta", {"beta": 2e9}, ValueError, "`beta` must be positive and at most 1e.09, got 2000"),
        ("beta", {"beta": np.nan}, ValueError, "`beta` must be positive and at most .*, got nan"),
        ("gue", {"beta": 2}, TypeError, "`beta` is not a parameter of .* 'gue', which has shift$"),
    ],
)
def test_bad_parameters(name, parameters, error, message):
    with pytest.raises(error, match=message):
        prevalence(name, 3, samples=10, **parameters)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("ration", "ratio"), ("shft", "shift"), ("Beta", "beta"), ("worker", "workers"),
     ("blocksize", "block_size")],
)  # fmt: skip
def test_unknown_parameters_name_the_nearest(given, meant):
    """An unexpected keyword to Python, an unknown name to a person: both kinds of error."""
    for kind in (TypeError, ValueError, UnknownParameterError):
        with pytest.raises(kind, match=rf"`{given}` is not a parameter .* did you mean '{meant}'"):
            prevalence("wishart", 3, samples=10, **{given: 1})


def test_an_unknown_parameter_that_is_like_none():
    with pytest.raises(UnknownParameterError, match=r"which has ratio, shift, beta$"):
        prevalence("wishart", 3, samples=10, zzz=1)


@pytest.mark.parametrize("shift", [0.1, -1])
def test_nested_studies_have_no_shift(shift, tmp_path):
    """The radius differs by dimension, and a leading block is not shifted by its own."""
    path = tmp_path / "a.sqlite"
    with pytest.raises(ValueError, match="`nested` must be False: `shift` is in units of"):
        prevalence("goe", [2, 3], samples=10, nested=True, shift=shift, checkpoint=path)
    assert not path.exists()
    assert prevalence("goe", [2, 3], samples=10, nested=True, shift=-0.0).nested


def test_wishart_has_no_nested_form():
    with pytest.raises(ValueError, match="`nested` must be False: the ensemble 'wishart'"):
        prevalence("wishart", [2, 3], samples=10, nested=True)


def test_an_instance_takes_other_parameters():
    law = Wishart(ratio=0.5, shift=0.2)
    assert get_ensemble(law) is law
    assert get_ensemble(law, shift=0.3) == Wishart(ratio=0.5, shift=0.3)
    with pytest.raises(UnknownParameterError, match="did you mean 'shift'"):
        get_ensemble(law, shit=0.3)


@dataclass(frozen=True)
class Bare(Ensemble):
    """An ensemble without parameters."""

    name: ClassVar[str] = "bare"
    stream: ClassVar[int] = 1

    def index(self, key, n, first, count, counts):
        """All minima."""
        counts[0] += count


@dataclass(frozen=True)
class Older(Bare):
    """The same, some releases later."""

    cut: float = silent(0.0)


def test_an_ensemble_without_parameters():
    with pytest.raises(UnknownParameterError, match=r"'bare', which has none$"):
        prevalence(Bare(), 3, samples=10, shift=1)


# --- what identifies a study ----------------------------------------------------------------------


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("shift", [{}, {"shift": 0}, {"shift": -0.0}])
def test_the_goe_of_earlier_releases_is_the_same_study(nested, shift):
    study = prevalence(
        "goe", [1, 2, 5, 20, 100], samples=5000, rng=7, nested=nested, **shift
    )
    for n in study.dims.tolist():
        index, counts = study.histogram(n)
        found = {str(k): c for k, c in zip(index.tolist(), counts.tolist(), strict=True)}
        assert found == GOLDEN["nested" if nested else "study"][str(n)]
    assert study.parameters == {}
    plan = spec("goe", nested=nested, **shift)
    assert plan.fields()["parameters"] == {}
    assert plan.parts()[0].key == stream_key(0, "goe", "{}", 1, None if nested else 3)
    assert plan.digest() == spec("goe", nested=nested).digest()


def test_a_parameter_that_came_later_is_silent_at_its_default():
    assert Older().parameters == {}
    assert Older(cut=0.5).parameters == {"cut": 0.5}


def test_equal_numbers_make_one_specification():
    for same in ({"ratio": 2}, {"ratio": 2.0}, {"ratio": np.float32(2)}, {"ratio": np.int64(2)}):
        assert spec("wishart", **same).digest() == spec("wishart", ratio=2.0, shift=0).digest()


def test_every_parameter_makes_another_study():
    studies = [spec(name, **parameters) for name, parameters in CASES]
    studies += [spec("goe"), spec("beta", beta=2.0), spec("wishart", ratio=0.5)]
    assert len({study.digest() for study in studies}) == len(studies)
    assert len({study.parts()[0].key for study in studies}) == len(studies)


def test_a_checkpoint_knows_its_parameters(tmp_path):
    path = tmp_path / "a.sqlite"
    args = {"samples": 3000, "rng": 0, "checkpoint": path, "block_size": 500}
    first = prevalence("wishart", [3, 6], ratio=0.5, shift=0.3, **args)
    again = prevalence("wishart", [3, 6], ratio=0.5, shift=0.3, **args)
    np.testing.assert_array_equal(first.counts(6), again.counts(6))
    with pytest.raises(CheckpointMismatchError, match=r"its `parameters` is .*0\.3.*is .*0\.4"):
        prevalence("wishart", [3, 6], ratio=0.5, shift=0.4, **args)


def test_results_carry_the_parameters(tmp_path):
    study = prevalence("wishart", [2, 5], ratio=0.5, shift=0.2, samples=500, rng=0)
    assert study.parameters == {"ratio": 0.5, "shift": 0.2}
    caption, header, *_ = study.table().splitlines()
    assert caption == "ratio = 0.5, shift = 0.2"
    assert header.split()[0] == "n"
    study.to_npz(tmp_path / "s.npz")
    assert PrevalenceStudy.load(tmp_path / "s.npz").parameters == study.parameters
    figure = prevalence_figure(study, figure=Figure())
    assert figure.get_suptitle() == "WISHART, ratio = 0.5, shift = 0.2, seed 0"
    plain = prevalence_figure(prevalence("gue", 2, samples=5, rng=1, nested=True), figure=Figure())
    assert plain.get_suptitle() == "GUE, nested, seed 1"


# --- the command line -----------------------------------------------------------------------------

COMMAND = ["prevalence", "wishart", "--dims", "2,5", "--samples", "500", "--seed", "0"]


def test_parameters_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "a.csv"
    params = ["--param", "ratio=0.5", "--param", "shift=2e-1"]
    assert main([*COMMAND, *params, "--csv", str(path)]) == 0
    study = prevalence("wishart", [2, 5], ratio=0.5, shift=0.2, samples=500, rng=0)
    heading, *table = capsys.readouterr().out.splitlines()
    assert heading == "wishart, 500 samples, seed 0, 95 % intervals"
    assert "\n".join(table) == study.table()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["n"] for row in rows] == ["2", "5"]
    assert all(json.loads(row["parameters"]) == {"ratio": 0.5, "shift": 0.2} for row in rows)
    assert [float(row["minimum"]) for row in rows] == study.fraction("minimum").tolist()
    assert main([*COMMAND, *params, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == {"ratio": 0.5, "shift": 0.2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ratio"], "argument --param: must look like ratio=0.5, got 'ratio'"),
        (["=3"], "argument --param: must look like ratio=0.5"),
        (["ratio="], "argument --param: must look like ratio=0.5"),
        (["ratio=x"], "`ratio` must be positive, at least 1e-06 and at most 1e+06, got 'x'"),
        (["ratio=true"], "`ratio` must be positive, at least 1e-06 and at most 1e+06, got True"),
        (["ratio=-1"], "`ratio` must be positive, at least 1e-06 and at most 1e+06, got -1"),
        (["ratoi=1"], "`ratoi` is not a parameter of the ensemble 'wishart'"),
        (["ratio=1", "ratio=2"], "`--param ratio` must be given once, got it 2 times"),
    ],
)
def test_bad_parameters_are_one_line_and_exit_2(capsys, words, said):
    try:
        status = main([*COMMAND, *(part for word in words for part in ("--param", word))])
    except SystemExit as left:
        status = left.code
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
