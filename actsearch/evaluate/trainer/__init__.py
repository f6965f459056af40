"""Stacked training: many small perceptrons at once, one slice of every tensor for each.

Subjects are taken in blocks. A block goes through the courses of all seeds to the first tenth of the training, loses
what is rejected there, and goes on to the end; at every further tenth members that have diverged are left behind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import torch

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.activations import Activations
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.layers import Layers
from actsearch.evaluate.trainer.objective import CrossEntropy, Objective, SquaredError
from actsearch.evaluate.trainer.recipe import Recipe, Split, lecun
from actsearch.evaluate.trainer.stack import Member, Stack
from actsearch.evaluate.trainer.stacked import Stacked, is_stacked
from actsearch.outcome import Rejected, Scores

__all__ = ["CrossEntropy", "Objective", "Recipe", "Split", "SquaredError", "lecun", "train"]

BLOCK = 16
"""Subjects that are trained at once: enough for a call to cost little for each, few enough for the caches."""
_TENTHS = 10


def train(
    subjects: Sequence[Subject], seeds: Sequence[int], split: Callable[[int], Split], recipe: Recipe, quality: Quality
) -> list[Scores | Rejected]:
    """The scores of every single training by the recipe's measure, or the rejection of a subject.

    The seed fixes split, initial weights and order of the data, for all subjects and learning rates alike. A training
    that diverges (anything it has learned is not finite, or its score is not) has no score.
    """
    courses = [Course.of(split(seed), recipe, seed) for seed in seeds]
    outcomes: dict[int, Scores | Rejected] = {}
    for positions in _blocks(subjects):
        block = _Block([subjects[p] for p in positions], tuple(seeds), courses, recipe)
        outcomes.update(zip(positions, block.train(quality), strict=True))
    return [outcomes[position] for position in range(len(subjects))]


def _blocks(subjects: Sequence[Subject]) -> Iterator[list[int]]:
    """Positions of subjects that are trained at once; one that has layers of its own is so alone."""
    together = [position for position, subject in enumerate(subjects) if is_stacked(subject)]
    for start in range(0, len(together), BLOCK):
        yield together[start : start + BLOCK]
    yield from ([position] for position in range(len(subjects)) if position not in together)


class _Block:
    """Subjects that are trained at once, in a stack for each seed."""

    def __init__(
        self, subjects: Sequence[Subject], seeds: tuple[int, ...], courses: Sequence[Course], recipe: Recipe
    ) -> None:
        self._subjects, self._seeds, self._recipe = subjects, seeds, recipe
        members = [
            Member(subject, rate) for rate in range(len(recipe.learning_rates)) for subject in range(len(subjects))
        ]
        self._stacks = [
            Stack(recipe, course, members, self._activations(members, seed))
            for seed, course in zip(seeds, courses, strict=True)
        ]

    def _activations(self, members: Sequence[Member], seed: int) -> Activations:
        widths = self._recipe.widths[1:-1]
        rates = [self._recipe.learning_rates[member.rate] for member in members]
        if is_stacked(self._subjects[0]):
            return Stacked.of([self._subjects[member.subject] for member in members], rates, widths)
        return Layers.of(self._subjects[0], widths, rates, seed)

    def train(self, quality: Quality) -> list[Scores | Rejected]:
        """Outcomes by subject."""
        steps = self._recipe.steps
        checkpoints = [max(steps * tenth // _TENTHS, 1) for tenth in range(1, _TENTHS + 1)]
        self._advance(0, checkpoints[0])
        early, _ = self._scores()
        rejections = [
            quality.check([math.nan if v is None else v for row in rows for v in row], self._recipe.chance)
            for rows in early
        ]
        self._keep(lambda member: rejections[member.subject] is None)
        for start, stop in itertools.pairwise(checkpoints):
            self._advance(start, stop)
        values, test = self._scores()
        rates, seeds = self._recipe.learning_rates, self._seeds
        return [
            rejection or Scores(learning_rates=rates, seeds=seeds, values=values[at], test=test[at] if test else None)
            for at, rejection in enumerate(rejections)
        ]

    def _advance(self, start: int, stop: int) -> None:
        """Train on, and leave behind what has diverged."""
        for at, stack in enumerate(self._stacks):
            if stack.members and start < stop:
                stack.advance(start, stop)
                kept = [position for position, finite in enumerate(stack.is_finite()) if finite]
                self._stacks[at] = stack.only(kept)

    def _keep(self, is_kept: Callable[[Member], bool]) -> None:
        self._stacks = [
            stack.only([position for position, member in enumerate(stack.members) if is_kept(member)])
            for stack in self._stacks
        ]

    def _scores(self) -> tuple[list[_Matrix], list[_Matrix] | None]:
        """Validation and test scores by subject, learning rate and seed; None where a training has diverged."""
        splits = [stack.course.split for stack in self._stacks]
        validation = self._table([(split.validation_inputs, split.validation_labels) for split in splits])
        tests = [(split.test_inputs, split.test_labels) for split in splits]
        given = [(inputs, labels) for inputs, labels in tests if inputs is not None and labels is not None]
        return validation, self._table(given) if len(given) == len(splits) else None

    def _table(self, data: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> list[_Matrix]:
        known: dict[tuple[Member, int], float] = {}
        for at, (stack, (inputs, labels)) in enumerate(zip(self._stacks, data, strict=True)):
            if stack.members:
                scores = stack.scores(inputs, labels)
                known.update(((m, at), s) for m, s in zip(stack.members, scores, strict=True) if math.isfinite(s))
        rates, seeds = range(len(self._recipe.learning_rates)), range(len(self._seeds))
        return [
            tuple(tuple(known.get((Member(subject, rate), at)) for at in seeds) for rate in rates)
            for subject in range(len(self._subjects))
        ]


_Matrix = tuple[tuple[float | None, ...], ...]
