"""Losses of torch models as functions of one array; imported when needed, for it imports torch.

`torch.func` fails on batch norm in training mode and on recurrent layers; reverse over reverse
through `functional_call` differentiates all of them twice, with attention in its plain form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

__all__ = ["Batches", "TorchModel", "mapped"]

Floats: TypeAlias = NDArray[np.float64]
#: Batches (X, y), each with its part of the samples.
Batches: TypeAlias = Sequence[tuple[float, tuple[Any, Any]]]


class _Whole(nn.Module):  # type: ignore[misc]
    """Model and loss as one module: what the loss reads of the model is swapped with the rest."""

    def __init__(self, model: nn.Module, loss: Callable[..., Any]) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, X: Any, y: Any) -> Any:
        if isinstance(X, dict):
            return self.loss(self.model(**X), y)
        return self.loss(self.model(*X) if isinstance(X, tuple | list) else self.model(X), y)


class TorchModel:
    """What `ModelObjective` asks for, of a torch model; the arguments are those of `from_torch`.

    Attributes
    ----------
    size : int
        Number of parameters.
    dtype : numpy.dtype
        The coarsest of the parameters.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[..., Any],
        batches: Batches,
        dtype: torch.dtype | None,
        seed: int | None,
    ) -> None:
        self._whole, self._batches, self._dtype, self._seed = (
            _Whole(model, loss), batches, dtype, seed
        )  # fmt: skip
        self._own = {
            name: parameter
            for name, parameter in self._whole.named_parameters()
            if name.startswith("model.") and parameter.requires_grad
        }
        self._sizes = [parameter.numel() for parameter in self._own.values()]
        self._device = next(iter(self._own.values())).device
        self.size = sum(self._sizes)
        self.dtype = max(
            (np.dtype(str(self._type(p)).removeprefix("torch.")) for p in self._own.values()),
            key=lambda each: float(np.finfo(each).eps),
        )

    @property
    def theta(self) -> Floats:
        """(n,) the parameters as they are in the model now."""
        return self._flat(self._own.values(), torch.float64)

    def unpack(self, theta: Floats) -> dict[str, NDArray[Any]]:
        """Arrays of the parameters by their names in the model."""
        return {
            name.removeprefix("model."): part.cpu().numpy()
            for name, part in self._split(theta).items()
        }

    # --- derivatives -------------------------------------------------------------------------

    def value(self, x: Floats) -> float:
        """The mean loss."""
        with self._untouched(), torch.no_grad():
            parameters = self._split(x)
            losses = [self._loss(parameters, batch).item() for _, batch in self._batches]
        return float(np.dot([part for part, _ in self._batches], losses))

    def gradient(self, x: Floats) -> Floats:
        """(n,) its gradient."""
        total = np.zeros(self.size)
        with self._untouched():
            for part, batch in self._batches:
                slopes, _ = self._slopes(x, batch, again=False)
                total += part * self._flat(slopes, torch.float64)
        return total

    def hvp(self, x: Floats, v: Floats) -> Floats:
        """(n,) the Hessian times v."""
        found: Floats = self._products(x, v[None])[0]
        return found

    def products_at(self, x: Floats) -> Callable[[Floats], Floats]:
        """What multiplies rows with the Hessian at x.

        The graph of a single batch is kept, which spares half of the work; those of many would
        fill the memory.
        """
        if len(self._batches) > 1:
            return partial(self._products, x)
        with self._untouched():
            slopes, parameters = self._slopes(x, self._batches[0][1], again=True)

        def multiply(rows: Floats) -> Floats:
            with torch.inference_mode(False):  # the model does not run again: nothing else to keep
                return np.stack([self._times(slopes, parameters, row) for row in rows])

        return multiply

    def _products(self, x: Floats, rows: Floats) -> Floats:
        total = np.zeros(rows.shape)
        with self._untouched():
            for part, batch in self._batches:
                slopes, parameters = self._slopes(x, batch, again=True)
                for out, row in zip(total, rows, strict=True):
                    out += part * self._times(slopes, parameters, row)
        return total.astype(self.dtype)

    def _slopes(
        self, x: Floats, batch: tuple[Any, Any], *, again: bool
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Gradients by each parameter, with a graph if they are differentiated again."""
        parameters = {name: part.requires_grad_() for name, part in self._split(x).items()}
        value = self._loss(parameters, batch)
        leaves = list(parameters.values())
        if not value.requires_grad:
            raise ValueError(
                "`loss` must return a tensor that depends on the parameters, it is detached"
            )
        slopes = torch.autograd.grad(
            value, leaves, create_graph=again, allow_unused=True, materialize_grads=True
        )
        return list(slopes), leaves

    def _times(
        self, slopes: list[torch.Tensor], leaves: list[torch.Tensor], v: Floats
    ) -> NDArray[Any]:
        """H v as the gradient of ∇f·v; parts of ∇f that are constant have no graph."""
        pairs = [
            (slope, along)
            for slope, along in zip(slopes, self._split(v).values(), strict=True)
            if slope.requires_grad
        ]
        if not pairs:
            return np.zeros(self.size, self.dtype)
        found = torch.autograd.grad(
            [slope for slope, _ in pairs], leaves, [along for _, along in pairs],
            retain_graph=True, allow_unused=True, materialize_grads=True,
        )  # fmt: skip
        return self._flat(found, getattr(torch, self.dtype.name))

    def _loss(self, parameters: dict[str, torch.Tensor], batch: tuple[Any, Any]) -> torch.Tensor:
        """The loss of one batch: one real number.

        Buffers are copies: batch norm writes its running statistics into them.
        """
        rest = dict(self._whole.named_parameters())
        others = {name: self._cast(p) for name, p in rest.items() if name not in parameters}
        buffers = {name: self._cast(b.clone()) for name, b in self._whole.named_buffers()}
        given = batch if self._dtype is None else mapped(self._cast, batch)
        value = functional_call(self._whole, {**others, **buffers, **parameters}, given)
        if not isinstance(value, torch.Tensor) or value.numel() != 1:
            shape = getattr(value, "shape", None)
            told = repr(value) if shape is None else f"a tensor of shape {tuple(shape)}"
            raise ValueError(f"`loss` must return one number, it returned {told}")
        if not value.dtype.is_floating_point:
            raise TypeError(f"`loss` must return a real number, it returned dtype {value.dtype}")
        return value.reshape(())

    # --- arrays and tensors ------------------------------------------------------------------

    def _split(self, x: Floats) -> dict[str, torch.Tensor]:
        """One tensor of its own for each parameter."""
        parts = torch.from_numpy(np.array(x, dtype=np.float64)).split(self._sizes)
        return {
            name: part.view(p.shape).to(device=p.device, dtype=self._type(p), copy=True)
            for (name, p), part in zip(self._own.items(), parts, strict=True)
        }

    @staticmethod
    def _flat(parts: Any, dtype: torch.dtype) -> NDArray[Any]:
        flat = torch.cat([part.detach().reshape(-1) for part in parts])
        found: NDArray[Any] = flat.to(device="cpu", dtype=dtype).numpy()
        return found

    def _type(self, tensor: torch.Tensor) -> torch.dtype:
        return self._dtype or tensor.dtype

    def _cast(self, tensor: torch.Tensor) -> torch.Tensor:
        """Of `dtype`, if one was asked for and these are real numbers."""
        real = tensor.dtype.is_floating_point
        return tensor.to(self._type(tensor)) if real else tensor

    # --- leaving everything as it was --------------------------------------------------------

    @contextmanager
    def _untouched(self) -> Iterator[None]:
        """Keep the random state, draw what is drawn from `seed`, and choose what has a Hessian."""
        on_gpu = self._device.type == "cuda"
        with ExitStack() as stack:
            devices = [self._device] if on_gpu else []
            stack.enter_context(torch.random.fork_rng(devices))
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
            stack.enter_context(nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH))
            if on_gpu and any(isinstance(each, nn.RNNBase) for each in self._whole.modules()):
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            if self._seed is not None:
                self._generator().manual_seed(self._seed)
            before = self._generator().get_state()
            yield
            if self._seed is None and not torch.equal(before, self._generator().get_state()):
                raise ValueError(
                    "`model` must not draw random numbers (dropout in training mode?): call "
                    "model.eval(), or pass `seed` for one fixed draw"
                )

    def _generator(self) -> torch.Generator:
        """Where the model draws its random numbers from."""
        if self._device.type == "cuda":
            return torch.cuda.default_generators[self._device.index or 0]
        return torch.default_generator


def mapped(function: Callable[[Any], Any], batch: Any) -> Any:
    """Apply a function to every tensor of a batch."""
    if isinstance(batch, torch.Tensor):
        return function(batch)
    if isinstance(batch, dict):
        return {name: mapped(function, each) for name, each in batch.items()}
    if isinstance(batch, tuple | list):
        return type(batch)(mapped(function, each) for each in batch)
    return batch
