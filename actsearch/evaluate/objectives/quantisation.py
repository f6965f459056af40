"""Quantisation: how much of the score goes when activations are kept in a few bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actsearch.evaluate.objectives.objective import Models, OfModels

if TYPE_CHECKING:
    from torch import Tensor

BITS = 4


class Quantisation(OfModels):
    """The score in float32 minus the score with what every activation gives rounded to one of 2^4 levels.

    Levels are evenly spaced from the least to the largest value of a layer on the validation data: the affine scheme,
    one scale a tensor, of Jacob et al. (2018), Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference, arXiv:1712.05877. At 8 bits functions hardly differ; Liu et al. (2023), LLM-FP4,
    arXiv:2310.16836, go to 4 bits as well.
    """

    name = "quantisation"
    title = f"score lost to activations of {BITS} bits"
    unit = "score"
    is_more_better = False

    def measure(self, models: Models) -> Tensor:
        """See `OfModels`."""
        return models.scores(models.outputs()) - models.scores(models.outputs(after=_rounded))


def _rounded(_: int, y: Tensor) -> Tensor:
    least, largest = y.amin((1, 2), keepdim=True), y.amax((1, 2), keepdim=True)
    # A layer that is constant has levels of no distance: any will do.
    step = ((largest - least) / (2**BITS - 1)).clamp_(min=1e-30)
    rounded: Tensor = ((y - least) / step).round_().mul_(step).add_(least)
    return rounded
