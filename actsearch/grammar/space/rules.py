"""A space of derivations: typed rules, sampled, counted and enumerated.

A rule writes a symbol in one of several ways (productions). `depth` bounds how often a symbol may stand on one way
from the root to a leaf, `most` how many nodes of a symbol there may be in all.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from actsearch.errors import ParseError, SpaceError
from actsearch.grammar.activation import Activation, Candidate
from actsearch.grammar.expression import input_names
from actsearch.grammar.space import moves
from actsearch.grammar.space.derivation import Derivation, decode
from actsearch.grammar.space.extent import LARGEST, SURELY_WRITTEN, Extent, extent, extent_with
from actsearch.grammar.space.production import Production
from actsearch.grammar.space.protocol import Move, Size
from actsearch.grammar.space.room import Counts, Room
from actsearch.grammar.text import read

EVERYWHERE = ("*",)
_SAMPLES = 100
_NUMBER = re.compile(r"_\d+$")
Choose = Callable[[Sequence[Production]], Production]
"""From the productions of a symbol that fit where it stands to one of them."""
_Tally = Mapping[tuple[int, ...], int]
"""Number of derivations by how many nodes of each limited symbol they have."""


@dataclass(frozen=True, kw_only=True)
class RuleSpace:
    """A finite set of derivations (up to the initial values of parameters), by its rules."""

    name: str
    title: str
    paper: str
    start: str
    """The symbol to begin from; where `selectors` are more than `"*"`, its one production has a hole for each."""
    productions: Mapping[str, Mapping[str, Production]]
    depth: Counts = field(default_factory=dict)
    most: Counts = field(default_factory=dict)
    selectors: tuple[str, ...] = EVERYWHERE
    protocols: tuple[str, ...] = ()
    _tallies: dict[object, _Tally] = field(default_factory=dict, repr=False, compare=False)
    _fitting: dict[object, tuple[list[Production], list[float]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @functools.cached_property
    def room(self) -> Room:
        """Room in which the root stands."""
        return Room(self.depth, self.most)

    @functools.cached_property
    def inputs(self) -> frozenset[str]:
        """Inputs that some production reads."""
        return frozenset(name for p in self.all_productions() for name in input_names(p.template))

    @functools.cached_property
    def moves(self) -> Mapping[str, Move]:
        """Mutations that can do something here."""
        return {name: functools.partial(move, self) for name, move in moves.useful(self).items()}

    @functools.cached_property
    def recursive(self) -> frozenset[str]:
        """Symbols that can stand below themselves."""
        below = {s: {hole for p in by_name.values() for _, hole in p.holes} for s, by_name in self.productions.items()}
        for _ in below:
            below = {symbol: inner.union(*(below[s] for s in inner)) for symbol, inner in below.items()}
        return frozenset(symbol for symbol, inner in below.items() if symbol in inner)

    def all_productions(self) -> Iterator[Production]:
        """Every production of every symbol."""
        return itertools.chain.from_iterable(by_name.values() for by_name in self.productions.values())

    def sample(self, random_generator: random.Random) -> Derivation:
        """A random derivation: productions drawn by their weights from those that fit, until the whole can be written.

        Raises `SpaceError` where hardly any can be.
        """
        for _ in range(_SAMPLES):
            genome = self.sample_symbol(self.start, self.room, random_generator)
            if self._is_written(genome):
                return genome
        reason = f"none of {_SAMPLES} random genomes is short enough to be written: lower depth or most"
        raise SpaceError(f"the space {self.name!r}: {reason}.")

    def derive(self, choose: Choose, random_generator: random.Random) -> Derivation | None:
        """A derivation whose productions are chosen, from the root down and left to right; their parameters are drawn.

        None if the whole is too long to be written.
        """
        genome = self.sample_symbol(self.start, self.room, random_generator, choose)
        return genome if self._is_written(genome) else None

    def sample_symbol(
        self, symbol: str, room: Room, random_generator: random.Random, choose: Choose | None = None
    ) -> Derivation:
        """A random derivation of `symbol` in `room`, or that of the productions that `choose` takes."""
        inside = room.enter(symbol)
        key = (symbol, inside.key)
        found = self._fitting.get(key)
        if found is None:
            fitting = [p for p in self.productions[symbol].values() if self._fits_in(self._tally_of(p, inside), inside)]
            found = self._fitting[key] = fitting, list(itertools.accumulate(p.weight for p in fitting))
        productions, weights = found
        if choose is not None:
            return self.fill(choose(productions), inside, random_generator, choose)
        # What `choices` draws, without its care for what cannot be here.
        drawn = bisect.bisect(weights, random_generator.random() * weights[-1], 0, len(weights) - 1)
        return self.fill(productions[drawn], inside, random_generator)

    def fill(
        self, production: Production, inside: Room, random_generator: random.Random, choose: Choose | None = None
    ) -> Derivation:
        """`production` with random or chosen holes, its parameters as one of its alternatives has them."""
        children: list[Derivation] = []
        for index, (_, symbol) in enumerate(production.holes):
            room = inside
            if self.most:
                # What stands to the left has taken its share, and what comes to the right needs its least.
                taken = {name: sum(child.count(name) for child in children) for name in self.most}
                later = [self._least(s, inside) for _, s in production.holes[index + 1 :]]
                room = inside.spared({name: taken[name] + sum(least[name] for least in later) for name in self.most})
            children.append(self.sample_symbol(symbol, room, random_generator, choose))
        alternatives = production.alternatives
        specs = alternatives[0] if len(alternatives) == 1 else random_generator.choice(alternatives)
        return Derivation(production=production, children=tuple(children), parameters=specs)

    def beginning_with(self, production: Production, random_generator: random.Random) -> Derivation | None:
        """A random derivation whose root is `production`; None if nothing that fits below it fits in the space."""
        inside = self.room.enter(production.symbol)
        fits = self._fits_in(self._tally_of(production, inside), inside)
        return self.fill(production, inside, random_generator) if fits else None

    def crossover(
        self, first: Derivation, second: Derivation, random_generator: random.Random
    ) -> tuple[Derivation, Derivation] | None:
        """Two derivations with subtrees of the same symbol swapped; None if no pair drawn stays in the space."""
        return moves.crossover(self, first, second, random_generator)

    def candidate(self, genome: Derivation) -> Candidate:
        """What `genome` stands for."""
        if self.selectors == EVERYWHERE:
            return Candidate.everywhere(self.activation(genome))
        parts = map(_activation, genome.children)
        return Candidate(assignment=tuple(zip(self.selectors, parts, strict=True)))

    def activation(self, genome: Derivation) -> Activation:
        """The activation of a space that has one everywhere."""
        return _activation(genome)

    def decode(self, text: str) -> Derivation:
        """The genome that `Derivation.encode` wrote."""
        return decode(text, self.productions, self.start)

    def contains(self, genome: Derivation) -> bool:
        """Whether `genome` follows the rules and keeps to the bounds."""
        if genome.symbol != self.start or any(genome.count(symbol) > most for symbol, most in self.most.items()):
            return False
        return self._follows(genome, Room(self.depth, {})) and self._is_written(genome)

    def derives(self, symbol: str, room: Room) -> bool:
        """Whether `symbol` has any derivation in `room`."""
        return self._fits_in(self._tally(symbol, room), room)

    def size(self) -> Size:
        """Number of derivations, not counting initial values that moves set; a bound if some cannot be written."""
        return Size(count=sum(self._tally(self.start, self.room).values()), exact=self._is_small)

    def enumerate(self) -> Iterator[Derivation]:
        """Every derivation once, parameters at the alternatives of their productions, in a fixed order.

        Where `size` is a bound by far, what follows the rules and is outside may stand long between two of them.
        """
        found = self._enumerate_symbol(self.start, Room(self.depth, {}))
        return filter(self.contains, found) if self.most or not self._is_small else found

    @functools.cached_property
    def _is_small(self) -> bool:
        """Whether whatever follows the rules is surely short enough to be written."""
        largest = [self._largest(symbol, self.room, {}) for symbol in self._sites]
        return all(found is not None and found.within(SURELY_WRITTEN) for found in largest)

    @property
    def _sites(self) -> Sequence[str]:
        """The symbols that derive activations."""
        if self.selectors == EVERYWHERE:
            return (self.start,)
        (root,) = self.productions[self.start].values()
        return [symbol for _, symbol in root.holes]

    def _largest(self, symbol: str, room: Room, known: dict[object, Extent | None]) -> Extent | None:
        """A bound on the expressions of `symbol`, whatever `most` says; None if it derives nothing."""
        if not room.holds(symbol):
            return None
        inside = room.enter(symbol)
        key = (symbol, inside.key[0])
        if key not in known:
            known[key] = None
            sizes = []
            for production in self.productions[symbol].values():
                inner = [self._largest(hole, inside, known) for _, hole in production.holes]
                fitting = [found for found in inner if found is not None]
                if len(fitting) == len(inner):
                    sizes.append(extent_with(production, fitting))
            known[key] = Extent(max(e.size for e in sizes), max(e.depth for e in sizes)) if sizes else None
        return known[key]

    def _is_written(self, genome: Derivation) -> bool:
        """Whether the activations have a text that is read back; what is of ordinary size has."""
        if self._is_small:
            return True
        parts = (genome,) if self.selectors == EVERYWHERE else genome.children
        for part in parts:
            found = extent(part)
            if found.size > LARGEST:
                return False
            if not found.within(SURELY_WRITTEN):
                try:
                    read(_activation(part).text)
                except (ParseError, RecursionError):
                    return False
        return True

    def _follows(self, node: Derivation, room: Room) -> bool:
        known = self.productions.get(node.symbol, {}).get(node.production.name)
        if not room.holds(node.symbol) or node.production != known or not known.allows(node.parameters):
            return False
        inside = room.enter(node.symbol)
        symbols = [symbol for _, symbol in node.production.holes]
        return [child.symbol for child in node.children] == symbols and all(
            self._follows(child, inside) for child in node.children
        )

    def _tally(self, symbol: str, room: Room) -> _Tally:
        """Derivations of `symbol`, its own node counted."""
        if not room.holds(symbol):
            return {}
        inside = room.enter(symbol)
        key = (symbol, inside.key[0])
        if key not in self._tallies:
            self._tallies[key] = {}  # A rule that only leads back to itself derives nothing.
            own = tuple(int(name == symbol) for name in sorted(self.most))
            total: dict[tuple[int, ...], int] = {}
            for production in self.productions[symbol].values():
                for used, count in self._tally_of(production, inside).items():
                    _count(total, _sum(own, used), count)
            limits = [self.most[name] for name in sorted(self.most)]
            self._tallies[key] = {used: n for used, n in total.items() if _within(used, limits)}
        return self._tallies[key]

    def _tally_of(self, production: Production, inside: Room) -> _Tally:
        total: dict[tuple[int, ...], int] = {(0,) * len(self.most): len(production.alternatives)}
        for _, symbol in production.holes:
            longer: dict[tuple[int, ...], int] = {}
            for (used, count), (more, times) in itertools.product(total.items(), self._tally(symbol, inside).items()):
                _count(longer, _sum(used, more), count * times)
            total = longer
        return total

    def _fits_in(self, tally: _Tally, room: Room) -> bool:
        limits = [room.most.get(name, 0) for name in sorted(self.most)]
        return any(count and _within(used, limits) for used, count in tally.items())

    def _least(self, symbol: str, room: Room) -> Counts:
        """The fewest nodes of each limited symbol in any derivation of `symbol`."""
        tally = self._tally(symbol, Room(room.depth, self.most))
        return dict(zip(sorted(self.most), map(min, zip(*tally, strict=True)), strict=True))

    def _enumerate_symbol(self, symbol: str, room: Room) -> Iterator[Derivation]:
        if not room.holds(symbol):
            return
        inside = room.enter(symbol)
        for production in self.productions[symbol].values():
            for children in self._enumerate_holes(production.holes, inside):
                for specs in production.alternatives:
                    yield Derivation(production=production, children=children, parameters=specs)

    def _enumerate_holes(self, holes: Sequence[tuple[str, str]], inside: Room) -> Iterator[tuple[Derivation, ...]]:
        if not holes:
            yield ()
            return
        for first in self._enumerate_symbol(holes[0][1], inside):
            for others in self._enumerate_holes(holes[1:], inside):
                yield (first, *others)


def _activation(genome: Derivation) -> Activation:
    """The function that a derivation says, its parameters numbered (`beta`, `beta_2`, ...) in order of appearance."""
    activation = Activation.of_normal(*genome.express_normal())
    names: dict[str, str] = {}
    stems: list[str] = []
    for spec in activation.parameters:
        stem = _NUMBER.sub("", spec.name)
        taken = stems.count(stem)
        stems.append(stem)
        names[spec.name] = f"{stem}_{taken + 1}" if taken else stem
    if all(old == new for old, new in names.items()):
        return activation
    return activation.renamed(names)


def _count(total: dict[tuple[int, ...], int], used: tuple[int, ...], count: int) -> None:
    total[used] = total.get(used, 0) + count


def _sum(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _within(used: tuple[int, ...], limits: Sequence[int]) -> bool:
    return all(count <= limit for count, limit in zip(used, limits, strict=True))
