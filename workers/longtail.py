"""The network of the task digits on long-tailed data: 100 images of the commonest class, 5 of the rarest.

Alexandridis, Deng, Nguyen, Luo (2024), Adaptive Parametric Activation, arXiv:2407.08567, finds that the activation
decides how rare classes fare; the tail is that of Cui, Jia, Lin, Song, Belongie (2019), Class-Balanced Loss Based on
Effective Number of Samples, arXiv:1901.05555: the k-th of ten classes keeps `RARITY` ** (-k / 9) of its images. The
seed draws which class is how rare. Validation and test images are the same number of each class.

Metric: minus the cross-entropy (nats), every class counting alike. Fidelity: steps.
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
RARITY = 20
MOST, TESTED = 100, 30
"""Images of the commonest class that are trained on; of each class in the validation and in the test split."""


class LongTail(StackedTask):
    """Classify digits of which some are rare."""

    metric: ClassVar[str] = "minus the class-balanced cross-entropy (nats)"
    chance: ClassVar[float] = -math.log(CLASSES)
    learning_rates: ClassVar[tuple[float, ...]] = (1e-3, 3e-3, 1e-2)
    baselines: ClassVar[tuple[str, ...]] = (*StackedTask.baselines, "sin", "aglu")
    seconds: ClassVar[float] = 0.01
    recipe: ClassVar[Recipe] = Recipe(
        widths=(64, 32, 32, CLASSES), steps=150, batch=64, learning_rates=learning_rates, chance=chance
    )

    @property
    def lessons(self) -> list[Lesson]:
        """The one there is."""
        return [Lesson(split=_split, recipe=self.recipe)]


@lru_cache(maxsize=64)
def _split(seed: int) -> Split:
    """Images scaled to zero mean and unit variance over the training pixels."""
    pixels, classes = load_digits(return_X_y=True)
    images, labels = torch.tensor(pixels, dtype=torch.float32), torch.tensor(classes, dtype=torch.int64)
    generator = torch.Generator().manual_seed(seed)
    ranks = torch.randperm(CLASSES, generator=generator).tolist()
    parts: list[list[Tensor]] = [[], [], []]
    for label, rank in enumerate(ranks):
        own = (labels == label).nonzero()[:, 0]
        own = own[torch.randperm(len(own), generator=generator)]
        count = math.ceil(MOST * RARITY ** (-rank / (CLASSES - 1)))
        for part, indices in zip(parts, own.split([TESTED, TESTED, len(own) - 2 * TESTED]), strict=True):
            part.append(indices[:count] if part is parts[-1] else indices)
    validation, test, kept = (torch.cat(part) for part in parts)
    scaled = (images - images[kept].mean()) / images[kept].std()
    return Split.of(scaled, labels, train=kept, validation=validation, test=test)
