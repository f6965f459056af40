from __future__ import annotations

import json
import random

from actsearch.grammar.space import Space
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Novel, Proposal, Told, load_random, save_random


def test_a_random_generator_goes_on_where_it_was_saved():
    generator = random.Random(7)
    generator.gauss(0, 1)
    copy = load_random(json.loads(json.dumps(save_random(generator))))
    draws = [(g.random(), g.gauss(0, 1), g.getrandbits(64), g.choice("abc")) for g in (generator, copy)]
    assert draws[0] == draws[1]


def proposals(space: Space, count: int) -> list[Proposal]:
    strategy = RandomSearch(space, RandomSettings())
    return strategy.ask(strategy.start(0), count, Archive())[1]


def test_an_archive_knows_what_was_proposed_and_what_became_of_it(swish):
    first, second, third = proposals(swish, 3)
    archive = Archive()
    archive.proposed([first.genome.encode(), second.genome.encode()])
    archive.tell([Told(id="a", genome=first.genome, score=None), Told(id="b", genome=second.genome, score=1.0)])
    assert [archive.knows(each.genome) for each in (first, second, third)] == [True, True, False]
    assert [told.id for told in archive.told] == ["a", "b"]
    assert [told.id for told in archive.scored] == ["b"]


def test_only_what_is_new_is_gathered(swish):
    first, second, third = proposals(swish, 3)
    archive = Archive()
    archive.proposed([first.genome.encode()])
    novel = Novel(archive)
    assert [novel.takes(each) for each in (first, second, second, third)] == [False, True, False, True]
    assert novel.proposals == [second, third]
    novel.fill(lambda: first, 5)  # ends, though nothing new comes
    assert len(novel) == 2
