"""The pages of ``docs/``: their snippets run and print what they say, their commands exist."""

import contextlib
import importlib
import importlib.util
import io
import re
import shlex
import sys
from pathlib import Path

import matplotlib
import pytest
from matplotlib import pyplot

import saddlelab
from saddlelab.cli import build_parser
from saddlelab.gallery import NAMES

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
SNIPPET = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
#: Packages whose names are public, each with its page under ``api/``.
PACKAGES = ("blocks", "datasets", "landscapes", "models", "networks", "signals", "spectrum")


def page(stem):
    return (DOCS / f"{stem}.md").read_text(encoding="utf-8")


@pytest.fixture
def afterwards():
    """Figures are closed, and JAX's precision, a setting of the process, is as it was."""
    yield
    pyplot.close("all")
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", False)


@pytest.mark.usefixtures("afterwards")
@pytest.mark.parametrize("stem", [stem for stem in PAGES if "```python" in page(stem)])
def test_snippets_print_what_the_page_says(stem, folder):
    text = page(stem)
    for extra in ("jax", "sklearn", "torch"):
        if re.search(rf"^(import|from) {extra}\b", text, re.MULTILINE):
            pytest.importorskip(extra)
    matplotlib.use("Agg")
    names = {"__name__": stem}
    for code, shown in SNIPPET.findall(text):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, f"{stem}.md", "exec"), names)
        assert printed.getvalue() == shown


def commands():
    for stem in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page(stem), re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0] == "saddlecore":
                    yield pytest.param(words[1:], id=f"{stem}: {line}")


@pytest.mark.parametrize("words", list(commands()))
def test_commands_are_understood(words):
    if "--list" not in words:
        assert build_parser().parse_args(words).action is not None


def test_links_lead_somewhere():
    for path in DOCS.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (path.parent / target).exists(), (path.name, target)


def test_every_picture_is_in_the_gallery():
    shown = re.findall(r'--8<-- "(\S+)/(\w+)\.py"', page("gallery"))
    assert shown == [("python/saddlelab/gallery/pictures", name) for name in NAMES]


def test_every_page_is_in_the_menu():
    menu = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        assert f": {path.relative_to(DOCS).as_posix()}\n" in menu


def test_every_public_name_is_on_a_page():
    api = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    shown = {line.split(".")[-1] for line in re.findall(r"^::: (\S+)$", api, re.MULTILINE)}
    for package in (saddlelab, *(getattr(saddlelab, name) for name in PACKAGES)):
        for name in package.__all__:
            value = getattr(package, name)
            if callable(value):
                assert name in shown, f"{package.__name__}.{name}"


def test_what_the_pages_name_exists():
    api = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    for path in re.findall(r"^::: (\S+\.\S+)$", api, re.MULTILINE):
        module, name = path.rsplit(".", 1)
        assert hasattr(importlib.import_module(module), name), path
    for module in set(re.findall(r"`(saddlecore\.\w+)`", page("theory"))):
        assert importlib.util.find_spec(module) is not None, module
