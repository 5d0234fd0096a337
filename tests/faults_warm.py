"""Imported by the server that children to be killed come from: they have the kernels loaded."""

from saddlelab.prevalence import prevalence

prevalence("goe", 3, samples=10, rng=0, workers=1)
