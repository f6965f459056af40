"""The protocol of a strategy: ask and tell over a state that is a value, so that the journal can keep it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from actsearch.grammar.space import Genome

State = Mapping[str, Any]
"""JSON document: everything that the next ask depends on, the random generator included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A genome, and how it came to be."""

    genome: Genome
    parents: tuple[str, ...]
    """Candidate ids."""
    move: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a proposal; `score` is None if it was rejected or failed."""

    id: str
    genome: Genome
    score: float | None
    objectives: Mapping[str, float] = field(default_factory=dict)
    """What was measured besides the score, in its own unit (see `actsearch.evaluate.objectives`)."""


class Strategy(Protocol):
    """One way of searching a space. It keeps nothing: what it knows is in the state."""

    def start(self, seed: int) -> State:
        """The state before the first ask."""
        ...

    def ask(self, state: State, count: int) -> tuple[State, list[Proposal]]:
        """`count` proposals, and the state after making them."""
        ...

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The state that knows the results of the proposals of one generation, in order of proposal."""
        ...


def save_random(generator: random.Random) -> list[Any]:
    """State of a random generator as JSON."""
    version, numbers, gauss = generator.getstate()
    return [version, list(numbers), gauss]


def load_random(state: Sequence[Any]) -> random.Random:
    """The random generator whose state `save_random` gave."""
    version, numbers, gauss = state
    generator = random.Random()
    generator.setstate((version, tuple(numbers), gauss))
    return generator
