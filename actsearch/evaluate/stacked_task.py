"""The base of tasks whose models are trained in stacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from actsearch.evaluate.objectives.objective import OfModels
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, Task
from actsearch.evaluate.trainer import Lesson, train_lessons
from actsearch.outcome import Rejected, Scores


class StackedTask(Task):
    """Trains all subjects in one stack a lesson, and can measure objectives on the trained models.

    Implement `lessons`; their recipes have the same learning rates.
    """

    seed_turns: ClassVar[int] = 4
    """See `Task`: trainings of the baselines are cheap here. Chosen on digits."""

    @property
    def lessons(self) -> Sequence[Lesson]:
        """What is trained, and scored together."""
        raise NotImplementedError(f"{type(self).__name__} has no lessons")

    def prepared(self, subject: Subject) -> Subject:
        """The subject as it is trained; by default as it is given."""
        return subject

    def run(self, subjects: Sequence[Subject], seeds: Sequence[int], quality: Quality) -> list[Scores | Rejected]:
        """Train all subjects in one stack a lesson."""
        return self.run_and_measure(subjects, seeds, quality, ())

    def run_and_measure(
        self, subjects: Sequence[Subject], seeds: Sequence[int], quality: Quality, objectives: Sequence[OfModels]
    ) -> list[Scores | Rejected]:
        """See `Task`."""
        return train_lessons([self.prepared(subject) for subject in subjects], seeds, self.lessons, quality, objectives)
