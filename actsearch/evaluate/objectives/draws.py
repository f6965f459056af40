"""What objectives draw: the same numbers for all models of a seed, so that their differences are paired."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DRAWS = 4
"""Evaluations that a mean over draws is taken of."""
_START = 1 << 31
"""Far from the seeds of trainings; torch's generators take note of 32 bits."""


def generator(seed: int, draw: int) -> torch.Generator:
    """The generator of one of the draws that belong to a seed."""
    import torch

    return torch.Generator().manual_seed(_START + seed * DRAWS + draw)
