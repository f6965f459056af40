"""A census: what becomes of every function of a space, or of a sample of it, in the static funnel."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from actsearch.evaluate.protocols import domain, trivial
from actsearch.grammar.space import Space
from actsearch.outcome import Rejected
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import DUPLICATE, SAME_EXPRESSION, Funnel
from actsearch.search.strategy import Proposal
from actsearch.store.record import CandidateRecord

_TOGETHER = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many genomes there are of each kind; every genome is of one."""

    distinct: int = 0
    """Functions that are finite and no straight line, each counted once, whatever else is said against them."""
    same_text: int = 0
    """Repetitions of a normal form that was seen before, up to a positive factor."""
    same_function: int = 0
    """Other normal forms of a function that was counted as distinct."""
    constant: int = 0
    affine: int = 0
    not_finite: int = 0
    """Without a value or a slope somewhere in |x| <= 20, in float32."""

    @property
    def genomes(self) -> int:
        """All of them."""
        return sum(getattr(self, name) for name in self.__slots__)


def census(space: Space, genomes: Iterable[Any] | None = None, *, config: SearchConfig | None = None) -> Census:
    """The census of `genomes`, by default of all that `space` enumerates."""
    funnel = Funnel(space=space, config=config or SearchConfig())
    source = iter(space.enumerate() if genomes is None else genomes)
    kinds: Counter[str] = Counter()
    while together := list(itertools.islice(source, _TOGETHER)):
        proposals = [Proposal(genome=genome, parents=(), move="census") for genome in together]
        records = funnel.pass_together(proposals, first=kinds.total(), generation=0)
        kinds.update(map(_kind, records))
    return Census(**kinds)


def _kind(record: CandidateRecord) -> str:
    rejection = record.outcome
    if isinstance(rejection, Rejected) and rejection.stage == DUPLICATE:
        return "same_text" if rejection.reason.startswith(SAME_EXPRESSION) else "same_function"
    if isinstance(rejection, Rejected) and rejection.stage == trivial.STAGE:
        # "affine", or "constant at" a site.
        return rejection.reason.split()[0]
    return "not_finite" if isinstance(rejection, Rejected) and rejection.stage == domain.STAGE else "distinct"
