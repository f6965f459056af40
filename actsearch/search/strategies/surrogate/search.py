"""Surrogate-based search: a Gaussian process over features of functions says what to evaluate next.

After Bingham, Miikkulainen (2023), Efficient Activation Function Optimization through Surrogate Modeling, arXiv
2301.05785, whose surrogate is a k-nearest-neighbour regression over an embedding of function outputs and of the
eigenvalues of the Fisher information, and whose search takes the best prediction. Changed against it: features that
symmetries of a network leave alone (`look`), a model that knows how unsure it is, a first generation that is spread
out, batches by upper confidence bounds and by lot from among the best, and spaces too large to enumerate, where
candidates are bred from what the model holds for the best, and none that is nearly one of them. Eigenvalues of the
Fisher information are not among the features: over all functions they add nothing to the others, and searches are not
clearly better by them (docs/strategies.md).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
from threadpoolctl import threadpool_limits

from actsearch.evaluate.task import Task
from actsearch.grammar.space import Space
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings
from actsearch.search.strategies.surrogate.album import album_of
from actsearch.search.strategies.surrogate.crowd import Crowd
from actsearch.search.strategies.surrogate.look import Look
from actsearch.search.strategies.surrogate.model import Array, Model, Scale, spread_out, standing
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_UNTRAINED = frozenset({"duplicate", "domain", "trivial", "gradient", "signal", "escape", "cost"})
"""Stages that end a candidate before it is trained, which says nothing of how well it would do."""
_BREEDINGS = 3
"""Times that are bred for a pool, as long as most of what comes is like what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateSettings:
    """Constants of the surrogate."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "initial": (2, 1_000_000), "boldness": (0, 100), "draws": (0, 1), "among": (0, 1), "pool_boldness": (0, 100),
        "enumerated": (0, 20_000), "pool": (1, 1_000), "memory": (10, 2_000), "parents": (2, 1_000_000),
        "fresh": (0, 1),
    }  # fmt: skip

    initial: int = 4
    """Trained candidates before there is a model; until then they are spread out."""
    boldness: float = 4.0
    """Standard deviations that are added to the expectation of a candidate: more explores more. For spaces that are
    looked at whole; digits chose it on the table of `actbench`."""
    draws: float = 0.4
    """In spaces that are looked at whole: the share of candidates that are drawn from among those of the highest
    expectation, and not of the highest bounds. The order among these is hardly more than noise, and bounds keep to it;
    on the table of `actbench` longtail would have more of them, digits none."""
    among: float = 0.1
    """They are drawn from among this share of all."""
    enumerated: int = 6_000
    """Genomes of a space up to which all of them are looked at, about a millisecond each, before the first proposal."""
    pool: int = 4
    """In larger spaces: how many candidates are bred and looked at for each one that is proposed."""
    pool_boldness: float = 2.0
    """In larger spaces: as `boldness`, but what is bred and sampled anew explores by itself."""
    memory: int = 300
    """Candidates that the model is fitted to: half of them the best, the others from all over."""
    parents: int = 32
    """In larger spaces: from how many of those that the model expects most of candidates are bred."""
    fresh: float = 0.3
    """In larger spaces: the share of the pool that is sampled anew."""


class Surrogate:
    """Proposes what a model of all scores so far expects most of, or is most unsure of."""

    def __init__(self, space: Space, settings: SurrogateSettings, task: Task | None = None) -> None:
        del task
        self._space = space
        self.settings = settings
        size = space.size()
        self._is_enumerated = size.exact and size.count <= settings.enumerated
        bred = EvolutionSettings(population=settings.parents, fresh=settings.fresh)
        self._evolution = Evolution(space, bred)
        # Caches: whatever is in them could be found again.
        self._album = album_of(space)
        self._fitted: tuple[bytes, Model] | None = None

    def start(self, seed: int) -> State:
        """Nothing but a random generator: all else is in the archive."""
        return {"random": save_random(random.Random(seed))}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Candidates that are spread out, then those of the highest upper confidence bounds."""
        generator = load_random(state["random"])
        # Sums of several threads round by how many there are.
        with threadpool_limits(limits=1):
            proposals = self._propose(count, archive, generator)
        novel = Novel(archive)
        for proposal in proposals:
            novel.takes(proposal)
        novel.fill(lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), count)
        return {"random": save_random(generator)}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The same state."""
        del results
        return state

    def _propose(self, count: int, archive: Archive, generator: random.Random) -> list[Proposal]:
        trained = self._remembered(archive)
        known = self._features(trained)
        pool = self._pool(trained, known, count, archive, generator)
        good = [(proposal, seen) for proposal, seen in pool if seen.is_promising]
        # What the protocols would reject comes when there is nothing else: thresholds can be set otherwise.
        good = good if len(good) >= count else pool
        if not good:
            return []
        features = np.array([seen.features for _, seen in good])
        if len(known) < self.settings.initial:
            scale = Scale(np.concatenate([features, known]) if len(known) else features)
            chosen = spread_out(scale(features), scale(known) if len(known) else known, count, generator)
        else:
            scale = self._scale(known)
            model = self._model(scale(known), trained)
            if self._is_enumerated:
                drawn = self._drawn(model.expected(scale(features)), count, generator)
                chosen = model.choose(scale(features), count, self.settings.boldness, drawn)
            else:
                chosen = model.choose(scale(features), count, self.settings.pool_boldness)
        return [good[place][0] for place in chosen]

    def _drawn(self, expected: Array, count: int, generator: random.Random) -> list[int]:
        """Places of those that are drawn, whichever of the best they are."""
        wanted = sum(generator.random() < self.settings.draws for _ in range(count))
        entrants = max(math.ceil(self.settings.among * len(expected)), wanted)
        best = np.argsort(-expected, kind="stable")[:entrants].tolist()
        return generator.sample(best, min(wanted, len(best)))

    def _remembered(self, archive: Archive) -> list[Told]:
        """What the model is fitted to, in order of proposal: trained, and of finite features."""
        trained = [told for told in archive.told if told.score is not None or told.stage not in _UNTRAINED]
        most = self.settings.memory
        if len(trained) > most:
            scores = _scores(trained)
            best = np.argsort(-scores, kind="stable")[: most // 2].tolist()
            # By a checksum: most of them are still the same after another generation, and so are known by look.
            others = set(range(len(trained))).difference(best)
            drawn = sorted(others, key=lambda place: (crc32(trained[place].id.encode()), place))[: most - len(best)]
            trained = [trained[place] for place in sorted((*best, *drawn))]
        return [told for told in trained if self._album.at(told.genome).features is not None]

    def _features(self, trained: Sequence[Told]) -> Array:
        """(n, features)."""
        return np.array([self._album.at(told.genome).features for told in trained], dtype=np.float64)

    def _scale(self, known: Array) -> Scale:
        """That of all that may be trained, or of what the model is fitted to."""
        promising = [seen.features for *_, seen in self._album.all if seen.is_promising] if self._is_enumerated else []
        return Scale(np.array(promising) if promising else known)

    def _pool(
        self, trained: Sequence[Told], known: Array, count: int, archive: Archive, generator: random.Random
    ) -> list[tuple[Proposal, Look]]:
        """Whatever there is of each function that is not known, or what is bred from the best and like none of them."""
        if self._is_enumerated:
            functions = {self._album.at(told.genome).function for told in archive.told}
            return [
                (Proposal(genome=genome, parents=(), move="enumerate"), seen)
                for code, genome, seen in self._album.all
                if seen.function not in functions and not archive.has(code)
            ]
        state: State = {
            "random": save_random(random.Random(generator.getrandbits(64))),
            "population": self._parents(trained, known),
        }
        known_ones = Crowd(self._album.at(told.genome) for told in trained)
        pool: list[tuple[Proposal, Look]] = []
        for _ in range(_BREEDINGS):
            state, proposals = self._evolution.ask(state, self.settings.pool * count, archive)
            for proposal in proposals:
                seen = self._album.at(proposal.genome)
                if seen.features is not None and not known_ones.has_like(seen):
                    known_ones.add(seen)
                    pool.append((proposal, seen))
            if len(pool) >= 2 * count:
                break
        return pool

    def _parents(self, trained: Sequence[Told], known: Array) -> list[dict[str, Any]]:
        """Members of a population: those that the model expects most of, by what it expects, none nearly another."""
        if len(known) < self.settings.initial:
            return []
        scaled = self._scale(known)(known)
        expected = self._model(scaled, trained).expected(scaled)
        apart, parents = Crowd(), list[dict[str, Any]]()
        for place in np.argsort(-expected, kind="stable").tolist():
            told = trained[place]
            seen = self._album.at(told.genome)
            if told.score is None or apart.has_like(seen):
                continue
            apart.add(seen)
            parents.append({"id": told.id, "genome": told.genome.encode(), "score": float(expected[place])})
            if len(parents) == self.settings.parents:
                break
        return parents

    def _model(self, features: Array, trained: Sequence[Told]) -> Model:
        targets = standing(_scores(trained))
        key = features.tobytes() + targets.tobytes()
        if self._fitted is None or self._fitted[0] != key:
            self._fitted = key, Model.fit(features, targets)
        return self._fitted[1]


def _scores(trained: Sequence[Told]) -> Array:
    return np.array([-np.inf if told.score is None else told.score for told in trained], dtype=np.float64)
