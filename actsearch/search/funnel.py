"""The static funnel: proposals in, a generation out whose survivors are worth training."""

from __future__ import annotations

import gc
import hashlib
import itertools
import json
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.moments import spread
from actsearch.analysis.probe import Probe
from actsearch.analysis.tensor_probe import TensorProbe, probe_of
from actsearch.evaluate.protocols.trivial import STAGE as TRIVIAL
from actsearch.evaluate.task import Subject
from actsearch.grammar.activation import Activation, Candidate, candidate_from_json, granularity_of
from actsearch.grammar.expression import size
from actsearch.grammar.space import Space
from actsearch.outcome import Rejected
from actsearch.search.config import SearchConfig
from actsearch.search.strategy import Proposal
from actsearch.store.record import CandidateRecord

DUPLICATE = "duplicate"
_TOGETHER = 128
"""Proposals that go through a stage one after the other: some megabytes of samples."""
SAME_EXPRESSION, SAME_FUNCTION = "the same expression", "the same function"


@dataclass(slots=True, kw_only=True)
class Funnel:
    """Rejects what need not be trained, and remembers what it has seen.

    Duplicate, domain, trivial, gradient, signal, escape where the space asks for it, and cost where there is a budget.
    """

    space: Space
    config: SearchConfig
    layers: int = 0
    """Sites of the task that may differ: of a space for more, candidates assign to the first of them."""
    _parts: dict[str, _Judged] = field(default_factory=dict)
    """What the activations of assignments were judged: there are few, and many candidates of them."""
    _numbers_by_id: dict[str, int] = field(default_factory=dict)
    _numbers_by_fingerprint: dict[str, int] = field(default_factory=dict)
    _names_by_genome: dict[str, _Name] = field(default_factory=dict)
    """What came before is known by its genome alone, without its normal form: small spaces repeat themselves."""

    def remember(self, records: Iterable[CandidateRecord]) -> None:
        """Take note of earlier candidates of the same search."""
        for record in records:
            self._numbers_by_id.setdefault(record.id, record.number)
            if record.fingerprint is not None:
                self._numbers_by_fingerprint.setdefault(record.fingerprint, record.number)

    def pass_together(self, proposals: Sequence[Proposal], *, first: int, generation: int) -> list[CandidateRecord]:
        """The records of proposals, numbered from `first`: rejected, or without an outcome if they are to be trained.

        Of several that are one function the best said is kept, wherever it stands among them: one that is finite as
        written before one that needs another form, then the one of fewest nodes, then the first.
        """
        with _uncollected():
            places = range(0, len(proposals), _TOGETHER)
            blocks = [self._drafts(proposals[i : i + _TOGETHER], first + i) for i in places]
            drafts = list(itertools.chain.from_iterable(blocks))
        kept: dict[str, _Draft] = {}
        for draft in drafts:
            if draft.fingerprint is not None:
                best = kept.setdefault(draft.fingerprint, draft)
                if best is not draft and draft.rank < best.rank:
                    kept[draft.fingerprint] = draft
        records = [_record(draft, self._number_of_function(draft, kept), generation) for draft in drafts]
        self.remember(records)
        return records

    def _number_of_function(self, draft: _Draft, kept: Mapping[str, _Draft]) -> int | None:
        """The number of another candidate that stands for the same function; None if there is none."""
        if draft.fingerprint is None:
            return None
        earlier = self._numbers_by_fingerprint.get(draft.fingerprint)
        best = kept[draft.fingerprint]
        return earlier if earlier is not None else best.number if best is not draft else None

    def _candidate(self, proposal: Proposal) -> Candidate:
        assignment = self.space.candidate(proposal.genome).assignment
        if self.layers and len(assignment) > self.layers:
            kept = {f"layer:{number}" for number in range(1, self.layers + 1)}
            assignment = tuple(part for part in assignment if part[0] in kept)
        return Candidate(assignment=tuple((selector, self._bare(activation)) for selector, activation in assignment))

    def _bare(self, activation: Activation) -> Activation:
        """As it is trained."""
        if self.config.granularity:
            activation = activation.with_granularity(granularity_of(self.config.granularity))
        return activation.without_factor()

    def _drafts(self, proposals: Sequence[Proposal], first: int) -> list[_Draft]:
        """What is known of each proposal alone, by stages: the code and the data of one stage fit into caches."""
        drafts = [self._draft(proposal, first + place) for place, proposal in enumerate(proposals)]
        looked_at: deque[tuple[_Draft, Probe | TensorProbe]] = deque()
        for draft in drafts:
            if draft.candidate is not None and draft.candidate.is_everywhere:
                looked_at.append((draft, probe_of(draft.candidate.activation)))
            elif draft.candidate is not None:
                self._judge_assignment(draft, draft.candidate)
        for draft, probe in looked_at:
            draft.rejection = self.config.protocols.domain.check(probe)
        while looked_at:
            # One that was looked at on tensors holds megabytes: it goes as soon as it has been judged.
            draft, probe = looked_at.popleft()
            self._judge(draft, probe)
        return drafts

    def _judge(self, draft: _Judged, probe: Probe | TensorProbe) -> None:
        """The protocols after the first, then what is measured of whatever is no straight line."""
        protocols = self.config.protocols
        draft.rejection = draft.rejection or protocols.trivial.check(probe)
        if draft.rejection:
            return
        draft.rejection = protocols.gradient.check(probe) or protocols.signal.check(probe)
        if not draft.rejection and "escape" in self.space.protocols and isinstance(probe, Probe):
            draft.rejection = protocols.escape.check(probe)
        draft.rejection = draft.rejection or protocols.cost.check(probe.activation)
        _measure(draft, probe)

    def _judge_assignment(self, draft: _Draft, candidate: Candidate) -> None:
        """By its activations: none of them may be bad, and not all of them straight lines."""
        parts = [(selector, self._part(activation)) for selector, activation in candidate.assignment]
        for selector, part in parts:
            if part.rejection and not part.is_line:
                is_constant = part.rejection.stage == TRIVIAL
                reason = f"constant at {selector}" if is_constant else f"{selector}: {part.rejection.reason}"
                draft.rejection = replace(part.rejection, reason=reason)
                return
        if all(part.is_line for _, part in parts):
            lines = [part.rejection for _, part in parts if part.rejection]
            draft.rejection = max(lines, key=lambda rejection: rejection.measured or 0.0)
            return
        draft.gains = tuple(gain for _, part in parts for gain in part.gains or ())
        draft.is_finite_as_written = all(part.is_finite_as_written for _, part in parts)
        marks = [[selector, part.fingerprint] for selector, part in parts]
        if parts[0][0].startswith("lane:"):
            # Lanes in another order give the same channels in another order, to which no network pays heed.
            marks = sorted(["lane", part.fingerprint] for _, part in parts)
        draft.fingerprint = hashlib.sha256(json.dumps(marks).encode()).hexdigest()[:16]

    def _part(self, activation: Activation) -> _Judged:
        """What an activation of an assignment is judged; a straight line, good beside others, is measured too."""
        found = self._parts.get(activation.hash)
        if found is None:
            probe = probe_of(activation)
            found = self._parts[activation.hash] = _Judged(rejection=self.config.protocols.domain.check(probe))
            self._judge(found, probe)
            if found.rejection and found.rejection.stage == TRIVIAL and math.isfinite(spread(probe).gain):
                _measure(found, probe)
                found.is_line = True
        return found

    def _draft(self, proposal: Proposal, number: int) -> _Draft:
        """The proposal with its name, a duplicate if a candidate before it has the same."""
        genome, candidate = proposal.genome.encode(), None
        name = self._names_by_genome.get(genome)
        if name is None:
            candidate = self._candidate(proposal)
            name = _Name(candidate.id, candidate.text, candidate.parameters_json())
        draft = _Draft(proposal=proposal, genome=genome, number=number, name=name)
        earlier = self._numbers_by_id.get(name.id)
        if earlier is None:
            self._numbers_by_id[name.id] = number
            draft.candidate = candidate
        else:
            draft.rejection = _duplicate(earlier, SAME_EXPRESSION)
        self._names_by_genome[genome] = name
        return draft


class _Name(NamedTuple):
    """What is said of a candidate whatever becomes of it."""

    id: str
    """Content hash."""
    text: str
    parameters: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True, kw_only=True)
class _Judged:
    """What the protocols said of a function, and what was measured of it."""

    rejection: Rejected | None = None
    gains: tuple[float, ...] | None = None
    """Output gain of each activation, in the order of the assignment."""
    fingerprint: str | None = None
    is_finite_as_written: bool = True
    is_line: bool = False
    """Whether it is trivial and yet measured, because it may do beside other functions."""


@dataclass(slots=True, kw_only=True)
class _Draft(_Judged):
    """A proposal with all that is known of it alone."""

    proposal: Proposal
    genome: str
    number: int
    name: _Name
    candidate: Candidate | None = None
    """None of one that has the name of an earlier candidate."""

    @property
    def rank(self) -> tuple[bool, int, int]:
        """How badly it says its function."""
        assignment = () if self.candidate is None else self.candidate.assignment
        nodes = sum(size(activation.expression) for _, activation in assignment)
        return (not self.is_finite_as_written, nodes, self.number)


def _measure(judged: _Judged, probe: Probe | TensorProbe) -> None:
    judged.fingerprint = fingerprint(probe)
    judged.gains = (spread(probe).gain,)
    judged.is_finite_as_written = probe.wide_samples.as_written


def _record(draft: _Draft, same: int | None, generation: int) -> CandidateRecord:
    """The record of a draft, a duplicate if the candidate number `same` stands for its function."""
    rejection, print_, gains = draft.rejection, draft.fingerprint, draft.gains
    if same is not None:
        # The fingerprint stays with that one.
        rejection, print_, gains = _duplicate(same, SAME_FUNCTION), None, None
    alone, by_selector = None, None
    if draft.candidate is not None and gains is not None:
        if draft.candidate.is_everywhere:
            alone = gains[0]
        else:
            by_selector = dict(zip((selector for selector, _ in draft.candidate.assignment), gains, strict=True))
    return CandidateRecord(
        number=draft.number,
        id=draft.name.id,
        generation=generation,
        expression=draft.name.text,
        parameters=draft.name.parameters,
        genome=draft.genome,
        parents=draft.proposal.parents,
        move=draft.proposal.move,
        gain=alone,
        gains=by_selector,
        fingerprint=print_,
        outcome=rejection,
    )


def subject_of_record(record: CandidateRecord) -> Subject:
    """What to train for a candidate that passed the funnel."""
    candidate = candidate_from_json(record.expression, record.parameters)
    if record.gains is not None:
        return Subject(candidate=candidate, gains=tuple(record.gains[selector] for selector, _ in candidate.assignment))
    if record.gain is None:
        raise ValueError(f"candidate {record.number} did not pass the funnel")
    return Subject(candidate=candidate, gains=(record.gain,))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: small trees are made and kept by thousands, and hardly one is in a cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _duplicate(earlier: int, what: str) -> Rejected:
    return Rejected(stage=DUPLICATE, reason=f"{what} as candidate number {earlier}", measured=float(earlier))
