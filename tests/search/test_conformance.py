from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from actsearch.evaluate.task import load_task
from actsearch.grammar.space import Space, read_space
from actsearch.search.config import SearchConfig
from actsearch.search.conformance import check, play
from actsearch.search.strategies import STRATEGIES, make_strategy
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Proposal, State, Strategy, Told

SETTINGS = {
    "evolution.population": "16",
    "controller.units": "8",
    "controller.epochs": "1",
    "gradient.mixture": "8",
    "gradient.share": "0.001",
    "entropy.measured": "1",
    "entropy.steps": "2",
    # So that it looks at hundreds of functions and not at thousands.
    "surrogate.enumerated": "500",
    "surrogate.pool": "2",
    "auto.known": "6",
}
SPACES = ("swish", "actbench", "pangaea")
SPACES_OF: Mapping[str, tuple[str, ...]] = {
    "annealing": (*SPACES, "sparse"),
    "exhaustive": ("actbench", "lanes", "polycom"),
    "entropy": ("entropy",),
    "gradient": ("swish", "actbench"),
    "placement": ("placement", "sparse"),
}
"""The spaces of strategies that make no sense on all of `SPACES`."""


@pytest.fixture(scope="module")
def read(root) -> Callable[[str], Space]:
    """Reader of spaces, each once, so that what strategies have looked at of one is looked at once."""
    return functools.cache(lambda name: read_space(root / "search_spaces" / f"{name}.yaml"))


def maker(name: str, space: Space) -> Callable[[], Strategy]:
    task = load_task("digits")
    return lambda: make_strategy(name, space, SearchConfig.of(SETTINGS).strategies, task)


@pytest.mark.parametrize(("name", "space"), [(n, space) for n in STRATEGIES for space in SPACES_OF.get(n, SPACES)])
def test_every_strategy_conforms(name, space, read):
    findings = list(check(maker(name, read(space)), read(space)))
    assert len(findings) == 9
    assert [finding for finding in findings if finding.trouble] == []


@pytest.mark.parametrize("name", [n for n in STRATEGIES if {"swish", "actbench"} & set(SPACES_OF.get(n, SPACES))])
def test_a_space_of_five_is_exhausted(name, write_space):
    space = read_space(Path(write_space({f"u{i}": f"sin({i + 1} * x)" for i in range(5)})))
    strategy, archive = maker(name, space)(), Archive()
    state = strategy.start(0)
    seen: list[str] = []
    for _ in range(8):
        state, proposals = strategy.ask(state, 2, archive)
        seen += [proposal.genome.encode() for proposal in proposals]
        archive.proposed(seen)
        results = [Told(id=str(i), genome=p.genome, score=float(i)) for i, p in enumerate(proposals)]
        archive.tell(results)
        state = strategy.tell(state, results)
    assert sorted(set(seen)) == sorted(seen)
    assert len(seen) == 5
    assert strategy.ask(state, 2, archive)[1] == []


class Bad(RandomSearch):
    """Random search with something wrong in it."""

    def __init__(self, space: Space) -> None:
        super().__init__(space, RandomSettings())


class Repeats(Bad):
    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        return super().ask(state, count, Archive())[0], super().ask(self.start(1), count, Archive())[1]


class Outside(Bad):
    """It is made for another space."""


class Global(Bad):
    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        return super().ask(self.start(random.randrange(10**6)), count, archive)


class Keeps(Bad):
    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        self.asks = getattr(self, "asks", 0) + 1
        return super().ask(self.start(self.asks), count, archive)


class Mutates(Bad):
    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        after, proposals = super().ask(state, count, archive)
        assert isinstance(state, dict)
        state["random"] = after["random"]
        return after, proposals


class GivesUp(Bad):
    def start(self, seed: int) -> Mapping[str, object]:
        return {**super().start(seed), "fallen": 0}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        after, proposals = super().ask(state, count if state["fallen"] < 20 else 0, archive)
        return {**state, **after}, proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        return {**state, "fallen": state["fallen"] + sum(told.score is None for told in results)}


class TooMany(Bad):
    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        return super().ask(state, count + 1, archive)


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        (Repeats, "asks nothing twice"),
        (Outside, "stays in the space"),
        (Global, "knows no other randomness"),
        (Keeps, "keeps nothing but its state"),
        (Mutates, "a state is a value"),
        (GivesUp, "takes rejections and failures"),
        (TooMany, "gives what is asked for"),
    ],
)
def test_a_strategy_with_a_fault_is_found(kind, point, read):
    swish = read("swish")
    findings = check(lambda: kind(read("actbench") if kind is Outside else swish), swish)
    assert point in [finding.point for finding in findings if finding.trouble]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_seed_changes_the_way(name, read):
    space = read(SPACES_OF.get(name, SPACES)[0])
    assert play(maker(name, space), space, seed=1).asked != play(maker(name, space), space, seed=2).asked
