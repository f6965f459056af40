"""Trials: what a search has trained, and how long that took."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from actsearch.analysis import catalog
from actsearch.errors import TaskError
from actsearch.evaluate.pool import Executor
from actsearch.evaluate.protocols.stability import STAGE as STABILITY
from actsearch.evaluate.task import Subject, Task, subject_of
from actsearch.evaluate.worker import Job, Order, Result
from actsearch.outcome import Failed, Outcome, Rejected, Scored
from actsearch.search.config import SearchConfig
from actsearch.search.finalists import choose
from actsearch.search.funnel import subject_of_record
from actsearch.search.pace import Pace
from actsearch.search.planning import Planning
from actsearch.search.progress import Progress
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.summary import BASELINE, FINAL, SEARCH, SHORTLIST, summarise
from actsearch.store.tuning import TUNE

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
    warn: Callable[[str], None]
    then: Task | None = None
    """The real task above it: there the finals are, and its baselines are in the search too."""
    planning: Planning = field(init=False)
    _pace: Pace = field(default_factory=Pace)
    _ended: float | None = None
    """Monotonic time at which the last generation of this session was complete."""

    def __post_init__(self) -> None:
        self.planning = Planning(
            record=self.record, journal=self.journal, task=self.task, config=self.config, then=self.then
        )

    def lay_down_plan(self) -> None:
        """See `Planning.lay_down`."""
        self.planning.lay_down(self.warn, finals_have_begun=self.finals_have_begun())

    def evaluate(self, jobs: Sequence[Job], generation: int) -> Iterator[Result]:
        """Results of a generation as they come, on its seeds, their level taken from the scores.

        What it takes, breeding included, is the measure for estimates.
        """
        started = time.monotonic() if self._ended is None else self._ended
        trainings = 0
        turns, baselines = self.planning.turns, self.journal.scores(self.record, SEARCH).values()
        for result in self._submit_candidates(jobs, turns.of(generation)):
            if isinstance(result.outcome, Scored):
                trainings += result.outcome.scores.trained
            yield replace(result, outcome=turns.levelled(result.outcome, generation, baselines))
        self._ended = time.monotonic()
        self._pace.add(self._ended - started, trainings)

    def remember(self, records: Sequence[CandidateRecord]) -> None:
        """Take the measure for later estimates from the generations of earlier sessions."""
        trainings: Counter[int] = Counter()
        for record in records:
            if isinstance(record.outcome, Scored):
                trainings[record.generation] += record.outcome.scores.trained
        ends = (0.0, *self.journal.step_seconds(self.record))
        for generation, (begin, end) in enumerate(itertools.pairwise(ends), 1):
            self._pace.add(end - begin, trainings[generation])

    def score_baselines(self) -> None:
        """Train the baselines that the journal does not have yet.

        Raises `TaskError` if the task breaks on all of them: then it is the task that is at fault, not a candidate, and
        a resume tries all of them again.
        """
        known = self._known(SEARCH) if self.journal.scores(self.record, SEARCH) else set()
        missing = [name for name in self.planning.baselines if BASELINE + name not in known]
        outcomes = self._score(
            SEARCH, {BASELINE + name: subject_of(catalog.look_up(name).candidate) for name in missing}
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        if failures and len(failures) == len(self.planning.baselines):
            reason = failures[-1].traceback.strip().splitlines()[-1]
            raise TaskError(f"the task {self.record.task!r} fails on every baseline: {reason}")
        scores = self.journal.scores(self.record, SEARCH)
        self.progress.baselines = {
            subject.removeprefix(BASELINE): value.mean() for subject, value in scores.items() if value.best is not None
        }

    def run_shortlist(self, seconds_left: float | None) -> None:
        """Train the best candidates that are apart on more seeds; fewer where the finals would have no time.

        What is on it depends on the search alone, so it must be complete before the first of them is rejected after
        all: then it does nothing.
        """
        known = self._known(SHORTLIST)
        count = self._places
        if seconds_left is not None and self._pace.training_seconds:
            left = seconds_left - self._finals_seconds - self._choosing_seconds
            affordable = int(left / (_MARGIN * self._pace.training_seconds * self._trainings_each(SHORTLIST)))
            count = min(count, affordable + len(known))
        if count <= self.config.going_further or self._is_past_shortlist():
            return
        self.progress.phase = "shortlist"
        candidates, records = summarise(self.journal, self.record).candidates, self.journal.candidates(self.record)
        best = choose(self.config.shortlist.order(candidates, records), count, self.config.finalists_apart)
        subjects = {s.name: subject_of_record(s.record) for s in best if s.record is not None}
        self._score_missing(SHORTLIST, subjects, known)

    def run_finals(self, seconds_left: float | None) -> None:
        """Train the best candidates that are apart and the baselines on fresh seeds; fewer where the time is short."""
        self.progress.phase = "finals"
        count, baselines = self._most_finalists, self.planning.plan.tasks[0].baselines
        known = self._known(FINAL)
        if seconds_left is not None and self._pace.training_seconds:
            affordable = int(seconds_left / (_MARGIN * self._pace.training_seconds * self._trainings_each(FINAL)))
            count = max(min(count, affordable + len(known) - len(baselines)), 1)
        best = choose(summarise(self.journal, self.record).advancing, count, self.config.finalists_apart)
        subjects = {s.name: subject_of_record(s.record) for s in best if s.record is not None}
        subjects |= {BASELINE + name: subject_of(catalog.look_up(name).candidate) for name in baselines}
        self._score_missing(FINAL, subjects, known)

    def finals_have_begun(self) -> bool:
        """Whether an earlier session came as far as the finals."""
        return bool(self._known(FINAL))

    def search_is_over(self) -> bool:
        """Whether an earlier session came as far as the shortlist or the finals: both have seen which there are."""
        return bool(self._known(SHORTLIST)) or self.finals_have_begun()

    def reserve_seconds(self) -> float:
        """Estimated time of one more generation, the shortlist and the finals, if they are the budget's.

        0 before any training.
        """
        shortlist = self._pace.training_seconds * self._places * self._trainings_each(SHORTLIST)
        return _MARGIN * (self._pace.generation_seconds + shortlist) + self._choosing_seconds + self._finals_seconds

    @property
    def _finals_seconds(self) -> float:
        """Estimated time of the finals and the checks before them; 0 before any training, and on a real task."""
        if self.then is not None or not self._pace.training_seconds:
            return 0.0
        subjects = self._most_finalists + len(self.planning.plan.tasks[0].baselines)
        finals = _MARGIN * self._pace.training_seconds * subjects * self._trainings_each(FINAL)
        return self.config.protocols.stability.seconds(self._most_finalists) + finals

    @property
    def _places(self) -> int:
        """Of the shortlist, after all that has been scored."""
        return self.config.shortlist.places(self.progress.evaluated, self.config.going_further)

    @property
    def _choosing_seconds(self) -> float:
        """Estimated time of choosing who is on the shortlist."""
        return self.config.shortlist.seconds(self.progress.evaluated, self.config.going_further)

    def _is_past_shortlist(self) -> bool:
        """Whether finalists have been looked for: the check of their stability, the finals or the tuning have begun."""
        if self.finals_have_begun() or self.journal.trials(self.record, TUNE):
            return True
        candidates = self.journal.candidates(self.record) if self.config.protocols.stability.when == "finalists" else ()
        return any(isinstance(c.outcome, Rejected) and c.outcome.stage == STABILITY for c in candidates)

    @property
    def _most_finalists(self) -> int:
        functions = self.planning.plan.functions
        return functions if isinstance(functions, int) else len(functions)

    def _trainings_each(self, rung: str) -> int:
        return len(self.task.learning_rates) * len(self.planning.seeds(rung))

    def _submit(self, jobs: Sequence[Job], rung: str) -> Iterator[Result]:
        # In the finals the score alone is compared.
        objectives = self.config.objective_names if rung == SEARCH else ()
        order = Order(seeds=self.planning.seeds(rung), quality=self.config.protocols.quality, objectives=objectives)
        return self.executor.submit(jobs, order)

    def _known(self, rung: str) -> set[str]:
        """Subjects of which the journal says what became of them on `rung`."""
        return {*self.journal.scores(self.record, rung), *self.journal.failures(self.record, rung)}

    def _submit_candidates(self, jobs: Sequence[Job], seeds: tuple[int, ...]) -> Iterator[Result]:
        protocols = self.config.protocols
        stability = protocols.stability if protocols.stability.when == "all" else None
        order = Order(
            seeds=seeds,
            quality=protocols.quality,
            stability=stability,
            objectives=self.config.objective_names,
        )
        return self.executor.submit(jobs, order)

    def _score_missing(self, rung: str, subjects: Mapping[str, Subject], known: AbstractSet[str]) -> None:
        """Train those of `subjects` that are not `known`, and show how many of all are done."""
        missing = {name: subject for name, subject in subjects.items() if name not in known}
        self.progress.finals_total, self.progress.finals_done = len(subjects), len(subjects) - len(missing)
        self.progress.changed()
        self._score(rung, missing)

    def _score(self, rung: str, subjects: Mapping[str, Subject]) -> list[Outcome]:
        """Outcomes of subjects that are no proposals, journalled as they come."""
        outcomes = []
        jobs = [Job(key=name, subject=subject) for name, subject in subjects.items()]
        for result in self._submit(jobs, rung):
            outcomes.append(result.outcome)
            used = self.progress.seconds
            if isinstance(result.outcome, Scored):
                scores = {result.key: result.outcome.scores}
                self.journal.record_scores(self.record, rung, scores, budget_seconds=used)
            else:
                self.journal.record_failures(self.record, rung, {result.key: result.outcome}, budget_seconds=used)
            self.progress.finals_done += rung != SEARCH
            self.progress.changed()
        return outcomes
