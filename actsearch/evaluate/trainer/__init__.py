"""Stacked training: many small perceptrons at once, one slice of every tensor for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from actsearch.evaluate.objectives.objective import OfModels
from actsearch.evaluate.protocols.quality import STAGE, Quality
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.block import Block
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.objective import CrossEntropy, Objective, SquaredError
from actsearch.evaluate.trainer.recipe import Lesson, Recipe, Split, lecun
from actsearch.evaluate.trainer.stacked import is_stacked
from actsearch.outcome import Rejected, Scores

__all__ = ["CrossEntropy", "Lesson", "Objective", "Recipe", "Split", "SquaredError", "lecun", "train", "train_lessons"]

BLOCK = 16
"""Subjects that are trained at once: enough for a call to cost little for each, few enough for the caches."""


def train(
    subjects: Sequence[Subject], seeds: Sequence[int], split: Callable[[int], Split], recipe: Recipe, quality: Quality
) -> list[Scores | Rejected]:
    """The scores of every single training by the recipe's measure, or the rejection of a subject.

    The seed fixes split, initial weights and order of the data, for all subjects and learning rates alike. A training
    that diverges (anything it has learned is not finite, or its score is not) has no score.
    """
    return train_lessons(subjects, seeds, [Lesson(split=split, recipe=recipe)], quality)


def train_lessons(
    subjects: Sequence[Subject],
    seeds: Sequence[int],
    lessons: Sequence[Lesson],
    quality: Quality,
    objectives: Sequence[OfModels] = (),
) -> list[Scores | Rejected]:
    """As `train`, but a score is the mean over several lessons, whose recipes have the same learning rates.

    A subject is rejected if its mean score after a tenth of each training does not exceed the mean of the chances.
    What `objectives` measure of the trained models of the best learning rate stands in `Scores.objectives`, as a mean
    over lessons and seeds.
    """
    if len({lesson.recipe.learning_rates for lesson in lessons}) != 1:
        raise ValueError("lessons that are scored together have the same learning rates")
    courses = [
        (lesson.recipe, [Course.of(lesson.split(seed), lesson.recipe, seed) for seed in seeds]) for lesson in lessons
    ]
    outcomes: dict[int, Scores | Rejected] = {
        at: Rejected(stage=STAGE, reason="the output gain is not finite", measured=None)
        for at, subject in enumerate(subjects)
        if not math.isfinite(subject.gain)
    }
    for positions in _blocks(subjects):
        block = Block([subjects[position] for position in positions], tuple(seeds), courses)
        outcomes.update(zip(positions, block.train(quality, objectives), strict=True))
    return [outcomes[position] for position in range(len(subjects))]


def _blocks(subjects: Sequence[Subject]) -> Iterator[list[int]]:
    """Positions of subjects that are trained at once; one that has layers of its own is so alone."""
    trained = [position for position, subject in enumerate(subjects) if math.isfinite(subject.gain)]
    together = [position for position in trained if is_stacked(subjects[position])]
    for start in range(0, len(together), BLOCK):
        yield together[start : start + BLOCK]
    yield from ([position] for position in trained if position not in together)
