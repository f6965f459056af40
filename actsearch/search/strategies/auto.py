"""The default: functions that are known already first, then whichever strategy has paid off.

A bandit by Thompson sampling (Thompson 1933, Biometrika 25; Chapelle, Li 2011, An Empirical Evaluation of Thompson
Sampling, NIPS) shares the places of a generation among strategies: one pays off when what it proposes is among the best
tenth of what was scored lately. Every strategy is told of all results, whoever proposed what.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from actsearch.errors import ConfigError, UnsupportedError, unknown_name
from actsearch.evaluate.task import Task
from actsearch.grammar.space import Genome, Space
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategies.surrogate import Surrogate, SurrogateSettings, album_of, spread_out
from actsearch.search.strategy import Archive, Novel, Proposal, State, Strategy, Told, load_random, save_random

ARMS: Mapping[str, tuple[Any, type[Any]]] = {
    "surrogate": (Surrogate, SurrogateSettings),
    "evolution": (Evolution, EvolutionSettings),
    "random": (RandomSearch, RandomSettings),
}
"""What it can share a budget among: strategies that can make use of results of candidates that others proposed."""
_TRUSTED, _OTHERS = (3.0, 7.0), (1.0, 9.0)
"""Successes and failures that the first strategy and the others begin with; one in ten is what chance gives."""
_BEST = 0.9
_RECENT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoSettings:
    """Constants of the sharing."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "known": (0, 10_000),
        "alone": (1, 1_000_000),
        "memory": (0, 1),
    }
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {"catalog": ("true", "false")}

    catalog: Literal["true", "false"] = "true"
    """Whether it starts from functions of the catalog, where the space can say them."""
    known: int = 16
    """How many of them: unlike each other; they have half of each generation until all are through."""
    arms: str = "surrogate,evolution,random"
    """Strategies that share the rest, each with its own settings.

    The first is trusted most until results say otherwise.
    """
    alone: int = 64
    """Until so many are scored, the first of them proposes alone: so few scores say nothing of who does better."""
    memory: float = 0.95
    """What is left of each success and failure after another generation: what paid off early may not do so later."""


class Auto:
    """Shares the budget among strategies by what each has brought so far.

    `others` has the settings of these, by their names; where it has none, theirs are those by default.
    """

    def __init__(
        self, space: Space, settings: AutoSettings, task: Task | None = None, others: Mapping[str, Any] | None = None
    ) -> None:
        self._space = space
        self.settings = settings
        self._arms: dict[str, Strategy] = {}
        for name in filter(None, (part.strip() for part in settings.arms.split(","))):
            if name not in ARMS:
                raise unknown_name("strategy in the setting auto.arms", name, ARMS)
            make, own = ARMS[name]
            try:
                self._arms[name] = make(space, (others or {}).get(name, own()), task)
            except UnsupportedError:
                continue
        if not self._arms:
            raise ConfigError(f"the setting auto.arms is {settings.arms[:40]!r}: name some of {', '.join(ARMS)}.")

    def start(self, seed: int) -> State:
        """Every strategy at its start."""
        return {
            "random": save_random(random.Random(seed)),
            "arms": {name: arm.start(seed) for name, arm in self._arms.items()},
            "tallies": {name: [0.0, 0.0] for name in self._arms},
            "asked": {},
            "recent": [],
        }

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """What is known already, then of each strategy as many as it has drawn places."""
        generator = load_random(state["random"])
        novel = Novel(archive)
        for genome in self._known if self.settings.catalog == "true" else ():
            if len(novel) < max(count // 2, 1):
                novel.takes(Proposal(genome=genome, parents=(), move="catalog"))
        asked = dict(state["asked"])
        arms = dict(state["arms"])
        has_begun = len(archive.scored) >= self.settings.alone
        shares = self._shares(state["tallies"], count - len(novel), generator) if has_begun else Counter[str]()
        # What is left, at first and where a strategy has nothing more, goes to the first, then to the others.
        for name, share in [*((n, shares[n]) for n in self._arms), *((n, count) for n in self._arms)]:
            wanted = min(share, count - len(novel))
            if wanted < 1:
                continue
            arms[name], proposals = self._arms[name].ask(arms[name], wanted, _With(archive, novel.proposals))
            for proposal in proposals:
                if novel.takes(proposal):
                    asked[proposal.genome.encode()] = name
        return {**state, "random": save_random(generator), "arms": arms, "asked": asked}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """Each strategy knows all results, and what its own came to is counted."""
        scores = [told.score for told in results if told.score is not None]
        recent = [*state["recent"], *scores][-_RECENT:]
        threshold = float(np.quantile(recent, _BEST)) if recent else 0.0
        tallies = {
            name: [number * self.settings.memory for number in tally] for name, tally in state["tallies"].items()
        }
        for told in results:
            name = state["asked"].get(told.genome.encode())
            if name in tallies and told.score is not None:
                tallies[name][told.score < threshold] += 1.0
        arms = {name: arm.tell(state["arms"][name], results) for name, arm in self._arms.items()}
        return {**state, "arms": arms, "tallies": tallies, "asked": {}, "recent": recent}

    def _shares(self, tallies: Mapping[str, Sequence[float]], count: int, generator: random.Random) -> Counter[str]:
        """How many places each strategy draws."""
        priors = {name: _OTHERS if place else _TRUSTED for place, name in enumerate(self._arms)}

        def drawn(name: str) -> float:
            (successes, failures), (first, second) = tallies[name], priors[name]
            return generator.betavariate(successes + first, failures + second)

        return Counter(max(self._arms, key=drawn) for _ in range(count))

    @cached_property
    def _known(self) -> list[Genome]:
        """Genomes of functions of the catalog, unlike each other; none that is rejected without training."""
        found = [(genome, seen.features) for _, genome, seen in album_of(self._space).named if seen.is_promising]
        if not found:
            return []
        features = np.array([numbers for _, numbers in found])
        features = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-9)
        chosen = spread_out(features, features[:0], self.settings.known, random.Random(0))
        return [found[place][0] for place in chosen]


class _With(Archive):
    """An archive in which some proposals count as known, too."""

    def __init__(self, archive: Archive, proposals: Sequence[Proposal]) -> None:
        super().__init__()
        self.told, self.scored = archive.told, archive.scored
        self._archive = archive
        self.proposed(proposal.genome.encode() for proposal in proposals)

    def has(self, code: str) -> bool:
        """See `Archive`."""
        return super().has(code) or self._archive.has(code)
