"""What printed source calls where torch has no name for it; the text of these functions goes along."""

from __future__ import annotations

import torch


def _variance(u, dim, keepdim):
    return torch.var(u, dim, correction=0, keepdim=keepdim)


def _over_batch(u, reduce, running, channel_dim, training):
    """A statistic of each channel over the batch in training; its running estimate, which that updates, otherwise."""
    channel = channel_dim % u.dim()
    if not training:
        shape = [1] * u.dim()
        shape[channel] = -1
        return running.to(u.dtype).reshape(shape)
    value = reduce(u, [dim for dim in range(u.dim()) if dim != channel], keepdim=True)
    with torch.no_grad():
        found = value.reshape(-1).to(running.dtype)
        running.copy_(torch.where(found.isnan(), running, running.lerp(found, 0.1)))
    return value


def _over_instance(u, reduce, channel_dim):
    """A statistic of each channel of each sample."""
    single = u.unsqueeze(-1)  # a sample may have nothing but channels
    dims = [dim for dim in range(1, single.dim()) if dim != channel_dim % u.dim()]
    return reduce(single, dims, keepdim=True).squeeze(-1)


def _over_group(u, reduce, groups, channel_dim):
    """A statistic of each of equal groups of a sample's channels."""
    channel = channel_dim % u.dim()
    size = u.shape[channel] // groups
    grouped = u.unflatten(channel, (groups, size))
    value = reduce(grouped, [dim for dim in range(1, grouped.dim()) if dim != channel], keepdim=True)
    return value.repeat_interleave(size, channel).squeeze(channel + 1)


def _over_layer(u, reduce):
    """A statistic of each sample."""
    return reduce(u, list(range(1, u.dim())), keepdim=True)


def _quantile(u, level):
    """The quantile over the last dimension, which has no gradient."""
    ordered = u.detach().sort(dim=-1).values
    place = level * (u.shape[-1] - 1)
    below, above = ordered[..., int(place)], ordered[..., int(-(-place // 1))]
    value, last = torch.lerp(below, above, place - int(place)), ordered[..., -1]
    return torch.where(last.isnan(), last, value).unsqueeze(-1)


def _piecewise(u, coefficients, spline):
    """The sum of coefficients[i] * spline(u - i)."""
    total = coefficients[0] * spline(u)
    for index in range(1, len(coefficients)):
        total = total + coefficients[index] * spline(u - index)
    return total
