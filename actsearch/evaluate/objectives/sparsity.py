"""Sparsity: how many activations a trained model can do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actsearch.evaluate.objectives.objective import Models, OfModels

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 0.01
"""By how much the mean loss may rise: 0.01 nats of cross-entropy are a perplexity that is 1 % higher."""
_STEPS = 7
"""Of the bisection: shares are multiples of 1/128."""


class Sparsity(OfModels):
    """The largest share of activations, the smallest by magnitude, that can be set to zero for 1 % of perplexity.

    This is PPL-1% sparsity of Luo et al. (2024), Sparsing Law: Towards Large Language Models with Greater Activation
    Sparsity, arXiv:2411.02335, which applies to any function: exact zeros, as ReLU has, cost nothing to drop, and what
    is negligible counts as well. The paper finds a threshold for each layer by its error; here each layer drops the
    same share, found by bisection. Where the loss is a squared error, it may rise by 0.01 of the targets' variance.
    """

    name = "sparsity"
    title = "activations that can be dropped (PPL-1%)"
    unit = "share"
    is_more_better = True

    def measure(self, models: Models) -> Tensor:
        """See `OfModels`."""
        import torch

        magnitudes: dict[int, Tensor] = {}

        def look(layer: int, y: Tensor) -> Tensor:
            magnitudes[layer] = y.abs().flatten(1).sort(dim=1).values
            return y

        allowed = models.losses(models.outputs(after=look)) + TOLERANCE
        share = torch.zeros(len(allowed))
        for step in range(1, _STEPS + 1):
            tried = share + 0.5**step

            def drop(layer: int, y: Tensor, tried: Tensor = tried) -> Tensor:
                ordered = magnitudes[layer]
                last = (tried * ordered.shape[1]).long().sub_(1).clamp_(min=0).unsqueeze(1)
                largest = ordered.gather(1, last).unsqueeze(2)
                return torch.where(y.abs() <= largest, 0.0, y)

            share = torch.where(models.losses(models.outputs(after=drop)) <= allowed, tried, share)
        return share
