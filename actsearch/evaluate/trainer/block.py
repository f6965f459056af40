"""Subjects that are trained at once: a stack for each lesson and seed.

A block goes through all courses to the first tenth of the training, loses what is rejected there, and goes on to the
end; where many members of a stack have diverged after a tenth they are left behind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from actsearch.evaluate.objectives.objective import OfModels
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.activations import Activations
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.layers import Layers
from actsearch.evaluate.trainer.recipe import Recipe
from actsearch.evaluate.trainer.stack import Member, Stack
from actsearch.evaluate.trainer.stacked import Stacked, bare_first, function_of, is_stacked
from actsearch.evaluate.trainer.trained import Trained
from actsearch.outcome import Matrix, Point, Rejected, Scores

_TENTHS = 10
_LOOKS = (3,)
"""Tenths after which scores are taken, besides the first and the last."""
_WORTH = 0.75
"""What share of a stack may be left for the rest to be worth leaving behind, which costs as much as a few steps."""


class Block:
    """Subjects, all of which `is_stacked` says yes to, or one of which it says no."""

    def __init__(
        self, subjects: Sequence[Subject], seeds: tuple[int, ...], courses: Sequence[tuple[Recipe, Sequence[Course]]]
    ) -> None:
        self._subjects, self._seeds = subjects, seeds
        self._rates = courses[0][0].learning_rates
        self._chance = sum(recipe.chance for recipe, _ in courses) / len(courses)
        self._function = function_of(subjects) if is_stacked(subjects[0]) else None
        members = [
            Member(subject, rate)
            for _, group in itertools.groupby(bare_first(subjects), lambda at: bool(subjects[at].activation.parameters))
            for rate, subject in itertools.product(range(len(self._rates)), list(group))
        ]
        self._has_test = all(course.split.test_inputs is not None for _, by_seed in courses for course in by_seed)
        self._lessons = len(courses)
        self._stacks = {
            (lesson, at): self._fresh(recipe, course, members, seeds[at])
            for lesson, (recipe, by_seed) in enumerate(courses)
            for at, course in enumerate(by_seed)
        }
        """By lesson and position of a seed; those that have members."""

    def train(self, quality: Quality, objectives: Sequence[OfModels] = ()) -> list[Scores | Rejected]:
        """Outcomes by subject; the scores have what `objectives` measure of the models of the best learning rate."""
        self._advance(0, 1)
        looks = [self._look(1)]
        rejections = [
            quality.check([math.nan if v is None else v for row in point.values for v in row], self._chance)
            for point in looks[0]
        ]
        self._keep(lambda member: rejections[member.subject] is None)
        for first, last in itertools.pairwise(range(1, _TENTHS + 1)):
            self._advance(first, last)
            if last in (*_LOOKS, _TENTHS):
                looks.append(self._look(last))
        outcomes = [
            rejection
            or Scores(learning_rates=self._rates, seeds=self._seeds, values=end.values, test=end.test, curve=tuple(way))
            for rejection, (*way, end) in zip(rejections, zip(*looks, strict=True), strict=True)
        ]
        return self._measured(outcomes, objectives) if objectives else outcomes

    def _measured(self, outcomes: list[Scores | Rejected], objectives: Sequence[OfModels]) -> list[Scores | Rejected]:
        """The outcomes with the objectives of each subject: means over lessons and seeds, where they are finite."""
        best = {
            Member(subject, outcome.best)
            for subject, outcome in enumerate(outcomes)
            if isinstance(outcome, Scores) and outcome.best is not None
        }
        if not best:
            return outcomes
        found: dict[int, dict[str, list[float]]] = {}
        for (_, at), stack in self._stacks.items():
            own = stack.only([position for position, member in enumerate(stack.members) if member in best])
            models = Trained(own, self._seeds[at], self._fresh)
            for objective in objectives:
                for member, value in zip(own.members, objective.measure(models).tolist(), strict=True):
                    found.setdefault(member.subject, {}).setdefault(objective.name, []).append(value)
        count = len(self._stacks)
        means = {
            subject: {name: sum(values) / count for name, values in own.items() if all(map(math.isfinite, values))}
            for subject, own in found.items()
        }
        return [
            replace(outcome, objectives=means[subject]) if isinstance(outcome, Scores) and subject in means else outcome
            for subject, outcome in enumerate(outcomes)
        ]

    def _fresh(self, recipe: Recipe, course: Course, members: Sequence[Member], seed: int) -> Stack:
        """A stack of members before their training."""
        return Stack(recipe, course, members, self._activations(recipe, members, seed))

    def _look(self, tenth: int) -> list[Point]:
        """Scores of each subject after a tenth of the training."""
        values = self._scores()
        test: Sequence[Matrix | None] = self._scores(test=True) if self._has_test else [None] * len(values)
        share = tenth / _TENTHS
        return [Point(share=share, values=rows, test=own) for rows, own in zip(values, test, strict=True)]

    def _activations(self, recipe: Recipe, members: Sequence[Member], seed: int) -> Activations:
        widths = recipe.widths[1:-1]
        rates = [self._rates[member.rate] for member in members]
        if self._function is not None:
            return Stacked.of(self._function, [member.subject for member in members], rates, widths)
        return Layers.of(self._subjects[0], widths, rates, seed)

    def _advance(self, first: int, last: int) -> None:
        """Train from one tenth of the training to another, and leave behind what has diverged."""
        for key, stack in list(self._stacks.items()):
            start, stop = (_step(stack.recipe.steps, tenth) for tenth in (first, last))
            stack.advance(start, stop)
            finite = stack.is_finite()
            if sum(finite) <= _WORTH * len(finite):
                self._replace(key, stack, finite)

    def _keep(self, is_kept: Callable[[Member], bool]) -> None:
        for key, stack in list(self._stacks.items()):
            self._replace(key, stack, [is_kept(member) for member in stack.members])

    def _replace(self, key: tuple[int, int], stack: Stack, are_kept: Sequence[bool]) -> None:
        kept = [position for position, is_kept in enumerate(are_kept) if is_kept]
        if kept:
            self._stacks[key] = stack.only(kept)
        else:
            del self._stacks[key]

    def _scores(self, *, test: bool = False) -> list[Matrix]:
        """Validation scores by subject, or test scores, means over the lessons."""
        known: dict[tuple[Member, int], list[float]] = {}
        for (_, at), stack in self._stacks.items():
            for member, score, is_finite in zip(stack.members, stack.scores(test=test), stack.is_finite(), strict=True):
                if is_finite and math.isfinite(score):
                    known.setdefault((member, at), []).append(score)
        means = {key: sum(scores) / len(scores) for key, scores in known.items() if len(scores) == self._lessons}
        rates, seeds = range(len(self._rates)), range(len(self._seeds))
        return [
            tuple(tuple(means.get((Member(subject, rate), at)) for at in seeds) for rate in rates)
            for subject in range(len(self._subjects))
        ]


def _step(steps: int, tenth: int) -> int:
    """The step that ends a tenth of a training; the first tenth is one step or more."""
    return max(steps * tenth // _TENTHS, min(tenth, 1))
