"""Controller: a recurrent network writes derivations and learns from scores by proximal policy optimisation.

Ramachandran, Zoph, Le (2017), Searching for Activation Functions, arXiv:1710.05941; the update is that of Schulman,
Wolski, Dhariwal, Radford, Klimov (2017), arXiv:1707.06347, the advantage a reward minus its moving average. Changed
against the paper:

- the network chooses productions of any space that is written as rules, so every derivation is one of the space;
- it begins as the space samples, and own parameters of productions are drawn as the space draws them;
- a reward is the rank of a score among the last ones, from 0 to 1, so that scores of every task teach alike; what was
  rejected or failed has 0, and a duplicate teaches nothing;
- Adam starts anew in every generation, so that the weights are all there is to keep.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from actsearch.errors import UnsupportedError
from actsearch.evaluate.task import Task
from actsearch.evaluate.trainer.perceptron import one_thread
from actsearch.grammar.space import Space
from actsearch.grammar.space.rules import RuleSpace
from actsearch.search.strategies.controller.policy import Policy
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_DRAWS = 8
"""For each place, after which it is filled with a sample of the space: what the policy likes best may all be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """Constants of the controller."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "units": (1, 256), "learning_rate": (1e-6, 1), "epochs": (1, 1000), "clip": (0.001, 1),
        "entropy": (0, 10), "decay": (0, 1), "window": (1, 4096),
    }  # fmt: skip

    units: int = 32
    """Of the recurrent layer."""
    learning_rate: float = 5e-3
    epochs: int = 4
    """Steps of Adam on each generation."""
    clip: float = 0.2
    """By how much the ratio of new to old probabilities counts on either side of 1."""
    entropy: float = 0.02
    """Weight of the choices' entropy (nats) beside the reward, against a policy that closes on itself."""
    decay: float = 0.9
    """What is left of the moving average of rewards after a generation."""
    window: int = 256
    """How many of the last scores a score is ranked among."""


class Controller:
    """A recurrent controller writes derivations and is trained by PPO on the ranks of their scores."""

    def __init__(self, space: Space, settings: ControllerSettings, task: Task | None = None) -> None:
        del task
        if not isinstance(space, RuleSpace):
            raise UnsupportedError(
                f"the controller chooses productions, and the space {space.name!r} is not written as rules: give one"
                " space of rules, such as swish or pangaea, or another strategy."
            )
        self._space = space
        self.settings = settings
        self._policy = Policy(space, settings.units)

    def start(self, seed: int) -> State:
        """A policy that draws as the space does."""
        self._policy.begin(seed)
        generator = random.Random(seed)
        return {"random": save_random(generator), "weights": self._policy.save(), "average": None, "scores": []}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Derivations that the policy draws; samples of the space where it has no new ones."""
        generator = load_random(state["random"])
        self._policy.load(state["weights"])
        novel = Novel(archive)
        with one_thread():
            for _ in range(_DRAWS * count):
                if len(novel) >= count:
                    break
                genome = self._policy.draw(generator)
                if genome is not None:
                    novel.takes(Proposal(genome=genome, parents=(), move="controller"))
        novel.fill(lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), count)
        return {**state, "random": save_random(generator)}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The policy after some steps on these results."""
        learned = [told for told in results if told.stage != "duplicate"]
        if not learned:
            return state
        scores = [*state["scores"], *(told.score for told in learned if told.score is not None)]
        scores = scores[-self.settings.window :]
        rewards = _rewards(learned, scores)
        mean = sum(rewards) / len(rewards)
        average = mean if state["average"] is None else state["average"]
        self._policy.load(state["weights"])
        with one_thread():
            self._learn(learned, [reward - average for reward in rewards])
        decay = self.settings.decay
        average = decay * average + (1 - decay) * mean
        return {**state, "weights": self._policy.save(), "average": average, "scores": scores}

    def _learn(self, learned: Sequence[Told], advantages: Sequence[float]) -> None:
        """Steps on the clipped surrogate; the old probabilities are those of the weights before."""
        batch = self._policy.batch([told.genome for told in learned])  # type: ignore[misc]
        advantage = torch.tensor(advantages, dtype=torch.float64).unsqueeze(1)
        clip = self.settings.clip
        with torch.no_grad():
            before, _ = self._policy(batch)
        adam = torch.optim.Adam(self._policy.parameters(), lr=self.settings.learning_rate)
        for _ in range(self.settings.epochs):
            after, entropies = self._policy(batch)
            ratio = (after - before).exp()
            gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
            loss = -((gain + self.settings.entropy * entropies) * batch.counts).sum() / batch.counts.sum().clamp(min=1)
            adam.zero_grad()
            loss.backward()
            adam.step()


def _rewards(learned: Sequence[Told], scores: Sequence[float]) -> list[float]:
    """The share of `scores` below each result's, those that tie counted half; 0 without a score."""
    ordered = sorted(scores)
    return [
        0.0
        if told.score is None
        else (bisect_left(ordered, told.score) + bisect_right(ordered, told.score)) / (2 * len(ordered))
        for told in learned
    ]
