"""Compiled sweeps as one operator of torch, `actsearch::sweep`, which `torch.compile` and `torch.export` keep whole.

A call says by itself what is computed, so that an exported program runs in any process that has imported actsearch.
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
from actsearch.compile.autograd import Fused, FusedSweep, with_upstream
from actsearch.compile.checked import Checked
from actsearch.compile.stages import stage
from actsearch.compile.sweep import Sweep, vjp
from actsearch.grammar.activation import Activation, from_json


def describe(activation: Activation, *, gain: float, backend: str | None, cache: Path | None) -> str:
    """What `call` is to compute, and by which backend (None: the best for the device)."""
    return json.dumps(
        {
            "expression": activation.text,
            "parameters": activation.parameters_json(),
            "gain": gain,
            "backend": backend,
            "cache": str(cache) if cache else None,
        }
    )


def call(described: str, inputs: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int) -> Tensor:
    """The activation that `described` says, through the operator; `parameters` are those that its sweep reads."""
    found: list[Tensor] = torch.ops.actsearch.sweep([*inputs, *parameters], described, channel_dim, 0)
    return found[0]


@torch.library.custom_op("actsearch::sweep", mutates_args=())
def _sweep(tensors: Sequence[Tensor], described: str, channel_dim: int, order: int) -> list[Tensor]:
    fused = _fused(described, tensors[0].device.type)
    for _ in range(order):
        fused = fused.derivative
    found = fused.run(tensors, channel_dim)
    count = len(fused.sweep.outputs)
    # An operator's results share no memory, and sums are computed together.
    return [*(_like(tensors[0], tensor) for tensor in found[:count]), *(tensor.clone() for tensor in found[count:])]


@_sweep.register_fake
def _(tensors: Sequence[Tensor], described: str, channel_dim: int, order: int) -> list[Tensor]:  # noqa: ARG001
    sweep = _structure(described, order)
    x, parameters = tensors[0], tensors[len(sweep.elements) :]
    like = dict(zip((name for name, _ in sweep.parameters), parameters, strict=True))
    return [*(torch.empty_like(x) for _ in sweep.outputs), *(torch.empty_like(like[of]) for _, of, _ in sweep.sums)]


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:  # noqa: ARG001
    tensors, ctx.described, ctx.channel_dim, ctx.order = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, upstream: list[Tensor]) -> tuple[Any, ...]:
    tensors = with_upstream(_structure(ctx.described, ctx.order), ctx.saved_tensors, upstream)
    return torch.ops.actsearch.sweep(tensors, ctx.described, ctx.channel_dim, ctx.order + 1), None, None, None


_sweep.register_autograd(_backward, setup_context=_setup_context)


@functools.lru_cache(maxsize=1024)
def _fused(described: str, device: str) -> FusedSweep:
    given = json.loads(described)
    backend = backends.load_backend(given["backend"]) if given["backend"] else backends.best(torch.device(device))
    backends.require(backend, torch.device(device))
    cache = Path(given["cache"]) if given["cache"] else None
    function = backend.compile(_activation(given), gain=given["gain"], cache=cache)
    fused = function.fused if isinstance(function, Checked) else function
    if isinstance(fused, Fused):
        return fused.forward
    # No kernels for this device: the operator stands for eager torch there.
    return Fused.of(_activation(given), lambda _sweep, _constants: None, (), gain=given["gain"]).forward


@functools.lru_cache(maxsize=1024)
def _structure(described: str, order: int) -> Sweep:
    if order:
        return vjp(_structure(described, order - 1))
    given = json.loads(described)
    return stage(_activation(given), gain=given["gain"]).sweep


def _activation(given: dict[str, Any]) -> Activation:
    return from_json(given["expression"], given["parameters"])


def _like(x: Tensor, result: Tensor) -> Tensor:
    """`result` with the strides that the operator promises: those of a new tensor like `x`."""
    expected = torch.empty_like(x)
    return result if result.stride() == expected.stride() else expected.copy_(result)
