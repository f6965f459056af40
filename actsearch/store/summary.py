"""The result of a search as the journal has it: what tables, JSON, MLflow and the exporter show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.outcome import Failed, Rejected, Scored, Scores, paired
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord

SEARCH, FINAL = "search", "final"
"""Rungs under which the journal keeps scores of baselines and finalists."""
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
    final: Scores | None
    delta: float | None
    """Mean over final seeds of the difference to the best baseline at the same seed."""
    delta_error: float | None
    """Standard error of that mean."""

    @property
    def final_score(self) -> float | None:
        """Mean over the final seeds; None if there were no finals or every training diverged."""
        return None if self.final is None or self.final.best is None else self.final.mean()

    @property
    def standard_error(self) -> float | None:
        """Standard error of `final_score`."""
        return None if self.final is None else self.final.standard_error()


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

    @property
    def finalists(self) -> tuple[Standing, ...]:
        """Candidates of the finals, best final score first."""
        finished = [c for c in self.candidates if c.final_score is not None]
        return tuple(sorted(finished, key=lambda c: (-(c.final_score or 0.0), c.name)))

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
    searched, finals = journal.scores(search, SEARCH), journal.scores(search, FINAL)
    reference = _best_baseline(finals)
    baselines = [
        _standing(subject.removeprefix(BASELINE), scores.mean(), finals.get(subject), reference, None)
        for subject, scores in searched.items()
        if subject.startswith(BASELINE) and scores.best is not None
    ]
    scored = [
        _standing(record.id, record.outcome.score, finals.get(record.id), reference, record)
        for record in records
        if isinstance(record.outcome, Scored)
    ]
    return Summary(
        search=search,
        counts=_counts(records, [*searched.values(), *finals.values()]),
        candidates=tuple(sorted(scored, key=lambda standing: (-standing.score, standing.name))),
        baselines=tuple(sorted(baselines, key=lambda standing: (-standing.score, standing.name))),
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
    }


def _best_baseline(finals: Mapping[str, Scores]) -> Scores | None:
    candidates = [s for subject, s in finals.items() if subject.startswith(BASELINE) and s.best is not None]
    return max(candidates, key=Scores.mean, default=None)


def _standing(
    name: str, score: float, final: Scores | None, reference: Scores | None, record: CandidateRecord | None
) -> Standing:
    difference = paired(final, reference) if final and reference else None
    delta, error = difference or (None, None)
    return Standing(record=record, name=name, score=score, final=final, delta=delta, delta_error=error)


def _counts(records: Sequence[CandidateRecord], other: Sequence[Scores]) -> Counts:
    outcomes = [record.outcome for record in records if record.outcome is not None]
    scored = [outcome for outcome in outcomes if isinstance(outcome, Scored)]
    rejected = Counter(outcome.stage for outcome in outcomes if isinstance(outcome, Rejected))
    late = [outcome.scores for outcome in outcomes if isinstance(outcome, Rejected) and outcome.scores is not None]
    trained = sum(scores.trained for scores in (*(outcome.scores for outcome in scored), *late, *other))
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
        "stage": FINAL if standing.final is not None else record.outcome.stage,
        "gain": record.gain,
    }
    if standing.final_score is not None:
        document["final_score"] = standing.final_score
        document["delta_standard_error"] = standing.delta_error
    return document
