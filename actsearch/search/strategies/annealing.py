"""Annealing: chains of small steps that sometimes go down, by late acceptance or by a temperature.

Late-acceptance hill climbing (Burke, Bykov 2017, European Journal of Operational Research 258(1)) takes a step that is
no worse than where the chain stands or than where it stood `history` steps ago; it is how SAFS chooses an activation
for each layer of a pruned network (Loni et al. 2023, arXiv:2305.10964; history 3). Simulated annealing (Kirkpatrick,
Gelatt, Vecchi 1983, Science 220) takes a step down by d with the probability exp(-d/T).

Changed against them: a generation is trained together, so several chains go on at once, and a chain that is asked for
several steps takes the best of them or none. What was rejected or failed is no step. Where candidates assign to several
sites, a step changes one of them.
"""

from __future__ import annotations

import math
import operator
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from actsearch.evaluate.task import Task
from actsearch.grammar.space import Genome, Space
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_ATTEMPTS = 16
"""To find a step that was not taken before; then a chain is offered a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnealingSettings:
    """Constants of the annealing."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "chains": (1, 100_000), "history": (1, 1_000_000), "temperature": (0, 1_000_000), "cooling": (0.000_001, 1)
    }  # fmt: skip
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {"rule": ("late-acceptance", "annealing")}

    rule: Literal["late-acceptance", "annealing"] = "late-acceptance"
    """Late acceptance, or simulated annealing."""
    chains: int = 4
    """How many go on at once; proposals are shared out among them in turn."""
    history: int = 3
    """Late acceptance: steps between the two scores of a chain that a new one is compared with."""
    temperature: float = 1.0
    """Simulated annealing: at the start, in median absolute deviations of the scores that the chains start from."""
    cooling: float = 0.9
    """Simulated annealing: factor of the temperature from each step of a chain to the next."""


class Annealing:
    """Walks by small steps in several chains, at times downwards: late acceptance or simulated annealing."""

    def __init__(self, space: Space, settings: AnnealingSettings, task: Task | None = None) -> None:
        del task
        self._space = space
        self.settings = settings

    def start(self, seed: int) -> State:
        """Chains that stand nowhere yet."""
        chains = [{"step": 0} for _ in range(self.settings.chains)]
        return {"random": save_random(random.Random(seed)), "turn": 0, "chains": chains, "asked": {}}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """A step of each chain in turn, from where it stands; samples for chains that stand nowhere yet."""
        generator = load_random(state["random"])
        novel, asked, turn = Novel(archive), dict(state["asked"]), state["turn"]
        for _ in range(count):
            place = turn % len(state["chains"])
            before = len(novel)
            self._propose(state["chains"][place], novel, generator)
            if len(novel) == before:
                break
            asked[novel.proposals[-1].genome.encode()] = place
            turn += 1
        return {**state, "random": save_random(generator), "turn": turn, "asked": asked}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The chains after the best of the steps that each was offered, which it takes or not."""
        generator = load_random(state["random"])
        chains = [dict(chain) for chain in state["chains"]]
        best: dict[int, tuple[float, Told]] = {}
        for told in results:
            place = state["asked"].get(told.genome.encode())
            if place is not None and told.score is not None and (place not in best or told.score > best[place][0]):
                best[place] = told.score, told
        for place, (score, told) in sorted(best.items(), key=operator.itemgetter(0)):
            chains[place] = self._stepped(chains, place, told, score, generator)
        return {**state, "random": save_random(generator), "chains": chains, "asked": {}}

    def _propose(self, chain: Mapping[str, Any], novel: Novel, generator: random.Random) -> None:
        """Let `novel` take one step of a chain, or a sample where no new step was found."""
        if chain["step"]:
            genome = self._space.decode(chain["genome"])
            for _ in range(_ATTEMPTS):
                name, step = self._neighbour(genome, generator)
                if step is not None and novel.takes(Proposal(genome=step, parents=(chain["id"],), move=name)):
                    return
        novel.fill(
            lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), len(novel) + 1
        )  # fmt: skip

    def _neighbour(self, genome: Genome, generator: random.Random) -> tuple[str, Genome | None]:
        name = generator.choice(list(self._space.moves))
        moved: Genome | None = self._space.moves[name](genome, generator)
        if moved is None or len(self._space.selectors) == 1:
            return name, moved
        parts = zip(self._space.candidate(genome).assignment, self._space.candidate(moved).assignment, strict=True)
        return name, moved if sum(old != new for old, new in parts) == 1 else None

    def _stepped(
        self, chains: Sequence[Mapping[str, Any]], place: int, told: Told, score: float, generator: random.Random
    ) -> dict[str, Any]:
        """The chain at `place` after the step to `told`, or after refusing it."""
        chain = dict(chains[place])
        here = {"id": told.id, "genome": told.genome.encode(), "score": score}
        if not chain["step"]:
            return {**here, "step": 1, "first": score, "history": [score] * self.settings.history}
        if self.settings.rule == "late-acceptance":
            history, at = list(chain["history"]), chain["step"] % self.settings.history
            taken = score >= chain["score"] or score >= history[at]
            history[at] = score if taken else chain["score"]
            chain["history"] = history
        else:
            fall = chain["score"] - score
            taken = fall <= 0 or generator.random() < _probability(fall, self._temperature(chains, chain["step"]))
        return {**chain, **(here if taken else {}), "step": chain["step"] + 1}

    def _temperature(self, chains: Sequence[Mapping[str, Any]], step: int) -> float:
        firsts = [chain["first"] for chain in chains if chain["step"]]
        middle = statistics.median(firsts)
        deviation = statistics.median(abs(first - middle) for first in firsts)
        return float(self.settings.temperature * deviation * self.settings.cooling ** (step - 1))


def _probability(fall: float, temperature: float) -> float:
    return math.exp(-fall / temperature) if temperature > 0 else 0.0
