"""Flips: how much of the score goes when bits of the weights flip in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actsearch.evaluate.objectives.draws import DRAWS, generator
from actsearch.evaluate.objectives.objective import Models, OfModels

if TYPE_CHECKING:
    import torch
    from torch import Tensor

RATE = 1e-3
"""Probability that a bit flips."""
_BITS = 8


class Flips(OfModels):
    """The score with weights of 8 bits minus the mean score when each of their bits has flipped with `RATE`.

    Hoang, Hanif, Shafique (2020), FT-ClipAct: Resilience Analysis of Deep Neural Networks and Improving their Fault
    Tolerance using Clipped Activation, arXiv:1912.00941, and Mousavi et al. (2024), ProAct, arXiv:2406.06313: faults of
    memory make large weights, which some activations pass on and others do not. Weights are in fixed point with one
    scale a layer, as one of the data types of Fuengfusin, Tamukoh (2024), arXiv:2411.19027: a flipped bit of a float's
    exponent would make the mean of a loss infinite for every function that is not bounded.
    """

    name = "flips"
    title = f"score lost to flipped bits of the weights (1 in {1 / RATE:.0f})"
    unit = "score"
    is_more_better = False

    def measure(self, models: Models) -> Tensor:
        """See `OfModels`."""
        import torch

        whole = models.scores(models.outputs(weights=lambda _, weight: _stored(weight, None)))
        faulty = torch.zeros_like(whole)
        for draw in range(DRAWS):
            drawn = generator(models.seed, draw)

            def flip(_: int, weight: Tensor, drawn: torch.Generator = drawn) -> Tensor:
                return _stored(weight, _mask(weight.shape[1:], drawn))

            faulty += models.scores(models.outputs(weights=flip))
        return whole - faulty / DRAWS


def _mask(shape: torch.Size, drawn: torch.Generator) -> Tensor:
    """The bits that flip, as int8."""
    import torch

    flips = torch.rand((_BITS, *shape), generator=drawn) < RATE
    places = torch.tensor([1 << bit for bit in range(_BITS)]).view(-1, *[1] * len(shape))
    return (flips * places).sum(dim=0).to(torch.uint8).view(torch.int8)


def _stored(weight: Tensor, mask: Tensor | None) -> Tensor:
    """Weights (models, ...) as they come back from 8 bits of fixed point, after bits have flipped."""
    import torch

    largest = weight.abs().amax((1, 2), keepdim=True)
    step = (largest / (2 ** (_BITS - 1) - 1)).clamp_(min=1e-30)
    codes = (weight / step).round_().to(torch.int8)
    stored: Tensor = (codes if mask is None else codes ^ mask).to(weight.dtype).mul_(step)
    return stored
