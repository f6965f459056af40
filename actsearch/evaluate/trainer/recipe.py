"""What is trained, and on what: a perceptron and how it is trained; the data of one seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from actsearch.evaluate.trainer.objective import CrossEntropy, Objective

MULTIPLE = 16
"""Hidden widths are multiples of it.

Matrix products of other shapes have roundings that depend on where in memory, and so where in a stack, a matrix lies.
"""
Initial = Callable[[int, int, torch.Generator], Tensor]
"""The initial weight, (inputs, outputs) in float32, of a layer with that many inputs and outputs."""
Measure = Callable[[Tensor, Tensor], Tensor]
"""A score for each member, (members,), more is better, of outputs (members, outputs, samples) and labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Data of one seed: inputs (samples, features) in float32; labels as the objective wants them, by sample.

    A candidate is chosen by its score on the validation data and reported by that on the test data, if there are some.
    """

    train_inputs: Tensor
    train_labels: Tensor
    validation_inputs: Tensor
    validation_labels: Tensor
    test_inputs: Tensor | None = None
    test_labels: Tensor | None = None
    weights: Tensor | None = None
    """How much the loss of each training sample counts, (samples,) in float32; all the same if there are none."""
    batches: Tensor | None = None
    """The training samples of each step, (steps, batch) in int64, where their order is part of the task.

    By default epoch after epoch in random order.
    """

    @classmethod
    def of(cls, inputs: Tensor, labels: Tensor, *, train: Tensor, validation: Tensor, test: Tensor) -> Self:
        """The samples of `inputs` and `labels` at the indices of each part, int64."""
        return cls(
            train_inputs=inputs[train],
            train_labels=labels[train],
            validation_inputs=inputs[validation],
            validation_labels=labels[validation],
            test_inputs=inputs[test],
            test_labels=labels[test],
        )


def lecun(inputs: int, outputs: int, generator: torch.Generator) -> Tensor:
    """Normal weights of variance 1 / inputs: unit variance in, unit variance out, as the gain gives activations too.

    LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp.
    """
    return torch.randn(inputs, outputs, generator=generator) / math.sqrt(inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A multilayer perceptron, and Adam at a constant learning rate on the mean loss of each batch."""

    widths: tuple[int, ...]
    """Features, hidden widths, outputs; an activation stands after every hidden layer."""
    steps: int
    batch: int
    learning_rates: tuple[float, ...]
    chance: float
    """Score of a model that knows nothing."""
    objective: Objective = field(default_factory=CrossEntropy)
    measure: Measure | None = None
    """The score; minus the mean loss if there is none."""
    initial: Initial = lecun

    def __post_init__(self) -> None:
        if len(self.widths) < 3 or any(width % MULTIPLE for width in self.widths[1:-1]):
            raise ValueError(f"a recipe has one hidden layer or more, of widths that {MULTIPLE} divides: {self.widths}")
        if self.steps < 1 or self.batch < 2 or not self.learning_rates:
            raise ValueError("a recipe has a step or more, two samples a batch or more, and a learning rate")

    def score(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The score of each member, (members,), for its outputs (members, outputs, samples)."""
        if self.measure is not None:
            return self.measure(outputs, labels)
        return -self.objective.losses(outputs, labels).mean(dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Data, by seed, and what is trained on them."""

    split: Callable[[int], Split]
    recipe: Recipe
