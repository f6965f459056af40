"""The models of a stack after their training, as objectives see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from actsearch.evaluate.objectives.objective import Change
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.recipe import Recipe
from actsearch.evaluate.trainer.stack import Member, Stack

_AGAIN = 3 << 30
"""Distance of the seed of another training on the same data from the first; torch's generators take note of 32 bits."""
Fresh = Callable[[Recipe, Course, Sequence[Member], int], Stack]
"""Makes a stack of members before their training; the number is the seed of what activations draw."""


class Trained:
    """See `actsearch.evaluate.objectives.objective.Models`."""

    def __init__(self, stack: Stack, seed: int, fresh: Fresh) -> None:
        self._stack, self.seed, self._fresh = stack, seed, fresh

    def outputs(
        self, *, before: Change | None = None, after: Change | None = None, weights: Change | None = None
    ) -> Tensor:
        """See `Models`."""
        inputs = self._stack.course.split.validation_inputs
        return self._stack.changed_outputs(inputs, before=before, after=after, weights=weights)

    def scores(self, outputs: Tensor) -> Tensor:
        """See `Models`."""
        return self._stack.recipe.score(outputs, self._stack.course.split.validation_labels)

    def losses(self, outputs: Tensor) -> Tensor:
        """See `Models`."""
        losses = self._stack.recipe.objective.losses(outputs, self._stack.course.split.validation_labels)
        return torch.stack([own.mean() for own in losses])

    def predictions(self, outputs: Tensor) -> Tensor:
        """See `Models`."""
        return self._stack.recipe.objective.predictions(outputs)

    def again(self) -> Trained:
        """See `Models`."""
        stack, seed = self._stack, _AGAIN + self.seed
        course = Course.of(stack.course.split, stack.recipe, seed)
        other = self._fresh(stack.recipe, course, stack.members, self.seed + 1)
        other.advance(0, stack.recipe.steps)
        return Trained(other, seed, self._fresh)
