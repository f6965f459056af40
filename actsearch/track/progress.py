"""Progress of a search, generation by generation, as the figures that MLflow charts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from actsearch.outcome import Failed, Rejected, Scored, Scores
from actsearch.store.front import Archive, nadir_of_scores, values_of
from actsearch.store.record import CandidateRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Figures after one generation."""

    generation: int
    seconds: float
    """Evaluation seconds from the beginning of the search to the end of this generation."""
    metrics: Mapping[str, float]
    """Counts and bests since the beginning; `candidates_per_second` of this generation alone."""


def progress(
    candidates: Sequence[CandidateRecord],
    searched: Mapping[str, Scores],
    *,
    whole: bool,
    objectives: Sequence[str] = (),
) -> list[Progress]:
    """Figures of every generation whose outcomes are all in; of every generation there is, if `whole`.

    `candidates` come in order of proposal, so generations follow each other; `searched` holds the baselines'
    scores under the search's own seeds. With `objectives` there is the hypervolume of the front so far, from the worst
    value of the baselines in each of them.
    """
    reference = nadir_of_scores(searched, objectives) if objectives else {}
    archive = Archive(objectives, reference)
    level = max((value for scores in searched.values() if math.isfinite(value := scores.mean())), default=None)
    counts: Counter[str] = Counter({"evaluated": 0, "failed": 0})
    best: float | None = None
    seconds = 0.0
    rows: list[Progress] = []
    for generation, group in groupby(candidates, key=lambda candidate: candidate.generation):
        members = list(group)
        if not whole and any(member.outcome is None for member in members):
            break
        spent = sum(member.seconds or 0.0 for member in members)
        seconds += spent
        counts.update(kind for member in members if (kind := _kind(member)))
        scores = [member.outcome.score for member in members if isinstance(member.outcome, Scored)]
        best = max([*scores, *([] if best is None else [best])], default=None)
        metrics = {**counts, "generated": counts.total()} | _bests(best, level)
        if reference:
            for member in members:
                if isinstance(member.outcome, Scored):
                    archive.add(member.id, values_of(member.outcome.score, member.outcome.objectives))
            metrics["hypervolume"] = archive.hypervolume()
        if spent > 0:
            metrics["candidates_per_second"] = sum(member.seconds is not None for member in members) / spent
        rows.append(Progress(generation=generation, seconds=seconds, metrics=metrics))
    return rows


def _kind(candidate: CandidateRecord) -> str | None:
    match candidate.outcome:
        case Scored():
            return "evaluated"
        case Failed():
            return "failed"
        case Rejected(stage=stage):
            return f"rejected_{stage}"
        case None:
            return None


def _bests(best: float | None, level: float | None) -> dict[str, float]:
    if best is None:
        return {}
    return {"best_score": best} if level is None else {"best_score": best, "best_lead_over_baselines": best - level}
