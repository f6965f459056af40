from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch.grammar.space import read_space
from actsearch.search.census import Census, census
from actsearch.search.config import SearchConfig


@pytest.fixture
def count(write_space) -> Callable[..., Census]:
    """The census of a space of these functions."""

    def of(*texts: str, **settings: str) -> Census:
        space = read_space(Path(write_space({f"f{index}": text for index, text in enumerate(texts)})))
        return census(space, config=SearchConfig.of(settings))

    return of


def test_every_genome_is_counted_once(count):
    found = count("sin(x)", "2 * sin(x)", "cos(x)**2", "1 - sin(x)**2", "log(x)", "3 * x", "x - x + 1", "sign(x)", "-x")
    # sign(x) has a dead gradient, and is a function all the same.
    assert found == Census(distinct=3, same_text=1, same_function=1, constant=1, affine=2, not_finite=1)
    assert found.genomes == 9


def test_thresholds_are_those_of_the_settings(count):
    assert count("log(x)", **{"protocols.domain.largest_share": "1"}).not_finite == 0


def test_some_genomes_may_be_counted_alone(root):
    space = read_space(root / "search_spaces" / "actbench.yaml")
    genomes = list(space.enumerate())[:600]
    assert census(space, genomes).genomes == 600
    assert census(space, genomes * 2).same_text == census(space, genomes).same_text + 600


def test_what_act_bench_holds(root):
    # The paper counts about 2,800 functions. There, poles are functions too (1,096 texts here, some of them equal), and
    # so are constants, straight lines and multiples; what is left is 5,103 - 1,846 - 301 = 2,956 with them.
    found = census(read_space(root / "search_spaces" / "actbench.yaml"))
    assert found.genomes == 5103
    assert found == Census(distinct=1783, same_text=1846, same_function=301, constant=59, affine=18, not_finite=1096)
