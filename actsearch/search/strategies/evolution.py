"""Evolution: tournament selection, subtree crossover and mutation over DEAP's toolbox.

Fortin et al. (2012), DEAP: Evolutionary Algorithms Made Easy, JMLR 13. Who survives is either the best, (mu + lambda)
with tournaments (Bäck, Fogel, Michalewicz 1997), or the youngest: regularised evolution (Real, Aggarwal, Huang, Le
2019, arXiv 1802.01548). Individuals are genomes of ours; DEAP selects and varies them.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from deap import algorithms, base, tools

from actsearch.evaluate.task import Task
from actsearch.grammar.space import Genome, Space
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_ATTEMPTS = 8
_ROUNDS = 8
"""Of breeding, before places are filled with samples: in small populations of small spaces children repeat others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionSettings:
    """Constants of the evolution."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "population": (2, 1_000_000), "tournament": (1, 1_000_000), "crossover": (0, 1), "fresh": (0, 1)
    }  # fmt: skip
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {"survival": ("best", "age")}

    population: int = 64
    """How many survive."""
    survival: Literal["best", "age"] = "best"
    """Who survives: the best of all, or those that were born last."""
    tournament: int = 4
    """How many of them compete to become a parent."""
    crossover: float = 0.3
    """Probability that a child comes from two parents; otherwise one is mutated."""
    fresh: float = 0.1
    """Share of every generation that is sampled anew, so that the population cannot close on itself."""


class _Fitness(base.Fitness):  # type: ignore[misc]
    weights = (1.0,)


class Individual:
    """A genome as DEAP sees it, with the record of what made it."""

    def __init__(self, genome: Genome, parents: tuple[str, ...], score: float | None = None) -> None:
        self.genome = genome
        self.parents = parents
        self.move = "none"
        self.fitness = _Fitness((score,) if score is not None else ())


class Evolution:
    """Keeps `population` of all scored candidates and breeds from winners of tournaments among them."""

    def __init__(self, space: Space, settings: EvolutionSettings, task: Task | None = None) -> None:
        del task
        self._space = space
        # The population is decoded at every ask, and an ask brings few whom the last one did not know: without this
        # that was a third of what a generation takes from the strategy to the workers.
        self._decode = functools.lru_cache(maxsize=4 * settings.population)(space.decode)
        self.settings = settings

    def start(self, seed: int) -> State:
        """An empty population."""
        return {"random": save_random(random.Random(seed)), "population": []}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Samples until the population is large enough to select from, then children of it."""
        generator = load_random(state["random"])
        members = [self._individual(member) for member in state["population"]]
        born = 0 if len(members) < self.settings.population // 2 else round(count * (1 - self.settings.fresh))
        novel = Novel(archive)
        for _ in range(_ROUNDS):
            if len(novel) >= born:
                break
            for child in self._breed(members, born - len(novel), generator):
                novel.takes(child)
        novel.fill(lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), count)
        return {**state, "random": save_random(generator)}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The population of those that survive; among equals the older ones are better."""
        members = list(state["population"])
        members += [
            {"id": told.id, "genome": told.genome.encode(), "score": told.score}
            for told in results
            if told.score is not None
        ]
        if self.settings.survival == "age":
            return {**state, "population": members[-self.settings.population :]}
        members.sort(key=lambda member: -member["score"])
        return {**state, "population": members[: self.settings.population]}

    def _individual(self, member: Mapping[str, Any]) -> Individual:
        return Individual(self._decode(member["genome"]), (member["id"],), member["score"])

    def _breed(self, members: list[Individual], count: int, generator: random.Random) -> list[Proposal]:
        with seeded_global_random(generator.getrandbits(64)):
            parents = tools.selTournament(members, 2 * count, tournsize=self.settings.tournament)
            return self.vary(parents, count, generator)

    def vary(self, parents: list[Individual], count: int, generator: random.Random) -> list[Proposal]:
        """Children of `parents`, which DEAP picks by Python's global generator: call it with that seeded."""
        toolbox = base.Toolbox()
        toolbox.register("clone", lambda parent: Individual(parent.genome, parent.parents))
        toolbox.register("mate", self._mate, generator=generator)
        toolbox.register("mutate", self._mutate, generator=generator)
        crossed = self.settings.crossover
        children = algorithms.varOr(parents, toolbox, count, cxpb=crossed, mutpb=1 - crossed)
        return [Proposal(genome=child.genome, parents=child.parents, move=child.move) for child in children]

    def _mate(self, first: Individual, second: Individual, generator: random.Random) -> tuple[Individual, Individual]:
        crossed = self._space.crossover(first.genome, second.genome, generator)
        if crossed is None:
            (first,) = self._mutate(first, generator)
            return first, second
        parents = tuple(dict.fromkeys(first.parents + second.parents))
        for child, genome in zip((first, second), crossed, strict=True):
            child.genome, child.parents, child.move = genome, parents, "crossover"
        return first, second

    def _mutate(self, child: Individual, generator: random.Random) -> tuple[Individual]:
        for _ in range(_ATTEMPTS):
            name = generator.choice(list(self._space.moves))
            moved = self._space.moves[name](child.genome, generator)
            if moved is not None and moved != child.genome:
                child.genome, child.move = moved, name
                break
        else:
            child.genome, child.parents, child.move = self._space.sample(generator), (), "sample"
        return (child,)


@contextmanager
def seeded_global_random(seed: int) -> Iterator[None]:
    """DEAP draws from Python's global generator: seed it, and leave it afterwards as it was."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
