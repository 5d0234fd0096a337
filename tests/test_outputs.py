"""Files and frames: what was counted, and all that it takes to count it again."""

import csv
import json
import sys

import numpy as np
import pytest

from saddlecore import __version__
from saddlelab.prevalence import PrevalenceStudy, prevalence
from saddlelab.studies.output import specification

DIMS = [1, 2, 7]
SEED = 2**70 + 1  # no integer type holds it


@pytest.fixture(params=[False, True], ids=["plain", "nested"], scope="module")
def study(request):
    return prevalence("goe", DIMS, samples=1000, rng=SEED, nested=request.param)


def check_specification(found, study):
    """It says what the study was, and running it again gives the same counts."""
    assert found["versions"]["saddlecore"] == __version__
    assert found["versions"]["numpy"] == np.__version__
    assert set(found["versions"]) == {"saddlecore", "numpy", "numba", "python"}
    assert found["stream"] == 1
    assert found["parameters"] == {}
    again = prevalence(
        found["ensemble"], DIMS, samples=1000, rng=int(found["seed"]), nested=bool(found["nested"])
    )
    for n in DIMS:
        np.testing.assert_array_equal(again.counts(n), study.counts(n))


def test_the_specification_is_complete(study):
    found = specification(study)
    assert (found["samples"], found["seed"]) == (1000, SEED)
    check_specification(found, study)


def test_csv(study, tmp_path):
    study.to_csv(tmp_path / "a.csv")
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name, values in study.columns().items():
        assert [float(row[name]) for row in rows] == values.tolist()
    for row in rows:
        found = row | {name: json.loads(row[name]) for name in ("parameters", "versions")}
        found |= {"nested": row["nested"] == "True", "stream": int(row["stream"])}
        check_specification(found, study)


def test_json(study, tmp_path):
    text = study.to_json(tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == f"{text}\n"
    found = json.loads(text)
    check_specification(found, study)
    for name, values in study.columns().items():
        assert np.all(np.array(found[name]) == values)
    for n in DIMS:
        dense = np.zeros(n + 1, int)
        for index, count in found["counts"][str(n)].items():
            dense[int(index)] = count
        np.testing.assert_array_equal(dense, study.counts(n))


def test_npz_loses_nothing(study, tmp_path):
    study.to_npz(tmp_path / "a.npz")
    again = PrevalenceStudy.load(tmp_path / "a.npz")
    assert again.to_json() == study.to_json()
    for mine, theirs in zip(study.bins(), again.bins(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    again.to_npz(tmp_path / "b.npz")
    with np.load(tmp_path / "a.npz") as a, np.load(tmp_path / "b.npz") as b:
        assert set(a) == set(b)
        assert all(np.array_equal(a[name], b[name]) for name in a)
    with np.load(tmp_path / "a.npz") as file:
        check_specification(
            {name: file[name].item() for name in ("ensemble", "seed", "nested", "stream")}
            | {name: json.loads(str(file[name])) for name in ("parameters", "versions")},
            study,
        )


def test_data_frames(study):
    pandas = pytest.importorskip("pandas")
    frame = study.to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(study.columns())
    for name, values in study.columns().items():
        assert frame[name].tolist() == values.tolist()
    check_specification(frame.attrs, study)


def test_data_frames_of_counts(study):
    pytest.importorskip("pandas")
    frame = study.to_dataframe(counts=True)
    check_specification(frame.attrs, study)
    table = frame.set_index(["n", "index"])["count"]
    for n in DIMS:
        for index, count in enumerate(study.counts(n).tolist()):
            assert table.get((n, index), 0) == count
    assert frame["count"].min() > 0


def test_data_sets(study, tmp_path):
    pytest.importorskip("xarray")
    data = study.to_dataset()
    for n in DIMS:
        counts = data["counts"].sel(n=n).values
        np.testing.assert_array_equal(counts[: n + 1], study.counts(n))
        assert not counts[n + 1 :].any()
    np.testing.assert_array_equal(data["minimum_low"].sel(n=7), study.interval("minimum")[0][2])
    found = dict(data.attrs)
    # netCDF's attributes: nothing but numbers and texts.
    assert all(isinstance(value, int | str) for value in found.values())
    found |= {name: json.loads(found[name]) for name in ("parameters", "versions")}
    check_specification(found, study)


@pytest.mark.parametrize(
    ("method", "package"), [("to_dataframe", "pandas"), ("to_dataset", "xarray")]
)
def test_what_is_not_installed_is_named(study, monkeypatch, method, package):
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"`{method}` needs {package}: pip install 'saddlecore\[frames\]'"
    with pytest.raises(ImportError, match=message):
        getattr(study, method)()
