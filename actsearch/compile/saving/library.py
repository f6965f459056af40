"""What `keeping` does as operators of torch, which `torch.compile` and `torch.export` keep whole.

A call says by itself what is computed and what is kept, as those of `actsearch.compile.library` do.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from actsearch.compile import backend as backends
from actsearch.compile.saving.choice import plan_of
from actsearch.compile.saving.keeping import Keeping, gradient, order_of
from actsearch.compile.saving.plan import Plan
from actsearch.compile.saving.words import Words
from actsearch.grammar.activation import Activation, from_json


def describe(described: str, request: str) -> str:
    """What `actsearch.compile.library.describe` says, and that it keeps what is asked for."""
    return json.dumps({**json.loads(described), "saving": request})


def call(described: str, x: Tensor, channel_dim: int) -> Tensor:
    """The activation of `x` that `described` says, with what is kept for its backward; `plan_of` has a plan for it."""
    y: Tensor = torch.ops.actsearch.saving(x, described, channel_dim)[0]
    return y


@torch.library.custom_op("actsearch::saving", mutates_args=())
def _saving(x: Tensor, described: str, channel_dim: int) -> tuple[Tensor, Tensor]:
    keeping = _keeping(described, x.device.type)
    y, codes = keeping.forward(keeping.kernels(_plan(described, x.dtype)), x, channel_dim)
    return _like(y, x), x.new_empty((0, 0), dtype=torch.uint8) if codes is None else codes


@_saving.register_fake
def _(x: Tensor, described: str, channel_dim: int) -> tuple[Tensor, Tensor]:  # noqa: ARG001
    bits = _plan(described, x.dtype).code_bits
    if not bits:
        return torch.empty_like(x), x.new_empty((0, 0), dtype=torch.uint8)
    words = Words(bits, x.numel())
    return torch.empty_like(x), x.new_empty((words.planes * bits // 8, words.rows), dtype=torch.uint8)


@torch.library.custom_op("actsearch::saving_backward", mutates_args=())
def _saving_backward(
    dy: Tensor, y: Tensor | None, codes: Tensor | None, described: str, order: Sequence[int]
) -> Tensor:
    keeping = _keeping(described, dy.device.type)
    return _like(gradient(keeping.kernels(_plan(described, dy.dtype)), dy, (y, codes), order), dy)


@_saving_backward.register_fake
def _(dy: Tensor, *_others: object) -> Tensor:
    return torch.empty_like(dy)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, ctx.described, _ = inputs
    y, codes = output
    plan = _plan(ctx.described, x.dtype)
    ctx.order, ctx.has_codes = order_of(x), plan.code is not None
    ctx.save_for_backward(*((y,) if plan.keeps_output else ()), *((codes,) if ctx.has_codes else ()))
    ctx.mark_non_differentiable(codes)


def _backward(ctx: Any, dy: Tensor, _codes: Tensor) -> tuple[Tensor, None, None]:
    saved = list(ctx.saved_tensors)
    codes = saved.pop() if ctx.has_codes else None
    y = saved[0] if saved else None
    found: Tensor = torch.ops.actsearch.saving_backward(dy, y, codes, ctx.described, ctx.order)
    return found, None, None


_saving.register_autograd(_backward, setup_context=_setup_context)


def _like(found: Tensor, x: Tensor) -> Tensor:
    """`found` with the strides that `empty_like` gives, which is what compilers are told."""
    expected = torch.empty_like(x)
    return found if found.stride() == expected.stride() else expected.copy_(found)


def _plan(described: str, dtype: torch.dtype) -> Plan:
    given = json.loads(described)
    plan = plan_of(_activation(described), given["saving"], dtype, gain=given["gain"])
    assert plan is not None  # noqa: S101 - else the layer takes the operator of its function
    return plan


@functools.lru_cache(maxsize=1024)
def _activation(described: str) -> Activation:
    given = json.loads(described)
    return from_json(given["expression"], given["parameters"])


@functools.lru_cache(maxsize=1024)
def _keeping(described: str, device: str) -> Keeping:
    given, activation = json.loads(described), _activation(described)
    cache = Path(given["cache"]) if given["cache"] else None
    function = backends.compile_for(activation, torch.device(device), given["backend"], gain=given["gain"], cache=cache)
    return Keeping(function, activation, given["saving"], given["gain"])
