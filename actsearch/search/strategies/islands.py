"""Islands: populations that evolve apart and now and then send their best to the next one.

Whitley, Rana, Heckendorn (1999), The Island Model Genetic Algorithm: On Separability, Population Size and Convergence,
Journal of Computing and Information Technology 7(1). Each island is the strategy `evolution` on its own; they stand in
a ring. How many there are is a setting, not the number of workers: a search must not depend on these.

An island breeds by a pure function, `breed`, which a search maps over the islands on its workers.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from actsearch.evaluate.pool import Map
from actsearch.evaluate.task import Task
from actsearch.grammar.space import Space
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_ROUNDS = 4
"""Of breeding, before places are filled with samples: children may repeat what the search knows."""
_Order = tuple[State, int]
"""An island's state, and how many children are wanted of it."""
_Child = tuple[str, tuple[str, ...], str]
"""A proposal as text: genome, parents, move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IslandsSettings:
    """Constants of the islands and of the evolution on each."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "islands": (1, 10_000), "migration": (1, 1_000_000), "migrants": (0, 10_000), **EvolutionSettings.BOUNDS
    }  # fmt: skip
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = EvolutionSettings.CHOICES

    islands: int = 4
    """How many populations."""
    migration: int = 4
    """Generations from one migration to the next."""
    migrants: int = 2
    """How many of the best of each island the next one is given then."""
    population: int = 16
    """How many survive on each island."""
    survival: Literal["best", "age"] = "best"
    """Who survives: the best of all, or those that were born last."""
    tournament: int = 4
    """How many of an island compete to become a parent."""
    crossover: float = 0.3
    """Probability that a child comes from two parents; otherwise one is mutated."""
    fresh: float = 0.1
    """Share of an island's proposals that is sampled anew."""


class Islands:
    """Evolves several populations apart, bred on the workers; their best migrate around a ring."""

    def __init__(self, space: Space, settings: IslandsSettings, task: Task | None = None) -> None:
        self._space = space
        self.settings = settings
        self._evolution = Evolution(space, _evolution(settings), task)
        self._map: Map = _mapped_here

    def spread_over(self, workers: Map) -> None:
        """Let `workers` breed."""
        self._map = workers

    def start(self, seed: int) -> State:
        """Empty islands."""
        generator = random.Random(seed)
        islands = [self._evolution.start(generator.getrandbits(64)) for _ in range(self.settings.islands)]
        return {"random": save_random(generator), "turn": 0, "generation": 0, "islands": islands, "asked": {}}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Children of all islands, as many of each in the long run."""
        generator, islands = load_random(state["random"]), list(state["islands"])
        novel, asked = Novel(archive), dict(state["asked"])
        wanted = [0] * len(islands)
        for turn in range(state["turn"], state["turn"] + count):
            wanted[turn % len(islands)] += 1
        for _ in range(_ROUNDS):
            places = [place for place, number in enumerate(wanted) if number]
            orders: list[_Order] = [(islands[place], wanted[place]) for place in places]
            bred = self._map(functools.partial(breed, self._space, self._evolution.settings), orders)
            for place, (island, children) in zip(places, bred, strict=True):
                islands[place] = island
                for child in children:
                    if novel.takes(self._proposal(child)):
                        asked[child[0]] = place
                        wanted[place] -= 1
        for place, number in enumerate(wanted):
            before = len(novel)
            novel.fill(
                lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), before + number
            )
            asked |= {proposal.genome.encode(): place for proposal in novel.proposals[before:]}
        after = {"random": save_random(generator), "turn": state["turn"] + count, "islands": islands, "asked": asked}
        return {**state, **after}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The islands with what survives on each, after a migration if it is time for one."""
        own: list[list[Told]] = [[] for _ in state["islands"]]
        for told in results:
            place = state["asked"].get(told.genome.encode())
            if place is not None:
                own[place].append(told)
        islands = [self._evolution.tell(island, told) for island, told in zip(state["islands"], own, strict=True)]
        generation = state["generation"] + 1
        if generation % self.settings.migration == 0:
            islands = self._migrated(islands)
        return {**state, "generation": generation, "islands": islands, "asked": {}}

    def _migrated(self, islands: Sequence[State]) -> list[State]:
        """Each island with the best of the one before it in the ring."""
        return [
            self._evolution.tell(island, self._migrants(islands[place - 1], island))
            for place, island in enumerate(islands)
        ]

    def _migrants(self, source: State, target: State) -> list[Told]:
        known = {member["id"] for member in target["population"]}
        best = sorted(source["population"], key=lambda member: -member["score"])[: self.settings.migrants]
        return [
            Told(id=member["id"], genome=self._space.decode(member["genome"]), score=member["score"])
            for member in best
            if member["id"] not in known
        ]

    def _proposal(self, child: _Child) -> Proposal:
        genome, parents, move = child
        return Proposal(genome=self._space.decode(genome), parents=parents, move=move)


def breed(space: Space, settings: EvolutionSettings, order: _Order) -> tuple[State, list[_Child]]:
    """The state of an island after breeding, and its children; it does not know what the search knows."""
    island, count = order
    after, proposals = Evolution(space, settings).ask(island, count, Archive())
    return after, [(proposal.genome.encode(), proposal.parents, proposal.move) for proposal in proposals]


def _evolution(settings: IslandsSettings) -> EvolutionSettings:
    return EvolutionSettings(
        population=settings.population,
        survival=settings.survival,
        tournament=settings.tournament,
        crossover=settings.crossover,
        fresh=settings.fresh,
    )


def _mapped_here(function: Any, items: Sequence[Any]) -> list[Any]:
    return [function(item) for item in items]
