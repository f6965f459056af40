"""The search loop: ask, reject, journal, evaluate, journal, tell; then the finals.

Everything that decides what happens next is in the journal before it is acted on, so a search that is killed at any
instant goes on from there, and under a count budget comes to the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from actsearch.evaluate.worker import Job
from actsearch.grammar.space import Space
from actsearch.outcome import Outcome, Rejected, Scored
from actsearch.search.budget import Budget
from actsearch.search.config import SearchConfig
from actsearch.search.finalists import reject_unstable
from actsearch.search.funnel import Funnel, subject_of_record
from actsearch.search.progress import Progress
from actsearch.search.rungs import Ladder
from actsearch.search.strategy import Archive, State, Strategy, Told
from actsearch.search.trials import Trials
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord, Step
from actsearch.store.summary import TRAINED_STAGES

_MOST_PROPOSALS = 200
"""Proposals for each place in a generation after which the space counts as exhausted."""


@dataclass(slots=True, kw_only=True)
class Search:
    """A search about to be driven, with all it needs."""

    record: SearchRecord
    journal: Journal
    space: Space
    strategy: Strategy
    trials: Trials
    ladder: Ladder | None = None
    """The rungs above the search's own task, if there are any."""
    config: SearchConfig
    budget: Budget
    progress: Progress
    _funnel: Funnel = field(init=False)
    _archive: Archive = field(default_factory=Archive)
    _evaluated: int = 0
    """Candidates that passed the static rungs and have an outcome."""

    def __post_init__(self) -> None:
        self._funnel = Funnel(space=self.space, config=self.config, layers=self.trials.task.layers)

    def run(self) -> str:
        """Drive the search to its end and return why it stopped; only a bug of ours raises."""
        step, generation = self._restore()
        # A store of an older version knows the time of the last step alone.
        self.progress.begin(max(self.record.budget_seconds, 0.0 if step is None else step.seconds))
        self.trials.lay_down_plan()
        self.progress.phase = "baselines"
        self.trials.score_baselines()
        self.progress.phase = "searching"
        state = self.strategy.start(self.record.seed) if step is None else step.state
        is_over = self.trials.search_is_over()
        while True:
            if generation and all(_fell_in_funnel(record) for record in generation):
                reason = f"the space is exhausted: {len(generation)} proposals in a row brought nothing to train"
                break
            if generation:
                state = self._evaluate(state, generation)
            if is_over or self._is_spent() or (self.ladder is not None and self.ladder.has_begun):
                reason = f"the budget of {self.record.budget} is spent"
                break
            state, generation = self._ask(state, generation[-1].number + 1 if generation else 0)
            if not generation:
                reason = "the space is exhausted: the strategy has nothing else to propose"
                break
        self.trials.run_shortlist(self._seconds_left())
        reject_unstable(self.journal, self.record, self.config, self.progress)
        self._finish()
        self.progress.phase = "done"
        self.progress.changed()
        return reason

    def _finish(self) -> None:
        """The finals: on the search's own task within the budget, or on the real task, which has its own."""
        if self.ladder is not None:
            self.trials.executor.release()
            self.ladder.climb()
            return
        self.trials.run_finals(self._seconds_left())

    def _seconds_left(self) -> float | None:
        return self.budget.amount - self.progress.seconds if self.budget.kind == "seconds" else None

    def _restore(self) -> tuple[Step | None, list[CandidateRecord]]:
        """The last step and its generation, after counting what the journal holds."""
        step = self.journal.last_step(self.record)
        records = self.journal.candidates(self.record)
        self._funnel.remember(records)
        self.trials.remember(records)
        for record in records:
            if record.outcome is not None:
                self._count(record, record.outcome, live=False)
        self._archive.proposed(record.genome for record in records)
        if step is None:
            return None, []
        self.progress.generation = step.generation
        self._archive.tell([self._told(r, r.outcome) for r in records if r.generation < step.generation and r.outcome])
        return step, [record for record in records if record.generation == step.generation]

    def _ask(self, state: State, number: int) -> tuple[State, list[CandidateRecord]]:
        """The next generation, journalled with the state after it; `number` is that of its first proposal."""
        left = self.budget.candidates_left(self._evaluated)
        wanted = self.config.generation_after(self._evaluated)
        wanted = wanted if left is None else min(wanted, left)
        number_of_step = self.progress.generation + 1
        generation: list[CandidateRecord] = []
        waiting = 0
        while waiting < wanted and len(generation) < _MOST_PROPOSALS * wanted:
            state, proposals = self.strategy.ask(state, wanted - waiting, self._archive)
            if not proposals:
                break
            place = number + len(generation)
            records = self._funnel.pass_together(proposals, first=place, generation=number_of_step)
            waiting += sum(record.outcome is None for record in records)
            generation += records
            self._archive.proposed(record.genome for record in records)
        if not generation:
            return state, generation
        self.journal.begin_step(
            self.record, Step(generation=number_of_step, state=state, seconds=self.progress.seconds), generation
        )
        self.progress.generation = number_of_step
        for record in generation:
            if record.outcome is not None:
                self._count(record, record.outcome)
        self.progress.changed()
        return state, generation

    def _evaluate(self, state: State, generation: Sequence[CandidateRecord]) -> State:
        """Train what has no outcome yet, journal each outcome, and tell the strategy of all in order of proposal."""
        waiting = {str(record.number): record for record in generation if record.outcome is None}
        outcomes = {record.number: record.outcome for record in generation if record.outcome is not None}
        jobs = [Job(key=key, subject=subject_of_record(record)) for key, record in waiting.items()]
        for result in self.trials.evaluate(jobs, generation[0].generation):
            number = int(result.key)
            found = {number: (result.outcome, result.seconds)}
            self.journal.record_outcomes(self.record, found, budget_seconds=self.progress.seconds)
            outcomes[number] = result.outcome
            self._count(waiting[result.key], result.outcome)
            self.progress.changed()
        results = [self._told(record, outcomes[record.number]) for record in generation]
        self._archive.tell(results)
        return self.strategy.tell(state, results)

    def _told(self, record: CandidateRecord, outcome: Outcome) -> Told:
        score = outcome.score if isinstance(outcome, Scored) else None
        found = outcome.objectives if isinstance(outcome, Scored) else {}
        genome = self.space.decode(record.genome)
        return Told(id=record.id, genome=genome, score=score, stage=outcome.stage, objectives=found)

    def _count(self, record: CandidateRecord, outcome: Outcome, *, live: bool = True) -> None:
        past_static = not isinstance(outcome, Rejected) or outcome.stage in TRAINED_STAGES
        self._evaluated += past_static
        self.progress.count(record, outcome, trained_now=live and past_static)

    def _is_spent(self) -> bool:
        # One generation is always tried: a budget that short still deserves an answer.
        if not self._evaluated:
            return False
        reserve = self.trials.reserve_seconds()
        return self.budget.is_spent(evaluated=self._evaluated, seconds=self.progress.seconds, reserve_seconds=reserve)


def _fell_in_funnel(record: CandidateRecord) -> bool:
    """Whether a candidate was rejected before training: only an evaluation takes seconds."""
    return record.outcome is not None and record.seconds is None
