"""The page that shows the gallery: plain HTML with the source of each picture."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from html import escape
from typing import Any

__all__ = ["page"]

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>saddlecore: gallery</title>
<style>
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 sans-serif; }
section { margin: 3rem 0; }
img { max-width: 100%; height: auto; }
pre { background: #f4f4f4; padding: 0.8rem; overflow-x: auto; font-size: 0.85rem; }
summary { cursor: pointer; }
</style>
</head>
<body>
<h1>saddlecore: gallery</h1>
"""
_INTRODUCTION = """Everything here was computed when it was drawn, with fixed seeds.
Below each picture are the command and the page of code that made it; <code>draw</code> takes an
empty figure:"""
_HOW = """from matplotlib.figure import Figure

figure = Figure(figsize=SIZE, layout="constrained")
draw(figure)
figure.savefig("picture.png")"""


def page(pictures: Sequence[tuple[str, str, Any]]) -> str:
    """Return the page.

    Parameters
    ----------
    pictures : sequence of (name, file, module)
        The file relative to the page; the module has TITLE and CAPTION.
    """
    links = "\n".join(
        f'<li><a href="#{name}">{escape(module.TITLE)}</a></li>' for name, _, module in pictures
    )
    sections = "".join(_section(*picture) for picture in pictures)
    return (
        f"{_HEAD}<p>{_INTRODUCTION}</p>\n<pre>{escape(_HOW)}</pre>\n<ol>\n{links}\n</ol>\n"
        f"{sections}</body>\n</html>\n"
    )


def _section(name: str, file: str, module: Any) -> str:
    title = escape(module.TITLE)
    return f"""<section id="{name}">
<h2>{title}</h2>
<img src="{escape(file)}" alt="{title}">
<p>{escape(module.CAPTION)}</p>
<pre>saddlecore gallery --only {name} --out pictures</pre>
<details><summary>The code</summary>
<pre>{escape(inspect.getsource(module))}</pre>
</details>
</section>
"""
