"""The noise by which operators are drawn in training: the same for a seed whenever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_SEEDS = 1 << 62


def new_seed() -> int:
    """A seed from torch's own generator, so that `torch.manual_seed` makes it repeatable."""
    # Inside of vmap, too, where drawing is forbidden: it is the noise that differs by sample.
    with torch._C._DisableFuncTorch():  # noqa: SLF001 - torch has no public way
        return int(torch.randint(_SEEDS, (), dtype=torch.int64))


@contextmanager
def drawn_alike() -> Iterator[None]:
    """What is drawn inside is the same every time, and nobody outside notices."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(0)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def noise(seed: int, index: int, x: Tensor) -> Tensor:
    """Float32 numbers from [0, 1) of the shape and device of `x`, others for each index."""
    generator = torch.Generator(device=x.device).manual_seed((seed + index) % _SEEDS)
    return torch.rand(x.shape, generator=generator, device=x.device, dtype=torch.float32)
