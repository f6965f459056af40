"""Cells: the elements of a tensor that share one value of a statistic or a parameter.

A statistic's granularity is `channel` for the batch axis, else the axis in brackets, as in `[group:32]`. Values of
cells are 1-D, samples before channels or groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from actsearch.errors import ConfigError
from actsearch.grammar.statistic import Statistic

Operation = Literal["sum", "max", "deviations"]
"""What is done with the elements of a cell; of deviations from their mean it is the squares that are summed."""


def granularity_of(statistic: Statistic) -> str:
    """The granularity of the values of a statistic."""
    if statistic.axis == "batch":
        return "channel"
    return f"[{statistic.axis}:{statistic.groups}]" if statistic.groups else f"[{statistic.axis}]"


def groups_in(granularity: str) -> int:
    """The number of groups of channels of a cells' granularity, 0 where it is another."""
    return int(granularity[1:-1].partition(":")[2] or 0) if granularity.startswith("[group") else 0


def channel_of(statistic: Statistic, shape: Sequence[int], channel_dim: int) -> int:
    """The dimension of the channels, counted from the front; that of what has none is the last.

    Raises `ConfigError` for a shape that has not got the statistic's axes or groups.
    """
    rank = len(shape)
    if statistic.axis == "last":
        if not rank:
            raise ConfigError(f"{statistic.name} needs a last dimension, and x has none.")
        return rank - 1
    channel = channel_dim + rank if channel_dim < 0 else channel_dim
    if rank < 2:
        raise ConfigError(f"{statistic.name} needs samples and channels, but x has only {rank} dimension(s).")
    if not 1 <= channel < rank:
        raise ConfigError(
            f"{statistic.name} needs channels along one of the dimensions 1 to {rank - 1} of x, but channel_dim is "
            f"{channel_dim}."
        )
    if statistic.groups and shape[channel] % statistic.groups:
        raise ConfigError(
            f"{statistic.name}: {shape[channel]} channels cannot be divided into {statistic.groups} equal groups."
        )
    return channel


def size_of(granularity: str, shape: Sequence[int], channel_dim: int) -> int:
    """How many elements of a tensor of that shape a cell has."""
    if granularity == "[last]":
        return shape[-1]
    if granularity == "[layer]":
        return math.prod(shape[1:])
    channels = shape[channel_dim]
    if granularity == "channel":
        return math.prod(shape) // max(channels, 1)
    instance = math.prod(shape[1:]) // max(channels, 1)
    groups = groups_in(granularity)
    return instance * (channels // groups) if groups else instance


def count_of(granularity: str, shape: Sequence[int], channel_dim: int) -> int:
    """How many cells of a statistic a tensor of that shape has."""
    if granularity == "[last]":
        return math.prod(shape[:-1])
    if granularity == "[layer]":
        return shape[0]
    if granularity == "channel":
        return shape[channel_dim]
    return shape[0] * (groups_in(granularity) or shape[channel_dim])


def once(values: Tensor, count: int) -> Tensor:
    """Values of `count` cells, each of which stands in `values` equally often, one after the other."""
    return values if values.numel() == count or not count else values.view(count, -1)[:, 0].contiguous()


def spread(values: Tensor, granularity: str, shape: Sequence[int], channel_dim: int) -> Tensor:
    """Values of cells so that they broadcast against a tensor of that shape."""
    if granularity == "layer":
        return values.view(())
    if granularity == "element":
        return values.view(shape[1:])
    if granularity == "[last]":
        return values.view(*shape[:-1], 1)
    ones = [1] * len(shape)
    if granularity == "[layer]":
        return values.view(shape[0], *ones[1:])
    ones[channel_dim] = shape[channel_dim]
    if granularity == "channel":
        return values.view(ones)
    ones[0] = shape[0]
    groups = groups_in(granularity)
    if groups:
        values = values.view(-1, groups).repeat_interleave(shape[channel_dim] // groups, 1)
    return values.view(ones)


def gather(elements: Tensor, granularity: str, channel_dim: int, operation: Operation = "sum") -> Tensor:
    """The sum, the largest or the summed squared deviations of the elements of each cell, 1-D."""
    shape = elements.shape
    if granularity == "layer":
        kept = elements.reshape(1, -1)
    elif granularity == "element":
        kept = elements.flatten(1).T if elements.dim() > 1 else elements[None]
    elif granularity == "[last]":
        kept = elements.flatten(0, -2) if elements.dim() > 1 else elements[None]
    elif granularity == "[layer]":
        kept = elements.flatten(1)
    elif granularity == "channel":
        kept = elements.movedim(channel_dim, 0).flatten(1)
    else:
        groups = groups_in(granularity) or shape[channel_dim]
        kept = elements.movedim(channel_dim, 1).reshape(shape[0] * groups, -1)
    if operation == "deviations":
        return (kept - kept.mean(1, keepdim=True)).square().sum(1)
    return kept.sum(1) if operation == "sum" else kept.amax(1)
