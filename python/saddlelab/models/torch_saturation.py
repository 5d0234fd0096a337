"""Saturation of a torch model, seen through forward hooks."""

from __future__ import annotations

from typing import Any

import numpy as np

from saddlelab.arguments import positive_number
from saddlelab.models.from_torch import tensors_of
from saddlelab.models.saturation_result import ModuleSaturation, TorchSaturation

__all__ = ["torch_saturation"]


def torch_saturation(
    model: Any, inputs: Any, *, threshold: float = 0.01, seed: int = 0
) -> TorchSaturation:
    """Measure which activations of a torch model are saturated, and which of its units are dead.

    The model runs once, as it stands, in training or evaluation mode.  Afterwards its parameters,
    gradients, buffers (running statistics of batch norm), mode, hooks and the random state are the
    same bits.

    Parameters
    ----------
    model : torch.nn.Module
        Its activations are seen where they are modules: ``nn.ReLU``, not ``F.relu``.
    inputs : tensor or array, or tuple or dict of them
        One batch; a tuple or a dictionary holds several arguments.  Arrays become tensors like the
        parameters.
    threshold : float, optional
        An activation is saturated where \\|f'| is below it; softmax, in a module of its own or in
        ``nn.MultiheadAttention``, where the largest weight is beyond 1 − threshold.
    seed : int, optional
        Of what the model draws (dropout in training mode).

    Returns
    -------
    TorchSaturation
        One row for each call of a module, in the order of the calls.

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError, TypeError
        If no activation is a module, inputs are on another device than the model, a parameter has
        no shape yet, or an argument is out of its range.

    Notes
    -----
    f' is what autograd says of the module, entry by entry: at a kink its choice, 0 of ReLU at 0.

    Units are channels of images (N, C, H, W), else what lies on the last axis.

    Weights of attention are computed once more, for each head and without dropout: in the pass
    itself they are rarely made.

    Examples
    --------
    >>> from saddlelab import models                                            # doctest: +SKIP
    >>> print(models.torch_saturation(net, X))                                  # doctest: +SKIP
    """
    try:
        import torch
    except ImportError:
        raise ImportError(
            "`torch_saturation` needs torch: pip install 'saddlecore[torch]'"
        ) from None
    from saddlelab.models._torch_saturation import look

    model = getattr(model, "_orig_mod", model)  # torch.compile's calls no hooks
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"`model` must be a torch.nn.Module, got {model!r}")
    limit = positive_number("threshold", threshold, at_most=0.5)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"`seed` must be an integer, got {seed!r}")
    given = _inputs(model, inputs)
    rows = look(model, given, limit, int(seed))
    if not rows:
        raise ValueError(
            "`model` must use activations that are modules, such as torch.nn.ReLU: "
            f"{type(model).__name__} calls none (functions, as torch.relu, cannot be seen)"
        )
    return TorchSaturation(
        tuple(ModuleSaturation(**row) for row in rows), limit, type(model).__name__
    )


def _inputs(model: Any, inputs: Any) -> Any:
    """Arguments of the model: a tuple or a dictionary, where the model is."""
    import torch

    own = [*model.named_parameters(), *model.named_buffers()]
    for name, tensor in own:
        if torch.nn.parameter.is_lazy(tensor):
            raise ValueError(f"`model` must have run once: its parameter {name} has no shape yet")
    number = next((t.dtype for _, t in own if t.is_floating_point()), torch.get_default_dtype())
    found = tensors_of(list(inputs) if isinstance(inputs, tuple) else inputs, number)
    found = found if isinstance(found, tuple | dict) else (found,)
    devices = {str(tensor.device) for _, tensor in own}
    for each in found.values() if isinstance(found, dict) else found:
        if not isinstance(each, torch.Tensor):
            continue
        if not each.numel():
            raise ValueError(f"`inputs` must hold samples, got shape {tuple(each.shape)}")
        if len(devices) == 1 and str(each.device) not in devices:
            raise ValueError(f"`inputs` must be where the model is, on {devices.pop()}, got "
                             f"{each.device}")  # fmt: skip
    if not any(isinstance(e, torch.Tensor)
               for e in (found.values() if isinstance(found, dict) else found)):  # fmt: skip
        raise TypeError(f"`inputs` must be tensors or arrays, got {inputs!r}")
    return found
