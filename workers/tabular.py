"""Tables: scikit-learn's wine, breast-cancer and diabetes, a small perceptron on each, scored together.

Metric: the share of the loss of a model that knows nothing that is gone on the fifth of the rows that the seed holds
out to choose by (another fifth is there to report), its mean over the three tables: cross-entropy against the uniform
guess for the two classifications, squared error against the mean for the regression. Fidelity: steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import ClassVar

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from torch import Tensor

from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.trainer import CrossEntropy, Lesson, Objective, Recipe, Split, SquaredError

HELD_OUT = 0.2
"""Share of the rows in the validation split, and in the test split."""
RATES = (1e-3, 3e-3, 1e-2)


class Tabular(StackedTask):
    """Two classifications and a regression by small multilayer perceptrons."""

    metric: ClassVar[str] = "share of a know-nothing model's validation loss that is gone, mean over three tables"
    chance: ClassVar[float] = 0.0
    learning_rates: ClassVar[tuple[float, ...]] = RATES
    fidelity: ClassVar[str] = "steps"
    seconds: ClassVar[float] = 0.01

    @property
    def lessons(self) -> list[Lesson]:
        """Wine, breast-cancer, diabetes."""
        return [
            _lesson(load_wine, CrossEntropy(), classes=3),
            _lesson(load_breast_cancer, CrossEntropy(), classes=2),
            _lesson(load_diabetes, SquaredError(), classes=None),
        ]


def _lesson(load: Callable[..., tuple[Tensor, Tensor]], objective: Objective, *, classes: int | None) -> Lesson:
    features = _data(load)[0].shape[1]
    recipe = Recipe(
        widths=(features, 32, 32, classes or 1),
        steps=100,
        batch=32,
        learning_rates=RATES,
        chance=0.0,
        objective=objective,
        # Targets of the regression have unit variance.
        measure=partial(_share_gone, objective, math.log(classes) if classes else 1.0),
    )
    return Lesson(split=partial(_split, load, classes is None), recipe=recipe)


def _share_gone(objective: Objective, know_nothing: float, outputs: Tensor, labels: Tensor) -> Tensor:
    return 1 - objective.losses(outputs, labels).mean(dim=1) / know_nothing


@lru_cache(maxsize=64)
def _split(load: Callable[..., tuple[Tensor, Tensor]], is_regression: bool, seed: int) -> Split:  # noqa: FBT001
    """Columns, and the targets of a regression, with zero mean and unit variance over the training rows."""
    inputs, labels = _data(load)
    held_out = round(HELD_OUT * len(labels))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    validation, test, kept = order[:held_out], order[held_out : 2 * held_out], order[2 * held_out :]
    inputs = _scaled(inputs, kept)
    labels = _scaled(labels.unsqueeze(1), kept) if is_regression else labels.to(torch.int64)
    return Split.of(inputs, labels, train=kept, validation=validation, test=test)


def _scaled(columns: Tensor, kept: Tensor) -> Tensor:
    deviation, mean = torch.std_mean(columns[kept], dim=0)
    return ((columns - mean) / deviation).to(torch.float32)


@lru_cache(maxsize=8)
def _data(load: Callable[..., tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Rows and labels in float64."""
    inputs, labels = load(return_X_y=True)
    return torch.as_tensor(inputs, dtype=torch.float64), torch.as_tensor(labels, dtype=torch.float64)
