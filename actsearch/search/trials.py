"""Trials: what a search has trained, on which seeds, and how long that took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actsearch.analysis import catalog
from actsearch.errors import TaskError
from actsearch.evaluate.pool import Executor
from actsearch.evaluate.task import Subject, Task, subject_of
from actsearch.evaluate.worker import Job, Order, Result
from actsearch.outcome import Failed, Outcome, Scored
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import subject_of_record
from actsearch.search.progress import Progress
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord
from actsearch.store.summary import BASELINE, FINAL, SEARCH, summarise

_SEEDS_APART = 1000
"""Distance between the seeds of searches with neighbouring `--seed`."""
_FINAL_OFFSET = 500
_MARGIN = 1.25
"""By how much an estimate of time is stretched."""


@dataclass(slots=True, kw_only=True)
class Trials:
    """Trains subjects on the seeds of a rung and journals the scores of those that are no proposals."""

    record: SearchRecord
    journal: Journal
    task: Task
    executor: Executor
    config: SearchConfig
    progress: Progress
    more_baselines: tuple[str, ...] = ()
    """Catalog names beside the task's own: those of the real task above it."""
    _trainings: int = 0
    _seconds: float = 0.0
    _longest_seconds: float = 0.0

    def seeds(self, rung: str) -> tuple[int, ...]:
        """Seeds of a rung; those of the finals are used nowhere else."""
        first = self.record.seed * _SEEDS_APART
        if rung == SEARCH:
            count = self.config.search_seeds or self.task.search_seeds
            return tuple(range(first, first + count))
        count = self.config.final_seeds or self.task.final_seeds
        return tuple(range(first + _FINAL_OFFSET, first + _FINAL_OFFSET + count))

    def evaluate(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """Results of one generation as they come; what they take is the measure for later estimates."""
        started = time.monotonic()
        for result in self._submit(jobs, SEARCH):
            if isinstance(result.outcome, Scored):
                self._trainings += result.outcome.scores.trained
            yield result
        seconds = time.monotonic() - started
        self._seconds += seconds
        self._longest_seconds = max(self._longest_seconds, seconds)

    def score_baselines(self) -> None:
        """Train the baselines that the journal does not have yet.

        Raises `TaskError` if the task breaks on all of them: then it is the task that is at fault, not a candidate.
        """
        known = self.journal.scores(self.record, SEARCH)
        names = dict.fromkeys((*self.task.baselines, *self.more_baselines))
        missing = [name for name in names if BASELINE + name not in known]
        outcomes = self._score(SEARCH, {BASELINE + name: subject_of(catalog.find(name).activation) for name in missing})
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        if failures and len(failures) == len(names):
            reason = failures[-1].traceback.strip().splitlines()[-1]
            raise TaskError(f"the task {self.record.task!r} fails on every baseline: {reason}")
        scores = self.journal.scores(self.record, SEARCH)
        self.progress.baselines = {
            subject.removeprefix(BASELINE): value.mean() for subject, value in scores.items() if value.best is not None
        }

    def run_finals(self, seconds_left: float | None) -> None:
        """Train the best candidates and the baselines on fresh seeds; fewer candidates where the time is short."""
        self.progress.phase = "finals"
        count = self.config.finalists
        if seconds_left is not None and self._training_seconds:
            affordable = int(seconds_left / (_MARGIN * self._training_seconds * self._trainings_each))
            count = max(min(count, affordable - len(self.task.baselines)), 1)
        best = summarise(self.journal, self.record).candidates[:count]
        subjects = {
            standing.name: subject_of_record(standing.record) for standing in best if standing.record is not None
        }
        subjects |= {BASELINE + name: subject_of(catalog.find(name).activation) for name in self.task.baselines}
        known = self.journal.scores(self.record, FINAL)
        missing = {name: subject for name, subject in subjects.items() if name not in known}
        self.progress.finals_total, self.progress.finals_done = len(subjects), len(subjects) - len(missing)
        self.progress.changed()
        self._score(FINAL, missing)

    def reserve_seconds(self) -> float:
        """Estimated time of one more generation and the finals, if they are the budget's; 0 before any training."""
        if self.config.ladder.task:
            return self._longest_seconds
        subjects = self.config.finalists + len(self.task.baselines)
        return self._longest_seconds + _MARGIN * self._training_seconds * subjects * self._trainings_each

    @property
    def _training_seconds(self) -> float:
        return self._seconds / self._trainings if self._trainings else 0.0

    @property
    def _trainings_each(self) -> int:
        return len(self.task.learning_rates) * len(self.seeds(FINAL))

    def _submit(self, jobs: Sequence[Job], rung: str) -> Iterator[Result]:
        return self.executor.submit(jobs, Order(seeds=self.seeds(rung), quality=self.config.protocols.quality))

    def _score(self, rung: str, subjects: Mapping[str, Subject]) -> list[Outcome]:
        """Outcomes of subjects that are no proposals; scores are journalled as they come."""
        outcomes = []
        jobs = [Job(key=name, subject=subject) for name, subject in subjects.items()]
        for result in self._submit(jobs, rung):
            outcomes.append(result.outcome)
            if isinstance(result.outcome, Scored):
                self.journal.record_scores(self.record, rung, {result.key: result.outcome.scores})
            self.progress.finals_done += rung == FINAL
            self.progress.changed()
        return outcomes
