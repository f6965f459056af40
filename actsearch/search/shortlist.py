"""The shortlist: the best of a search on more seeds, so that luck with its few does not choose who goes further.

The best of thousands of scores over two seeds is one that two seeds flatter, the more so the better a strategy climbs
them. So who is on it is chosen by what a model expects of each candidate, whose scores are compared with those of
functions like it. What both are worth was played on the table of `actbench`: benchmarks/shortlist.py,
benchmarks/recommendation.py, docs/fairness.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from actsearch.grammar.activation import candidate_from_json
from actsearch.outcome import Rejected, Scored
from actsearch.search.strategies.surrogate.expectation import expectations
from actsearch.search.strategies.surrogate.look import look
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import TRAINED_STAGES, Standing

_LEAST_RATIO = 8
"""Scored candidates for each place: of fewer than that, the scores of the search say who is good well enough."""
_LOOKING_SECONDS = 0.0025
"""For each candidate that a model looks at and is fitted to, about."""
By = Literal["expectation", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortlistSettings:
    """Settings of the rung between a search and its finals, or the real task of `--then`."""

    length: int = 40
    """How many of the best are trained on it, at most one in eight of those scored; 0 leaves it out."""
    seeds: int = 6
    """Fresh seeds, which neither the search nor the finals use."""
    by: By = "expectation"
    """Who the best are: of whom a model of all scores expects most, a millisecond each, or those of the best scores."""

    def places(self, scored: int, further: int) -> int:
        """How many of `scored` candidates are on it; none if it would choose nobody, as `further` go on anyway."""
        places = min(self.length, scored // _LEAST_RATIO)
        return places if places > further else 0

    def seconds(self, scored: int, further: int) -> float:
        """About what it takes to say who of `scored` candidates is on it."""
        return _LOOKING_SECONDS * scored if self.by == "expectation" and self.places(scored, further) else 0.0

    def order(self, candidates: Sequence[Standing], records: Sequence[CandidateRecord]) -> Sequence[Standing]:
        """Scored candidates, which come by their scores, in the order in which they get places.

        `records` are all candidates of the search: what was trained and rejected says what to expect of its like.
        """
        return candidates if self.by == "score" else _by_expectation(candidates, records)


def _by_expectation(candidates: Sequence[Standing], records: Sequence[CandidateRecord]) -> list[Standing]:
    trained = [(record, score) for record in records if (score := _score(record)) is not None]
    looks = [look(candidate_from_json(record.expression, record.parameters)) for record, _ in trained]
    expected = expectations(looks, np.array([score for _, score in trained], dtype=np.float64))
    by_id = {record.id: float(value) for (record, _), value in zip(trained, expected, strict=True)}
    # A sort keeps the order of equals: by their scores.
    return sorted(candidates, key=lambda standing: -by_id[standing.name])


def _score(record: CandidateRecord) -> float | None:
    """Of what was trained: -inf if that led to its rejection."""
    if isinstance(record.outcome, Scored):
        return record.outcome.score
    if isinstance(record.outcome, Rejected) and record.outcome.stage in TRAINED_STAGES:
        return -math.inf
    return None
