from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from actsearch.evaluate.trainer.objective import CrossEntropy, SquaredError

GENERATOR = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(3, 4, 6, generator=GENERATOR)
CLASSES = torch.randint(0, 4, (2, 6), generator=GENERATOR)
VALUES = torch.randn(2, 6, 4, generator=GENERATOR)


@pytest.mark.parametrize(("objective", "labels"), [(CrossEntropy(), CLASSES), (SquaredError(), VALUES)])
def test_gradients_are_those_of_the_losses(objective, labels):
    targets = objective.targets(labels, 4)
    assert targets.shape == (2, 4, 6)
    for batch in range(2):
        outputs = OUTPUTS.double().requires_grad_()
        objective.losses(outputs, labels[batch]).sum().backward()
        torch.testing.assert_close(objective.gradients(OUTPUTS, targets[batch]), outputs.grad.float())


def test_losses_are_torch_s_own():
    for member in OUTPUTS:
        found = CrossEntropy().losses(member.unsqueeze(0), CLASSES[0])[0]
        torch.testing.assert_close(found, functional.cross_entropy(member.T, CLASSES[0], reduction="none"))
        found = SquaredError().losses(member.unsqueeze(0), VALUES[0])[0]
        torch.testing.assert_close(found, functional.mse_loss(member.T, VALUES[0], reduction="none").mean(dim=1))
