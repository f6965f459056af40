"""The noise that `stochastic` switches are drawn by: the same for a seed whenever it is asked for."""

from __future__ import annotations

import torch
from torch import Tensor

_SEEDS = 1 << 62


def new_seed() -> int:
    """A seed from torch's own generator, so that `torch.manual_seed` makes it repeatable."""
    return int(torch.randint(_SEEDS, (), dtype=torch.int64))


def noise(seed: int, index: int, x: Tensor) -> Tensor:
    """Float32 numbers from [0, 1) of the shape and device of `x`, others for each index."""
    generator = torch.Generator(device=x.device).manual_seed((seed + index) % _SEEDS)
    return torch.rand(x.shape, generator=generator, device=x.device, dtype=torch.float32)
