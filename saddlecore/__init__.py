"""saddlecore: the engine.  Numba kernels, arrays in, arrays out, for Python and for ``@njit`` code.

========================  ==================================================================
`saddlecore.hermite`      index histograms of random Hessians: GOE, GUE, GSE, any β (with `chains`)
`saddlecore.laguerre`     the same of Wishart matrices
`saddlecore.samples`      the same of matrices drawn entry by entry (with `entries`, `sampling`)
`saddlecore.weighted`     weighted by |det|: critical points of random landscapes
`saddlecore.rare`         probabilities far below 1e-300 (with `foresight`)
`saddlecore.splitting`    rare indices of any matrix (with `latents`, `entrywise`)
`saddlecore.inertia`      certified inertia of stacks of symmetric matrices
`saddlecore.sturm`        eigenvalue counts of tridiagonal matrices
`saddlecore.streams`      reproducible uniforms, normals and gammas (with `gammas`, `draws`)
`saddlecore.descent`      optimizers, thousands of starts at once (with `rules`, `terms`)
`saddlecore.network`      losses of multilayer networks and their exact Hessians
`saddlecore.blocks_norm`  norms, softmax, layers (with `blocks_softmax`, `blocks_layers`)
`saddlecore.grid`         values on grids: of the variables, or of a plane (with `network_slice`)
`saddlecore.philox`       Philox4x32-10
`saddlecore.lanes`        eight float64 in one register, as a Numba type (with `laneops`, `memory`)
========================  ==================================================================

A kernel checks nothing and raises nothing: it writes its results, and a status where one is due,
into arrays that the caller made.  `saddlelab` is the face that validates and explains.
"""

import importlib

__version__ = "0.1.0"

_MODULES = ("activations", "annealing", "bartlett", "blocks_layers", "blocks_norm",
            "blocks_softmax", "chains", "compile", "curved_descent", "descent", "diagonal",
            "differences", "draws", "eigen", "endings", "entries", "entrywise", "equilibrate",
            "evaluate", "exact", "exponents", "first", "folding", "foreign", "foresight", "forms",
            "gammas", "graph", "grid", "groups", "hermite", "householder", "inertia", "jit",
            "kicks", "krylov", "laguerre", "lanearrays", "lanecalls", "laneloops", "lanemake",
            "lanemath", "laneops", "lanes", "lanesums", "lanetrees", "lanewise", "latents", "loop",
            "margins", "memory", "moves", "network", "network_columns", "network_curvature",
            "network_hessian", "network_layers", "network_losses", "network_normal", "network_plan",
            "network_products", "network_signals", "network_slice", "network_sums", "newton",
            "noise", "operations", "pairs", "panels", "perturbed", "philox", "places", "points",
            "products", "program", "rare", "records", "roots", "rules", "samples", "sampling",
            "second", "second_order", "secular", "slopes", "spectral", "splitting", "stencils",
            "steps", "streams", "sturm", "sturm_density", "sturm_law", "swift", "terms", "trace",
            "transposes", "vecmath", "weighted", "wigner")  # fmt: skip


def __getattr__(name):
    """Import a module of the engine, and Numba with it, when it is first asked for."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """Modules that can be asked for."""
    return [*globals(), *_MODULES]
