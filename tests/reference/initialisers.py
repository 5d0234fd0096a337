"""Variances and limits of published initialisations, written out."""

from fractions import Fraction
from itertools import pairwise


def variance(kind, i, o):
    """Of a weight of a layer with i inputs and o outputs, before the gain."""
    return {
        "glorot_uniform": Fraction(2, i + o),
        "glorot_normal": Fraction(2, i + o),
        "he_uniform": Fraction(2, i),
        "he_normal": Fraction(2, i),
        "lecun_uniform": Fraction(1, i),
        "lecun_normal": Fraction(1, i),
        "scaled_gaussian": Fraction(1, i),
        "gaussian": Fraction(1),
        "orthogonal": Fraction(1, max(i, o)),
        "sparse": Fraction(min(i, 15), i),
    }[kind]


def limit(kind, i, o):
    """Largest magnitude of a uniform weight."""
    return {"glorot_uniform": 6 / (i + o), "he_uniform": 6 / i, "lecun_uniform": 3 / i}[kind] ** 0.5


def layers(theta, sizes, bias):
    """(W, b) of each layer: W row by row, then b."""
    found, at = [], 0
    for i, o in pairwise(sizes):
        W = [[theta[at + r * i + c] for c in range(i)] for r in range(o)]
        at += i * o
        b = [theta[at + r] for r in range(o)] if bias else [0.0] * o
        at += o if bias else 0
        found.append((W, b))
    assert at == len(theta)
    return found
