"""What is minimised: the loss of each sample and its gradient, for all members of a stack at once.

Outputs are (members, outputs, samples): samples come last because what is summed over outputs, as softmax is, is
quick so.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Objective(Protocol):
    """A loss of outputs (members, outputs, samples), in float32, and of labels that all members share."""

    def targets(self, labels: Tensor, outputs: int) -> Tensor:
        """What `gradients` needs of the labels of some batches, (batches, samples, ...), by batch."""

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of every sample, (members, samples)."""

    def predictions(self, outputs: Tensor) -> Tensor:
        """What the outputs say: probabilities of classes, or values; of the outputs' shape."""

    def gradients(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The derivatives of every sample's loss by its own outputs, a new tensor of the outputs' shape."""


class CrossEntropy:
    """Cross-entropy in nats of a softmax over the outputs; labels are classes, (samples,) in int64."""

    def targets(self, labels: Tensor, outputs: int) -> Tensor:
        """One for the class of a sample, else zero: (batches, outputs, samples)."""
        return functional.one_hot(labels, outputs).transpose(1, 2).to(torch.float32).contiguous()

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """See `Objective`."""
        index = labels.expand(len(outputs), 1, -1)
        return functional.log_softmax(outputs, dim=1).gather(1, index).squeeze(1).neg_()

    def predictions(self, outputs: Tensor) -> Tensor:
        """See `Objective`."""
        return torch.softmax(outputs, dim=1)

    def gradients(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Objective`."""
        return torch.softmax(outputs, dim=1).sub_(targets)


class SquaredError:
    """Squared error, its mean over the outputs; labels are (samples, outputs) in float32."""

    def targets(self, labels: Tensor, outputs: int) -> Tensor:  # noqa: ARG002 - as many as the labels have
        """The labels, (batches, outputs, samples)."""
        return labels.transpose(1, 2).contiguous()

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """See `Objective`."""
        return (outputs - labels.T).square_().mean(dim=1)

    def predictions(self, outputs: Tensor) -> Tensor:
        """See `Objective`."""
        return outputs

    def gradients(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Objective`."""
        return (outputs - targets).mul_(2 / outputs.shape[1])
