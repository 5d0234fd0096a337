"""saddlecore: the engine.  Numba kernels; arrays in, arrays out."""

__version__ = "0.1.0"
