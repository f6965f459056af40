"""Extrapolation of periodic signals: a small perceptron sees a few periods of a signal and is asked for the next ones.

Perceptrons of the usual activations fit what they see and go on in straight lines or constants; Liu, Hartwig, Ueda
(2020), Neural Networks Fail to Learn Periodic Functions and How to Fix It, arXiv:2006.08195, ask for this property and
propose snake. A signal is the sum of two sines whose periods, phases and shares the seed draws.

Metric: minus the root of the mean squared error outside of the interval that is trained on, in standard deviations of
the signal, so that a model that says its mean everywhere has about -1. Fidelity: steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import ClassVar

import torch
from torch import Tensor

from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.trainer import Lesson, Recipe, Split, SquaredError

SEEN, ASKED = 3.0, 4.5
"""Ends of the interval that is trained on, and of what is asked for, on both sides of zero, in half periods or so."""
SAMPLES = 512


def _minus_rmse(outputs: Tensor, labels: Tensor) -> Tensor:
    return -SquaredError().losses(outputs, labels).mean(dim=1).sqrt()


class Periodic(StackedTask):
    """Continue a signal beyond where it was seen."""

    metric: ClassVar[str] = "minus the root mean squared error of extrapolation (standard deviations)"
    # There is no level of chance: whatever goes on in a straight line is worse than the mean, which has -1.
    chance: ClassVar[float] = -math.inf
    learning_rates: ClassVar[tuple[float, ...]] = (3e-3, 1e-2, 3e-2)
    baselines: ClassVar[tuple[str, ...]] = (*StackedTask.baselines, "sin", "snake")
    fidelity: ClassVar[str] = "steps"
    seconds: ClassVar[float] = 0.02
    recipe: ClassVar[Recipe] = Recipe(
        widths=(1, 32, 32, 1),
        steps=400,
        batch=64,
        learning_rates=learning_rates,
        chance=chance,
        objective=SquaredError(),
        measure=_minus_rmse,
    )

    @property
    def lessons(self) -> list[Lesson]:
        """The one there is."""
        return [Lesson(split=self.split, recipe=self.recipe)]

    def split(self, seed: int) -> Split:
        """Points inside at random; outside evenly, in turn to choose by and to report."""
        return _split(seed)


def _signal(drawn: Sequence[float], x: Tensor) -> Tensor:
    """Two sines of unit variance together; what is drawn is in [0, 1]."""
    period, phase, second_phase, share = drawn
    angle, weight = 2 * x / (1.5 + period), 0.5 * share
    first, second = torch.sin(angle + 2 * math.pi * phase), torch.sin(2 * angle + 2 * math.pi * second_phase)
    return torch.add(first, second, alpha=weight).mul_(math.sqrt(2 / (1 + weight**2)))


@lru_cache(maxsize=64)
def _split(seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    signal = partial(_signal, torch.rand(4, generator=generator).tolist())
    seen = (2 * torch.rand(SAMPLES, 1, generator=generator) - 1) * SEEN * math.pi
    right = math.pi * torch.linspace(SEEN, ASKED, SAMPLES // 2).unsqueeze(1)
    asked = torch.cat([-right, right])
    validation, test = asked[::2], asked[1::2]
    return Split(
        train_inputs=seen,
        train_labels=signal(seen),
        validation_inputs=validation,
        validation_labels=signal(validation),
        test_inputs=test,
        test_labels=signal(test),
    )
