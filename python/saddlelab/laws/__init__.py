"""Exact laws of the index: see :func:`saddlelab.index_law`."""

from saddlelab.laws.law import IndexLaw, index_law, index_laws, log_minimum_probability

__all__ = ["IndexLaw", "index_law", "index_laws", "log_minimum_probability"]
