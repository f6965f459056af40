from __future__ import annotations

import json
import statistics

import pytest

from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import size
from actsearch.grammar.space import read_space
from actsearch.search.strategies.exhaustive import Exhaustive, ExhaustiveSettings
from actsearch.search.strategy import Archive


def asked_in_all(space, *, anew: bool, known: tuple[str, ...] = ()) -> list[str]:
    """Genomes that are asked for to the end, by a new object for every ask if `anew`."""
    strategy, archive = Exhaustive(space, ExhaustiveSettings()), Archive()
    archive.proposed(known)
    state, seen = strategy.start(3), []
    while True:
        if anew:
            strategy = Exhaustive(space, ExhaustiveSettings())
        state, proposals = strategy.ask(json.loads(json.dumps(state)), 7, archive)
        if not proposals:
            return seen
        codes = [proposal.genome.encode() for proposal in proposals]
        archive.proposed(codes)
        seen += codes


@pytest.mark.parametrize("name", ["polycom", "row"])
def test_every_genome_is_asked_for_once_also_by_searches_that_are_resumed(name, root):
    space = read_space(root / "search_spaces" / f"{name}.yaml")
    everything = [genome.encode() for genome in space.enumerate()]
    found = asked_in_all(space, anew=False)
    assert len(found) == len(everything)
    assert set(found) == set(everything)
    assert asked_in_all(space, anew=True) == found
    known = tuple(everything[::3])
    assert asked_in_all(space, anew=True, known=known) == [code for code in found if code not in known]


def test_those_of_ordinary_size_come_first_in_every_window(root):
    space = read_space(root / "search_spaces" / "actbench.yaml")
    strategy = Exhaustive(space, ExhaustiveSettings())
    _, proposals = strategy.ask(strategy.start(0), 2048, Archive())
    sizes = [size(space.activation(proposal.genome).expression) for proposal in proposals]
    for window in (sizes[:1024], sizes[1024:]):
        middle = statistics.median_low(window)
        distances = [abs(found - middle) for found in window]
        assert distances == sorted(distances)
        assert distances[0] < distances[-1]


@pytest.mark.parametrize(("name", "most"), [("swish", 100_000), ("evonorm", 100_000), ("actbench", 5102)])
def test_what_is_too_large_is_refused_in_a_sentence(name, most, root):
    space = read_space(root / "search_spaces" / f"{name}.yaml")
    with pytest.raises(UnsupportedError, match=rf"at most {most} genomes, and '{name}' has") as caught:
        Exhaustive(space, ExhaustiveSettings(largest=most))
    assert "\n" not in str(caught.value)
