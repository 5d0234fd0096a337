"""What MkDocs does with a page besides: docstrings are numpydoc's, and Markdown is not."""

import re

#: ``:func:`name` `` and its like, as Markdown leaves them.
ROLE = re.compile(r":(?:attr|class|exc|func|meth|mod):<code>~?")
#: A simple table, whose columns stand under rules.
TABLE = re.compile(r"<p>(=[= ]+\n.*?=)</p>", re.DOTALL)


def on_page_content(html: str, **_: object) -> str:
    """Drop the names of Sphinx's roles, and keep the columns of its tables."""
    return TABLE.sub(r"<pre>\1</pre>", ROLE.sub("<code>", html))
