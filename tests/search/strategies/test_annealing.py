from __future__ import annotations

import itertools
import math
import random

import pytest

from actsearch.grammar.space import read_space
from actsearch.search.strategies.annealing import Annealing, AnnealingSettings
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Told


def walked(space, scores, **settings) -> list[float]:
    """Where one chain stands after each of the planted scores."""
    strategy = Annealing(space, AnnealingSettings(chains=1, **settings))
    state, archive, stands = strategy.start(0), Archive(), []
    for number, score in enumerate(scores):
        state, (proposal,) = strategy.ask(state, 1, archive)
        archive.proposed([proposal.genome.encode()])
        state = strategy.tell(state, [Told(id=str(number), genome=proposal.genome, score=score)])
        stands.append(state["chains"][0].get("score"))
    return stands


def test_late_acceptance_on_a_planted_sequence(swish):
    planted = [5.0, 4.0, 5.0, 3.0, 7.0, 6.0, 6.5, 6.0, 5.0, 8.0, 7.0]
    expected = [
        5.0,  # The start.
        5.0,  # 4 is worse than 5, and than 5 three steps ago.
        5.0,  # 5 is as good.
        5.0,  # 3 is worse than 5, and than 5.
        7.0,  # 7 is better.
        6.0,  # 6 is worse than 7, but better than 5.
        6.5,  # 6.5 is better than 6.
        6.5,  # 6 is worse than 6.5, and than the 7 of three steps ago.
        6.5,  # 5 is worse than 6.5, and than 6.
        8.0,  # 8 is better.
        7.0,  # 7 is worse than 8, but better than the 6.5 of three steps ago.
    ]
    assert walked(swish, planted, history=3) == expected


@pytest.mark.parametrize("history", [1, 2, 5])
def test_late_acceptance_on_random_sequences(swish, history):
    generator = random.Random(history)
    planted = [0.2 * number + generator.gauss(0, 1) for number in range(60)]
    stands = [planted[0]]
    for score in planted[1:]:
        before = stands[-history] if len(stands) >= history else stands[0]
        stands.append(score if score >= stands[-1] or score >= before else stands[-1])
    assert walked(swish, planted, history=history) == stands
    assert any(later < earlier for earlier, later in itertools.pairwise(stands)) == (history > 1)


def test_what_has_no_score_is_no_step(swish):
    assert walked(swish, [None, 5.0, None, 4.0, None], history=3) == [None, 5.0, 5.0, 5.0, 5.0]


def test_a_chain_takes_the_best_of_the_steps_it_is_offered(swish):
    strategy = Annealing(swish, AnnealingSettings(chains=1))
    state, archive = strategy.start(0), Archive()
    for scores in ([1.0], [0.0, 3.0, 2.0, None]):
        state, proposals = strategy.ask(state, len(scores), archive)
        results = [Told(id=str(s), genome=p.genome, score=s) for s, p in zip(scores, proposals, strict=True)]
        archive.proposed(proposal.genome.encode() for proposal in proposals)
        state = strategy.tell(state, results)
        assert strategy.tell({**state, "asked": {}}, results) == state, "what was not asked for is no step"
    (chain,) = state["chains"]
    assert (chain["id"], chain["step"]) == ("3.0", 2)
    assert {parent for proposal in proposals for parent in proposal.parents} == {"1.0"}


def test_at_no_temperature_annealing_only_climbs(swish):
    planted = [0.0, -1.0, 2.0, 1.0, 3.0, 2.9]
    assert walked(swish, planted, rule="annealing", temperature=0.0) == [0.0, 0.0, 2.0, 2.0, 3.0, 3.0]


def test_annealing_takes_steps_down_as_often_as_its_rule_says(swish):
    # Chains that start from 0 and 4 deviate by 2 from their median; a step down by 3 at T = 2 is taken by exp(-1.5).
    count = 2000
    strategy = Annealing(swish, AnnealingSettings(rule="annealing", chains=count, temperature=1.0, cooling=0.5))
    genome = swish.sample(random.Random(0))
    chain = {"id": "a", "genome": genome.encode(), "history": [], "step": 1}
    chains = [{**chain, "score": start, "first": start} for start in (0.0, 4.0) * (count // 2)]
    asked = {f"{place}": place for place in range(count)}

    class Step:
        def __init__(self, code: str) -> None:
            self.encode = lambda: code

    state = {**strategy.start(1), "chains": chains, "asked": asked}
    told = [Told(id="b", genome=Step(str(place)), score=chain["score"] - 3) for place, chain in enumerate(chains)]
    after = strategy.tell(state, told)["chains"]
    assert sum(chain["id"] == "b" for chain in after) / count == pytest.approx(math.exp(-1.5), abs=0.03)
    cooler = {**state, "chains": [{**chain, "step": 2} for chain in chains]}
    after = strategy.tell(cooler, told)["chains"]
    assert sum(chain["id"] == "b" for chain in after) / count == pytest.approx(math.exp(-3), abs=0.02)


def test_a_step_changes_one_site(root):
    space = read_space(root / "search_spaces" / "sparse.yaml")
    strategy = Annealing(space, AnnealingSettings(chains=2))
    state, archive = strategy.start(0), Archive()
    state, starts = strategy.ask(state, 2, archive)
    state = strategy.tell(state, [Told(id=str(n), genome=p.genome, score=0.0) for n, p in enumerate(starts)])
    _, steps = strategy.ask(state, 100, archive)
    for step in steps:
        (parent,) = step.parents
        before, after = (space.candidate(genome).assignment for genome in (starts[int(parent)].genome, step.genome))
        assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    assert len(steps) == 100
    assert {parent for step in steps for parent in step.parents} == {"0", "1"}


def test_it_finds_a_planted_assignment_that_random_search_does_not(root):
    space = read_space(root / "search_spaces" / "sparse.yaml")
    wanted = ["elu", "tanh", "gelu", "swish", "relu6", "tanh", "softplus", "elu"]

    def score(genome) -> float:
        functions = [site.children[0].production.name for site in genome.children]
        return float(sum(found == name for found, name in zip(functions, wanted, strict=True)))

    best = []
    for strategy in (Annealing(space, AnnealingSettings(chains=1)), RandomSearch(space, RandomSettings())):
        state, archive = strategy.start(0), Archive()
        for _ in range(60):
            state, proposals = strategy.ask(state, 16, archive)
            results = [Told(id=p.genome.encode(), genome=p.genome, score=score(p.genome)) for p in proposals]
            archive.proposed(told.id for told in results)
            archive.tell(results)
            state = strategy.tell(state, results)
        best.append(max(told.score for told in archive.scored))
    assert best[0] >= 7
    assert best[1] <= 5
