"""Adam over the members of a stack: each has a row of every trained tensor, and a learning rate.

Kingma, Ba (2014), Adam: A Method for Stochastic Optimization, arXiv:1412.6980.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch
from torch import Tensor

_BETAS, _EPSILON = (0.9, 0.999), 1e-8
_MULTIPLE = 16
# torch's fused kernel takes whole vectors of 16 numbers, and what is left over one by one, which it rounds otherwise.
# Rows of whole vectors leave nothing over, so that it does not matter where in a stack a member stands.


@dataclass(slots=True, kw_only=True)
class Leaf:
    """A trained tensor with a row for each member, its gradient and Adam's moments.

    `value` and `gradient` are views of the first numbers of every row, (members, ...); rows are filled up with zeros.
    """

    rows: Tensor
    gradients: Tensor
    mean: Tensor
    square: Tensor
    shape: tuple[int, ...]
    value: Tensor = field(init=False)
    gradient: Tensor = field(init=False)

    def __post_init__(self) -> None:
        count = torch.Size(self.shape).numel()
        self.value, self.gradient = (
            tensor[:, :count].view(len(tensor), *self.shape) for tensor in (self.rows, self.gradients)
        )

    @classmethod
    def of(cls, value: Tensor) -> Leaf:
        """`value`, (members, ...) in float32, trained from here on."""
        flat = value.flatten(1)
        width = -(-flat.shape[1] // _MULTIPLE) * _MULTIPLE
        rows = torch.zeros(len(value), width)
        rows[:, : flat.shape[1]] = flat
        zeros = (torch.zeros_like(rows) for _ in range(3))
        return cls(rows=rows, gradients=next(zeros), mean=next(zeros), square=next(zeros), shape=value.shape[1:])

    def only(self, members: Tensor) -> Leaf:
        """The leaf of the members at the indices `members`."""
        state = (tensor.index_select(0, members) for tensor in (self.rows, self.gradients, self.mean, self.square))
        return Leaf(rows=next(state), gradients=next(state), mean=next(state), square=next(state), shape=self.shape)

    def is_finite(self) -> Tensor:
        """Whether all that a member has here is finite, (members,)."""
        return self.rows.isfinite().all(dim=1)


class Adam:
    """Updates leaves whose members have the learning rates `rates`; equal ones stand together."""

    def __init__(self, leaves: Sequence[Leaf], rates: Sequence[float]) -> None:
        self._groups: list[tuple[float, list[list[Tensor]]]] = []
        self._steps = torch.tensor(0.0)
        start = 0
        for rate, members in groupby(rates):
            stop = start + len(list(members))
            tensors = [
                [getattr(leaf, name)[start:stop] for leaf in leaves] for name in ("rows", "gradients", "mean", "square")
            ]
            self._groups.append((rate, tensors))
            start = stop
        self._count = len(leaves)

    def update(self, step: int) -> None:
        """The update of step `step`, from 1 on."""
        counts = [self._steps.fill_(step)] * self._count
        for rate, (rows, gradients, mean, square) in self._groups:
            _fused(rows, gradients, mean, square, [], counts, lr=rate, beta1=_BETAS[0], beta2=_BETAS[1],
                   weight_decay=0.0, eps=_EPSILON, amsgrad=False, maximize=False)  # fmt: skip


# What torch.optim.Adam(fused=True) calls: one pass over memory. That class itself takes longer than the pass.
_fused: Callable[..., None] = torch._fused_adam_


class Numbers:
    """Numbers of any member, in any order, each with a learning rate; `gradient` is for others to fill."""

    def __init__(self, value: Tensor, rates: Tensor) -> None:
        self.value, self._rates = value, rates
        self.gradient, self._mean, self._square = (torch.zeros_like(value) for _ in range(3))

    def update(self, step: int) -> None:
        """The update of step `step`, from 1 on."""
        # Each line is one correctly rounded operation: a fused multiply-add might be used for some of the numbers and
        # not for others, depending on where they lie.
        if not len(self.value):
            return
        gradient = self.gradient
        self._mean.mul_(_BETAS[0])
        self._mean.add_(gradient * (1 - _BETAS[0]))
        self._square.mul_(_BETAS[1])
        self._square.add_(gradient.square().mul_(1 - _BETAS[1]))
        below = (self._square / (1 - _BETAS[1] ** step)).sqrt_().add_(_EPSILON)
        self.value.sub_(((self._mean * self._rates).mul_(1 / (1 - _BETAS[0] ** step))).div_(below))

    def only(self, positions: Tensor) -> Numbers:
        """Those at `positions`."""
        kept = Numbers(self.value[positions], self._rates[positions])
        kept.gradient, kept._mean, kept._square = (
            tensor[positions] for tensor in (self.gradient, self._mean, self._square)
        )
        return kept
