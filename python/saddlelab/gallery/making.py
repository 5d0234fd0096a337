"""Making the pictures of the gallery, and the page that shows them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from saddlelab.gallery.page import page
from saddlelab.gallery.pictures import NAMES

__all__ = ["Gallery", "file_of", "gallery", "module_of"]

#: Dots per inch: about 1100 across.
_DPI = 110


@dataclass(frozen=True, slots=True)
class Gallery:
    """What was drawn.

    Attributes
    ----------
    folder : Path
    names : tuple of str
        Of the pictures that were made.
    paths : tuple of Path
        Their files.
    seconds : tuple of float
        How long each took.
    skipped : dict of str to str
        Pictures that were not made, and what they lack.
    """

    folder: Path
    names: tuple[str, ...]
    paths: tuple[Path, ...]
    seconds: tuple[float, ...]
    skipped: dict[str, str]

    @property
    def index(self) -> Path:
        """The page that shows the pictures."""
        return self.folder / "index.html"

    def table(self) -> str:
        """A line for each picture, and where the page is."""
        lines = [
            f"{name:24} {seconds:6.1f} s  {path}"
            for name, seconds, path in zip(self.names, self.seconds, self.paths, strict=True)
        ]
        lines += [f"{name:24} skipped: {reason}" for name, reason in self.skipped.items()]
        return "\n".join([*lines, f"{sum(self.seconds):.1f} s in all; open {self.index}"])


def gallery(
    out: str | os.PathLike[str],
    *,
    only: str | Iterable[str] | None = None,
    progress: bool = False,
) -> Gallery:
    """Make the pictures that the subject's tutorials draw, and a page that shows them.

    Parameters
    ----------
    out : path
        The folder for pictures and ``index.html``; made if it is not there.
    only : str or iterable of str, optional
        Names of those to make, of `saddlelab.gallery.NAMES`; all by default.  The page
        shows these and what is in the folder already.
    progress : bool, optional
        Whether to show a bar.

    Returns
    -------
    Gallery

    Raises
    ------
    ValueError
        If a name is not known.
    NotADirectoryError
        If `out` is a file.

    Notes
    -----
    Whatever is drawn is computed on the spot, with fixed seeds.  A picture whose data needs a
    package that is not installed is skipped, and the table says so.

    Examples
    --------
    >>> import tempfile
    >>> from saddlelab import gallery
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = gallery(folder, only="saddle_surface")
    ...     print(made.paths[0].name, made.index.exists())
    01-saddle_surface.png True
    """
    from tqdm import tqdm

    chosen, folder = _chosen(only), Path(out)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"`out` must be a folder, {str(folder)!r} is a file")
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, float] = {}
    skipped: dict[str, str] = {}
    bar = tqdm(chosen, disable=not progress, unit="picture")
    for name in bar:
        bar.set_description(name)
        began = time.perf_counter()
        try:
            _draw(module_of(name), folder / file_of(name))
        except ImportError as error:
            skipped[name] = str(error)
        else:
            made[name] = time.perf_counter() - began
    shown = {name: module_of(name) for name in NAMES if (folder / file_of(name)).exists()}
    (folder / "index.html").write_text(
        page([(name, file_of(name), module) for name, module in shown.items()]), encoding="utf-8"
    )
    paths = tuple(folder / file_of(name) for name in made)
    return Gallery(folder, tuple(made), paths, tuple(made.values()), skipped)


def module_of(name: str) -> Any:
    """The module that draws a picture."""
    return import_module(f"saddlelab.gallery.pictures.{name}")


def file_of(name: str) -> str:
    """The picture's file: its number in the whole gallery, and its name."""
    return f"{1 + NAMES.index(name):02d}-{name}.png"


def _chosen(only: str | Iterable[str] | None) -> list[str]:
    if only is None:
        return list(NAMES)
    asked = [only] if isinstance(only, str) else list(only)
    for name in asked:
        if name not in NAMES:
            raise ValueError(f"`only` must be of {', '.join(NAMES)}, got {name!r}")
    return [name for name in NAMES if name in asked]


def _draw(module: Any, path: Path) -> None:
    from matplotlib.figure import Figure

    # Without pyplot: no display is looked for.
    figure = Figure(figsize=module.SIZE, layout="constrained")
    module.draw(figure)
    figure.savefig(path, dpi=_DPI)
