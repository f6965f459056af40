"""A layer's function that keeps for its backward what a plan says, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import forward_ad

from actsearch.compile.autograd import is_transformed
from actsearch.compile.backend import Function
from actsearch.compile.checked import Checked
from actsearch.compile.fused import Fused
from actsearch.compile.reference import Estimates
from actsearch.compile.saving.choice import plan_of
from actsearch.compile.saving.exclusive import is_exclusive, is_hooked
from actsearch.compile.saving.kernels import Kernels
from actsearch.compile.saving.plan import Plan
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation


@dataclass(frozen=True)
class Keeping:
    """`function`, which computes `gain` times an activation, keeping what `request` asks for; see `choice.plan_of`.

    Where derivatives are taken in another way than by backward (`torch.func`, forward mode), it is `function` alone.
    """

    function: Function
    activation: Activation
    request: str
    gain: float = 1.0

    def __call__(
        self,
        inputs: Sequence[Tensor],
        parameters: Sequence[Tensor],
        channel_dim: int,
        estimates: Estimates | None = None,
    ) -> Tensor:
        """The activation of `inputs`; see `actsearch.compile.backend.Function`."""
        x = inputs[0]
        plan = plan_of(self.activation, self.request, x.dtype, gain=self.gain) if _is_learnt(x) else None
        if plan is None:
            return self.function(inputs, parameters, channel_dim, estimates)
        return cast("Tensor", _Kept.apply(self, self.kernels(plan), x, channel_dim))  # type: ignore[no-untyped-call]

    def forward(self, kernels: Kernels, x: Tensor, channel_dim: int) -> tuple[Tensor, Tensor | None]:
        """The activation of `x`, and its codes, packed, if the plan has some."""
        # Detached, because a compiler looks at what it is given for whether to compile a backward, too.
        x = x.detach()
        return self.function((x,), (), channel_dim), kernels.codes(_flat(x, order_of(x)))

    def kernels(self, plan: Plan) -> Kernels:
        """The kernels of a plan, by the compiler that the function has."""
        if plan not in self._known:
            fused = self.function.fused if isinstance(self.function, Checked) else self.function
            self._known[plan] = Kernels(plan, fused if isinstance(fused, Fused) else None)
        return self._known[plan]

    @cached_property
    def _known(self) -> dict[Plan, Kernels]:
        return {}


class _Kept(torch.autograd.Function):
    """Keeps what the plan says."""

    @staticmethod
    def forward(ctx: Any, keeping: Keeping, kernels: Kernels, x: Tensor, channel_dim: int) -> Tensor:
        y, codes = keeping.forward(kernels, x, channel_dim)
        ctx.kernels, ctx.order, ctx.request = kernels, order_of(x), keeping.request
        ctx.has_codes, ctx.is_hooked = codes is not None, is_hooked()
        ctx.save_for_backward(*((y,) if kernels.plan.keeps_output else ()), *(() if codes is None else (codes,)))
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        # Once: checkpoints make tensors anew for each time that they are asked for, and refuse a second.
        saved = list(ctx.saved_tensors)
        codes = saved.pop() if ctx.has_codes else None
        kept = (saved[0] if saved else None, codes)
        if not torch.is_grad_enabled():
            is_over_output = bool(saved) and not ctx.is_hooked and is_exclusive(saved[0])
            return None, None, gradient(ctx.kernels, dy, kept, ctx.order, is_over_output=is_over_output), None
        if ctx.kernels.plan.is_exact:
            return None, None, gradient(ctx.kernels, dy, kept, ctx.order, again=True), None
        with torch.no_grad():
            dx = gradient(ctx.kernels, dy, kept, ctx.order)
        anchor = torch.zeros((), requires_grad=True)
        return None, None, _Once.apply(dx, anchor, ctx.request), None  # type: ignore[no-untyped-call]


def gradient(
    kernels: Kernels,
    dy: Tensor,
    kept: tuple[Tensor | None, Tensor | None],
    order: Sequence[int],
    *,
    again: bool = False,
    is_over_output: bool = False,
) -> Tensor:
    """The gradient by the input, from that by the output and the output and codes that are kept.

    `order` is that of the input's dimensions in memory, in which the codes are. With `again` autograd can differentiate
    it. With `is_over_output` it may lie where the output did, which then is lost.
    """
    if not dy.numel():
        return torch.zeros_like(dy)
    y, codes = kept
    upstream, output = _flat(dy, order), None if y is None else _flat(y.detach() if is_over_output else y, order)
    if again:
        found = kernels.differentiable(upstream, output, codes)
    else:
        found = kernels.gradient(upstream, output, codes, is_over_output=is_over_output)
    return _shaped(found, dy, order)


class _Once(torch.autograd.Function):
    """A gradient that cannot be differentiated again, and says so."""

    @staticmethod
    def forward(ctx: Any, dx: Tensor, anchor: Tensor, request: str) -> Tensor:  # noqa: ARG004 - the anchor is to require a gradient
        ctx.request = request
        return dx.view_as(dx)

    @staticmethod
    def backward(ctx: Any, *_upstream: Tensor) -> tuple[Tensor | None, ...]:
        raise UnsupportedError(
            f"saving={ctx.request!r} keeps too little of this activation for second derivatives: build the layer with "
            "saving='input'."
        )


def _is_learnt(x: Tensor) -> bool:
    """Whether a backward may follow, and nothing else that differentiates."""
    if not (torch.is_grad_enabled() and x.requires_grad) or is_transformed():
        return False
    return forward_ad.unpack_dual(x).tangent is None


def order_of(x: Tensor) -> tuple[int, ...]:
    """The dimensions of `x` from the one with the longest steps in memory to that with the shortest."""
    return tuple(sorted(range(x.dim()), key=lambda dimension: (-x.stride()[dimension], dimension)))


def _flat(tensor: Tensor, order: Sequence[int]) -> Tensor:
    """The elements with the dimensions in that order, 1-D and contiguous: the memory itself where it has no gaps."""
    return tensor.permute(tuple(order)).reshape(-1).contiguous()


def _shaped(flat: Tensor, like: Tensor, order: Sequence[int]) -> Tensor:
    """The tensor of the shape of `like` of which `flat` are the elements."""
    inverse = [order.index(dimension) for dimension in range(like.dim())]
    return flat.view([like.shape[dimension] for dimension in order]).permute(inverse)
