"""saddlelab: what kind of critical point, how common, how an optimizer behaves there.

>>> import saddlelab
>>> print(saddlelab.classify([[2.0, 0.0], [0.0, -1.0]]).kind)
saddle
"""

from saddlecore import __version__
from saddlelab.inertia import Classification, classify
from saddlelab.prevalence import PrevalenceStudy, prevalence
from saddlelab.warmup import warmup

__all__ = ["Classification", "PrevalenceStudy", "__version__", "classify", "prevalence", "warmup"]
