"""How common saddles are among random Hessians, by dimension."""

from saddlelab import prevalence

TITLE = "Prevalence of saddles against dimension"
CAPTION = (
    "Of a million random symmetric matrices (GOE) of each size, how many have eigenvalues of both "
    "signs, only positive or only negative ones; the lines are the exact laws. "
    "It is a model of a Hessian at a random point, not of a network's."
)
SIZE = (10.5, 4.4)


def draw(figure):
    """Draw the kinds, and the whole law of the index."""
    study = prevalence("goe", range(1, 31), samples=1_000_000, rng=0, nested=True)
    left, right = figure.subplots(1, 2)
    study.plot(ax=left, laws=study.exact_laws())
    looks = ((5, "#e69f00", "o"), (10, "#56b4e9", "s"), (20, "#009e73", "D"), (30, "#0072b2", "^"))
    for n, colour, marker in looks:
        index, fraction = study.distribution(n)
        right.plot(index / n, fraction * n, color=colour, marker=marker, label=f"n = {n}")
    right.set(xlabel="fraction of negative eigenvalues", ylabel="density", xlim=(0.0, 1.0),
              title="The index gathers about n/2")  # fmt: skip
    right.legend(frameon=False)
