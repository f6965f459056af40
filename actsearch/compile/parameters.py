"""The tensors that hold an activation's learnable parameters.

The shape is (1,) for a parameter per layer, (channels,) per channel, (N,) for N groups, that of one sample per
element; the entries of an array stand along a further dimension in front, without the 1 of a parameter per layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from actsearch.errors import ConfigError
from actsearch.grammar.activation import ParameterSpec


def make(
    spec: ParameterSpec, channels: int | None, device: torch.device | str | None, dtype: torch.dtype | None
) -> nn.Parameter:
    """The parameter at its initial value; one without a shape where that depends on inputs not seen yet."""
    places = _places(spec, channels)
    if places is None:
        return UninitializedParameter(device=device, dtype=dtype)  # type: ignore[call-arg, return-value]
    return nn.Parameter(_initial(spec, places).to(device=device, dtype=dtype or torch.get_default_dtype()))


def fit(parameter: nn.Parameter, spec: ParameterSpec, x: Tensor, channel_dim: int) -> None:
    """Give a parameter without a shape that which `x` asks for, and check the others'. Raises `ConfigError`."""
    if spec.granularity == "layer":
        return
    if spec.granularity == "element":
        if not x.dim():
            raise ConfigError(f"the parameter {spec.name} has a value for each element, but the input is a number.")
        places = tuple(x.shape[1:])
    else:
        if not -x.dim() <= channel_dim < x.dim():
            raise ConfigError(f"channel_dim is {channel_dim}, but the input has only {x.dim()} dimension(s).")
        size = x.shape[channel_dim]
        _check_groups(spec, size)
        places = (groups_of(spec) or size,)
    if isinstance(parameter, UninitializedParameter):
        initial = _initial(spec, places)
        parameter.materialize(tuple(initial.shape), device=x.device)
        with torch.no_grad():
            parameter.copy_(initial)
    found = tuple(parameter.shape if spec.length is None else parameter.shape[1:])
    if found != places and spec.granularity == "element":
        raise ConfigError(f"the parameter {spec.name} has the shape {found}, but one sample of the input {places}.")
    if found != places:
        raise ConfigError(
            f"the parameter {spec.name} has {math.prod(found)} channels, but dimension {channel_dim} of the input has "
            f"{places[0]}."
        )


def entries(parameter: Tensor, spec: ParameterSpec, x: Tensor, channel_dim: int) -> Sequence[Tensor]:
    """What sweeps read: each entry of an array on its own, per layer, per channel or per element; differentiable."""
    if spec.granularity.startswith("group") and parameter.shape[-1] != x.shape[channel_dim]:
        parameter = parameter.repeat_interleave(x.shape[channel_dim] // parameter.shape[-1], -1)
    if spec.length is None:
        return (parameter,)
    return [entry.reshape(1) if spec.granularity == "layer" else entry for entry in parameter.unbind(0)]


def along(parameter: Tensor, granularity: str, x: Tensor, channel_dim: int) -> Tensor:
    """One entry, as `entries` gives it, so that it broadcasts against `x`."""
    if granularity == "layer" or x.dim() == 0:
        return parameter.reshape(())
    if granularity == "element":
        return parameter
    shape = [1] * x.dim()
    shape[channel_dim] = -1
    return parameter.reshape(shape)


def swept(granularity: str) -> str:
    """The granularity of the entries that `entries` gives."""
    return "channel" if granularity.startswith("group") else granularity


def groups_of(spec: ParameterSpec) -> int | None:
    """Number of groups of a parameter that has a value for each group of channels."""
    return int(spec.granularity.partition(":")[2]) if spec.granularity.startswith("group") else None


def _check_groups(spec: ParameterSpec, channels: int) -> None:
    groups = groups_of(spec)
    if groups and channels % groups:
        raise ConfigError(
            f"the parameter {spec.name} has {groups} groups, into which {channels} channels cannot be divided equally."
        )


def _places(spec: ParameterSpec, channels: int | None) -> tuple[int, ...] | None:
    """The shape without the entries of an array."""
    if spec.granularity == "layer":
        return () if spec.length is not None else (1,)
    if groups := groups_of(spec):
        return (groups,)
    return (channels,) if spec.granularity == "channel" and channels is not None else None


def _initial(spec: ParameterSpec, places: tuple[int, ...]) -> Tensor:
    if spec.length is None:
        return torch.full(places, spec.scalar, dtype=torch.float64)
    values = torch.tensor(spec.entries, dtype=torch.float64)
    return values.reshape(-1, *(1 for _ in places)).expand(-1, *places).clone()
