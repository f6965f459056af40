"""The distinct functions of a space, whatever becomes of them in training."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.moments import spread
from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.protocols import domain
from actsearch.evaluate.table import Function
from actsearch.grammar.activation import from_json
from actsearch.grammar.space import Space
from actsearch.outcome import Rejected
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import Funnel
from actsearch.search.strategy import Proposal
from actsearch.store.record import CandidateRecord

_TOGETHER = 256


def roster(space: Space, genomes: Iterable[Any] | None = None) -> list[Function]:
    """The functions of `genomes` (all that `space` enumerates) that are no straight line, each once.

    Protocols turn many of them away; here they stay, those without a value somewhere too, so that protocols can be
    judged by what such functions would have come to. A gain that cannot be measured is 1.
    """
    funnel = Funnel(space=space, config=SearchConfig())
    source = iter(space.enumerate() if genomes is None else genomes)
    found: dict[str, Function] = {}
    count = 0
    while together := list(itertools.islice(source, _TOGETHER)):
        proposals = [Proposal(genome=genome, parents=(), move="roster") for genome in together]
        records = funnel.pass_together(proposals, first=count, generation=0)
        count += len(records)
        for record in records:
            named = _named(record)
            if named is not None:
                found.setdefault(*named)
    return list(found.values())


def _named(record: CandidateRecord) -> tuple[str, Function] | None:
    """The fingerprint of a record's function, and the function; None for one that repeats another, and for a line."""
    print_, gain = record.fingerprint, record.gain
    if isinstance(record.outcome, Rejected) and record.outcome.stage == domain.STAGE:
        probe = probe_of(from_json(record.expression, record.parameters))
        print_, gain = fingerprint(probe), spread(probe).gain
    if print_ is None or gain is None:
        return None
    return print_, Function(
        id=record.id,
        expression=record.expression,
        parameters=record.parameters,
        gain=gain if math.isfinite(gain) else 1.0,
    )
