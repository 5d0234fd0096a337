"""Training a network by the optimizers, and what happened to it epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, worker_count
from saddlelab.datasets import Dataset
from saddlelab.networks.data import theta_of
from saddlelab.networks.initialisers import initialise
from saddlelab.networks.records import measured, spectra_of, weight_norms
from saddlelab.networks.training import Spectra, Training
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP
    from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["train"]

Floats: TypeAlias = NDArray[np.float64]

#: Samples in a step, unless it is said.
_BATCH = 32
_MOST_EPOCHS = 10**7
#: Numbers of all records: 1 GiB.
_MOST_NUMBERS = 2**27


def train(
    network: MLP,
    X: ArrayLike | Dataset,
    y: ArrayLike | None = None,
    *,
    method: str = "adam",
    epochs: int = 50,
    batch_size: int | str | None = "auto",
    lr: Any = None,
    X_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    start: str | ArrayLike = "glorot_uniform",
    every: int = 1,
    spectrum_every: int | None = None,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
    **options: Any,
) -> Training:
    """Train a network, and keep what is needed to explain how that went.

    Parameters
    ----------
    network : MLP
    X : (N, inputs) array_like, or Dataset
        A dataset brings `y` and the samples to test with.
    y : (N,) or (N, outputs) array_like, optional
        See `MLP.objective`.
    method : str, optional
        Of `saddlelab.minimize`.
    epochs : int, optional
    batch_size : int, "auto" or None, optional
        Samples in a step; None takes all.  "auto" is 32 for methods of first order (all, if there
        are fewer), and all for those of second order, which take no batches.
    lr : float, schedule or array, optional
        As `learning_rate` of `saddlelab.minimize`: by steps, not epochs; its default.
    X_test, y_test : array_like, optional
        Samples to test with.
    start : str or (n,) array_like, optional
        A kind of `saddlelab.networks.initialise`, or the parameters to begin with.
    every : int, optional
        Epochs from one record to the next.
    spectrum_every : int, optional
        At the records of so many epochs, and at the last, also take the extreme eigenvalues of
        the Hessian of the training loss.
    rng : int, SeedSequence, Generator or None, optional
        Of the start and of the batches.
    workers : int, optional
        Threads; all cores by default.  The results are the same bits for any number.
    progress : bool, optional
        Show progress bars.
    **options
        Of the method.

    Returns
    -------
    Training

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the network, are fewer than two samples or of one class only, or
        an argument is out of its range.

    Notes
    -----
    An epoch is ⌈N / batch_size⌉ steps of whole batches: the samples come in a new order each time
    that all have been taken, and the batch across that border takes some of both orders.  What the
    method remembers is kept from epoch to epoch.  All losses have the weight decay in them.

    Of at most 2000 parameters the spectrum is that of the whole Hessian, and eigenvalues below
    −(its error) are counted as negative; of more, Lanczos' method finds the extreme ones, and the
    index is not known.

    Examples
    --------
    >>> from saddlelab import datasets, networks
    >>> data = datasets.gaussian_blobs(rng=0)
    >>> network = networks.MLP([2, 4, data.classes], loss="cross_entropy")
    >>> run = networks.train(network, data, epochs=20, lr=0.05, rng=0)
    >>> bool(run.loss[-1] < run.loss[0]), run.theta.shape == (network.size,)
    (True, True)
    """
    from saddlelab.optimize.minimize import minimize

    objective, test = _objectives(network, X, y, X_test, y_test)
    epochs = positive_integer("epochs", epochs, at_most=_MOST_EPOCHS)
    every = positive_integer("every", every, at_most=epochs)
    if spectrum_every is not None:
        spectrum_every = positive_integer("spectrum_every", spectrum_every, at_most=2**62,
                                          or_none=" or None (never)")  # fmt: skip
    _check_memory(epochs // every + 1, network.size)
    workers, seed = worker_count(workers), resolve_seed(rng)
    batch, steps, given = _batches(method, batch_size, objective.terms, options)
    runs = minimize(
        objective, _start(network, start, seed), method=method, steps=epochs * steps,
        learning_rate=lr, record={"x": every * steps}, rng=seed, workers=workers,
        progress=progress, **given,
    )  # fmt: skip
    thetas = _finite(np.asarray(runs.history.x))
    at = every * np.arange(len(thetas))
    loss, norm, accuracy = measured(objective, thetas, workers)
    # Other samples are normalised as those that were learnt from.
    learnt = objective.rows if network.batch_norm else None
    tested = (None,) * 3 if test is None else measured(test, thetas, workers, learnt)
    return Training(
        network=network, objective=objective, test=test, method=runs.method, options=runs.options,
        status=str(runs.status), seed=seed, batch_size=batch, steps_per_epoch=steps, epochs=at,
        thetas=thetas, loss=loss, accuracy=accuracy, test_loss=tested[0], test_accuracy=tested[2],
        gradient_norm=norm, weight_norms=weight_norms(network, thetas),
        spectra=_spectra(objective, at, thetas, spectrum_every, seed, workers, progress),
    )  # fmt: skip


def _objectives(
    network: MLP, X: Any, y: Any, X_test: Any, y_test: Any
) -> tuple[NetworkObjective, NetworkObjective | None]:
    """Losses of the samples to learn from and, if there are any, of those to test with."""
    if isinstance(X, Dataset):
        if not (y is X_test is y_test is None):
            raise ValueError("`y`, `X_test` and `y_test` are the dataset's: do not pass them")
        data = X
        X, y = data.X, data.y
        X_test, y_test = (data.X_test, data.y_test) if len(data.X_test) else (None, None)
    if y is None:
        raise ValueError("`y` must be given, unless `X` is a dataset")
    if (X_test is None) != (y_test is None):
        raise ValueError("`X_test` and `y_test` must be given together")
    objective = network.objective(X, y)
    if objective.terms < 2:
        raise ValueError("`X` must hold at least 2 samples, got 1")
    classes = np.unique(objective.targets)
    if network.loss == "cross_entropy" and len(classes) < 2:
        raise ValueError(f"`y` must hold at least 2 classes, got only {classes[0]:g}")
    if X_test is None:
        return objective, None
    try:
        return objective, network.objective(X_test, y_test)
    except (ValueError, TypeError) as error:
        # It knows them by other names.
        text = str(error).replace("`X`", "`X_test`").replace("`y`", "`y_test`")
        raise type(error)(text) from None


def _check_memory(records: int, size: int) -> None:
    if records * size > _MOST_NUMBERS:
        raise ValueError(
            f"`every` must be larger: {records} records of {size} parameters would take "
            f"{records * size / 2**27:.1f} GiB, more than {_MOST_NUMBERS // 2**27}"
        )


def _batches(
    method: str, batch_size: Any, samples: int, options: dict[str, Any]
) -> tuple[int, int, dict[str, Any]]:
    """Samples in a step, steps in an epoch, and the method's options, checked."""
    from saddlelab.optimize.methods import method_of, options_of

    ordered = method_of(method).second_order
    if isinstance(batch_size, str):
        if batch_size != "auto":
            raise ValueError(
                f'`batch_size` must be a positive integer, None or "auto", got {batch_size!r}'
            )
        batch_size = None if ordered else min(_BATCH, samples)
    if ordered and batch_size is not None:
        raise ValueError(
            f"`batch_size` must be None for {method}, which takes all samples in each step, got "
            f"{batch_size!r}"
        )
    given = dict(options) if ordered else {**options, "batch_size": batch_size}
    batch_size = options_of(method, given).get("batch_size")
    if batch_size is None:
        return samples, 1, given
    return batch_size, -(-samples // batch_size), given


def _start(network: MLP, start: Any, seed: int) -> Floats:
    if isinstance(start, str):
        return initialise(network.sizes, start, rng=seed, bias=network.bias,
                          batch_norm=network.batch_norm)  # fmt: skip
    try:
        return theta_of(start, network.size)
    except (ValueError, TypeError) as error:
        raise type(error)(str(error).replace("theta", "start")) from None


def _finite(thetas: Floats) -> Floats:
    """The records up to the one at which the numbers became infinite."""
    good = np.isfinite(thetas).all(axis=1)
    return thetas if good.all() else thetas[: int(np.argmin(good))]


def _spectra(
    objective: NetworkObjective,
    at: NDArray[np.int64],
    thetas: Floats,
    every: int | None,
    seed: int,
    workers: int,
    progress: bool,
) -> Spectra | None:
    if every is None:
        return None
    rows = np.flatnonzero((at % every == 0) | (at == at[-1]))
    return Spectra(at[rows], *spectra_of(objective, thetas[rows], seed, workers, progress))
