"""The files of examples/ run as they stand, and say what is true."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from saddlelab.prevalence import prevalence
from saddlelab.studies.status import study_status

EXAMPLES = Path(__file__).parents[1] / "examples"
SIZE = ["--samples", "2000", "--most", "4"]

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="no examples here")


def run(*command, **variables):
    """(exit status, output, complaints) of a command, in the folder that is current."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, **variables},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def table():
    return prevalence("goe", range(1, 5), samples=2000, rng=0).table()


@pytest.fixture
def example(monkeypatch):
    """An example by its name, as a module."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


# --- embedding -----------------------------------------------------------------------------


WALK = {"stiffness": 0.5, "temperature": 0.1, "dt": 0.01}


def test_indices_along_a_walk_are_those_of_the_eigenvalues(example):
    embed = example("embed_njit")
    before, H = np.zeros(6, np.int64), np.empty((20, 5, 5))
    for steps in range(1, 60):
        x = np.zeros((20, 5))
        seen, certificates = embed.walk(x, steps, seed=3, **{**WALK, "temperature": 2.0})
        assert certificates == seen.sum() == 20 * steps
        for walker in range(20):
            embed.hessian.py_func(x[walker], 0.5, H[walker])
        negative = (np.linalg.eigvalsh(H) < 0.0).sum(axis=1)
        np.testing.assert_array_equal(seen - before, np.bincount(negative, minlength=6))
        before = seen
    assert np.count_nonzero(seen) > 2  # a walk that met one index would show nothing


def test_the_walk_is_that_of_its_equation(example):
    """Without noise: Euler's steps down E; with it: steps of the variance 2 T dt."""
    embed = example("embed_njit")
    start = np.random.default_rng(0).normal(size=(1, 5))
    x, y = start.copy(), start[0].copy()
    embed.walk(x, 10, seed=0, **{**WALK, "temperature": 0.0})
    for _ in range(10):
        springs = np.diff(y)
        y = y + 0.01 * (y - y**3 + 0.5 * (np.r_[springs, 0.0] - np.r_[0.0, springs]))
    np.testing.assert_allclose(x[0], y, rtol=1e-13)
    x = np.zeros((4000, 5))
    embed.walk(x, 1, seed=0, **WALK)
    assert abs(x.var() / (2 * 0.1 * 0.01) - 1.0) < 4 * np.sqrt(2 / x.size)
    assert abs(np.corrcoef(x.T) - np.eye(5)).max() < 5 / np.sqrt(4000)


@pytest.mark.skipif(not (shutil.which("cc") or shutil.which("gcc")), reason="no C compiler")
def test_c_calls_us_and_we_call_c(example, tmp_path, monkeypatch):
    embed = example("embed_c")
    energy = embed.library(tmp_path)
    runs = embed.minimise_c_function(energy, np.full((2, 3), [[1.5], [-1.5]]), height=2.0)
    # f'(x) = 8 x (x² − 1) + 0.1 in each variable by itself.
    low, _, high = np.sort(np.roots([8.0, 0.0, -8.0, 0.1]).real)
    np.testing.assert_allclose(runs.x, [[high] * 3, [low] * 3], atol=1e-6)
    x, steps = embed.descend_in_c(energy, embed.rosenbrock, [-0.5, 0.5, 0.5])
    np.testing.assert_allclose(x, 1.0, atol=1e-3)
    assert steps > 10
    with (
        pytest.warns(UserWarning, match="Python's speed"),
        pytest.raises(ValueError, match="`f` must compile and have an exact gradient"),
    ):
        embed.descend_in_c(energy, lambda x: float(str(x[0])), [1.0])
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="needs a C compiler"):
        embed.library(tmp_path)


# --- clusters ------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # Dask's own
def test_the_dask_job(example, tmp_path, table, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed")
    path = tmp_path / "run.sqlite"
    job = [*SIZE, "--checkpoint", str(path)]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        example("cluster_dask").main([*job, "--scheduler", cluster.scheduler_address])
    assert capsys.readouterr().out.rstrip() == table
    assert study_status(path).done == 1.0
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit, match=r"pip install 'saddlecore\[dask\]'"):
        example("cluster_dask").main(job)


@pytest.mark.filterwarnings("ignore")
def test_the_dask_job_makes_its_own_cluster(tmp_path, table):
    pytest.importorskip("distributed")
    job = [EXAMPLES / "cluster_dask.py", *SIZE, "--workers", "1"]
    status, out, err = run(sys.executable, *job, "--checkpoint", tmp_path / "run.sqlite")
    assert status == 0, err
    assert out.rstrip() == table


def test_the_mpi_job(example, tmp_path, table, capsys, monkeypatch):
    """On an executor in MPI's place; without one it says what to install."""
    job = [*SIZE, "--checkpoint", str(tmp_path / "run.sqlite")]
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setitem(sys.modules, "mpi4py.futures", None)
    with pytest.raises(SystemExit, match=r"pip install 'saddlecore\[mpi\]'"):
        example("cluster_mpi").main(job)
    stand_in = types.ModuleType("mpi4py.futures")
    stand_in.MPIPoolExecutor = ThreadPoolExecutor
    monkeypatch.setitem(sys.modules, "mpi4py.futures", stand_in)
    example("cluster_mpi").main(job)
    assert capsys.readouterr().out.rstrip() == table


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_the_slurm_job(tmp_path, table):
    script = EXAMPLES / "cluster_slurm.sh"
    assert run("bash", "-n", script) == (0, "", "")
    assert "#SBATCH --ntasks=65" in script.read_text().splitlines()
    variables = {"SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_NTASKS": "1"}
    status, out, err = run(
        "bash", script, *SIZE,
        **variables, EXAMPLES=str(EXAMPLES), PYTHON=sys.executable,
        NUMBA_CACHE_DIR=os.environ.get("NUMBA_CACHE_DIR", str(tmp_path)),
    )  # fmt: skip
    assert status == 0, err
    assert out.rstrip() == table
    assert study_status(tmp_path / "goe.sqlite").done == 1.0
    # More than one task goes through srun, whose stand-in says what it was told.
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    status, out, _ = run(
        "bash", script, **{**variables, "SLURM_NTASKS": "65", "PATH": path, "PYTHON": "python3"}
    )
    assert (status, out.split()) == (
        0, ["--ntasks=65", "python3", "-m", "mpi4py.futures", "examples/cluster_mpi.py"],
    )  # fmt: skip


def test_by_hand_the_slurm_job_says_what_it_wants():
    without = {k: v for k, v in os.environ.items() if not k.startswith("SLURM")}
    done = subprocess.run(
        ["bash", str(EXAMPLES / "cluster_slurm.sh")],
        env=without, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SLURM_SUBMIT_DIR" in done.stderr


def test_every_file_is_listed():
    listed = set(re.findall(r"\]\((.*?)\)", (EXAMPLES / "README.md").read_text()))
    there = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert listed == there - {"README.md"}
