"""A trained tensor of a stack and Adam's moments of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_BETAS, _EPSILON = (0.9, 0.999), 1e-8


@dataclass(slots=True, kw_only=True)
class Leaf:
    """A tensor whose first dimension runs over members, or one that belongs to a single member."""

    value: Tensor
    mean: Tensor
    square: Tensor

    @classmethod
    def of(cls, value: Tensor) -> Leaf:
        """`value`, trained from here on."""
        return cls(value=value.requires_grad_(), mean=torch.zeros_like(value), square=torch.zeros_like(value))

    def only(self, rows: Tensor) -> Leaf:
        """The leaf of the rows at the indices `rows`."""
        picked = [tensor.detach().index_select(0, rows) for tensor in (self.value, self.mean, self.square)]
        return Leaf(value=picked[0].requires_grad_(), mean=picked[1], square=picked[2])

    @torch.no_grad()
    def update(self, rates: Tensor, step: int) -> None:
        """One Adam step; `rates` has a learning rate for each row of the first dimension, or one for all."""
        gradient = self.value.grad
        if gradient is None:
            return
        # Each line is one correctly rounded operation: a fused multiply-add might be used for some elements of a
        # tensor and not for others, depending on where they lie in it.
        self.mean.mul_(_BETAS[0])
        self.mean.add_(gradient * (1 - _BETAS[0]))
        self.square.mul_(_BETAS[1])
        gradient.square_()
        gradient.mul_(1 - _BETAS[1])
        self.square.add_(gradient)
        scale = rates.view(-1, *[1] * (self.value.dim() - 1)) / (1 - _BETAS[0] ** step)
        below = (self.square / (1 - _BETAS[1] ** step)).sqrt_().add_(_EPSILON)
        self.value.sub_((self.mean * scale).div_(below))
        self.value.grad = None
