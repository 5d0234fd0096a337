"""``saddlecore prevalence module:function``: samplers of the person's own, named in a shell."""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from saddlelab.cli import main
from saddlelab.cli_functions import named
from saddlelab.ensembles import get_ensemble
from saddlelab.prevalence import prevalence

SOURCE = """
import numpy as np

def signs(stream, out):
    for i in range(len(out)):
        for j in range(i + 1):
            out[i, j] = out[j, i] = stream.sign()

class laws:
    @staticmethod
    def stacks(rng, n, count):
        A = rng.standard_normal((count, n, n))
        return A + A.transpose(0, 2, 1)

def asymmetric(rng, n, count):
    return rng.standard_normal((count, n, n))

def raising(rng, n, count):
    raise KeyError("no such thing")

def raising_compiled(stream, out):
    out[:, :] = 0.0
    if stream.uniform() < 0.1:
        raise KeyError("rarely")

def other(x):
    return x

unfit = 3.5
"""
SIZE = ["--dims", "2,3", "--samples", "3000", "--seed", "0"]
STUDY = {"samples": 3000, "rng": 0}


@pytest.fixture
def folder(folder):
    """A current folder with a module."""
    (folder / "ours.py").write_text(SOURCE)
    return folder


def answer(capsys, *args):
    assert main([*args, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return {int(n): counts for n, counts in found["counts"].items()}


def counts(study):
    return {
        n: {str(k): c for k, c in enumerate(study.counts(n).tolist()) if c}
        for n in study.dims.tolist()
    }


@pytest.mark.parametrize("name", ["signs", "laws.stacks"])
def test_what_python_counts(name, folder, capsys):
    found = answer(capsys, "prevalence", f"ours:{name}", *SIZE)
    assert found == counts(prevalence(named(f"ours:{name}"), [2, 3], **STUDY))
    assert sum(found[3].values()) == 3000


def test_the_table_names_the_function(folder, capsys):
    assert main(["prevalence", "ours:signs", *SIZE, "--plot", "signs.png"]) == 0
    heading, parameters, *_ = capsys.readouterr().out.splitlines()
    assert heading == "custom, 3000 samples, seed 0, 95 % intervals"
    assert parameters.startswith("sample = signs, digest = ")
    assert (folder / "signs.png").stat().st_size > 10_000


def test_a_checkpoint_is_of_one_code(folder, capsys):
    args = ["prevalence", "ours:laws.stacks", *SIZE, "--checkpoint", "a.sqlite"]
    first = answer(capsys, *args)
    assert answer(capsys, *args) == first
    del sys.modules["ours"]
    (folder / "ours.py").write_text(SOURCE.replace("return A + A", "return A - 2.0 * A"))
    assert "its `parameters` is" in complaint(capsys, *args[1:])


def test_workers_that_are_spawned_import_it(folder):
    law = get_ensemble(named("ours:laws.stacks"))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        theirs = prevalence(law, [2, 3], executor=pool, **STUDY)
    assert counts(theirs) == counts(prevalence(law, [2, 3], **STUDY))


@pytest.mark.filterwarnings("ignore")  # Dask's own
def test_a_cluster_must_have_the_module(folder, capsys):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        args = ["ours:laws.stacks", *SIZE, "--dask", cluster.scheduler_address]
        assert "there is no module 'ours' on the cluster" in complaint(capsys, *args)
        client.run(exec, f"import sys; sys.path.insert(0, {str(folder)!r})")
        found = answer(capsys, "prevalence", *args)
    assert found == counts(prevalence(named("ours:laws.stacks"), [2, 3], **STUDY))


def complaint(capsys, *args):
    """The last line on stderr (above it may be the bar) of a study that exits 2."""
    status = main(["prevalence", *args])
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    return err.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:f", "there is no module 'nowhere' (looked for 'nowhere:f')"),
        (":f", "module '' cannot be imported"),
        ("ours:", "module 'ours' has no ''"),
        ("ours:nothing", "module 'ours' has no 'nothing'"),
        ("ours:unfit", "`ensemble` must be a name, an Ensemble or a sampler, got 3.5"),
        ("ours:other", "must take (stream, out) or (rng, n, count), `other` takes neither"),
        ("ours:asymmetric", "must give symmetric matrices, but at n = 3 sample 0 has H["),
        ("ours:raising", "KeyError: 'no such thing', raised by the sampler `raising` at n = 3, "),
        ("ours:raising_compiled", "KeyError: 'rarely', raised by the sampler `raising_compiled` "),
    ],
)
def test_complaints_are_one_line(name, message, folder, capsys):
    assert message in complaint(capsys, name, *SIZE, "--workers", "1")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--param", "scale=2"], "`scale` is not a parameter of the ensemble 'custom', which has"),
        (["--nested"], "`nested` must be False: the ensemble 'custom' has no nested form"),
        (["--exact", "--plot", "a.png"], "`ensemble` must have a known exact law"),
    ],
)
def test_options_that_do_not_fit_are_refused_at_once(args, message, folder, capsys):
    args = [*SIZE, *args, "--checkpoint", "a.sqlite"]
    assert message in complaint(capsys, "ours:laws.stacks", *args)
    assert [file.name for file in folder.iterdir() if file.suffix] == ["ours.py"]


def test_the_matrices_are_the_functions(folder):
    """Not only the same counts twice: the sampler named is the one that is run."""
    H = get_ensemble(named("ours:signs")).matrices(np.uint64(1), 3, 0, 200)
    np.testing.assert_array_equal(np.abs(H), np.ones((200, 3, 3)))
