"""The activations of a stack's members at every hidden layer, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Activations(Protocol):
    """What stands after the hidden layers of a stack, with parameters of its own for each member and layer."""

    def forward(self, site: int, x: Tensor, step: int | None) -> Tensor:
        """The activations of `x`, (members, samples, width), after a hidden layer in a training step.

        No step is evaluation. `x` is not changed until `backward` has been called.
        """

    def backward(self, site: int, upstream: Tensor) -> Tensor:
        """The gradient by what the last `forward` of a site in training got; gradients of parameters are kept."""

    def update(self, step: int) -> None:
        """Adam's update of the parameters in step `step`, from 1 on."""

    def is_finite(self) -> Tensor:
        """Whether all parameters of a member are finite, (members,)."""

    def only(self, positions: Sequence[int]) -> Activations:
        """Those of the members at `positions`, which ascend."""
