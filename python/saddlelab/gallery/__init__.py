"""The pictures that the subject's tutorials draw, each from one page of code.

All are of real computations with fixed seeds: ``gallery("pictures")`` makes them, and an
``index.html`` that shows each with the code that made it.
"""

from saddlelab.gallery.making import Gallery, gallery
from saddlelab.gallery.pictures import NAMES

__all__ = ["NAMES", "Gallery", "gallery"]
