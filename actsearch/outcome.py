"""What becomes of a candidate: `Scored`, `Rejected` or `Failed`, as values and never as sentinels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Matrix = tuple[tuple[float | None, ...], ...]
"""By learning rate, then by seed; None where a training has diverged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Scores on the way, after a share of the training."""

    share: float
    values: Matrix
    test: Matrix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Final scores of the single trainings of one candidate; more is better.

    `values[i][j]` belongs to `learning_rates[i]` and `seeds[j]`; None marks a training that diverged. `test`, of the
    same shape, has the scores on data that nothing is chosen by: where it is given, comparisons choose by `values` and
    report `test`.
    """

    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]
    values: Matrix
    test: Matrix | None = None
    curve: tuple[Point, ...] = ()
    """Some points before the end, earliest first."""
    objectives: Mapping[str, float] = field(default_factory=dict)
    """What was measured besides, by the objective's name and in its own unit; finite."""

    @property
    def best(self) -> int | None:
        """Index of the learning rate with the highest mean over seeds; None if all of them diverged."""
        whole = [[value for value in row if value is not None] for row in self.values]
        means = [-math.inf if None in row else sum(v) / len(v) for row, v in zip(self.values, whole, strict=True)]
        index = max(range(len(means)), key=means.__getitem__)
        return None if means[index] == -math.inf else index

    @property
    def trained(self) -> int:
        """Number of single trainings that ran to their last step."""
        return sum(value is not None for row in self.values for value in row)

    def per_seed(self) -> tuple[float, ...]:
        """Scores at the best learning rate, one per seed; empty if every learning rate diverged."""
        index = self.best
        return () if index is None else tuple(value for value in self.values[index] if value is not None)

    def mean(self) -> float:
        """Mean over seeds at the best learning rate; NaN if every learning rate diverged."""
        values = self.per_seed()
        return sum(values) / len(values) if values else math.nan

    def standard_error(self) -> float | None:
        """Standard error of `mean` over seeds; None with fewer than two seeds."""
        return standard_error(self.per_seed())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate that trained to the end; `score` is the search's own, more is better."""

    score: float
    scores: Scores
    stage: str

    @property
    def objectives(self) -> Mapping[str, float]:
        """What was measured besides the score, by the objective's name and in its own unit."""
        return self.scores.objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A candidate that a protocol turned away, with the number that decided it (None if there is none)."""

    stage: str
    reason: str
    measured: float | None
    scores: Scores | None = None
    """Those of the whole training, if it was rejected after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A candidate whose evaluation broke: exception, crash, time limit."""

    stage: str
    traceback: str


Outcome = Scored | Rejected | Failed


def standard_error(values: tuple[float, ...]) -> float | None:
    """Standard error of the mean of `values`; None with fewer than two."""
    count = len(values)
    if count < 2:
        return None
    mean = sum(values) / count
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1) / count)


def to_json(outcome: Outcome) -> dict[str, Any]:
    """`outcome` as a JSON document; `from_json` is its inverse."""
    if isinstance(outcome, Scored):
        scores = scores_to_json(outcome.scores)
        return {"kind": "scored", "score": outcome.score, "scores": scores, "stage": outcome.stage}
    if isinstance(outcome, Rejected):
        measured = outcome.measured
        finite = measured if measured is None or math.isfinite(measured) else str(measured)
        document = {"kind": "rejected", "stage": outcome.stage, "reason": outcome.reason, "measured": finite}
        return document | ({"scores": scores_to_json(outcome.scores)} if outcome.scores else {})
    return {"kind": "failed", "stage": outcome.stage, "traceback": outcome.traceback}


def from_json(document: Mapping[str, Any]) -> Outcome:
    """The outcome that `to_json` wrote."""
    kind = document["kind"]
    if kind == "scored":
        return Scored(score=document["score"], scores=scores_from_json(document["scores"]), stage=document["stage"])
    if kind == "rejected":
        measured = document["measured"]
        return Rejected(
            stage=document["stage"],
            reason=document["reason"],
            measured=None if measured is None else float(measured),
            scores=scores_from_json(document["scores"]) if "scores" in document else None,
        )
    return Failed(stage=document["stage"], traceback=document["traceback"])


def scores_to_json(scores: Scores) -> dict[str, Any]:
    """The fields of `scores` as a JSON document; `scores_from_json` is its inverse."""
    document: dict[str, Any] = {
        "learning_rates": scores.learning_rates, "seeds": scores.seeds, "values": scores.values
    }  # fmt: skip
    if scores.test is not None:
        document["test"] = scores.test
    if scores.objectives:
        document["objectives"] = dict(scores.objectives)
    if scores.curve:
        document["curve"] = [{"share": p.share, "values": p.values, "test": p.test} for p in scores.curve]
    return document


def scores_from_json(document: Mapping[str, Any]) -> Scores:
    """The `Scores` whose fields stand in `document`."""
    return Scores(
        learning_rates=tuple(document["learning_rates"]),
        seeds=tuple(document["seeds"]),
        values=_matrix(document["values"]),
        test=_optional_matrix(document.get("test")),
        curve=tuple(
            Point(share=point["share"], values=_matrix(point["values"]), test=_optional_matrix(point["test"]))
            for point in document.get("curve", ())
        ),
        objectives=document.get("objectives", {}),
    )


def _matrix(rows: Sequence[Sequence[float | None]]) -> Matrix:
    return tuple(tuple(row) for row in rows)


def _optional_matrix(rows: Sequence[Sequence[float | None]] | None) -> Matrix | None:
    return None if rows is None else _matrix(rows)
