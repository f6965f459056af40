"""Handwritten digits: scikit-learn's 1,797 images of 8 x 8, a 64-32-32-10 perceptron, 150 Adam steps of 64.

Metric: minus the cross-entropy (nats) on images that the seed holds out: 300 to choose by, 300 to report. Fidelity:
steps.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import ClassVar

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.trainer import Lesson, Recipe, Split

CLASSES = 10
HELD_OUT = 300
"""Images of the validation split, and of the test split."""


class Digits(StackedTask):
    """Classify digits with a small multilayer perceptron."""

    metric: ClassVar[str] = "minus the cross-entropy (nats)"
    chance: ClassVar[float] = -math.log(CLASSES)
    learning_rates: ClassVar[tuple[float, ...]] = (3e-3, 1e-2, 3e-2)
    seconds: ClassVar[float] = 0.01
    # sin does better here than the functions that people use: a search has to beat it as well.
    baselines: ClassVar[tuple[str, ...]] = (*StackedTask.baselines, "sin")
    recipe: ClassVar[Recipe] = Recipe(
        widths=(64, 32, 32, CLASSES), steps=150, batch=64, learning_rates=learning_rates, chance=chance
    )

    @property
    def lessons(self) -> list[Lesson]:
        """The one there is."""
        return [Lesson(split=self.split, recipe=self.recipe)]

    def split(self, seed: int) -> Split:
        """Images scaled to zero mean and unit variance over the training pixels, held out by the seed."""
        return _split(seed)


@lru_cache(maxsize=64)
def _split(seed: int) -> Split:
    images, labels = _data()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    validation, test, kept = order[:HELD_OUT], order[HELD_OUT : 2 * HELD_OUT], order[2 * HELD_OUT :]
    scaled = (images - images[kept].mean()) / images[kept].std()
    return Split.of(scaled, labels, train=kept, validation=validation, test=test)


@lru_cache(maxsize=1)
def _data() -> tuple[Tensor, Tensor]:
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images, dtype=torch.float32), torch.tensor(labels, dtype=torch.int64)
