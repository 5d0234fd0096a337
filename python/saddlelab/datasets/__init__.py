"""Data for networks: the digits, and data made by us from reproducible streams.

>>> from saddlelab import datasets
>>> X, y = datasets.two_spirals()
>>> X.shape, y.shape
((194, 2), (194,))
"""

from __future__ import annotations

from saddlelab.datasets._blobs import gaussian_blobs
from saddlelab.datasets._dataset import Dataset
from saddlelab.datasets._digits import digits
from saddlelab.datasets._spirals import two_spirals
from saddlelab.datasets._teacher import teacher_student

__all__ = ["Dataset", "digits", "gaussian_blobs", "teacher_student", "two_spirals"]
