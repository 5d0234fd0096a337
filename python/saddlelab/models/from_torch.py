"""A torch model as an objective."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.models.model_objective import ModelObjective

if TYPE_CHECKING:
    from saddlelab.models._torch import Batches

__all__ = ["from_torch", "tensors_of"]


def from_torch(
    model: Any,
    loss: Callable[..., Any],
    data: Any,
    *,
    dtype: Any = None,
    seed: int | None = None,
) -> ModelObjective:
    """Make the mean loss of a torch model a function of its parameters, in one array.

    The model is never moved: parameters, gradients, buffers (running statistics of batch norm),
    training mode and random state are the same bits before and after.

    Parameters
    ----------
    model : torch.nn.Module
        As it stands: in training or evaluation mode, on a CPU or a GPU.  Its parameters that
        require gradients are the variables, in the order of ``model.parameters()``; one that is
        shared counts once.
    loss : callable
        ``loss(model(X), y) -> scalar tensor``, a mean over the batch; may read the model.
    data : (X, y) or iterable of (X, y)
        Tensors or arrays; X may also be a tuple or a dictionary of arguments.  Of an iterable,
        such as a DataLoader, the batches are read once and kept; each counts by ``len(y)``.
    dtype : torch.dtype, optional
        Compute in these numbers, such as ``torch.float64``, whatever the model's are: at twice the
        price, nine more digits of a float32 model.
    seed : int, optional
        Of models that draw random numbers (dropout in training mode), the seed of the one draw
        that counts, at every point the same.  Without it such models are refused.

    Returns
    -------
    ModelObjective
        Its ``theta`` is where the model is.

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError, TypeError
        If parameters are complex, of half precision (without `dtype`), on several devices, on
        another one than the data, or on neither CPU nor CUDA; if the loss is not one real number,
        or an argument is out of its range.

    Notes
    -----
    A product with the Hessian differentiates the gradient once more in reverse (Pearlmutter, Neural
    Comput. 6, 1994): `torch.func`, which goes forward, fails on batch norm in training mode and on
    recurrent layers.  Attention runs in its plain form and recurrent layers on a GPU without cuDNN,
    as the others have no second derivatives.

    With float32 a derivative has about six digits.  Errors of that size are told to `check`, which
    then rarely certifies anything; with ``dtype=torch.float64`` it does.

    Examples
    --------
    >>> import torch                                                            # doctest: +SKIP
    >>> from saddlelab import extreme_eigenpairs, hessian_operator, models      # doctest: +SKIP
    >>> f = models.from_torch(net, torch.nn.CrossEntropyLoss(), (X, y))         # doctest: +SKIP
    >>> extreme_eigenpairs(hessian_operator(f, f.theta), rng=0).values          # doctest: +SKIP
    """
    try:
        import torch
    except ImportError:
        raise ImportError(
            "`from_torch` needs torch: pip install 'saddlecore[torch]'"
        ) from None
    from saddlelab.models._torch import TorchModel

    model = getattr(model, "_orig_mod", model)  # torch.compile's has no second derivatives
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"`model` must be a torch.nn.Module, got {model!r}")
    if not callable(loss):
        raise TypeError(f"`loss` must be a function of the outputs and y, got {loss!r}")
    _check_types(dtype, seed)
    device, number = _check_parameters(model, dtype)
    with torch.random.fork_rng(devices=[]):  # a DataLoader draws a seed
        batches = _batches(data, number)
    _check_device(batches, device)
    made = TorchModel(model, loss, batches, dtype, seed)
    made.value(made.theta)  # whatever is wrong with the loss is told here
    return ModelObjective(made, name=type(model).__name__)


def _check_types(dtype: Any, seed: Any) -> None:
    import torch

    if dtype not in (None, torch.float32, torch.float64):
        raise ValueError(f"`dtype` must be torch.float32, torch.float64 or None, got {dtype!r}")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
        raise TypeError(f"`seed` must be an integer or None, got {seed!r}")


def _check_parameters(model: Any, dtype: Any) -> tuple[Any, Any]:
    """The device and the type of the parameters that are variables."""
    import torch

    own = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    if not own:
        raise ValueError("`model` must have parameters that require gradients, it has none")
    for name, parameter in own:
        if torch.nn.parameter.is_lazy(parameter):
            raise ValueError(f"`model` must have run once: its parameter {name} has no shape yet")
        if parameter.is_meta:
            raise ValueError(
                f"`model` must hold numbers, but its parameter {name} is on the meta device"
            )
        if not parameter.dtype.is_floating_point:
            raise TypeError(
                f"`model` must have real parameters, but {name} has dtype {parameter.dtype}"
            )
        if dtype is None and parameter.dtype not in (torch.float32, torch.float64):
            raise ValueError(
                f"`model` has {parameter.dtype} in {name}, too few digits for a Hessian: pass "
                "dtype=torch.float32 or torch.float64"
            )
    devices = sorted({str(tensor.device) for tensor in (*model.parameters(), *model.buffers())})
    if len(devices) > 1:
        raise ValueError(f"`model` must be on one device, got {', '.join(devices)}")
    if own[0][1].device.type not in ("cpu", "cuda"):
        raise ValueError(f"`model` must be on a CPU or a CUDA device, got {devices[0]}")
    return own[0][1].device, own[0][1].dtype


def _batches(data: Any, number: Any) -> Batches:
    """Batches with their parts of the samples; arrays become tensors like the parameters."""
    single = isinstance(data, tuple) and len(data) == 2 and _is_array(data[1])
    if not single and not hasattr(data, "__iter__"):
        raise TypeError(f"`data` must be (X, y) or an iterable of batches (X, y), got {data!r}")
    pairs = [_pair(k, each, number) for k, each in enumerate([data] if single else data)]
    if not pairs:
        raise ValueError("`data` must hold at least one batch, it is empty")
    counts = [len(y) if y.ndim else 1 for _, y in pairs]
    return [(count / sum(counts), pair) for count, pair in zip(counts, pairs, strict=True)]


def _pair(k: int, batch: Any, number: Any) -> tuple[Any, Any]:
    if not isinstance(batch, tuple | list) or len(batch) != 2 or not _is_array(batch[1]):
        raise ValueError(f"`data` must give batches (X, y), but batch {k} is {type(batch).__name__}"
                         f"{f' of {len(batch)}' if hasattr(batch, '__len__') else ''}")  # fmt: skip
    X, y = tensors_of(batch[0], number), tensors_of(batch[1], number)
    if y.ndim and not len(y):
        raise ValueError(f"`data` must have samples, but batch {k} is empty")
    return X, y


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape")


def tensors_of(value: Any, number: Any) -> Any:
    """Arrays of real numbers as tensors of the type `number`, tensors without their graphs."""
    import torch

    if isinstance(value, dict):
        return {name: tensors_of(each, number) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return tuple(tensors_of(each, number) for each in value)
    if isinstance(value, torch.Tensor):
        return value.detach()
    if _is_array(value):
        array = torch.from_numpy(np.array(value))
        return array.to(number) if array.dtype.is_floating_point else array
    return value


def _check_device(batches: Batches, device: Any) -> None:
    for k, (_, batch) in enumerate(batches):
        for tensor in _leaves(batch):
            if tensor.device != device:
                raise ValueError(
                    f"`data` must be where the model is, on {device}, but batch {k} is on "
                    f"{tensor.device}"
                )


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        for each in value:
            yield from _leaves(each)
    elif _is_array(value):
        yield value
