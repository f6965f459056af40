import torch


def activation(x: torch.Tensor, v: torch.Tensor, channel_dim: int) -> torch.Tensor:
    t0 = torch.sqrt(_over_group(x, _variance, 4, channel_dim) + 1e-05)
    return x * torch.sigmoid(v * x) / t0


def _over_group(u, reduce, groups, channel_dim):
    """A statistic of each of equal groups of a sample's channels."""
    channel = channel_dim % u.dim()
    size = u.shape[channel] // groups
    grouped = u.unflatten(channel, (groups, size))
    value = reduce(grouped, [dim for dim in range(1, grouped.dim()) if dim != channel], keepdim=True)
    return value.repeat_interleave(size, channel).squeeze(channel + 1)


def _variance(u, dim, keepdim):
    return torch.var(u, dim, correction=0, keepdim=keepdim)
