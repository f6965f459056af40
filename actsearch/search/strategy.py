"""The protocol of a strategy: ask and tell over a state that is a value, so that the journal can keep it.

A strategy keeps nothing itself. What it must know to go on is its state and the archive of all that was proposed and
told so far; the journal holds both, so a search that is resumed goes on as if nothing had happened.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from actsearch.evaluate.pool import Map
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
    stage: str = ""
    """The rung that it was scored on, the protocol that rejected it, or where it failed."""
    objectives: Mapping[str, float] = field(default_factory=dict)
    """What was measured besides the score, in its own unit (see `actsearch.evaluate.objectives`)."""


class Archive:
    """All that a search has proposed and been told so far, in order of proposal. Strategies only read it."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        """Every result, those of rejected and failed candidates too."""
        self.scored: list[Told] = []
        """Those with a score."""
        self._known: set[str] = set()

    def knows(self, genome: Genome) -> bool:
        """Whether `genome` was proposed before, told or not."""
        return self.has(genome.encode())

    def has(self, code: str) -> bool:
        """Whether the genome with this text was proposed before."""
        return code in self._known

    def proposed(self, genomes: Iterable[str]) -> None:
        """Take note of proposals, as their genomes are encoded."""
        self._known.update(genomes)

    def tell(self, results: Sequence[Told]) -> None:
        """Take note of results, in order of proposal."""
        self.told += results
        self.scored += [told for told in results if told.score is not None]


_DRAWS = 200
"""For each place, after which the space counts as exhausted."""


class Novel:
    """Proposals being gathered: none that the archive knows, and none twice."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._found: dict[str, Proposal] = {}

    def __len__(self) -> int:
        return len(self._found)

    @property
    def proposals(self) -> list[Proposal]:
        """Those that were taken, in order."""
        return list(self._found.values())

    def takes(self, proposal: Proposal) -> bool:
        """Take `proposal` if it is new, and say whether it was."""
        code = proposal.genome.encode()
        if code in self._found or self._archive.has(code):
            return False
        self._found[code] = proposal
        return True

    def fill(self, draw: Callable[[], Proposal], count: int) -> None:
        """Draw until there are `count`, or until that seems to bring nothing else."""
        for _ in range(_DRAWS * max(count - len(self), 0)):
            if len(self) >= count:
                break
            self.takes(draw())


class Strategy(Protocol):
    """One way of searching a space: a class that is made of a space, its settings and the task.

    It keeps nothing that a new one of the same space, settings and task could not find again from state and archive.
    """

    def start(self, seed: int) -> State:
        """The state before the first ask."""
        ...

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """At most `count` proposals, and the state after making them.

        None of them repeats another or what the archive knows. Fewer than `count`, and none at all, say that there is
        nothing else to propose.
        """
        ...

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The state that knows the results of the proposals of one generation, in order of proposal.

        The archive that the next ask is given holds them, too.
        """
        ...


@runtime_checkable
class Spread(Protocol):
    """A strategy part of whose work is a pure function of many items, which a search lets its workers do."""

    def spread_over(self, workers: Map) -> None:
        """Use `workers` from now on; proposals are the same wherever that work is done."""
        ...


@runtime_checkable
class Weighing(Protocol):
    """A strategy that weighs several objectives, which the search must measure."""

    objectives: tuple[str, ...]
    """Their names."""


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
