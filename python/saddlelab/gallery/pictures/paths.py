"""Six methods that begin beside a saddle."""

from typing import Any

from saddlelab import landscapes, minimize, surfaces

TITLE = "Paths of six methods past a saddle"
CAPTION = (
    "All six begin at (1.5, 10⁻⁶), a millionth off the line that leads onto the saddle of "
    "(x₀² − x₁²)/2 + x₁⁴/4; the steps that each took to come within 10⁻³ of a minimum's value are "
    "in its title. "
    "Other starts, rates and, for the noise, seeds would give another order, and the last two need "
    "the Hessian in each step."
)
SIZE = (10.5, 6.8)
METHODS: dict[str, dict[str, Any]] = {
    "gd": {"lr": 0.1},
    "noisy_gd": {"lr": 0.1, "noise": 0.05},
    "momentum": {"lr": 0.1},
    "adam": {"lr": 0.1},
    "negative_curvature": {"lr": 0.1, "curvature_rate": 0.1},
    "saddle_free_newton": {"lr": 0.5},
}


def draw(figure):
    """Draw one path each over the same contours."""
    surface = surfaces.escape_saddle
    plane = landscapes.slice_plane(
        surface, [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], resolution=101, radius=1.7
    )
    axes = figure.subplots(2, 3, sharex=True, sharey=True).flat
    for ax, (method, options) in zip(axes, METHODS.items(), strict=True):
        run = minimize(
            surface, [[1.5, 1e-6]], method=method, steps=1000, target=-0.249, record="x", rng=2,
            **options,
        )  # fmt: skip
        landscapes.plot_contour(plane, ax=ax)
        ax.plot(*run.history.x[0].T, ".-", color="#d55e00", markersize=4, linewidth=1.2)
        ax.plot(*run.x[0], "*", color="#0072b2", markersize=11)
        ax.set(xlim=(-1.2, 1.7), ylim=(-1.5, 1.5), xlabel="x0", ylabel="x1")
        ax.set_title(f"{method}: {run.nit[0]} steps", fontsize="medium")
        ax.label_outer()
