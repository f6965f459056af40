"""Sums and maxima over the ranks of a distributed training, forward and backward."""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor
from torch import distributed as ranks


def are_many() -> bool:
    """Whether this process is one of several ranks that train together."""
    return ranks.is_available() and ranks.is_initialized() and ranks.get_world_size() > 1


def total(value: Tensor) -> Tensor:
    """The sum of `value` over all ranks; every rank's gradient is the sum of the gradients of all."""
    return cast("Tensor", _Total.apply(value))  # type: ignore[no-untyped-call]


def largest(value: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    """The maximum over `dimensions` and over all ranks, kept as dimensions of size 1; all that tie share the gradient.

    A rank may have nothing along `dimensions`.
    """
    return cast("Tensor", _Largest.apply(value, dimensions))  # type: ignore[no-untyped-call]


def merged(value: Tensor, operation: Literal["sum", "max"]) -> Tensor:
    """The sum or the maximum of `value` over all ranks, of which autograd sees nothing."""
    return _reduced(value, ranks.ReduceOp.SUM if operation == "sum" else ranks.ReduceOp.MAX)


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(value: Tensor) -> Tensor:
        return _reduced(value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing of the values is needed."""

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tensor:  # noqa: ARG004
        return total(upstream)


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, dimensions: tuple[int, ...]) -> Tensor:
        shape = [1 if index in dimensions else size for index, size in enumerate(value.shape)]
        has_any = all(value.shape[index] for index in dimensions)
        own = value.amax(dimensions, keepdim=True) if has_any else value.new_full(shape, -torch.inf)
        result = _reduced(own, ranks.ReduceOp.MAX)
        ties = value == result
        ctx.save_for_backward(ties / _reduced(ties.sum(dimensions, keepdim=True).to(value.dtype)))
        return result

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        (shares,) = ctx.saved_tensors
        return total(upstream) * shares, None


def _reduced(value: Tensor, operation: Any = None) -> Tensor:
    result = value.detach().clone(memory_format=torch.contiguous_format)
    ranks.all_reduce(result, ranks.ReduceOp.SUM if operation is None else operation)
    return result
