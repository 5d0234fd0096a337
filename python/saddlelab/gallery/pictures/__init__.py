"""One page of code for each picture: ``TITLE``, ``CAPTION``, ``SIZE`` in inches, ``draw(figure)``.

Only what anybody can import is used: saddlelab, NumPy and matplotlib.
"""

__all__ = ["NAMES"]

#: In the order in which the subject is told.
NAMES = (
    "saddle_surface",
    "eigenvectors",
    "paths",
    "prevalence_by_dimension",
    "detecting",
    "digits_plateaus",
    "ten_dimensions",
    "activations",
    "vanishing",
    "batch_norm",
    "initialisers",
    "clipping",
    "adam_noise",
    "residual",
    "attention_maps",
    "waves",
    "looking_everywhere",
    "roughness",
    "comparison",
    "index_and_error",
    "minima",
    "two_weights",
)
