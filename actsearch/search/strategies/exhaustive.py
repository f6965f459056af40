"""Exhaustive search: every genome of a finite space once, those of ordinary size early.

The order is drawn by the seed and then put right by windows: in each, expressions of the size that is in the middle
come first. Smallest first was tried and is worse: small ones are often lines and constants. On Act-Bench's table
(`benchmarks/strategies.py`, 30 seeds) the area of regret over 300 evaluations is 0.0156, 0.0127 and 0.284 on digits,
tabular and periodic, in the drawn order of random search 0.0209, 0.0149 and 0.312; the median number of evaluations
until one of the ten best is found stays as it is. This rule was chosen on the same table. The order of a space's file
depends on who wrote it: its first functions may be the best or the worst.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from actsearch.errors import UnsupportedError
from actsearch.evaluate.task import Task
from actsearch.grammar.expression import size
from actsearch.grammar.space import Genome, Space
from actsearch.search.strategy import Archive, Proposal, State, Told

_WINDOW = 1024
"""Genomes whose sizes are compared: a resumed search makes their candidates again, which takes 0.2 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExhaustiveSettings:
    """Constants of the exhaustive search."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {"largest": (1, 10_000_000)}

    largest: int = 100_000
    """Genomes of the largest space that it takes: they are all held in memory, some kilobytes each."""


class Exhaustive:
    """Proposes every genome of a finite space once; parameters start as the space says, and are trained.

    Raises `UnsupportedError` for a space that is too large.
    """

    def __init__(self, space: Space, settings: ExhaustiveSettings, task: Task | None = None) -> None:
        del task
        extent = space.size()
        if not extent.exact or extent.count > settings.largest:
            raise UnsupportedError(
                f"the strategy exhaustive takes spaces of at most {settings.largest} genomes, and {space.name!r} has"
                f" {extent}: choose a smaller space (actbench, rational, ...) or another strategy."
            )
        self._space = space
        self.settings = settings
        self._orders: dict[int, _Order] = {}

    def start(self, seed: int) -> State:
        """Before the first genome."""
        return {"seed": seed, "position": 0}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """The next genomes in the order of the seed; none when all were asked for."""
        order = self._order(state["seed"])
        position, proposals = state["position"], list[Proposal]()
        for genome in order.since(position):
            if len(proposals) == count:
                break
            position += 1
            if not archive.knows(genome):
                proposals.append(Proposal(genome=genome, parents=(), move="enumerate"))
        return {**state, "position": position}, proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The same state."""
        del results
        return state

    def _order(self, seed: int) -> _Order:
        if seed not in self._orders:
            self._orders[seed] = _Order(self._space, seed)
        return self._orders[seed]


class _Order:
    """The genomes of a space in the order of a seed, sorted window by window when they are come to."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._genomes: list[Any] = list(space.enumerate())
        random.Random(seed).shuffle(self._genomes)
        self._windows: dict[int, list[Genome]] = {}

    def since(self, position: int) -> Iterator[Genome]:
        """All from `position` on."""
        for first in range(position - position % _WINDOW, len(self._genomes), _WINDOW):
            yield from self._window(first)[max(position - first, 0) :]

    def _window(self, first: int) -> list[Genome]:
        if first not in self._windows:
            genomes = self._genomes[first : first + _WINDOW]
            sizes = [self._size(genome) for genome in genomes]
            middle = statistics.median_low(sizes)
            places = sorted(range(len(genomes)), key=lambda place: abs(sizes[place] - middle))
            self._windows[first] = [genomes[place] for place in places]
        return self._windows[first]

    def _size(self, genome: Any) -> int:
        return sum(size(activation.expression) for _, activation in self._space.candidate(genome).assignment)
