from __future__ import annotations

import random

import pytest
import torch

from actsearch.errors import UnsupportedError
from actsearch.grammar.space import open_space
from actsearch.search.strategies.controller import Controller, ControllerSettings
from actsearch.search.strategies.controller.policy import Policy
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Archive, Strategy, Told


def rewards(space, strategy: Strategy, generations: int = 12, count: int = 16) -> list[float]:
    """The share of each generation that contains a sine, which is what is rewarded."""
    archive, state, shares = Archive(), strategy.start(0), []
    for _ in range(generations):
        state, proposals = strategy.ask(state, count, archive)
        archive.proposed(proposal.genome.encode() for proposal in proposals)
        results = []
        for proposal in proposals:
            candidate = space.candidate(proposal.genome)
            score = float("sin(" in candidate.text)
            results.append(Told(id=candidate.id, genome=proposal.genome, score=score, stage="train"))
        archive.tell(results)
        state = strategy.tell(state, results)
        shares.append(sum(told.score for told in results) / count)
    return shares


def test_it_learns_a_planted_reward(swish):
    drawn = rewards(swish, RandomSearch(swish, RandomSettings()))
    learned = rewards(swish, Controller(swish, ControllerSettings()))
    assert sum(drawn) / len(drawn) < 0.25
    assert sum(learned[-3:]) / 3 > 0.6


def test_it_begins_as_the_space_samples(swish):
    policy = Policy(swish, 16)
    policy.begin(0)
    # A unit's input is x with weight 5 and another unit with weight 1, beside what small random weights change.
    generator = random.Random(0)
    drawn = [policy.draw(generator) for _ in range(300)]
    inputs = [node.production.name for genome in drawn for _, node in genome.nodes() if node.symbol == "input"]
    deep = [node for genome in drawn for path, node in genome.nodes() if node.symbol == "unit" and len(path) == 6]
    assert 0.75 < inputs.count("x") / len(inputs) < 0.92
    assert deep
    assert all(swish.contains(genome) for genome in drawn)


def test_probabilities_of_what_fits_sum_to_one(swish):
    policy = Policy(swish, 16)
    policy.begin(1)
    genome = swish.sample(random.Random(0))
    logs, entropies = policy(policy.batch([genome]))
    # All 10 productions of the root, the same first choice with another taken each time.
    total = 0.0
    for production in swish.productions["unit"].values():
        other = swish.beginning_with(production, random.Random(0))
        total += policy(policy.batch([other]))[0][0, 0].exp().item()
    assert total == pytest.approx(1.0, abs=1e-12)
    assert logs.max() <= 0
    assert (entropies >= 0).all()


def test_a_batch_does_not_change_what_is_computed_for_a_genome(swish):
    policy = Policy(swish, 16)
    policy.begin(1)
    genomes = [swish.sample(random.Random(seed)) for seed in range(9)]
    together, _ = policy(policy.batch(genomes))
    for row, genome in enumerate(genomes):
        alone, _ = policy(policy.batch([genome]))
        torch.testing.assert_close(together[row, : alone.shape[1]], alone[0], rtol=0, atol=1e-12)


def test_what_is_rewarded_becomes_likelier_and_duplicates_teach_nothing(swish):
    strategy = Controller(swish, ControllerSettings(entropy=0.0))
    good, bad = swish.sample(random.Random(1)), swish.sample(random.Random(2))
    policy = Policy(swish, ControllerSettings().units)

    def likelihoods(state):
        policy.load(state["weights"])
        batch = policy.batch([good, bad])
        return (policy(batch)[0] * batch.counts).sum(dim=1).tolist()

    start = strategy.start(0)
    results = [
        Told(id="a", genome=good, score=3.0, stage="train"),
        Told(id="b", genome=bad, score=None, stage="domain"),
    ]
    before, after = likelihoods(start), likelihoods(strategy.tell(start, results))
    assert after[0] > before[0]
    assert after[1] < before[1]
    repeated = [Told(id="a", genome=good, score=None, stage="duplicate")]
    assert strategy.tell(start, repeated) == start


def test_units_of_scores_do_not_matter(swish):
    strategy = Controller(swish, ControllerSettings())
    genomes = [swish.sample(random.Random(seed)) for seed in range(6)]
    states = []
    for scale, shift in ((1.0, 0.0), (1000.0, -7.0)):
        results = [Told(id=str(n), genome=g, score=n * scale + shift) for n, g in enumerate(genomes)]
        states.append(strategy.tell(strategy.start(0), results))
    assert states[0]["weights"] == states[1]["weights"]


def test_the_state_is_small_and_the_global_generator_is_left_alone():
    space = open_space("pangaea")
    before = torch.get_rng_state()
    strategy = Controller(space, ControllerSettings())
    state = strategy.start(0)
    state, _ = strategy.ask(state, 4, Archive())
    assert torch.equal(torch.get_rng_state(), before)
    assert len(str(state["weights"])) < 100_000


def test_a_space_without_rules_is_refused():
    with pytest.raises(UnsupportedError, match=r"'evonorm' is not written as rules"):
        Controller(open_space("evonorm"), ControllerSettings())
