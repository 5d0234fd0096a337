"""What the decorators compile and where they cache it, and that the engine keeps its rules."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import saddlecore
from saddlecore import jit
from saddlecore.jit import device, entry
from saddlecore.laneops import (
    fma,
    lane,
    zeros,
)
from saddlecore.memory import (
    load,
)

ENGINE = Path(saddlecore.__file__).parent
SOURCES = sorted(ENGINE.glob("*.py"))

# --- floating point ------------------------------------------------------------------------------


@device
def twice_rounded(a, b, c):
    return a * b + c


@entry
def plain(x):
    return twice_rounded(x[0], x[1], x[2])


@entry
def in_lanes(x):
    return lane(twice_rounded(load(zeros(8), x, 0), load(zeros(8), x, 8), load(zeros(8), x, 16)), 0)


@entry
def fused(x):
    return fma(x[0], x[1], x[2])


@entry
def quotient(x, y):
    return x / y


@entry
def reassociated(x):
    s = 0.0
    for value in x:
        s += value
    return s


def test_products_and_sums_are_not_contracted():
    """(1 + 2⁻²⁷)² − (1 + 2⁻²⁶) is 2⁻⁵⁴ with one rounding and 0 with two."""
    a, c = 1 + 2.0**-27, -(1 + 2.0**-26)
    assert fused(np.array([a, a, c])) == 2.0**-54
    assert plain(np.array([a, a, c])) == 0.0
    assert in_lanes(np.repeat([a, a, c], 8)) == 0.0
    for run in (plain, in_lanes):
        (code,) = run.inspect_asm().values()
        assert "fmadd" not in code
        (code,) = run.inspect_llvm().values()
        assert "contract" not in code
        assert " fast " not in code


def test_sums_keep_their_order_and_division_its_errors():
    x = np.full(1000, 1e-16)
    x[0] = 1.0
    assert reassociated(x) == 1.0
    with np.errstate(all="ignore"):
        assert quotient(1.0, 0.0) == np.inf  # NumPy's error model: no exception
        assert np.isnan(quotient(0.0, 0.0))


def test_options_are_said():
    assert jit._OPTIONS["fastmath"] is False
    assert jit._OPTIONS["boundscheck"] is False


def test_functions_without_wrappers_say_so():
    """Numba itself would jump to address 0; compiling on behalf of a kernel changes nothing."""
    assert plain(np.ones(3)) == 2.0
    with pytest.raises(TypeError, match="twice_rounded has no Python wrapper"):
        twice_rounded(1.0, 1.0, 1.0)


# --- the cache -----------------------------------------------------------------------------------


def digest_of(folder):
    """The digest that `folder`'s copy of jit.py computes."""
    spec = importlib.util.spec_from_file_location("jit_of_a_copy", folder / "jit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module._DIGEST


@pytest.fixture
def engine_copy(tmp_path):
    return Path(shutil.copytree(ENGINE, tmp_path / "saddlecore"))


def test_any_edit_of_the_engine_changes_the_digest(engine_copy):
    seen = {digest_of(engine_copy)}
    assert seen == {jit._DIGEST}
    for source in SOURCES:
        with (engine_copy / source.name).open("a") as file:
            file.write("# edited\n")
        seen.add(digest_of(engine_copy))
    assert len(seen) == len(SOURCES) + 1


def test_a_kernel_follows_an_edit_of_what_it_calls(engine_copy):
    """Numba alone keeps the stale machine code (its issue 1833)."""
    callee = "from saddlecore.jit import device\n@device\ndef f(x):\n    return x + {}\n"
    (engine_copy / "callee.py").write_text(callee.format(1))
    (engine_copy / "caller.py").write_text(
        "from saddlecore.jit import kernel\nfrom saddlecore.callee import f\n"
        "@kernel\ndef g(x):\n    return f(x)\n"
    )
    command = (
        "from saddlecore import caller\n"
        "print(caller.g(1), sum(caller.g.stats.cache_hits.values()), caller.__file__)"
    )

    def run():
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(engine_copy.parent), *filter(None, sys.path)]),
            "NUMBA_CACHE_DIR": str(engine_copy.parent / "cache"),
        }
        said = subprocess.run(
            [sys.executable, "-W", "error", "-c", command],
            env=environ, cwd=engine_copy.parent, capture_output=True, text=True, check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        value, hits, file = said.stdout.split()
        assert Path(file) == engine_copy / "caller.py"
        return int(value), int(hits)

    assert run() == (2, 0)
    assert run() == (2, 1)
    (engine_copy / "callee.py").write_text(callee.format(2))
    assert run() == (3, 0)


# --- rules of the engine, read from its sources --------------------------------------------------

COMPILED = {"kernel", "device", "entry", "allocating"}
NUMBA_COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "generated_jit"}


def tree_of(source):
    return ast.parse(source.read_text(encoding="utf-8"), str(source))


def name_of(node):
    """The last name of ``a.b.c`` or of ``a.b.c(...)``."""
    if isinstance(node, ast.Call):
        node = node.func
    return getattr(node, "attr", getattr(node, "id", None))


def compiled_functions():
    """(file name, its decorator, the function) for all that the engine compiles."""
    return [
        (source.name, name_of(decorator), node)
        for source in SOURCES
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if name_of(decorator) in COMPILED
    ]


def test_the_engine_has_kernels_to_check():
    found = {decorator for _, decorator, _ in compiled_functions()}
    assert found == COMPILED


def test_kernels_have_docstrings():
    bare = [f"{file}:{node.name}" for file, decorator, node in compiled_functions()
            if decorator == "kernel" and not ast.get_docstring(node)]  # fmt: skip
    assert bare == []


def test_compiled_functions_have_no_default_arguments():
    found = [f"{file}:{node.name}" for file, _, node in compiled_functions()
             if node.args.defaults or any(node.args.kw_defaults)]  # fmt: skip
    assert found == []


def test_compiled_functions_do_not_raise():
    found = [
        f"{file}:{inner.lineno}"
        for file, _, node in compiled_functions()
        for inner in ast.walk(node)
        if isinstance(inner, ast.Raise | ast.Assert | ast.Try | ast.With)
    ]
    assert found == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_one_file_owns_the_options(source):
    """No fast-math, no parallel=True; numba's own decorators only in jit.py; no input or output."""
    for node in ast.walk(tree_of(source)):
        where = f"{source.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.keyword):
            assert node.arg not in ("fastmath", "parallel"), where
        if isinstance(node, ast.Name | ast.Attribute | ast.alias) and source.name != "jit.py":
            name = node.name if isinstance(node, ast.alias) else name_of(node)
            assert name not in NUMBA_COMPILERS, where
        if isinstance(node, ast.Call):
            assert name_of(node) not in ("print", "open", "input"), where
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                assert name_of(decorator) not in ("njit", "jit"), where
