"""Measurements of the data-fitting problems of Moré, Garbow and Hillstrom, and of two models."""

BARD = (
    0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39,
)  # fmt: skip
GAUSSIAN = (
    0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989,
    0.3521, 0.2420, 0.1295, 0.0540, 0.0175, 0.0044, 0.0009,
)  # fmt: skip
KOWALIK_Y = (
    0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246,
)  # fmt: skip
KOWALIK_U = (4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625)

#: Logistic regression: three features of eight examples, and which class each is of.
FEATURES = (
    (0.5, -1.25, 2.0),
    (1.5, 0.25, -0.5),
    (-0.75, 1.0, 0.125),
    (2.0, -0.5, 1.0),
    (-1.0, -1.5, 0.25),
    (0.25, 2.5, -1.75),
    (-2.25, 0.75, 1.5),
    (1.0, 1.0, -1.0),
)
LABELS = (1.0, 1.0, -1.0, 1.0, -1.0, -1.0, -1.0, 1.0)

#: Regression by a small network: inputs and targets.
INPUTS = (-1.5, -0.75, 0.0, 0.625, 1.25)
TARGETS = (0.5, -0.25, -0.5, 0.125, 1.0)
