"""Noise: how much of the score goes when what activations read is noisy, as in analog hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actsearch.evaluate.objectives.draws import DRAWS, generator
from actsearch.evaluate.objectives.objective import Models, OfModels

if TYPE_CHECKING:
    from torch import Tensor

LEVEL = 0.2
"""Standard deviation of the noise, as a share of that of a layer's pre-activations."""


class Noise(OfModels):
    """The score without noise minus the mean score with Gaussian noise on all pre-activations.

    Shah, Youngblood (2024), Leveraging Continuously Differentiable Activation for Learning in Analog and Quantized
    Noisy Environments, arXiv:2402.02593, compare activations by their accuracy under such noise. The noise is `LEVEL`
    of what the model's own pre-activations in that layer deviate, so that no scale of weights is an advantage.
    """

    name = "noise"
    title = f"score lost to noise of {LEVEL:.0%} on pre-activations"
    unit = "score"
    is_more_better = False

    def measure(self, models: Models) -> Tensor:
        """See `OfModels`."""
        import torch

        clean = models.scores(models.outputs())
        noisy = torch.zeros_like(clean)
        for draw in range(DRAWS):
            drawn = generator(models.seed, draw)

            def disturb(_: int, x: Tensor, drawn: torch.Generator = drawn) -> Tensor:
                # Model by model: a sum over some of the dimensions of all of them might round otherwise.
                deviations = torch.stack([own.std() for own in x]).mul_(LEVEL).view(-1, 1, 1)
                return deviations.mul(torch.randn(x.shape[1:], generator=drawn)).add_(x)

            noisy += models.scores(models.outputs(before=disturb))
        return clean - noisy / DRAWS
