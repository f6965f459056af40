from __future__ import annotations

import pytest

from actsearch.errors import UnsupportedError
from actsearch.evaluate.task import Task
from actsearch.grammar.space import open_space
from actsearch.search.strategies.placement import Placement, PlacementSettings
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Strategy, Told


class FourLayers(Task):
    layers = 4


@pytest.fixture(scope="module")
def space():
    return open_space("placement")


def planted(genome) -> float:
    """Best where the first and the last of four sites are linear and what is between them is not."""
    kinds = [child.production.name for child in genome.children[:4]]
    return sum((kind == "identity") == (site in (0, 3)) for site, kind in enumerate(kinds))


def played(space, strategy: Strategy, generations: int = 10, count: int = 16) -> Archive:
    archive, state = Archive(), strategy.start(0)
    for _ in range(generations):
        state, proposals = strategy.ask(state, count, archive)
        archive.proposed(proposal.genome.encode() for proposal in proposals)
        results = [
            Told(id=str(len(archive.told) + n), genome=p.genome, score=planted(p.genome))
            for n, p in enumerate(proposals)
        ]
        archive.tell(results)
        state = strategy.tell(state, results)
    return archive


def test_it_finds_out_where_a_nonlinearity_is_needed(space):
    found = played(space, Placement(space, PlacementSettings(), FourLayers())).told[-48:]
    drawn = played(space, RandomSearch(space, RandomSettings())).told
    assert sum(told.score == 4 for told in drawn) / len(drawn) < 0.1
    assert sum(told.score == 4 for told in found) / len(found) > 0.6


def test_sites_that_the_task_does_not_have_are_not_searched(space):
    strategy = Placement(space, PlacementSettings(), FourLayers())
    archive = played(space, strategy, generations=3)
    for told in archive.told:
        assert set(told.genome.children[4:]) == {told.genome.children[3]}
    seen = [told.genome.children[:4] for told in archive.told]
    assert len(set(seen)) == len(seen)


def test_a_move_changes_one_site_or_swaps_two(space):
    strategy = Placement(space, PlacementSettings(fresh=0.0))
    archive = played(space, strategy, generations=1)
    _, proposals = strategy.ask(strategy.start(1), 32, archive)
    parents = {told.id: told.genome for told in archive.told}
    moves = [proposal.move for proposal in proposals]
    assert set(moves) == {"replace", "copy", "swap"}
    for proposal in proposals:
        parent = parents[proposal.parents[0]]
        pairs = zip(parent.children, proposal.genome.children, strict=True)
        changed = sum(before != after for before, after in pairs)
        assert changed == (2 if proposal.move == "swap" else 1)
        assert len(proposal.parents) <= (2 if proposal.move == "copy" else 1)


def test_it_samples_until_there_is_something_to_learn_from(space):
    strategy = Placement(space, PlacementSettings(start=16))
    archive = played(space, strategy, generations=1, count=15)
    assert {proposal.move for proposal in strategy.ask(strategy.start(1), 16, archive)[1]} == {"sample"}


@pytest.mark.parametrize("name", ["swish", "evonorm"])
def test_a_space_of_one_function_everywhere_is_refused(name):
    with pytest.raises(UnsupportedError, match=f"the space '{name}' does not assign functions site by site"):
        Placement(open_space(name), PlacementSettings())
