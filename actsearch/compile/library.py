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
from actsearch.compile.autograd import Call, FusedSweep
from actsearch.compile.checked import Checked
from actsearch.compile.fused import Fused
from actsearch.compile.stages import Staged, stage
from actsearch.compile.statistics.scheduled import laid_out
from actsearch.compile.sweep import Sweep, vjp
from actsearch.grammar.activation import Activation, from_json
from actsearch.grammar.expression import Apply


def describe(activation: Activation, *, gain: float, backend: str | None, cache: Path | None, training: bool) -> str:
    """What `call` is to compute, and by which backend (None: the best for the device)."""
    return json.dumps(
        {
            "expression": activation.text,
            "parameters": activation.parameters_json(),
            "gain": gain,
            "backend": backend,
            "cache": str(cache) if cache else None,
            "training": training,
        }
    )


def call(
    described: str, inputs: Sequence[Tensor], noise: int, parameters: Sequence[Tensor], channel_dim: int
) -> tuple[Tensor, list[Tensor]]:
    """The activation that `described` says, through the operator, and the values of its statistics over the batch.

    So many elements of `noise` are drawn; `parameters` are those that the sweep reads.
    """
    drawn = [torch.rand_like(inputs[0], dtype=torch.float32) for _ in range(noise)]
    found: list[Tensor] = torch.ops.actsearch.sweep([*inputs, *drawn, *parameters], described, channel_dim, 0)
    return found[0], found[1:]


@torch.library.custom_op("actsearch::sweep", mutates_args=())
def _sweep(tensors: Sequence[Tensor], described: str, channel_dim: int, order: int) -> list[Tensor]:
    fused = _fused(described, tensors[0].device.type)
    for _ in range(order):
        fused = fused.derivative
    found, statistics = fused.run(tensors, Call(channel_dim=channel_dim))
    count = len(fused.sweep.outputs)
    batch = [statistics[node] for node in _values_of(described)] if not order else []
    # An operator's results share no memory, and sums are computed together.
    return [*(laid_out(tensors[0], tensor) for tensor in found[:count]), *(t.clone() for t in (*found[count:], *batch))]


@_sweep.register_fake
def _(tensors: Sequence[Tensor], described: str, channel_dim: int, order: int) -> list[Tensor]:
    sweep = _structure(described, order)
    x, parameters = tensors[0], tensors[len(sweep.elements) :]
    like = dict(zip((name for name, _ in sweep.parameters), parameters, strict=True))
    results = [*(torch.empty_like(x) for _ in sweep.outputs), *(torch.empty_like(like[of]) for _, of, _ in sweep.sums)]
    if order:
        return results
    inside = torch.float64 if x.dtype == torch.float64 else torch.float32
    return [*results, *(x.new_empty(x.shape[channel_dim], dtype=inside) for _ in _values_of(described))]


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    tensors, ctx.described, ctx.channel_dim, ctx.order = inputs
    ctx.save_for_backward(*tensors)
    if not ctx.order:
        # What running estimates are moved by; nobody learns through those.
        ctx.mark_non_differentiable(*output[1:])


def _backward(ctx: Any, upstream: list[Tensor]) -> tuple[Any, ...]:
    sweep, call_ = _structure(ctx.described, ctx.order), Call(channel_dim=ctx.channel_dim)
    structure = FusedSweep(sweep=sweep, constants=(), compiler=_no_kernels, dtypes=())
    # The values of statistics come last and have no gradients.
    tensors = structure.with_upstream(ctx.saved_tensors, upstream[: len(sweep.results)], call_)
    found = torch.ops.actsearch.sweep(tensors, ctx.described, ctx.channel_dim, ctx.order + 1)
    return list(structure.gradients(found, call_)), None, None, None


_sweep.register_autograd(_backward, setup_context=_setup_context)


@functools.lru_cache(maxsize=1024)
def _fused(described: str, device: str) -> FusedSweep:
    given = json.loads(described)
    backend = backends.load_backend(given["backend"]) if given["backend"] else backends.best(torch.device(device))
    backends.require(backend, torch.device(device))
    cache = Path(given["cache"]) if given["cache"] else None
    function = backend.compile(_activation(given), gain=given["gain"], cache=cache)
    fused = function.fused if isinstance(function, Checked) else function
    if not isinstance(fused, Fused):
        # No kernels for this device: the operator stands for eager torch there.
        fused = Fused(_activation(given), _no_kernels, (), given["gain"])
    return fused.forward if given["training"] else fused.evaluated


def _no_kernels(sweep: Sweep, constants: tuple[float, ...]) -> None:
    """Leaves every sweep to eager torch."""


@functools.lru_cache(maxsize=1024)
def _staged(described: str) -> Staged:
    given = json.loads(described)
    return stage(_activation(given), gain=given["gain"], training=given["training"])


@functools.lru_cache(maxsize=1024)
def _structure(described: str, order: int) -> Sweep:
    return vjp(_structure(described, order - 1)) if order else _staged(described).sweep


def _values_of(described: str) -> list[Apply]:
    """The statistics over the batch whose values a training's forward gives besides its results."""
    return [node for _, node in _staged(described).batch if isinstance(node, Apply)]


def _activation(given: dict[str, Any]) -> Activation:
    return from_json(given["expression"], given["parameters"])
