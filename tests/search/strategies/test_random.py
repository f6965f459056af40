from __future__ import annotations

import random

from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Told


def test_proposals_are_the_samples_of_the_space_in_order(swish):
    strategy = RandomSearch(swish, RandomSettings())
    state, first = strategy.ask(strategy.start(3), 4, Archive())
    _, second = strategy.ask(state, 2, Archive())
    generator = random.Random(3)
    assert [proposal.genome for proposal in first + second] == [swish.sample(generator) for _ in range(6)]
    assert {(proposal.parents, proposal.move) for proposal in first + second} == {((), "sample")}


def test_nothing_is_learned(swish):
    strategy = RandomSearch(swish, RandomSettings())
    state, proposals = strategy.ask(strategy.start(0), 3, Archive())
    assert strategy.tell(state, [Told(id="a", genome=p.genome, score=1.0) for p in proposals]) == state
