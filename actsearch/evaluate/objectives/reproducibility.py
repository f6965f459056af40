"""Reproducibility: how much two trainings of the same model on the same data disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actsearch.evaluate.objectives.objective import Models, OfModels

if TYPE_CHECKING:
    from torch import Tensor


class Reproducibility(OfModels):
    """The mean absolute difference between the predictions of two models that differ in initial weights and order.

    This is the prediction difference of Shamir, Lin, Coviello (2020), Smooth activations and reproducibility in deep
    networks, arXiv:2010.09931, in the L1 norm and for two models. Of several classes it is half the sum of the
    differences of their probabilities, so that it lies between 0 and 1; of a regression it is that of the outputs, in
    units of the targets. It costs one training more for every seed.
    """

    name = "reproducibility"
    title = "prediction difference between two trainings"
    unit = "probability, or the target's unit"
    is_more_better = False

    def measure(self, models: Models) -> Tensor:
        """See `OfModels`."""
        import torch

        other = models.again()
        first, second = models.predictions(models.outputs()), other.predictions(other.outputs())
        differences = (first - second).abs_()
        # One output is a value; the probabilities of several classes differ twice, here more and there less.
        share = 0.5 if differences.shape[1] > 1 else 1.0
        return torch.stack([share * own.sum(dim=0).mean() for own in differences])
