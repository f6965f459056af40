"""Kernels and eager evaluation under autograd, for every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from actsearch.compile.eager import Evaluator, compile_eager
from actsearch.compile.stages import refuse_gate, scaled
from actsearch.grammar.activation import Activation

_HALF = (torch.float16, torch.bfloat16)


class Kernels(Protocol):
    """A pair of launchers; parameters come in the order of the activation's."""

    def forward(self, x: Tensor, parameters: tuple[Tensor, ...], channel_dim: int) -> Tensor:
        """y, of the shape, dtype and device of x."""

    def backward(
        self, x: Tensor, upstream: Tensor, parameters: tuple[Tensor, ...], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """The gradients by x and by each parameter."""


@dataclass(frozen=True, slots=True)
class Eager:
    """The reference: `gain` times an activation with torch's own operations, differentiated by autograd.

    float16 and bfloat16 are computed in float32 and rounded once, as kernels do.
    """

    evaluator: Evaluator

    @classmethod
    def of(cls, activation: Activation, gain: float = 1.0) -> Eager:
        """Raises `UnsupportedError` for an activation of two inputs."""
        refuse_gate(activation)
        return cls(compile_eager(scaled(activation, gain)))

    def __call__(self, x: Tensor, parameters: Mapping[str, Tensor], channel_dim: int) -> Tensor:
        """The activation of `x`; see `actsearch.compile.backend.Function`."""
        inside = torch.float32 if x.dtype in _HALF else x.dtype
        values = {name: along(value.to(inside), x, channel_dim) for name, value in parameters.items()}
        return self.evaluator({"x": x.to(inside), **values}).to(x.dtype)


@dataclass(frozen=True, slots=True)
class Fused:
    """Kernels under autograd, with the eager reference for what they cannot: other dtypes and double backward."""

    kernels: Kernels
    eager: Eager
    dtypes: tuple[torch.dtype, ...]

    def __call__(self, x: Tensor, parameters: Mapping[str, Tensor], channel_dim: int) -> Tensor:
        """The activation of `x`; see `actsearch.compile.backend.Function`."""
        if x.dtype not in self.dtypes:
            return self.eager(x, parameters, channel_dim)
        names = tuple(parameters)
        return cast("Tensor", _Apply.apply(self, names, channel_dim, x, *parameters.values()))  # type: ignore[no-untyped-call]


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(fused: Fused, _names: tuple[str, ...], channel_dim: int, x: Tensor, *parameters: Tensor) -> Tensor:
        return fused.kernels.forward(x, parameters, channel_dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        ctx.fused, ctx.names, ctx.channel_dim, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, *parameters = ctx.saved_tensors
        if torch.is_grad_enabled():
            gradients = _differentiable(ctx, upstream, x, parameters)
        else:
            gradients = ctx.fused.kernels.backward(x, upstream, tuple(parameters), ctx.channel_dim)
        return (None, None, None, *gradients)


def _differentiable(ctx: Any, upstream: Tensor, x: Tensor, parameters: list[Tensor]) -> tuple[Tensor | None, ...]:
    """The gradients as a graph of their own (`create_graph=True`), from the eager reference."""
    y = ctx.fused.eager(x, dict(zip(ctx.names, parameters, strict=True)), ctx.channel_dim)
    needed = [tensor for tensor in (x, *parameters) if tensor.requires_grad]
    found = iter(torch.autograd.grad(y, needed, upstream, create_graph=True, allow_unused=True))
    return tuple(next(found) if tensor.requires_grad else None for tensor in (x, *parameters))


def along(parameter: Tensor, x: Tensor, channel_dim: int) -> Tensor:
    """A parameter of shape (1,) or (channels,) so that it broadcasts along the dimension `channel_dim` of `x`."""
    if parameter.numel() == 1 or x.dim() == 0:
        return parameter.reshape(())
    shape = [1] * x.dim()
    shape[channel_dim] = -1
    return parameter.reshape(shape)
