"""The result of a search as the journal has it: what tables, JSON, MLflow and the exporter show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.outcome import Failed, Outcome, Rejected, Scored, Scores
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, PlanRecord, SearchRecord
from actsearch.store.tuning import TUNE, Tuned, tuned, tuned_json

if TYPE_CHECKING:
    from actsearch.evaluate.fairness import Judgement, Verdict

SEARCH, SHORTLIST, FINAL = "search", "shortlist", "final"
"""Rungs under which the journal keeps scores of baselines, of the shortlist, and of finalists."""
BASELINE = "baseline:"
TRAINED_STAGES = ("quality", "stability")
"""Stages of rejection that come after the static rungs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One scored candidate, or one baseline, with what the finals said if it was in them."""

    record: CandidateRecord | None
    """None for a baseline."""
    name: str
    score: float
    shortlist_score: float | None = None
    """Mean over the seeds of the shortlist; -inf if it has no score there, None if it was not on it."""
    judgement: Judgement | None = None
    """What the finals say of it; None if it was not in them, or has no score there."""
    claim: str | None = None
    """What may be claimed of a finalist, as a sentence without its subject."""
    failure: str | None = None
    """Why it has no score in the finals although it was in them."""
    tuned: Tuned | None = None
    """Its trials on the real task, if it came so far."""

    @property
    def final_score(self) -> float | None:
        """Mean over the final seeds."""
        return None if self.judgement is None else self.judgement.mean

    @property
    def standard_error(self) -> float | None:
        """Standard error of `final_score`."""
        return None if self.judgement is None else self.judgement.standard_error

    @property
    def delta(self) -> float | None:
        """Mean over final seeds of the difference to the best baseline at the same seed."""
        return self.judgement.to_best.mean if self.judgement and self.judgement.to_best else None

    @property
    def delta_error(self) -> float | None:
        """Standard error of `delta`."""
        return self.judgement.to_best.standard_error if self.judgement and self.judgement.to_best else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many proposals came to what; `generated` is the sum of the others but `trained`."""

    generated: int
    evaluated: int
    failed: int
    rejected: Mapping[str, int]
    trained: int
    """Single trainings run to their last step, baselines included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A search in numbers."""

    search: SearchRecord
    counts: Counts
    candidates: tuple[Standing, ...]
    """Scored ones, by the search's own score, best first."""
    baselines: tuple[Standing, ...]
    verdict: Verdict | None = None
    """What the finals rest on; None if there were none."""
    plans: tuple[PlanRecord, ...] = ()
    """Analysis plans of the finals, oldest first: the last one holds."""
    tuned: tuple[Tuned, ...] = ()
    """What was tuned on the real task, best trial first, those without a score last."""

    @property
    def advancing(self) -> tuple[Standing, ...]:
        """Candidates in the order in which they go further: by the shortlist as far as it goes, then by the search.

        What has no score on the shortlist comes last.
        """

        def place(standing: Standing) -> tuple[int, float, str]:
            score = standing.shortlist_score
            if score is None:
                return 1, -standing.score, standing.name
            return (0 if score > -math.inf else 2), -score, standing.name

        return tuple(sorted(self.candidates, key=place))

    @property
    def shortlisted(self) -> tuple[Standing, ...]:
        """Candidates that were trained on the seeds of the shortlist, in the order of `advancing`."""
        return tuple(standing for standing in self.advancing if standing.shortlist_score is not None)

    @property
    def finalists(self) -> tuple[Standing, ...]:
        """Candidates with a score in the finals, the best first."""
        finished = [c for c in self.candidates if c.final_score is not None]
        return tuple(sorted(finished, key=lambda c: (-(c.final_score or 0.0), c.name)))

    @property
    def lost(self) -> tuple[Standing, ...]:
        """Candidates and baselines that were in the finals and have no score there."""
        return tuple(standing for standing in (*self.candidates, *self.baselines) if standing.failure is not None)

    @property
    def winner(self) -> Standing | None:
        """The best finalist, else the best candidate; None if nothing was scored."""
        return next(iter(self.finalists or self.candidates), None)

    @property
    def best_baseline(self) -> Standing | None:
        """The baseline with the best final score, else the best search score."""
        return max(
            self.baselines, key=lambda b: (b.final_score is not None, b.final_score or 0.0, b.score), default=None
        )


def summarise(journal: Journal, search: SearchRecord) -> Summary:
    """The summary of `search` as it stands."""
    records = journal.candidates(search)
    searched = journal.scores(search, SEARCH)
    shortlist = journal.scores(search, SHORTLIST)
    shortlisted = {
        subject: scores.mean() if scores.best is not None else -math.inf for subject, scores in shortlist.items()
    }
    shortlisted |= dict.fromkeys(journal.failures(search, SHORTLIST), -math.inf)
    finals = _Finals.of(journal, search)
    tunings = tuned(journal.trials(search, TUNE))
    baselines = [
        replace(finals.standing(subject.removeprefix(BASELINE), scores.mean(), None), tuned=tunings.get(subject))
        for subject, scores in searched.items()
        if subject.startswith(BASELINE) and scores.best is not None
    ]
    scored = [
        replace(
            finals.standing(record.id, record.outcome.score, record),
            shortlist_score=shortlisted.get(record.id),
            tuned=tunings.get(record.id),
        )
        for record in records
        if isinstance(record.outcome, Scored)
    ]
    return Summary(
        search=search,
        counts=_counts(records, [*searched.values(), *shortlist.values(), *finals.scores.values()], tunings.values()),
        candidates=tuple(sorted(scored, key=lambda standing: (-standing.score, standing.name))),
        baselines=tuple(sorted(baselines, key=lambda standing: (-standing.score, standing.name))),
        verdict=finals.verdict,
        plans=finals.plans,
        tuned=tuple(tunings.values()),
    )


def to_json(summary: Summary, *, status: str, most: int | None = None) -> dict[str, Any]:
    """The document that `search`, `resume` and `top` print; `most` bounds the candidates."""
    search, counts = summary.search, summary.counts
    winner = summary.winner
    return {
        "search": search.name,
        "status": status,
        "stopped_because": search.stopped_because,
        "seconds": search.seconds,
        "counts": {
            "generated": counts.generated,
            "evaluated": counts.evaluated,
            "failed": counts.failed,
            "rejected": dict(counts.rejected),
            "trained": counts.trained,
        },
        "candidates": [_candidate_json(standing) for standing in summary.candidates[:most]],
        "baselines": [
            {
                "name": b.name,
                "score": b.score,
                "standard_error": b.standard_error,
                "final_score": b.final_score,
            }
            for b in summary.baselines
        ],
        "winner": None if winner is None else winner.name,
        "claim": None if winner is None else winner.claim,
        "plan": _plan_json(summary.plans),
        **({"rungs": [tuned_json(subject, whole=False) for subject in summary.tuned]} if summary.tuned else {}),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finals:
    """What the journal has of the finals of one search; baselines by their names alone."""

    task: str
    scores: Mapping[str, Scores]
    failures: Mapping[str, str]
    verdict: Verdict | None
    plans: tuple[PlanRecord, ...]

    @classmethod
    def of(cls, journal: Journal, search: SearchRecord) -> _Finals:
        plans = tuple(journal.plans(search))
        found = journal.scores(search, FINAL)
        scores = {subject.removeprefix(BASELINE): value for subject, value in found.items()}
        failures = {
            subject.removeprefix(BASELINE): _reason(outcome)
            for subject, outcome in journal.failures(search, FINAL).items()
        }
        if not found:
            return cls(task=search.task, scores={}, failures=failures, verdict=None, plans=plans)
        # Statistics need numpy and scipy: only a search with finals pays for their import.
        from actsearch.evaluate.fairness import Plan, judge

        baselines = [subject.removeprefix(BASELINE) for subject in found if subject.startswith(BASELINE)]
        seeds, task = next(reversed(found.values())).seeds, Path(search.task).stem
        if plans:
            (planned,) = Plan.from_json(plans[-1].document).tasks
            baselines, seeds, task = list(planned.baselines), planned.seeds, planned.task
            if search.settings.get("ladder.task"):
                # The plan names those of which the best are tuned: only they come to the finals.
                baselines = [name for name in baselines if name in scores or name in failures]
        comparable = {name: value for name, value in scores.items() if value.seeds == seeds}
        verdict = judge(comparable, functions=[n for n in comparable if n not in baselines], baselines=baselines)
        failures |= {name: "trained on other seeds than planned" for name in scores if name not in comparable}
        diverged = [name for name in comparable if name not in verdict.judgements]
        failures |= dict.fromkeys(diverged, "a training diverged at every learning rate")
        return cls(task=task, scores=scores, failures=failures, verdict=verdict, plans=plans)

    def standing(self, name: str, score: float, record: CandidateRecord | None) -> Standing:
        """How a candidate, or a baseline if `record` is None, stands."""
        judgement = self.verdict.judgements.get(name) if self.verdict else None
        said = None
        if judgement is not None and self.verdict is not None and record is not None:
            from actsearch.evaluate.fairness import claim

            said = claim(judgement, self.verdict, self.task)
        return Standing(
            record=record,
            name=name,
            score=score,
            judgement=judgement,
            claim=said,
            failure=None if judgement else self.failures.get(name),
        )


def _reason(outcome: Outcome) -> str:
    """Why there is no score, in one line."""
    if isinstance(outcome, Rejected):
        return outcome.reason
    return outcome.traceback.strip().splitlines()[-1].strip() if isinstance(outcome, Failed) else ""


def _counts(records: Sequence[CandidateRecord], other: Sequence[Scores], tunings: Iterable[Tuned]) -> Counts:
    outcomes = [record.outcome for record in records if record.outcome is not None]
    scored = [outcome for outcome in outcomes if isinstance(outcome, Scored)]
    rejected = Counter(outcome.stage for outcome in outcomes if isinstance(outcome, Rejected))
    late = [outcome.scores for outcome in outcomes if isinstance(outcome, Rejected) and outcome.scores is not None]
    trained = sum(scores.trained for scores in (*(outcome.scores for outcome in scored), *late, *other))
    trained += sum(subject.endings.get("complete", 0) for subject in tunings)
    return Counts(
        generated=len(outcomes),
        evaluated=len(scored),
        failed=sum(isinstance(outcome, Failed) for outcome in outcomes),
        rejected=dict(sorted(rejected.items())),
        trained=trained,
    )


def _candidate_json(standing: Standing) -> dict[str, Any]:
    record = standing.record
    if record is None or not isinstance(record.outcome, Scored):
        raise TypeError(f"{standing.name} is no scored candidate")
    document = {
        "id": record.id,
        "expression": record.expression,
        "parameters": record.parameters,
        "score": standing.score,
        "standard_error": standing.standard_error,
        "delta_to_best_baseline": standing.delta,
        "generation": record.generation,
        "parents": list(record.parents),
        "move": record.move,
        "stage": FINAL if standing.judgement or standing.failure else TUNE if standing.tuned else record.outcome.stage,
        "gain": record.gain,
    }
    if standing.shortlist_score is not None:
        document["shortlist_score"] = standing.shortlist_score if math.isfinite(standing.shortlist_score) else None
    if record.outcome.objectives:
        document["objectives"] = dict(record.outcome.objectives)
    if record.gains is not None:
        document["gains"] = dict(record.gains)
    if standing.judgement is not None:
        document["final_score"] = standing.final_score
        document["delta_standard_error"] = standing.delta_error
        document |= standing.judgement.to_json()
        document["claim"] = standing.claim
    if standing.failure is not None:
        document["final_failure"] = standing.failure
    return document


def _plan_json(plans: Sequence[PlanRecord]) -> dict[str, Any] | None:
    """The plan that holds and the digests of those that held before; no time, as a resume gives the same document."""
    if not plans:
        return None
    *before, last = plans
    return {
        "digest": last.digest,
        "replaces": [plan.digest for plan in before],
        **last.document,
    }
