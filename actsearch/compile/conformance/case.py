"""One trial of a backend: an activation, and the tensors it is tried on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from actsearch.compile.parameters import fit, make
from actsearch.compile.stages import inputs_of
from actsearch.grammar.activation import Activation

Layout = Literal["contiguous", "reversed", "sliced", "channels_last"]
EDGES = (0.0, -0.0, 1e4, -1e4, math.inf, -math.inf, math.nan, 3e38, -3e38)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An activation, and the input it is tried on."""

    name: str
    activation: Activation
    shape: tuple[int, ...] = (1037,)
    channel_dim: int = 1
    dtype: torch.dtype = torch.float32
    layout: Layout = "contiguous"
    edges: tuple[float, ...] = ()
    """What x has in front; where there is something, the values alone are compared."""
    second: bool = False
    """Whether second derivatives are compared as well."""
    low: float = -4.0
    high: float = 4.0


def sample(case: Case, device: torch.device | str = "cpu") -> tuple[list[Tensor], Tensor, list[Tensor]]:
    """Inputs, upstream gradient and parameters of a case, the same in every process."""
    generator = torch.Generator().manual_seed(0)

    def uniform(shape: tuple[int, ...], low: float, high: float) -> Tensor:
        return torch.empty(shape, dtype=torch.float64).uniform_(low, high, generator=generator)

    inputs = []
    for _ in inputs_of(case.activation):
        x = _laid_out(uniform(case.shape, case.low, case.high).to(case.dtype), case.layout)
        if case.edges:
            x[: len(case.edges)] = torch.tensor(case.edges)
        inputs.append(x.to(device))
    upstream = uniform(case.shape, -1, 1).to(case.dtype).to(device)
    parameters = []
    for spec in case.activation.parameters:
        parameter = make(spec, None, "cpu", torch.float32)
        fit(parameter, spec, inputs[0].cpu(), case.channel_dim)
        spread = uniform(tuple(parameter.shape), 0.9, 1.1)
        parameters.append((parameter.detach() * spread).float().to(device))
    return inputs, upstream, parameters


def _laid_out(x: Tensor, layout: Layout) -> Tensor:
    """`x` in another order of memory, or with gaps between its elements."""
    if layout == "reversed":
        dimensions = tuple(reversed(range(x.dim())))
        return x.permute(dimensions).contiguous().permute(dimensions)
    if layout == "sliced":
        return x.repeat_interleave(2, -1)[..., ::2]
    return x.contiguous(memory_format=torch.channels_last) if layout == "channels_last" else x
