"""The static funnel: proposals in, a generation out whose survivors are worth training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.moments import moments
from actsearch.analysis.probe import Probe
from actsearch.evaluate.task import Subject
from actsearch.grammar.activation import Activation, Candidate, from_json, granularity_of
from actsearch.grammar.space import Space
from actsearch.outcome import Rejected
from actsearch.search.config import SearchConfig
from actsearch.search.strategy import Proposal
from actsearch.store.record import CandidateRecord

DUPLICATE = "duplicate"


@dataclass(slots=True, kw_only=True)
class Funnel:
    """Rejects what need not be trained: duplicate, domain, trivial, gradient. It remembers what it has seen."""

    space: Space
    config: SearchConfig
    _numbers_by_id: dict[str, int] = field(default_factory=dict)
    _numbers_by_fingerprint: dict[str, int] = field(default_factory=dict)

    def remember(self, records: Iterable[CandidateRecord]) -> None:
        """Take note of earlier candidates of the same search."""
        for record in records:
            self._numbers_by_id.setdefault(record.id, record.number)
            if record.fingerprint is not None:
                self._numbers_by_fingerprint.setdefault(record.fingerprint, record.number)

    def pass_through(self, proposal: Proposal, *, number: int, generation: int) -> CandidateRecord:
        """The record of a proposal: rejected, or without an outcome if it is to be trained."""
        activation = self.space.candidate(proposal.genome).activation
        if self.config.granularity:
            activation = activation.with_granularity(granularity_of(self.config.granularity))
        activation = activation.without_factor()
        candidate = Candidate.everywhere(activation)
        rejection, print_, gain = self._judge(candidate.id, activation)
        record = CandidateRecord(
            number=number,
            id=candidate.id,
            generation=generation,
            expression=activation.text,
            parameters=activation.parameters_json(),
            genome=proposal.genome.encode(),
            parents=proposal.parents,
            move=proposal.move,
            gain=gain,
            fingerprint=print_,
            outcome=rejection,
        )
        self.remember([record])
        return record

    def _judge(self, identity: str, activation: Activation) -> tuple[Rejected | None, str | None, float | None]:
        earlier = self._numbers_by_id.get(identity)
        if earlier is not None:
            return _duplicate(earlier, "the same expression"), None, None
        probe = Probe(activation)
        protocols = self.config.protocols
        rejection = protocols.domain.check(probe) or protocols.trivial.check(probe)
        if rejection:
            return rejection, None, None
        print_ = fingerprint(probe)
        earlier = self._numbers_by_fingerprint.get(print_)
        if earlier is not None:
            # The fingerprint stays with the first of them.
            return _duplicate(earlier, "the same function"), None, None
        return protocols.gradient.check(probe), print_, moments(probe).gain


def subject_of_record(record: CandidateRecord) -> Subject:
    """What to train for a candidate that passed the funnel."""
    if record.gain is None:
        raise ValueError(f"candidate {record.number} did not pass the funnel")
    return Subject(activation=from_json(record.expression, record.parameters), gain=record.gain)


def _duplicate(earlier: int, what: str) -> Rejected:
    return Rejected(stage=DUPLICATE, reason=f"{what} as candidate number {earlier}", measured=float(earlier))
