"""Finalists: the best candidates of a search that are apart from each other and pass what is too dear to ask of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from actsearch.analysis.moments import spread
from actsearch.analysis.probe import Array
from actsearch.analysis.tensor_probe import probe_of
from actsearch.grammar.activation import Activation, Candidate, candidate_from_json
from actsearch.outcome import Rejected, Scored
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import subject_of_record
from actsearch.search.progress import Progress
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.summary import Standing, summarise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What is compared of the activation at one site."""

    skeleton: str
    """Its text, parameters numbered as they appear: what training may make of it, whatever it starts from."""
    outputs: Array
    """Its outputs on standard normal inputs, parameters at their initial values, times the root of each one's weight.

    Of mean 0 and variance 1, so that the correlation of two is their product.
    """

    @classmethod
    def of(cls, activation: Activation) -> Self:
        """The shape of an activation that passed the funnel."""
        names = dict.fromkeys(node.name for node in activation.survey.parameters)
        numbered = activation.renamed({name: f"p{number}" for number, name in enumerate(names)})
        probe = probe_of(activation)
        moments, (_, weights) = spread(probe), probe.grid
        outputs = (probe.gaussian_values - moments.mean) / moments.std
        return cls(skeleton=numbered.text, outputs=outputs * np.sqrt(weights))

    def is_like(self, other: _Shape, apart: float) -> bool:
        """Whether the two are one function, by skeleton or correlation.

        Outputs of different sizes are those of functions of different kinds: of x, of x and gate, of whole tensors.
        """
        if self.skeleton == other.skeleton:
            return True
        comparable = self.outputs.shape == other.outputs.shape
        return comparable and abs(float(self.outputs @ other.outputs)) > apart


class Apart:
    """Candidates none of which is one function with another of them.

    Two are one function if at every site their outputs under N(0, 1) have a correlation of more than `apart` in size,
    with parameters at their initial values, or their expressions differ in names and initial values of parameters only:
    training moves the ones to the others, and the next layer undoes a factor and a shift of the output. With an `apart`
    of 1 no two are.
    """

    def __init__(self, apart: float) -> None:
        self._apart = apart
        self._kept: list[dict[str, _Shape]] = []

    def has_like(self, record: CandidateRecord) -> bool:
        """Whether `record` is one function with a candidate that has been kept."""
        if self._apart >= 1 or not self._kept:
            return False
        mine = _shapes(record)
        return any(
            mine.keys() == kept.keys() and all(mine[site].is_like(kept[site], self._apart) for site in mine)
            for kept in self._kept
        )

    def keep(self, record: CandidateRecord) -> None:
        """Let what is like `record` have a like from now on."""
        if self._apart < 1:
            self._kept.append(_shapes(record))


def choose(candidates: Iterable[Standing], count: int, apart: float) -> list[Standing]:
    """The first `count` of `candidates`, best first, without those that are one function with a better one."""
    chosen: list[Standing] = []
    known = Apart(apart)
    for standing in candidates:
        if len(chosen) == count:
            break
        if standing.record is not None and not known.has_like(standing.record):
            known.keep(standing.record)
            chosen.append(standing)
    return chosen


def reject_unstable(journal: Journal, search: SearchRecord, config: SearchConfig, progress: Progress) -> None:
    """Reject unstable candidates, in the order they go further in, until as many stable ones are known as do.

    What is one function with a better stable candidate goes to no rung, and is not asked. A check depends on the
    candidate alone, so a search that is killed here and resumed comes to the same finalists.
    """
    if config.protocols.stability.when != "finalists":
        return
    progress.phase = "checking the best"
    standings = summarise(journal, search).advancing
    known = Apart(config.finalists_apart)
    stable: list[Standing] = []
    for place, standing in enumerate(standings):
        if len(stable) == config.going_further or standing.record is None:
            return
        # A check takes a third of a second, and the user may want to stop.
        progress.changed()
        if known.has_like(standing.record):
            continue
        outcome = standing.record.outcome
        if isinstance(outcome, Scored):
            outcome = config.protocols.stability.judge(subject_of_record(standing.record), outcome)
        if not isinstance(outcome, Rejected):
            stable.append(standing)
            known.keep(standing.record)
            continue
        journal.reject_scored(search, {standing.record.number: outcome})
        progress.reject_scored(outcome.stage, next(iter((*stable, *standings[place + 1 :])), None))


def _shapes(record: CandidateRecord) -> dict[str, _Shape]:
    """By selector."""
    candidate: Candidate = candidate_from_json(record.expression, record.parameters)
    return {selector: _Shape.of(activation) for selector, activation in candidate.assignment}
