"""Placement: which sites of a model get which function, and which stay linear.

Where a nonlinearity is needed: Srinivas, Babu (2015), Learning Neural Network Architectures using Backpropagation,
arXiv:1511.05497, and those who remove or replace the others (AutoReP, arXiv:2308.10134; Nonlinear Advantage,
arXiv:2211.17180). They anneal one model; here assignments are searched from outside, by local moves on the best ones.
Which moves is learned from all scores so far: a linear model says what each production at each site adds, and what is
believed is drawn from its posterior (Thompson sampling; Agrawal, Goyal 2013, arXiv:1209.3352), so that a site of which
little is known is tried. The model's regression is scikit-learn's (MacKay 1992, Bayesian Interpolation).
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from actsearch.errors import UnsupportedError
from actsearch.evaluate.task import Task
from actsearch.grammar.space import Space
from actsearch.grammar.space.derivation import Derivation
from actsearch.grammar.space.rules import RuleSpace
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_Array = NDArray[np.float64]
_DIGITS = 9
"""Of a predicted gain: the last bits of sums differ between machines, and ties are not to be broken by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementSettings:
    """Constants of the strategy."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "start": (2, 100_000), "parents": (1, 10_000), "neighbours": (1, 10_000), "fresh": (0, 1), "window": (2, 4096),
    }  # fmt: skip

    start: int = 16
    """Samples that are scored before anything is learned from them."""
    parents: int = 8
    """How many of the best are moved from."""
    neighbours: int = 16
    """Moves that are compared for each proposal."""
    fresh: float = 0.1
    """Share of each generation that is sampled anew."""
    window: int = 512
    """How many of the last scores the model learns from."""


class Placement:
    """Moves the functions of single sites, by what scores say each function adds at each site."""

    def __init__(self, space: Space, settings: PlacementSettings, task: Task | None = None) -> None:
        if not isinstance(space, RuleSpace) or len(space.selectors) < 2:
            raise UnsupportedError(
                f"the placement strategy searches which function stands where, and the space {space.name!r} does not"
                " assign functions site by site: search placement or sparse, or a space of rules with `assign`."
            )
        self._space = space
        self.settings = settings
        layers = task.layers if task is not None else 0
        self._sites = min(layers, len(space.selectors)) if layers else len(space.selectors)
        """How many of the sites the task has; the others follow the last one of these, as nobody sees them."""
        productions = [(production.symbol, production.name) for production in space.all_productions()]
        self._index = {key: place for place, key in enumerate(productions)}

    def start(self, seed: int) -> State:
        """The state before the first ask."""
        return {"random": save_random(random.Random(seed))}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Moves of single sites of the best assignments; samples until enough of these are scored."""
        generator = load_random(state["random"])
        novel = Novel(archive)
        if len(archive.scored) >= self.settings.start:
            believed = self._beliefs(archive, generator)
            best = heapq.nlargest(self.settings.parents, archive.scored, key=lambda told: told.score or 0.0)
            moved = count - round(count * self.settings.fresh)
            for _ in range(2 * moved):
                if len(novel) >= moved:
                    break
                known = [p for p in self._moves(best, generator) if not archive.knows(p.genome)]
                if known:
                    novel.takes(self._best(known, believed()))
        novel.fill(lambda: self._sample(generator), count)
        # Where the sites that are seen have nothing else, it may still be that others have.
        novel.fill(lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), count)
        return {"random": save_random(generator)}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The same state: the archive has all that is learned from."""
        del results
        return state

    def _sample(self, generator: random.Random) -> Proposal:
        return Proposal(genome=self._seen(self._space.sample(generator)), parents=(), move="sample")

    def _seen(self, genome: Derivation) -> Derivation:
        """`genome` with sites that the task has not as the last that it has."""
        last = genome.children[self._sites - 1]
        others = (last if child.symbol == last.symbol else child for child in genome.children[self._sites :])
        return replace(genome, children=(*genome.children[: self._sites], *others))

    def _moves(self, best: Sequence[Told], generator: random.Random) -> Iterator[Proposal]:
        """Neighbours of one of the best: a site has another function, that of a site of another one, or two swap."""
        told = generator.choice(best)
        parent: Derivation = told.genome  # type: ignore[assignment]
        for _ in range(self.settings.neighbours):
            site = generator.randrange(self._sites)
            symbol = parent.children[site].symbol
            kind, children = generator.choice(("replace", "copy", "swap")), list(parent.children)
            parents: tuple[str, ...] = (told.id,)
            if kind == "replace":
                room = self._space.room.enter(self._space.start)
                children[site] = self._space.sample_symbol(symbol, room, generator)
            elif kind == "copy":
                other = generator.choice(best)
                children[site] = other.genome.children[generator.randrange(self._sites)]  # type: ignore[attr-defined]
                parents = tuple(dict.fromkeys((told.id, other.id)))
            else:
                second = generator.randrange(self._sites)
                children[site], children[second] = children[second], children[site]
            genome = self._seen(replace(parent, children=tuple(children)))
            if children[site].symbol == symbol and genome != parent and self._space.contains(genome):
                yield Proposal(genome=genome, parents=parents, move=kind)

    def _best(self, proposals: Sequence[Proposal], belief: _Array) -> Proposal:
        gains = np.round(np.stack([self._features(p.genome) for p in proposals]) @ belief, _DIGITS)
        return proposals[int(np.argmax(gains))]

    def _features(self, genome: Any) -> _Array:
        """Whether each production stands at each site that the task has, (sites * productions,)."""
        features = np.zeros((self._sites, len(self._index)))
        for site, child in enumerate(genome.children[: self._sites]):
            for _, node in child.nodes():
                features[site, self._index[node.symbol, node.production.name]] = 1.0
        return features.ravel()

    def _beliefs(self, archive: Archive, generator: random.Random) -> Callable[[], _Array]:
        """What draws from the posterior of a linear model of the ranks of scores: the gain by each feature."""
        from scipy.stats import rankdata
        from sklearn.linear_model import BayesianRidge
        from threadpoolctl import threadpool_limits

        told = archive.scored[-self.settings.window :]
        features = np.stack([self._features(one.genome) for one in told])
        ranks = rankdata([one.score for one in told]) / len(told)
        # What stands everywhere or nowhere says nothing, and a gain by it is as uncertain as before.
        varied = np.flatnonzero(features.min(axis=0) != features.max(axis=0))
        normal = np.random.default_rng(generator.getrandbits(64))
        if not len(varied):
            return lambda: np.asarray(normal.standard_normal(features.shape[1]))
        with threadpool_limits(limits=1):
            model = BayesianRidge().fit(features[:, varied], ranks)
            root = np.linalg.cholesky(model.sigma_ + 1e-12 * np.eye(len(varied)))
        prior = float(model.lambda_) ** -0.5

        def draw() -> _Array:
            belief: _Array = prior * normal.standard_normal(features.shape[1])
            belief[varied] = model.coef_ + root @ belief[varied] / prior
            return belief

        return draw
