"""How statistics are computed over a tensor: what is reduced, running estimates, ranks that train together."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from actsearch.compile.statistics import ranks
from actsearch.compile.statistics.cells import channel_of
from actsearch.errors import ConfigError, UnsupportedError
from actsearch.grammar.expression import Apply, Expression
from actsearch.grammar.statistic import Kind, Statistic, level_of, statistic_of, statistics
from actsearch.grammar.text import write

MOMENTUM = 0.1
"""Weight of a batch in a running estimate."""


def estimates(expression: Expression, channels: int, device: torch.device | str | None = None) -> dict[str, Tensor]:
    """Running estimates before training: one of shape (channels,), float32, for each batch statistic by its text.

    They stand in the order of `statistics(expression)`; a variance starts at 1 and everything else at 0.
    """
    start = {text: 1.0 if kind == "var" else 0.0 for text, kind in _batch_statistics(expression)}
    return {text: torch.full((channels,), value, device=device) for text, value in start.items()}


class Reductions:
    """Computes the statistics of one call over an `x` of the given shape.

    `channel_dim` is the dimension of the channels. `running` holds the running estimates by the statistics' texts (see
    `estimates`): a training updates them in place, everything else reads them. Without them a training keeps none.
    While several ranks train together, batch statistics are those of all their batches. Everything is computed in the
    dtype of what is reduced, so half precision is for the caller to widen. `over_batch` has the values of those batch
    statistics that were computed, of shape (channels,).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        channel_dim: int = 1,
        training: bool = True,
        running: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._shape = tuple(shape)
        self._channel_dim = channel_dim
        self._training = training
        self._running = running or {}
        self.over_batch: dict[Apply, Tensor] = {}

    def reduce(self, statistic: Apply, argument: Tensor) -> Tensor:
        """The value of `statistic`, whose first argument has the value `argument`, so that it broadcasts against x.

        `argument` broadcasts against x. Raises `ConfigError` for a shape that has not got the statistic's axes or
        groups, `UnsupportedError` for a batch statistic outside training without its running estimate.
        """
        found = _parsed(statistic)
        u = argument.expand(self._shape)
        channel = channel_of(found, self._shape, self._channel_dim)
        if found.axis == "last":
            return _over(statistic, u, (-1,)) if u.numel() else u
        others = tuple(index for index in range(1, u.dim()) if index != channel)
        if found.axis == "batch":
            value = self._batch(write_once(statistic), found.kind, u, channel)
            self.over_batch[statistic] = value.detach().reshape(-1)
            return value
        if not u.numel():
            return u
        if found.axis == "group":
            return _over_groups(statistic, u, found.groups, channel)
        return _over(statistic, u, others if found.axis == "instance" else tuple(range(1, u.dim())))

    def _batch(self, text: str, kind: Kind, u: Tensor, channel: int) -> Tensor:
        shape = [1] * u.dim()
        shape[channel] = -1
        running = self._running.get(text)
        if running is not None:
            check_running(text, running, u.shape[channel], channel)
        if not self._training:
            return needed(text, running).detach().to(u.dtype).view(shape)
        dimensions = tuple(index for index in range(u.dim()) if index != channel)
        if ranks.are_many():
            value = _merged(kind, u, dimensions)
        elif u.numel():
            value = _MOMENTS[kind](u, dimensions)
        else:
            return u
        if running is not None:
            update(running, value.detach().reshape(-1).to(running.dtype))
        return value


def check_running(text: str, running: Tensor, channels: int, channel_dim: int) -> None:
    """Raise `ConfigError` if the running estimate of the statistic `text` is one of other channels."""
    if running.numel() != channels:
        raise ConfigError(
            f"the running estimate of {text[:60]} has {running.numel()} channels, but dimension {channel_dim} of x has "
            f"{channels}."
        )


def needed(text: str, running: Tensor | None) -> Tensor:
    """The running estimate of the statistic `text`; raises `UnsupportedError` if there is none."""
    if running is None:
        raise UnsupportedError(f"{text[:60]} has no running estimate, which evaluation needs.")
    return running


def update(running: Tensor, value: Tensor) -> None:
    """Move a running estimate towards the value of a batch, both of shape (channels,)."""
    with torch.no_grad():
        # Batches that are empty on every rank have no moments, and a GPU is not to be waited for to see it.
        running.copy_(torch.where(value.isnan() | value.isneginf(), running, running.lerp(value, MOMENTUM)))


@functools.cache
def write_once(statistic: Apply) -> str:
    """Text of a statistic, under which its running estimate is kept."""
    return write(statistic)


def _batch_statistics(expression: Expression) -> list[tuple[str, Kind]]:
    found = [(node, _parsed(node)) for node in statistics(expression)]
    return [(write_once(node), statistic.kind) for node, statistic in found if statistic.axis == "batch"]


def _parsed(node: Apply) -> Statistic:
    found = statistic_of(node.operator)
    if found is None:
        raise TypeError(f"{node.operator} is no statistic")
    return found


def _over(statistic: Apply, u: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    """The statistic over `dimensions`, kept with size 1; none of them has size 0."""
    kind = _parsed(statistic).kind
    if kind == "quantile":
        return quantile(u, level_of(statistic))
    if not dimensions:
        # torch takes no dimensions for all of them.
        return _MOMENTS[kind](u.unsqueeze(-1), (-1,)).squeeze(-1)
    return _MOMENTS[kind](u, dimensions)


def _over_groups(statistic: Apply, u: Tensor, groups: int, channel: int) -> Tensor:
    channels = u.shape[channel]
    grouped = u.unflatten(channel, (groups, channels // groups))
    value = _over(statistic, grouped, tuple(index for index in range(1, grouped.dim()) if index != channel))
    return value.repeat_interleave(channels // groups, channel).squeeze(channel + 1)


def _mean(u: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    return u.mean(dimensions, keepdim=True)


def _variance(u: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    return u.var(dimensions, correction=0, keepdim=True)


def _sum(u: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    return u.sum(dimensions, keepdim=True)


def _largest(u: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    return u.amax(dimensions, keepdim=True)


_MOMENTS = {"mean": _mean, "var": _variance, "sum": _sum, "max": _largest}


def _merged(kind: Kind, u: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    """A moment over all ranks, merged from each one's count, mean and M2."""
    if kind == "max":
        return ranks.largest(u, dimensions)
    own = _sum(u, dimensions)
    if kind == "sum":
        return ranks.total(own)
    count = math.prod(u.shape[index] for index in dimensions)
    everything = ranks.total(torch.cat([own.reshape(-1), own.new_tensor([float(count)])]))
    whole = everything[-1].detach()
    mean = everything[:-1].view_as(own) / whole
    if kind == "mean":
        return mean
    own_mean = own / max(count, 1)
    apart = (u - own_mean).square().sum(dimensions, keepdim=True)
    return ranks.total(apart + count * (own_mean - mean).square()) / whole


def quantile(u: Tensor, level: float) -> Tensor:
    """As `torch.quantile` over the last dimension, of any size, without a gradient."""
    ordered = u.detach().sort(dim=-1).values
    place = level * (u.shape[-1] - 1)
    below, above = ordered[..., math.floor(place)], ordered[..., math.ceil(place)]
    value = torch.lerp(below, above, place - math.floor(place))
    # NaN is sorted to the end, and one of them makes a quantile NaN.
    return torch.where(ordered[..., -1].isnan(), ordered[..., -1], value).unsqueeze(-1)
