"""What a torch model's activations do with a batch; imported when needed, for it imports torch.

Hooks look at what goes into modules; f' is autograd's, of the module itself, entry by entry.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from saddlelab.models._torch import mapped

__all__ = ["look"]

#: Entry by entry, each with a derivative of its own.
_ACTIVATIONS = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh,
    nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.PReLU, nn.ReLU, nn.ReLU6, nn.RReLU, nn.SELU, nn.SiLU,
    nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
)  # fmt: skip
_CHOICES = (nn.Softmax, nn.Softmax2d, nn.LogSoftmax)
#: From so many axes on, units are channels, behind the samples.
_IMAGES = 4


def look(model: nn.Module, X: Any, threshold: float, seed: int) -> list[dict[str, Any]]:
    """Fields of `ModuleSaturation`, of every call of an activation in one forward pass."""
    found: list[dict[str, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(_as_it_was(model, seed))
        for name, module in model.named_modules():
            if isinstance(module, (*_ACTIVATIONS, *_CHOICES, nn.MultiheadAttention)):
                watcher = _Watcher(name, threshold, found)
                for handle in (
                    module.register_forward_pre_hook(watcher.before, with_kwargs=True),
                    module.register_forward_hook(watcher.after, with_kwargs=True),
                ):
                    stack.callback(handle.remove)
        # Copies: batch norm writes into its buffers, other modules into their inputs.
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        given = mapped(torch.clone, X)
        args, kwargs = ((), given) if isinstance(given, dict) else (given, {})
        functional_call(model, buffers, args, kwargs)
    return found


@contextmanager
def _as_it_was(model: nn.Module, seed: int) -> Iterator[None]:
    """Leave the random state, and have attention come through Python, where hooks are."""
    tensors = [*model.parameters(), *model.buffers()]
    devices = sorted({t.device.index or 0 for t in tensors if t.device.type == "cuda"})
    fast = torch.backends.mha.get_fastpath_enabled()
    with torch.random.fork_rng(devices), torch.inference_mode(False), torch.no_grad():
        # torch.manual_seed would seed other devices too.
        torch.default_generator.manual_seed(seed)
        for each in devices:
            torch.cuda.default_generators[each].manual_seed(seed)
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


class _Watcher:
    """Hooks of one module; each call becomes a row."""

    def __init__(self, name: str, threshold: float, found: list[dict[str, Any]]) -> None:
        self.name, self.threshold, self.found, self.calls = name, threshold, found, 0
        self.kept: tuple[Any, Any] = (), {}

    def before(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Keep a copy: a module that works in place leaves nothing of its input."""
        self.kept = mapped(torch.clone, args), mapped(torch.clone, kwargs)

    def after(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        """Measure the call."""
        args, kwargs = self.kept
        row = {"module": self.name, "kind": type(module).__name__, "call": self.calls}
        self.found.append(row)
        self.calls += 1
        if isinstance(module, nn.MultiheadAttention):
            row |= _moments(output[0]) | _rows(_weights(module, args, kwargs), self.threshold)
        elif isinstance(module, _CHOICES):
            row |= _moments(output) | _rows(_probabilities(module, output), self.threshold)
        else:
            z = next(iter((*args, *kwargs.values())))
            row |= _moments(output) | _units(_slopes(module, z), self.threshold)


def _moments(output: torch.Tensor) -> dict[str, Any]:
    values = output.detach().double()
    return {"mean": values.mean().item(), "variance": values.var(correction=0).item()}


# --- activations ---------------------------------------------------------------------------------


def _slopes(module: nn.Module, z: torch.Tensor) -> torch.Tensor:
    """f' of every entry; the module may work in place, which a leaf would not allow."""
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        value = module.forward(leaf.clone())
        (slopes,) = torch.autograd.grad(value.sum(), leaf)
    return slopes


def _units(slopes: torch.Tensor, threshold: float) -> dict[str, Any]:
    """What is saturated, of all entries and of each unit."""
    axis = 1 if slopes.ndim >= _IMAGES else -1
    of_units = slopes.movedim(axis, 0).flatten(1) if slopes.ndim > 1 else slopes.reshape(-1, 1)
    low = of_units.abs() < threshold
    return {
        "units": len(of_units), "saturated": low.double().mean().item(),
        "dead": int((of_units == 0.0).all(1).sum()), "stuck": int(low.all(1).sum()),
        "fractions": tuple(low.double().mean(1).tolist()),
    }  # fmt: skip


# --- softmax and attention -----------------------------------------------------------------------


def _probabilities(module: Any, output: torch.Tensor) -> torch.Tensor:
    """Rows that sum to 1."""
    p = output.detach()
    axis = -3 if isinstance(module, nn.Softmax2d) else module.dim
    if axis is None:  # what torch then takes
        axis = 0 if p.ndim in (0, 1, 3) else 1
    p = p.exp() if isinstance(module, nn.LogSoftmax) else p
    return p.movedim(axis, -1) if p.ndim else p.reshape(1)


def _weights(module: nn.MultiheadAttention, args: Any, kwargs: Any) -> torch.Tensor:
    """Attention of each head, without dropout: of a twin that shares the module's parameters."""
    told = inspect.signature(nn.MultiheadAttention.forward).bind(module, *args, **kwargs).arguments
    del told["self"]
    twin = copy.copy(module)
    twin.training = False
    told |= {"need_weights": True, "average_attn_weights": False}
    weights: torch.Tensor = twin.forward(**told)[1]
    return weights


def _rows(p: torch.Tensor, threshold: float) -> dict[str, Any]:
    """Entropy and largest weight of rows; one that may look nowhere is no numbers, and no row."""
    rows = p.detach().double().flatten(0, -2) if p.ndim > 1 else p.detach().double()[None]
    rows = rows[rows.isfinite().all(1)]
    largest = rows.max(1).values
    return {
        "units": p.shape[-1], "saturated": (largest > 1.0 - threshold).double().mean().item(),
        "entropy": torch.special.entr(rows).sum(1).mean().item(), "largest": largest.mean().item(),
    }  # fmt: skip
