"""Several spaces searched together."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from actsearch.errors import SpaceError, unknown_name
from actsearch.grammar.activation import Candidate
from actsearch.grammar.space.protocol import Genome, Move, Size, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A genome and the space it belongs to."""

    space: str
    genome: Genome

    def encode(self) -> str:
        """JSON text, which `Mixture.decode` reads back."""
        return json.dumps([self.space, self.genome.encode()])


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """The union of spaces; every one of them is as likely to be sampled from, whatever its size."""

    members: Mapping[str, Space]

    @classmethod
    def of(cls, spaces: Sequence[Space]) -> Self:
        """The mixture of `spaces`; raises `SpaceError` if two are called alike or assign to other sites."""
        members = {space.name: space for space in spaces}
        if len(members) < len(spaces):
            raise SpaceError(f"of the spaces {', '.join(space.name for space in spaces)} two are called alike.")
        if len({space.selectors for space in spaces}) > 1:
            raise SpaceError(f"the spaces {', '.join(members)} assign functions to different sites: search them apart.")
        return cls(members=members)

    @property
    def name(self) -> str:
        """Names of the members, joined by commas."""
        return ",".join(self.members)

    @property
    def title(self) -> str:
        """Titles of the members."""
        return "; ".join(space.title for space in self.members.values())

    @property
    def paper(self) -> str:
        """Papers of the members."""
        return "; ".join(space.paper for space in self.members.values())

    @property
    def inputs(self) -> frozenset[str]:
        """Inputs that some candidate reads."""
        return frozenset().union(*(space.inputs for space in self.members.values()))

    @property
    def selectors(self) -> tuple[str, ...]:
        """Those of all members."""
        return next(iter(self.members.values())).selectors

    @property
    def protocols(self) -> tuple[str, ...]:
        """Those of any member: what one of them may not have, none may bring in."""
        return tuple(dict.fromkeys(name for space in self.members.values() for name in space.protocols))

    @functools.cached_property
    def moves(self) -> Mapping[str, Move]:
        """The members' moves by name, and `switch`, which goes on in another member."""
        names = dict.fromkeys(name for space in self.members.values() for name in space.moves)
        return {**{name: functools.partial(self._move, name) for name in names}, "switch": self._switch}

    def sample(self, random_generator: random.Random) -> Member:
        """A random genome of a random member."""
        return self._sample(random_generator.choice(list(self.members)), random_generator)

    def crossover(self, first: Member, second: Member, random_generator: random.Random) -> tuple[Member, Member] | None:
        """That of the member, for two genomes of one."""
        if first.space != second.space:
            return None
        crossed = self.members[first.space].crossover(first.genome, second.genome, random_generator)
        return crossed and (replace(first, genome=crossed[0]), replace(second, genome=crossed[1]))

    def candidate(self, genome: Member) -> Candidate:
        """What `genome` stands for."""
        return self.members[genome.space].candidate(genome.genome)

    def decode(self, text: str) -> Member:
        """The genome that `Member.encode` wrote."""
        try:
            space, inner = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            space = inner = None
        if not isinstance(space, str) or not isinstance(inner, str):
            raise SpaceError(f"{text[:60]!r} is no genome of a mixture: expected [space, genome].")
        if space not in self.members:
            raise SpaceError(str(unknown_name("member of the mixture", space, self.members)))
        return Member(space=space, genome=self.members[space].decode(inner))

    def contains(self, genome: Member) -> bool:
        """Whether a member contains it."""
        return genome.space in self.members and self.members[genome.space].contains(genome.genome)

    def size(self) -> Size:
        """The sum of the members' sizes."""
        sizes = [space.size() for space in self.members.values()]
        return Size(count=sum(size.count for size in sizes), exact=all(size.exact for size in sizes))

    def enumerate(self) -> Iterator[Member]:
        """Every genome of one member after the other."""
        for name, space in self.members.items():
            for genome in space.enumerate():
                yield Member(space=name, genome=genome)

    def _sample(self, name: str, rng: random.Random) -> Member:
        return Member(space=name, genome=self.members[name].sample(rng))

    def _move(self, name: str, genome: Member, rng: random.Random) -> Member | None:
        move = self.members[genome.space].moves.get(name)
        moved: Any = move(genome.genome, rng) if move else None
        return None if moved is None else replace(genome, genome=moved)

    def _switch(self, genome: Member, rng: random.Random) -> Member:
        return self._sample(rng.choice([name for name in self.members if name != genome.space]), rng)
