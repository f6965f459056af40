"""Gradient: a network trains mixtures of functions with its weights, and what weighs most in them is proposed.

Liu, Simonyan, Yang (2019), DARTS: Differentiable Architecture Search, arXiv:1806.09055; of activation functions:
Sütfeld et al. (2018), Adaptive Blending Units, arXiv:1806.10064. Changed against them: a mixture says only which
functions deserve a training of their own. They are proposed one by one, discrete, and scored like those of any other
strategy, so nothing rests on how well a mixture foretells what a function does alone. And a space may be large: each
mixture has a number of its functions, samples and neighbours of the best so far.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from actsearch.analysis.tensor_probe import probe_of
from actsearch.errors import UnsupportedError
from actsearch.evaluate.protocols.domain import Domain
from actsearch.evaluate.protocols.gradient import Gradient as GradientProtocol
from actsearch.evaluate.protocols.trivial import Trivial
from actsearch.evaluate.subject import Subject, subject_of
from actsearch.evaluate.task import Task
from actsearch.evaluate.trainer.perceptron import lessons_of
from actsearch.evaluate.trainer.stacked import is_stacked
from actsearch.grammar.space import Space
from actsearch.search.strategies.gradient.mixture import weigh
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_DRAWS = 8
"""For each place in a mixture, after which it is as small as it is."""
_PROTOCOLS = (Domain(), Trivial(), GradientProtocol())
"""What they reject would spoil a mixture, and not be trained alone either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientSettings:
    """Constants of the strategy."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "mixture": (2, 256), "take": (1, 256), "parents": (1, 10_000), "share": (0.001, 1), "rate": (1e-6, 10),
    }  # fmt: skip

    mixture: int = 16
    """Functions of a mixture."""
    take: int = 8
    """How many of them, those of most weight, are proposed."""
    parents: int = 8
    """How many of the best so far have neighbours in a mixture, half of its functions."""
    share: float = 0.3
    """How much of the task's training a mixture gets."""
    rate: float = 0.1
    """Learning rate of the mixtures' weights."""


class Gradient:
    """Proposes what weighs most in softmax mixtures that are trained on the task."""

    def __init__(self, space: Space, settings: GradientSettings, task: Task | None = None) -> None:
        if space.selectors != ("*",) or space.inputs != {"x"}:
            raise UnsupportedError(
                f"the gradient strategy mixes functions of x alone that stand everywhere, and those of {space.name!r}"
                " are others: search such a space, as swish or actbench, or with another strategy."
            )
        self._space = space
        self.settings = settings
        self._lessons = lessons_of(task, "the gradient strategy")

    def start(self, seed: int) -> State:
        """The state before the first ask."""
        return {"random": save_random(random.Random(seed)), "waiting": []}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """The functions of most weight in as many mixtures as it takes; samples where nothing can be mixed."""
        generator = load_random(state["random"])
        novel = Novel(archive)
        waiting = list(state["waiting"])
        for _ in range(count):
            while waiting and len(novel) < count:
                code, parents, move = waiting.pop(0)
                novel.takes(Proposal(genome=self._space.decode(code), parents=tuple(parents), move=move))
            if len(novel) >= count:
                break
            mixed = self._mixed(archive, novel, generator)
            if not mixed:
                break
            waiting = [[p.genome.encode(), list(p.parents), p.move] for p in self._weighed(mixed, generator)]
        novel.fill(lambda: self._sample(generator), count)
        return {"random": save_random(generator), "waiting": waiting}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The same state: the archive says which are the best."""
        del results
        return state

    def _sample(self, generator: random.Random) -> Proposal:
        return Proposal(genome=self._space.sample(generator), parents=(), move="sample")

    def _mixed(self, archive: Archive, novel: Novel, generator: random.Random) -> list[tuple[Proposal, Subject]]:
        """New functions for a mixture, that can be trained in one."""
        best = heapq.nlargest(self.settings.parents, archive.scored, key=lambda told: told.score or 0.0)
        found: dict[str, tuple[Proposal, Subject]] = {}
        asked = {proposal.genome.encode() for proposal in novel.proposals}
        for draw in range(_DRAWS * self.settings.mixture):
            if len(found) >= self.settings.mixture:
                break
            proposal = self._neighbour(best, generator) if best and draw % 2 else self._sample(generator)
            if archive.knows(proposal.genome) or proposal.genome.encode() in asked:
                continue
            asked.add(proposal.genome.encode())
            subject = _mixable(self._space.candidate(proposal.genome))
            if subject is not None:
                found.setdefault(subject.candidate.id, (proposal, subject))
        return list(found.values())

    def _neighbour(self, best: Sequence[Told], generator: random.Random) -> Proposal:
        told, move = generator.choice(best), generator.choice(list(self._space.moves))
        moved = self._space.moves[move](told.genome, generator)
        if moved is None:
            return self._sample(generator)
        return Proposal(genome=moved, parents=(told.id,), move=move)

    def _weighed(self, mixed: Sequence[tuple[Proposal, Subject]], generator: random.Random) -> list[Proposal]:
        """Those of most weight, the heaviest first."""
        seed = generator.randrange(1000)
        subjects = [subject for _, subject in mixed]
        weights = weigh(subjects, self._lessons, seed, self.settings.share, self.settings.rate)
        order = sorted(range(len(mixed)), key=lambda place: -weights[place])
        return [mixed[place][0] for place in order[: self.settings.take]]


def _mixable(candidate: Any) -> Subject | None:
    """The candidate with its gain if it can be trained in a mixture: finite, no straight line, point by point."""
    subject = subject_of(candidate)
    if not is_stacked(subject):
        return None
    probe = probe_of(subject.activation)
    return None if any(protocol.check(probe) for protocol in _PROTOCOLS) else subject
