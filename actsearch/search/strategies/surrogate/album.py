"""An album: what was seen of a space's candidates, kept so that nothing is looked at twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import cached_property

from actsearch.analysis import catalog
from actsearch.grammar.activation import Activation
from actsearch.grammar.space import Genome, Space
from actsearch.grammar.space.express import express
from actsearch.search.strategies.surrogate.look import Look, look


class Album:
    """The looks at a space's genomes: a cache of a pure function."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._looks: dict[str, Look] = {}

    def at(self, genome: Genome) -> Look:
        """The look at `genome`."""
        code = genome.encode()
        found = self._looks.get(code)
        if found is None:
            found = self._looks[code] = look(self._space.candidate(genome))
        return found

    @cached_property
    def all(self) -> Sequence[tuple[str, Genome, Look]]:
        """Everything in the space that can be modelled, each function once, with the text of its genome."""
        return self._distinct(self._space.enumerate())

    @cached_property
    def named(self) -> Sequence[tuple[str, Genome, Look]]:
        """What of it `express` finds in the catalog, as `all` has it."""
        found = (express(self._space, activation) for activation in _functions(self._space))
        return self._distinct(genome for genome in found if genome is not None)

    def _distinct(self, genomes: Iterable[Genome]) -> list[tuple[str, Genome, Look]]:
        found: dict[str, tuple[str, Genome, Look]] = {}
        for genome in genomes:
            seen = self.at(genome)
            if seen.features is not None:
                found.setdefault(seen.function, (genome.encode(), genome, seen))
        return list(found.values())


_ALBUMS: deque[tuple[Space, Album]] = deque(maxlen=4)


def album_of(space: Space) -> Album:
    """The album of `space`, one for all strategies that search it."""
    for known, album in _ALBUMS:
        if known is space:
            return album
    _ALBUMS.append((space, Album(space)))
    return _ALBUMS[-1][1]


def _functions(space: Space) -> Iterable[Activation]:
    """Functions of the catalog that read nothing but what `space` has."""
    entries = (entry for entry in catalog.catalog().values() if entry.formula is not None)
    return (entry.activation for entry in entries if set(entry.activation.inputs) <= space.inputs)
