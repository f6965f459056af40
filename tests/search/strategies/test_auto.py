from __future__ import annotations

import json
from collections import Counter

import pytest

from actsearch.analysis import catalog
from actsearch.errors import ConfigError, UnknownNameError, UnsupportedError
from actsearch.search.config import SearchConfig
from actsearch.search.strategies import auto, make_strategy
from actsearch.search.strategies.auto import Auto, AutoSettings
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Proposal, State, Told


def told(proposals: list[Proposal], score: float | None = 1.0) -> list[Told]:
    stage = "train" if score is not None else "domain"
    return [Told(id=str(n), genome=p.genome, score=score, stage=stage) for n, p in enumerate(proposals)]


def test_it_starts_from_functions_with_a_name(swish):
    strategy, archive = Auto(swish, AutoSettings(known=10, arms="random")), Archive()
    state, first = strategy.ask(strategy.start(0), 12, archive)
    assert [proposal.move for proposal in first] == ["catalog"] * 6 + ["sample"] * 6
    archive.proposed(proposal.genome.encode() for proposal in first)
    state, second = strategy.ask(strategy.tell(state, told(first)), 12, archive)
    assert Counter(proposal.move for proposal in second) == {"catalog": 4, "sample": 8}
    names = {entry.activation.without_factor().with_granularity("layer").id
             for entry in catalog.catalog().values() if entry.formula is not None}  # fmt: skip
    for proposal in first[:6] + second[:4]:
        assert swish.candidate(proposal.genome).activation.with_granularity("layer").id in names


def test_it_starts_from_nothing_if_told_to(swish):
    strategy = Auto(swish, AutoSettings(catalog="false", arms="random"))
    sampled = RandomSearch(swish, RandomSettings())
    first = strategy.ask(strategy.start(4), 8, Archive())[1]
    assert first == sampled.ask(sampled.start(4), 8, Archive())[1]


class Planted(RandomSearch):
    """Random search whose proposals the test can tell."""

    move = "planted"

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        state, found = super().ask(state, count, archive)
        return state, [Proposal(genome=p.genome, parents=(), move=self.move) for p in found]


class Poor(Planted):
    move = "poor"


@pytest.mark.parametrize(("good", "order"), [("planted", "planted,poor"), ("planted", "poor,planted")])
def test_what_pays_off_gets_most_of_the_budget(swish, monkeypatch, good, order):
    arms = {"planted": (Planted, RandomSettings), "poor": (Poor, RandomSettings)}
    monkeypatch.setattr(auto, "ARMS", arms)
    strategy, archive = Auto(swish, AutoSettings(catalog="false", arms=order)), Archive()
    state, counts = strategy.start(1), []
    for _ in range(25):
        state, proposals = strategy.ask(json.loads(json.dumps(state)), 16, archive)
        assert len(proposals) == 16
        results = [
            Told(id=str(n), genome=p.genome, score=float(n % 8 + 4 * (p.move == good)), stage="train")
            for n, p in enumerate(proposals)
        ]
        archive.proposed(proposal.genome.encode() for proposal in proposals)
        archive.tell(results)
        state = strategy.tell(json.loads(json.dumps(state)), results)
        counts.append(sum(proposal.move == good for proposal in proposals))
    assert sum(counts[-8:]) > 0.65 * 8 * 16
    assert sum(counts) < 25 * 16, "the other is tried"


def test_a_strategy_that_gives_too_few_is_helped_out(swish, monkeypatch):
    class Empty(RandomSearch):
        def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
            return super().ask(state, min(count, 1), archive)

    monkeypatch.setattr(auto, "ARMS", {"empty": (Empty, RandomSettings), "random": (RandomSearch, RandomSettings)})
    strategy = Auto(swish, AutoSettings(catalog="false", arms="empty,random"))
    assert len(strategy.ask(strategy.start(0), 10, Archive())[1]) == 10


def test_rejections_before_training_are_neither_success_nor_failure(swish):
    strategy = Auto(swish, AutoSettings(catalog="false", arms="random"))
    state, proposals = strategy.ask(strategy.start(0), 10, Archive())
    assert strategy.tell(state, told(proposals, score=None))["tallies"] == {"random": [0.0, 0.0]}
    assert strategy.tell(state, told(proposals))["tallies"] == {"random": [10.0, 0.0]}


def test_a_strategy_that_makes_no_sense_in_a_space_is_left_out(swish, monkeypatch):
    class Elsewhere(RandomSearch):
        def __init__(self, *_: object) -> None:
            raise UnsupportedError("not here.")

    monkeypatch.setattr(auto, "ARMS", {"x": (Elsewhere, RandomSettings), "random": (RandomSearch, RandomSettings)})
    assert set(Auto(swish, AutoSettings(arms="x, random")).start(0)["arms"]) == {"random"}
    with pytest.raises(ConfigError, match=r"auto\.arms"):
        Auto(swish, AutoSettings(arms="x"))


def test_its_strategies_have_the_settings_of_the_search(swish):
    settings = SearchConfig.of({"auto.catalog": "false", "auto.arms": "evolution", "evolution.fresh": "1"}).strategies
    moves = {}
    for name, strategy in {
        "set": make_strategy("auto", swish, settings),
        "default": Auto(swish, settings["auto"]),
        "evolution": make_strategy("evolution", swish, settings),
    }.items():
        archive, state = Archive(), strategy.start(0)
        for _ in range(6):
            state, proposals = strategy.ask(state, 16, archive)
            results = [Told(id=str(n), genome=p.genome, score=float(n), stage="train") for n, p in enumerate(proposals)]
            archive.proposed(proposal.genome.encode() for proposal in proposals)
            archive.tell(results)
            state = strategy.tell(state, results)
        moves[name] = {proposal.move for proposal in proposals}
    assert moves["set"] == moves["evolution"] == {"sample"}
    assert moves["default"] - {"sample"}


def test_an_unknown_strategy_is_named(swish):
    with pytest.raises(UnknownNameError, match=r"auto\.arms 'surogate': did you mean surrogate"):
        Auto(swish, AutoSettings(arms="surogate"))
