"""The spectrum of a Hessian, from the matrix or from nothing but products with it.

Every function takes an ``operator``: an (n, n) symmetric array_like or sparse matrix, a
``scipy.sparse.linalg.LinearOperator`` (or any object with ``shape`` and ``matvec``; one with
``matmat`` is given blocks of vectors), or a callable ``operator(v)`` that returns Hv, together with
``n``.  None of them ever needs the matrix; each reports the products it made.
"""

from saddlelab.spectrum._estimate import Estimate
from saddlelab.spectrum.conditioning import ConditionNumber, condition_number
from saddlelab.spectrum.curvature import CurvatureFractions, curvature_fractions
from saddlelab.spectrum.density import SpectralDensity, spectral_density
from saddlelab.spectrum.eigenpairs import Eigenpairs, extreme_eigenpairs
from saddlelab.spectrum.hessian_operator import hessian_operator
from saddlelab.spectrum.hutchpp import trace
from saddlelab.spectrum.negative_curvature import (
    NegativeCurvature,
    negative_curvature_direction,
)

__all__ = [
    "ConditionNumber",
    "CurvatureFractions",
    "Eigenpairs",
    "Estimate",
    "NegativeCurvature",
    "SpectralDensity",
    "condition_number",
    "curvature_fractions",
    "extreme_eigenpairs",
    "hessian_operator",
    "negative_curvature_direction",
    "spectral_density",
    "trace",
]
