"""Pareto: NSGA-II over several objectives, tasks or architectures.

Deb, Pratap, Agarwal, Meyarivan (2002), A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE Transactions
on Evolutionary Computation 6(2); by DEAP's `selNSGA2` and `selTournamentDCD`. EvoNorm chooses by such fronts over
architectures (Liu, Brock, Simonyan, Le 2020, arXiv:2004.02967).

Changed against NSGA-II: parents are chosen as often as children are asked for, which need not be the size of the
population; a share of each generation is sampled; a genome is proposed once.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from deap import base, tools

from actsearch.errors import ConfigError
from actsearch.evaluate.objectives import QUALITY, objective, of_functions, read
from actsearch.evaluate.task import Task
from actsearch.grammar.space import Space
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings, Individual, seeded_global_random
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_ROUNDS = 8
_TOGETHER = 4
"""Parents that `selTournamentDCD` chooses at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoSettings:
    """Constants of NSGA-II."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "population": (4, 100_000), "crossover": (0, 1), "fresh": (0, 1)
    }  # fmt: skip

    objectives: str = "quality,cost"
    """Names, joined by commas: `quality`, and any that follow from the function or that the search measures."""
    population: int = 64
    """How many survive."""
    crossover: float = 0.3
    """Probability that a child comes from two parents; otherwise one is mutated."""
    fresh: float = 0.1
    """Share of every generation that is sampled anew."""


class Pareto:
    """NSGA-II: keeps what nothing known surpasses in all objectives at once, spread along that front."""

    def __init__(self, space: Space, settings: ParetoSettings, task: Task | None = None) -> None:
        self._space = space
        self.settings = settings
        self.objectives = read(settings.objectives)
        if not self.objectives:
            raise ConfigError("the setting pareto.objectives names nothing: give names joined by commas.")
        weights = tuple(objective(name).oriented(1.0) for name in self.objectives)
        self._fitness = type("Fitness", (base.Fitness,), {"weights": weights})
        self._variation = Evolution(space, EvolutionSettings(crossover=settings.crossover), task)

    def start(self, seed: int) -> State:
        """An empty population."""
        return {"random": save_random(random.Random(seed)), "population": []}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Samples until the population is large enough to select from, then children of it."""
        generator = load_random(state["random"])
        population = state["population"]
        born = 0 if len(population) < self.settings.population // 2 else round(count * (1 - self.settings.fresh))
        members = [self._individual(member) for member in population] if born else []
        tools.selNSGA2(members, len(members))  # It tells each its distance to its neighbours on its front.
        novel = Novel(archive)
        for _ in range(_ROUNDS if len(members) >= _TOGETHER else 0):
            if len(novel) >= born:
                break
            for child in self._breed(members, born - len(novel), generator):
                novel.takes(child)
        novel.fill(lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), count)
        return {**state, "random": save_random(generator)}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The population of those that NSGA-II selects, the first front first; what lacks an objective is none."""
        members = list(state["population"])
        for told in results:
            values = self._values(told)
            if values is not None:
                members.append({"id": told.id, "genome": told.genome.encode(), "values": values})
        ranked = [_Ranked(place, self._fitness(member["values"])) for place, member in enumerate(members)]
        chosen = tools.selNSGA2(ranked, self.settings.population)
        return {**state, "population": [members[found.place] for found in chosen]}

    def _values(self, told: Told) -> list[float] | None:
        if told.score is None:
            return None
        known = {QUALITY: told.score, **told.objectives}
        missing = [name for name in self.objectives if name not in known]
        if missing:
            known |= of_functions(missing, self._space.candidate(told.genome))
        values = [known.get(name, math.nan) for name in self.objectives]
        return values if all(map(math.isfinite, values)) else None

    def _individual(self, member: Mapping[str, Any]) -> Individual:
        individual = Individual(self._space.decode(member["genome"]), (member["id"],))
        individual.fitness = self._fitness(member["values"])
        return individual

    def _breed(self, members: list[Individual], count: int, generator: random.Random) -> list[Proposal]:
        most = len(members) - len(members) % _TOGETHER
        with seeded_global_random(generator.getrandbits(64)):
            parents: list[Individual] = []
            while len(parents) < 2 * count:
                parents += tools.selTournamentDCD(members, most)
            return self._variation.vary(parents, count, generator)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What DEAP's selection sees of a member, and where the member stands."""

    place: int
    fitness: base.Fitness
