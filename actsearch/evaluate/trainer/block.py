"""Subjects that are trained at once: a stack for each lesson and seed.

A block goes through all courses to the first tenth of the training, loses what is rejected there, and goes on to the
end; after every further tenth members that have diverged are left behind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from torch import Tensor

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.activations import Activations
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.layers import Layers
from actsearch.evaluate.trainer.recipe import Recipe
from actsearch.evaluate.trainer.stack import Member, Stack
from actsearch.evaluate.trainer.stacked import Stacked, is_stacked
from actsearch.outcome import Matrix, Point, Rejected, Scores

_TENTHS = 10
_LOOKS = (1, 3)
"""Tenths after which scores are taken, besides the last."""


class Block:
    """Subjects, all of which `is_stacked` says yes to, or one of which it says no."""

    def __init__(
        self, subjects: Sequence[Subject], seeds: tuple[int, ...], courses: Sequence[tuple[Recipe, Sequence[Course]]]
    ) -> None:
        self._subjects, self._seeds = subjects, seeds
        self._rates = courses[0][0].learning_rates
        self._chance = sum(recipe.chance for recipe, _ in courses) / len(courses)
        members = [Member(subject, rate) for rate in range(len(self._rates)) for subject in range(len(subjects))]
        self._stacks = [
            [
                Stack(recipe, course, members, self._activations(recipe, members, seed))
                for seed, course in zip(seeds, by_seed, strict=True)
            ]
            for recipe, by_seed in courses
        ]
        """By lesson, then by seed."""

    def train(self, quality: Quality) -> list[Scores | Rejected]:
        """Outcomes by subject."""
        self._advance(0, 1)
        looks = {1: self._scores()}
        early, _ = looks[1]
        rejections = [
            quality.check([math.nan if v is None else v for row in rows for v in row], self._chance) for rows in early
        ]
        self._keep(lambda member: rejections[member.subject] is None)
        for first, last in itertools.pairwise(range(1, _TENTHS + 1)):
            self._advance(first, last)
            if last in _LOOKS:
                looks[last] = self._scores()
        values, test = self._scores()
        return [
            rejection
            or Scores(
                learning_rates=self._rates,
                seeds=self._seeds,
                values=values[at],
                test=test[at] if test else None,
                curve=tuple(
                    Point(share=tenth / _TENTHS, values=v[at], test=t[at] if t else None)
                    for tenth, (v, t) in looks.items()
                ),
            )
            for at, rejection in enumerate(rejections)
        ]

    def _activations(self, recipe: Recipe, members: Sequence[Member], seed: int) -> Activations:
        widths = recipe.widths[1:-1]
        rates = [self._rates[member.rate] for member in members]
        if is_stacked(self._subjects[0]):
            return Stacked.of([self._subjects[member.subject] for member in members], rates, widths)
        return Layers.of(self._subjects[0], widths, rates, seed)

    def _advance(self, first: int, last: int) -> None:
        """Train from one tenth of the training to another, and leave behind what has diverged."""
        for stacks in self._stacks:
            for at, stack in enumerate(stacks):
                start, stop = (_step(stack.recipe.steps, tenth) for tenth in (first, last))
                if stack.members and start < stop:
                    stack.advance(start, stop)
                    stacks[at] = stack.only(
                        [position for position, is_finite in enumerate(stack.is_finite()) if is_finite]
                    )

    def _keep(self, is_kept: Callable[[Member], bool]) -> None:
        for stacks in self._stacks:
            stacks[:] = [
                stack.only([position for position, member in enumerate(stack.members) if is_kept(member)])
                for stack in stacks
            ]

    def _scores(self) -> tuple[list[Matrix], list[Matrix] | None]:
        """Validation and test scores by subject, means over the lessons; no test scores if a lesson has none."""
        validation, test = [], []
        for stacks in self._stacks:
            splits = [stack.course.split for stack in stacks]
            validation.append(
                self._table(stacks, [(split.validation_inputs, split.validation_labels) for split in splits])
            )
            tests = [
                (split.test_inputs, split.test_labels)
                for split in splits
                if split.test_inputs is not None and split.test_labels is not None
            ]
            if len(tests) == len(splits):
                test.append(self._table(stacks, tests))
        return self._mean(validation), self._mean(test) if len(test) == len(validation) else None

    def _table(self, stacks: Sequence[Stack], data: Sequence[tuple[Tensor, Tensor]]) -> list[Matrix]:
        """Scores by subject on data by seed."""
        known: dict[tuple[Member, int], float] = {}
        for at, (stack, (inputs, labels)) in enumerate(zip(stacks, data, strict=True)):
            if stack.members:
                scores = stack.scores(inputs, labels)
                known.update(((m, at), s) for m, s in zip(stack.members, scores, strict=True) if math.isfinite(s))
        rates, seeds = range(len(self._rates)), range(len(self._seeds))
        return [
            tuple(tuple(known.get((Member(subject, rate), at)) for at in seeds) for rate in rates)
            for subject in range(len(self._subjects))
        ]

    def _mean(self, tables: Sequence[list[Matrix]]) -> list[Matrix]:
        """Means over lessons; None where one has none."""
        return [
            tuple(tuple(map(_mean, zip(*rows, strict=True))) for rows in zip(*matrices, strict=True))
            for matrices in zip(*tables, strict=True)
        ]


def _step(steps: int, tenth: int) -> int:
    """The step that ends a tenth of a training; the first tenth is one step or more."""
    return max(steps * tenth // _TENTHS, min(tenth, 1))


def _mean(values: Sequence[float | None]) -> float | None:
    whole = [value for value in values if value is not None]
    return sum(whole) / len(whole) if len(whole) == len(values) else None
