"""What the documentation shows is what happens."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
from pathlib import Path

import matplotlib
import pytest

import saddlelab

README = Path(__file__).parents[1] / "README.md"
MODULES = sorted(
    {"saddlelab"}
    | {m.name for m in pkgutil.walk_packages(saddlelab.__path__, "saddlelab.")}
    - {"saddlelab.__main__"}
)


def loaded(name):
    """The module, or None if it is about another library that is not there."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "jax"):
            raise
        return None


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name):
    module = loaded(name)
    if module is None:
        pytest.skip("of a library that is not there")
    assert doctest.testmod(module).failed == 0


def test_examples_are_found():
    finder = doctest.DocTestFinder()
    modules = filter(None, map(loaded, MODULES))
    assert sum(bool(test.examples) for m in modules for test in finder.find(m)) >= 4


def test_the_readme_prints_what_it_says():
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == text.count("```python")
    matplotlib.use("Agg")
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "README.md", "exec"), {})
        assert printed.getvalue() == shown
    matplotlib.pyplot.close("all")


def test_the_readme_names_files_that_exist():
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (README.parent / target).exists(), target
