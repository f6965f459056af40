"""Random search (Bergstra, Bengio 2012, JMLR 13): independent samples of the space."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from actsearch.evaluate.task import Task
from actsearch.grammar.space import Space
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSettings:
    """It has no constants."""


class RandomSearch:
    """Samples the space; learns nothing."""

    def __init__(self, space: Space, settings: RandomSettings, task: Task | None = None) -> None:
        del task
        self._space = space
        self.settings = settings

    def start(self, seed: int) -> State:
        """The state before the first ask."""
        return {"random": save_random(random.Random(seed))}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """`count` samples, as they come."""
        generator = load_random(state["random"])

        def draw() -> Proposal:
            return Proposal(genome=self._space.sample(generator), parents=(), move="sample")

        novel = Novel(archive)
        novel.fill(draw, count)
        return {"random": save_random(generator)}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The same state."""
        del results
        return state
