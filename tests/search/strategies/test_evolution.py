from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable

import pytest
import torch

from actsearch.analysis.probe import Probe
from actsearch.grammar.space import Space
from actsearch.grammar.space.derivation import Derivation
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Strategy, Told

GRID = torch.linspace(-3, 3, 61, dtype=torch.float64)
TARGET = GRID * torch.sigmoid(1.7 * GRID) + 0.3 * torch.sin(2 * GRID)


def identity(genome: Derivation) -> str:
    return hashlib.sha256(genome.encode().encode()).hexdigest()[:12]


def closeness(space: Space) -> Callable[[Derivation], float | None]:
    """Scores a genome by its distance to a function that takes several steps to come near to."""

    def score(genome: Derivation) -> float | None:
        values = Probe(space.activation(genome)).response(GRID).values
        error = float((values - TARGET).square().mean())
        return -error if math.isfinite(error) else None

    return score


def drive(
    strategy: Strategy, score: Callable[[Derivation], float | None], *, generations: int, size: int, seed: int = 0
) -> list[Told]:
    """All that is told in a search of so many generations."""
    state, archive = strategy.start(seed), Archive()
    everything = []
    for _ in range(generations):
        state, proposals = strategy.ask(state, size, archive)
        results = [Told(id=identity(p.genome), genome=p.genome, score=score(p.genome)) for p in proposals]
        archive.proposed(p.genome.encode() for p in proposals)
        archive.tell(results)
        state = strategy.tell(state, results)
        everything += results
    return everything


def test_it_comes_nearer_to_a_target_than_random_search_with_as_many_tries(swish):
    score = closeness(swish)
    gains = []
    for seed in range(3):
        evolution = Evolution(swish, EvolutionSettings(population=16, tournament=3))
        best = [
            max(result.score for result in results if result.score is not None)
            for strategy in (evolution, RandomSearch(swish, RandomSettings()))
            if (results := drive(strategy, score, generations=25, size=16, seed=seed))
        ]
        gains.append(best[0] - best[1])
    # Both may meet the same nearest function, but random search is not the better one.
    assert min(gains) >= 0
    assert sum(gain > 0 for gain in gains) >= 2


@pytest.fixture
def fed(swish) -> Callable[..., tuple[Evolution, dict]]:
    """An evolution that was told of scored samples, and its state."""

    def make(count: int = 20, **settings: float) -> tuple[Evolution, dict]:
        strategy = Evolution(swish, EvolutionSettings(**{"population": 8, **settings}))
        generator = random.Random(5)
        genomes = [swish.sample(generator) for _ in range(count)]
        results = [Told(id=identity(g), genome=g, score=float(n)) for n, g in enumerate(genomes)]
        return strategy, dict(strategy.tell(strategy.start(0), results))

    return make


def test_the_population_is_the_best_of_all_that_were_scored(fed):
    strategy, state = fed(20)
    assert [member["score"] for member in state["population"]] == [19.0, 18, 17, 16, 15, 14, 13, 12]
    worse = Told(id="worse", genome=strategy._space.decode(state["population"][0]["genome"]), score=-1.0)
    assert strategy.tell(state, [worse]) == state
    better = Told(id="better", genome=worse.genome, score=100.0)
    population = strategy.tell(state, [better])["population"]
    assert len(population) == 8
    assert population[0]["id"] == "better"


def test_among_equals_the_older_stay(fed):
    strategy, state = fed(20)
    genome = strategy._space.decode(state["population"][0]["genome"])
    equal = [Told(id=f"new{n}", genome=genome, score=12.0) for n in range(3)]
    assert strategy.tell(state, equal) == state


def test_what_has_no_score_is_no_member(fed):
    strategy, state = fed(3)
    genome = strategy._space.decode(state["population"][0]["genome"])
    assert strategy.tell(state, [Told(id="rejected", genome=genome, score=None)]) == state


def test_it_samples_until_there_is_half_a_population(fed):
    for count, expected in ((0, {"sample"}), (3, {"sample"})):
        strategy, state = fed(count)
        assert {proposal.move for proposal in strategy.ask(state, 40, Archive())[1]} == expected
    strategy, state = fed(4)
    assert {proposal.move for proposal in strategy.ask(state, 40, Archive())[1]} > {"sample"}


def test_a_share_of_every_generation_is_fresh(fed):
    for fresh, expected in ((1.0, 20), (0.5, 10), (0.0, 0)):
        strategy, state = fed(fresh=fresh)
        proposals = strategy.ask(state, 20, Archive())[1]
        children = 20 - expected
        # A child that no move could change is sampled as well, and stands among the children.
        assert all(proposal.move == "sample" and not proposal.parents for proposal in proposals[children:])
        assert sum(bool(proposal.parents) for proposal in proposals[:children]) >= children * 0.8
        assert len(proposals) == 20


def test_parents_and_moves_are_recorded(fed, swish):
    strategy, state = fed(fresh=0.0, crossover=0.5)
    members = {member["id"]: swish.decode(member["genome"]) for member in state["population"]}
    proposals = strategy.ask(state, 200, Archive())[1]
    moves = {proposal.move for proposal in proposals}
    assert moves >= {"crossover", *swish.moves}
    assert moves <= {"crossover", "sample", *swish.moves}
    for proposal in proposals:
        assert set(proposal.parents) <= set(members)
        if proposal.move == "crossover":
            assert 1 <= len(proposal.parents) <= 2
        else:
            assert len(proposal.parents) == (proposal.move != "sample")
        assert len(set(proposal.parents)) == len(proposal.parents)
        if proposal.move in swish.moves:
            (parent,) = proposal.parents
            assert proposal.genome != members[parent]
    assert any(len(proposal.parents) == 2 for proposal in proposals)


def test_crossover_alone_and_mutation_alone_are_what_they_say(fed):
    strategy, state = fed(fresh=0.0, crossover=0.0)
    assert "crossover" not in {proposal.move for proposal in strategy.ask(state, 100, Archive())[1]}
    strategy, state = fed(fresh=0.0, crossover=1.0)
    moves = [proposal.move for proposal in strategy.ask(state, 100, Archive())[1]]
    assert moves.count("crossover") > 80


def test_a_larger_tournament_prefers_better_parents(fed):
    means = []
    for tournament in (1, 8):
        strategy, state = fed(fresh=0.0, crossover=0.0, tournament=tournament)
        scores = {member["id"]: member["score"] for member in state["population"]}
        parents = [parent for proposal in strategy.ask(state, 200, Archive())[1] for parent in proposal.parents]
        means.append(sum(scores[parent] for parent in parents) / len(parents))
    assert means[1] > means[0] + 1


def test_the_global_generator_is_left_as_it_was_even_when_breeding_fails(fed):
    strategy, state = fed()
    broken = {**state, "population": [{**member, "score": "no number"} for member in state["population"]]}
    before = random.getstate()
    with pytest.raises(TypeError):
        strategy.ask(broken, 20, Archive())
    assert random.getstate() == before


def test_the_oldest_are_removed_if_age_decides(swish):
    strategy = Evolution(swish, EvolutionSettings(population=3, survival="age"))
    proposals = strategy.ask(strategy.start(0), 5, Archive())[1]
    state = strategy.start(0)
    for number, proposal in enumerate(proposals):
        state = strategy.tell(state, [Told(id=str(number), genome=proposal.genome, score=-float(number))])
    assert [member["id"] for member in state["population"]] == ["2", "3", "4"], "the best two were the oldest"
