"""What a general exported layer does with its tensors; the text of these functions goes into the file that needs them.

They say again what `actsearch.compile.parameters` and `gates` do, without anything of ours.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

_CALLED = re.compile(r"(?<![\w.])_[a-z]\w*(?=\()")


def functions(texts: Iterable[str]) -> list[str]:
    """The functions of this file that `texts` call, and those that these call, in order of appearance."""
    own = {name: found for name, found in vars(sys.modules[__name__]).items() if inspect.isfunction(found)}
    waiting = [name for text in texts for name in _CALLED.findall(text)]
    found: dict[str, str] = {}
    while waiting:
        name = waiting.pop(0)
        if name in own and name not in found:
            found[name] = inspect.getsource(own[name]).rstrip()
            waiting += _CALLED.findall(found[name])
    return list(found.values())


def _learnable(initial: float | list[float], places: tuple[int | None, ...]) -> torch.Tensor:
    """A number, or an array, for each of the places; without a shape yet if their number is None."""
    if None in places:
        return UninitializedParameter()
    return nn.Parameter(_start(initial, places))


def _start(initial: float | list[float], places: tuple[int | None, ...]) -> torch.Tensor:
    values = torch.tensor(initial)
    return values.reshape(*values.shape, *(1 for _ in places)).expand(*values.shape, *places).clone()


def _fit_parameter(
    name: str, parameter: nn.Parameter, initial: float | list[float], places: tuple[int, ...], x: torch.Tensor
) -> None:
    """Give a parameter without a shape the one that x asks for, and check another's."""
    if isinstance(parameter, UninitializedParameter):
        start = _start(initial, places)
        parameter.materialize(start.shape, device=x.device)
        with torch.no_grad():
            parameter.copy_(start)
    found = tuple(parameter.shape[1:] if isinstance(initial, list) else parameter.shape)
    if found != places:
        raise ValueError(f"{name} has values for {found}, but x asks for {places}")


def _along(parameter: torch.Tensor, x: torch.Tensor, channel_dim: int) -> torch.Tensor:
    """What has a value for each channel, so that it broadcasts against x."""
    shape = [1] * x.dim()
    shape[channel_dim] = -1
    return parameter.reshape(*parameter.shape[:-1], *shape)


def _per_group(parameter: torch.Tensor, x: torch.Tensor, channel_dim: int) -> torch.Tensor:
    """What has a value for each group of channels, so that it broadcasts against x."""
    return _along(parameter.repeat_interleave(x.shape[channel_dim] // parameter.shape[-1], -1), x, channel_dim)


def _check_channels(x: torch.Tensor, channel_dim: int, groups: list[int] | tuple[()] = ()) -> None:
    if not -x.dim() <= channel_dim < x.dim():
        raise ValueError(f"channel_dim is {channel_dim}, but the input has only {x.dim()} dimension(s)")
    for count in groups:
        if x.shape[channel_dim] % count:
            raise ValueError(f"{x.shape[channel_dim]} channels cannot be divided into {count} equal groups")


def _check_samples(x: torch.Tensor, channel_dim: int) -> None:
    if x.dim() < 2 or channel_dim % x.dim() == 0:
        raise ValueError(f"x needs samples first and channels along channel_dim={channel_dim}: it is {tuple(x.shape)}")


def _fit_estimate(layer: nn.Module, name: str, initial: float, x: torch.Tensor, channel_dim: int) -> None:
    """Give a running estimate of no channels yet those of x, and check another's."""
    running, channels = getattr(layer, name), x.shape[channel_dim]
    if not running.numel():
        setattr(layer, name, running.new_full((channels,), initial, device=x.device))
    elif running.numel() != channels:
        raise ValueError(f"{name} has {running.numel()} channels, but the input has {channels}")


def _inputs(
    x: torch.Tensor, gate: torch.Tensor | None, *, split: bool, channel_dim: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The tensors x and gate of a call; with split they are the halves of one."""
    if not split:
        if gate is None:
            raise ValueError("the layer takes (x, gate): give both, or build it with split=True")
        if gate.shape != x.shape:
            raise ValueError(f"x has the shape {tuple(x.shape)} and gate {tuple(gate.shape)}: give equal shapes")
        return x, gate
    if gate is not None:
        raise ValueError("the layer takes the halves of one tensor (split=True): give no gate")
    _check_channels(x, channel_dim, [2])
    first, second = x.chunk(2, channel_dim)
    return first, second


def _save(layer: nn.Module, destination: dict[str, torch.Tensor], prefix: str, *, keep_vars: bool) -> None:
    """Put the tensors of the layer into a state; one without a shape cannot be detached."""
    for name, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
        as_it_is = keep_vars or isinstance(tensor, UninitializedParameter)
        destination[prefix + name] = tensor if as_it_is else tensor.detach()


def _size_as(layer: nn.Module, state_dict: dict[str, torch.Tensor], prefix: str) -> None:
    """Give the layer's tensors that wait for their size that of the state's."""
    for name, parameter in layer.named_parameters(recurse=False):
        saved = state_dict.get(prefix + name)
        if saved is None or isinstance(saved, UninitializedParameter):
            continue
        if isinstance(parameter, UninitializedParameter):
            parameter.materialize(saved.shape)
    for name, running in layer.named_buffers(recurse=False):
        saved = state_dict.get(prefix + name)
        if saved is not None and not running.numel():
            setattr(layer, name, running.new_empty(saved.shape))
