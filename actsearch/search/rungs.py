"""The upper rungs of a search: its best candidates and the best baselines go to a real task.

Each of them is tuned there (learning rate, initial values) in the same number of trials by the same rule, then trained
with the best of its settings on seeds that neither the search nor the tuning has used. A setting is chosen by the
tuning's seed alone, so the finals tell what it is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self, cast

from actsearch.analysis import catalog
from actsearch.errors import ConfigError, TaskError
from actsearch.evaluate.ladder.chain import Chain
from actsearch.evaluate.ladder.finals import Finals
from actsearch.evaluate.ladder.ranges import RATE, tuned
from actsearch.evaluate.ladder.settings import LadderSettings
from actsearch.evaluate.ladder.study import Study, Trial
from actsearch.evaluate.ladder.training import Ending, Runner, Trained, Training
from actsearch.evaluate.ladder.tuning import Tuning
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.task import Subject, Task, load_task, subject_of
from actsearch.outcome import Failed, Outcome, Rejected, Scores
from actsearch.search.finalists import choose
from actsearch.search.funnel import subject_of_record
from actsearch.search.progress import Progress
from actsearch.search.trials import Trials
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord, TrialRecord
from actsearch.store.summary import BASELINE, FINAL, SEARCH, summarise
from actsearch.store.tuning import TUNE


@dataclass(slots=True, kw_only=True)
class Ladder:
    """Tunes on `task`, runs the finals there, and journals every training as it ends."""

    record: SearchRecord
    journal: Journal
    task: Task
    runner: Runner
    settings: LadderSettings
    tuning_seed: int
    final_seeds: tuple[int, ...]
    baselines: tuple[str, ...]
    """Catalog names that are tried."""
    finalists: int
    """How many of the tuned candidates are in the finals."""
    apart: float
    """See `actsearch.search.finalists.Apart`."""
    progress: Progress

    @classmethod
    def above(cls, trials: Trials, task: Task, runner: Runner) -> Self:
        """The rungs above the search that `trials` belongs to."""
        return cls(
            record=trials.record,
            journal=trials.journal,
            task=task,
            runner=runner,
            settings=trials.config.ladder,
            tuning_seed=trials.planning.seeds(SEARCH)[0],
            final_seeds=trials.planning.seeds(FINAL),
            baselines=trials.planning.baselines,
            finalists=trials.config.finalists,
            apart=trials.config.finalists_apart,
            progress=trials.progress,
        )

    @property
    def has_begun(self) -> bool:
        """Whether the journal has trials: then the search itself is over."""
        return bool(self.journal.trials(self.record, TUNE))

    def climb(self) -> None:
        """Tune, then run the finals, without what the journal has of both.

        Raises `TaskError` if the task fails on every baseline: then it is the task that is at fault, not a candidate.
        """
        tuning = self._tuning()
        self._begin("tuning", done=len(self.journal.trials(self.record, TUNE)), total=tuning.total)
        # One agenda, so that workers which have loaded the task and its data are kept for the finals.
        self.runner.run(Chain(tuning, lambda: self._finals(tuning)), self.progress.changed)
        self._record_finals(tuning)

    def _finalists(self, tuning: Tuning) -> list[Study]:
        """The best of the tuned candidates, and the tuned baselines."""
        best = [study for study in tuning.candidates if study.best is not None]
        best.sort(key=lambda study: (-(_best(study).trained.score or 0.0), study.name))
        return [*best[: self.finalists], *(tuning.chosen or ())]

    def _tuning(self) -> Tuning:
        best = choose(summarise(self.journal, self.record).advancing, self.settings.survivors, self.apart)
        known: dict[str, dict[int, Trial]] = {}
        for row in self.journal.trials(self.record, TUNE):
            known.setdefault(row.subject, {})[row.number] = _trial(row)

        def study(name: str, subject: Subject, limit: int) -> Study:
            return Study(
                name=name,
                subject=subject,
                task=self.task,
                settings=self.settings,
                seed=self.tuning_seed,
                limit=limit,
                keep=self._keep_trial,
                trials=known.get(name, {}),
            )

        return Tuning(
            candidates=[
                study(standing.name, subject_of_record(standing.record), self.settings.trials)
                for standing in best
                if standing.record is not None
            ],
            baselines=[
                study(BASELINE + name, subject_of(catalog.look_up(name).candidate), 1) for name in self.baselines
            ],
            chosen=self.settings.baselines,
            trials=self.settings.trials,
        )

    def _finals(self, tuning: Tuning) -> Finals:
        """The finalists, each with its best setting, on every fresh seed that the journal does not have yet."""
        if tuning.is_broken:
            raise TaskError(f"the task {self.settings.task!r} fails on every baseline: {self._last_reason()}")
        known = {(row.subject, row.number) for row in self.journal.trials(self.record, FINAL)}
        waiting: dict[str, tuple[Study, Trial, int]] = {}
        trainings = []
        finalists = self._finalists(tuning)
        for study in finalists:
            best = _best(study)
            subject = tuned(study.subject, best.values)
            for number, seed in enumerate(self.final_seeds):
                if (study.name, number) in known:
                    continue
                key = f"{study.name} final {number}"
                waiting[key] = (study, best, number)
                trainings.append(Training(key=key, subject=subject, learning_rate=best.values[RATE], seed=seed))
        total = len(finalists) * len(self.final_seeds)
        self._begin("finals", done=total - len(trainings), total=total)

        def keep(training: Training, trained: Trained) -> None:
            study, best, number = waiting[training.key]
            trial = Trial(number=number, values=best.values, trained=trained)
            self._keep(FINAL, _row(study.name, trial, training.subject, training.seed))

        return Finals(trainings, keep)

    def _record_finals(self, tuning: Tuning) -> None:
        """Journal the finals as scores: all at once, so that no comparison is made of some of the subjects."""
        rows = {(row.subject, row.number): row for row in self.journal.trials(self.record, FINAL)}
        broken = {row.subject: row for row in rows.values() if row.score is None}
        scores = {
            study.name: Scores(
                learning_rates=(_best(study).values[RATE],),
                seeds=self.final_seeds,
                values=(tuple(rows[study.name, number].score for number in range(len(self.final_seeds))),),
            )
            for study in self._finalists(tuning)
            if study.name not in broken
        }
        failures: dict[str, Outcome] = {name: _failure(row) for name, row in broken.items()}
        self.journal.record_failures(self.record, FINAL, failures)
        self.journal.record_scores(self.record, FINAL, scores)

    def _keep_trial(self, name: str, trial: Trial, subject: Subject) -> None:
        self._keep(TUNE, _row(name, trial, subject, self.tuning_seed))

    def _begin(self, phase: Literal["tuning", "finals"], *, done: int, total: int) -> None:
        self.progress.phase = phase
        self.progress.finals_done, self.progress.finals_total = done, total
        self.progress.changed()

    def _keep(self, rung: str, row: TrialRecord) -> None:
        self.journal.record_trial(self.record, rung, row, budget_seconds=self.progress.seconds)
        self.progress.finals_done += 1
        self.progress.changed()

    def _last_reason(self) -> str:
        reasons = [row.reason for row in self.journal.trials(self.record, TUNE) if row.reason]
        return reasons[-1].strip().splitlines()[-1] if reasons else "every training diverged"


def real_task(name: str, profile: Profile) -> Task:
    """The task with that name or path, if its trainings can be tuned; raises `TaskError` or `ConfigError`."""
    task = load_task(name)
    if type(task).score is Task.score and type(task).curve is Task.curve:
        raise TaskError(
            f"the task {name!r} cannot be climbed to with --then: it trains batches only (run); name one that has"
            " score or curve."
        )
    if profile.executor == "ray" and profile.address.startswith("ray://"):
        raise ConfigError(
            f"--then needs a driver inside the Ray cluster, which {profile.address!r} is not: give host:port or auto."
        )
    return task


def _best(study: Study) -> Trial:
    if study.best is None:
        raise ValueError(f"no trial of {study.name} ran to its end")
    return study.best


def _row(name: str, trial: Trial, subject: Subject, seed: int) -> TrialRecord:
    trained, candidate = trial.trained, subject.candidate
    gains = (gain if math.isfinite(gain) else None for gain in subject.gains)
    return TrialRecord(
        subject=name,
        number=trial.number,
        seed=seed,
        values=trial.values,
        parameters=candidate.parameters_json(),
        gains=dict(zip((selector for selector, _ in candidate.assignment), gains, strict=True)),
        ending=trained.ending,
        curve=trained.curve,
        seconds=trained.seconds,
        reason=trained.reason,
    )


def _failure(row: TrialRecord) -> Outcome:
    """Why a subject has no score in the finals: one of its seeds has none."""
    if row.reason is not None:
        return Failed(stage=FINAL, traceback=row.reason)
    return Rejected(stage=FINAL, reason=f"{row.ending} on the seed {row.seed}", measured=None)


def _trial(row: TrialRecord) -> Trial:
    trained = Trained(ending=cast("Ending", row.ending), curve=row.curve, seconds=row.seconds, reason=row.reason)
    return Trial(number=row.number, values=row.values, trained=trained)
