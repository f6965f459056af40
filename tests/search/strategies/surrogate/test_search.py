from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from actsearch.analysis.probe import Probe
from actsearch.grammar.space import Space, read_space
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategies.surrogate import Surrogate, SurrogateSettings, album_of
from actsearch.search.strategies.surrogate.crowd import Crowd
from actsearch.search.strategies.surrogate.look import look
from actsearch.search.strategy import Archive, Proposal, Strategy, Told

GRID = torch.linspace(-3, 3, 61, dtype=torch.float64)


def closeness(space: Space, target: torch.Tensor) -> Callable[[Proposal], Told]:
    """Results by the distance to a function, whatever sign and reflection."""

    def told(proposal: Proposal) -> Told:
        candidate = space.candidate(proposal.genome)
        values = Probe(candidate.activation).response(GRID).values
        values = (values - values.mean()) / values.std()
        error = min(float((sign * v - target).square().mean()) for sign in (1, -1) for v in (values, values.flip(0)))
        score = -error if math.isfinite(error) else None
        return Told(id=candidate.id, genome=proposal.genome, score=score, stage="train" if score else "domain")

    return told


def drive(strategy: Strategy, judge: Callable[[Proposal], Told], *, generations: int, size: int, seed: int) -> Archive:
    state, archive = strategy.start(seed), Archive()
    for _ in range(generations):
        state, proposals = strategy.ask(state, size, archive)
        results = [judge(proposal) for proposal in proposals]
        archive.proposed(proposal.genome.encode() for proposal in proposals)
        archive.tell(results)
        state = strategy.tell(state, results)
    return archive


@pytest.fixture(scope="module")
def small(root):
    return read_space(root / "search_spaces" / "periodic.yaml")


@pytest.fixture(scope="module")
def large(root):
    return read_space(root / "search_spaces" / "swish.yaml")


def target() -> torch.Tensor:
    values = torch.sin(2 * GRID) + GRID
    return (values - values.mean()) / values.std()


@pytest.mark.parametrize("name", ["small", "large"])
def test_it_comes_nearer_to_a_target_than_random_search(name, request):
    space = request.getfixturevalue(name)
    judge = closeness(space, target())
    settings = SurrogateSettings(enumerated=2_000, pool=4)
    gains = []
    for seed in range(3):
        best = [
            max(told.score for told in archive.scored if told.score is not None)
            for strategy in (Surrogate(space, settings), RandomSearch(space, RandomSettings()))
            if (archive := drive(strategy, judge, generations=5, size=8, seed=seed))
        ]
        gains.append(best[0] - best[1])
    assert np.median(gains) >= 0
    assert max(gains) > 0


def test_a_function_that_is_known_is_not_proposed_in_another_form(small):
    archive = drive(Surrogate(small, SurrogateSettings()), closeness(small, target()), generations=3, size=10, seed=1)
    prints = [hashlib.sha256(look.function.encode()).hexdigest() for look in _looks(small, archive)]
    assert len(set(prints)) == len(prints) == 30
    assert {told.stage for told in archive.told} == {"train"}, "what the funnel rejects comes last"


def _looks(space: Space, archive: Archive):
    return [album_of(space).at(told.genome) for told in archive.told]


def test_the_first_are_spread_out_and_the_next_are_near_the_best(small):
    strategy = Surrogate(small, SurrogateSettings(boldness=0.0))
    archive = drive(strategy, closeness(small, target()), generations=4, size=10, seed=0)
    scores = np.array([told.score for told in archive.told])
    assert np.median(scores[30:]) > np.median(scores[:10])


def test_a_share_is_drawn_from_among_those_that_are_expected_to_be_best(small):
    archive = drive(RandomSearch(small, RandomSettings()), closeness(small, target()), generations=2, size=20, seed=0)

    def asked(seed: int, count: int, **settings: float) -> set[str]:
        strategy = Surrogate(small, SurrogateSettings(boldness=0.0, **settings))
        return {proposal.genome.encode() for proposal in strategy.ask(strategy.start(seed), count, archive)[1]}

    expected_best = asked(0, 10, draws=0.0)
    assert expected_best == asked(1, 10, draws=0.0) == asked(0, 10, draws=1.0, among=0.0)
    known = {look.function for look in _looks(small, archive)}
    others = sum(seen.is_promising and seen.function not in known for *_, seen in album_of(small).all)
    entrants = asked(0, math.ceil(others / 4), draws=0.0)
    drawn = [asked(seed, 10, draws=1.0, among=0.25) for seed in range(3)]
    assert all(len(some) == 10 and some < entrants for some in drawn)
    assert len(set.union(*drawn)) > 20
    halves = [len(asked(seed, 10, draws=0.5, among=0.25) & expected_best) for seed in range(10)]
    assert 4 < np.mean(halves) < 8


def test_what_failed_counts_as_worst_and_what_was_not_trained_says_nothing(small):
    strategy = Surrogate(small, SurrogateSettings(initial=8))
    judge = closeness(small, target())
    archive = drive(strategy, judge, generations=2, size=10, seed=0)
    asked = strategy.ask(strategy.start(5), 6, archive)[1]
    others = [genome for _, genome in zip(range(60), small.enumerate(), strict=False)]
    unknown = [genome for genome in others if not archive.knows(genome)][:4]
    archive.tell([Told(id=str(n), genome=g, score=None, stage="signal") for n, g in enumerate(unknown)])
    kept = [proposal for proposal in asked if proposal.genome not in unknown]
    assert strategy.ask(strategy.start(5), 6, archive)[1][: len(kept)] == kept
    archive.tell([Told(id=str(n), genome=p.genome, score=None, stage="train") for n, p in enumerate(asked)])
    assert strategy.ask(strategy.start(5), 6, archive)[1] != asked


def test_no_more_is_fitted_than_it_may_remember(small):
    judge = closeness(small, target())
    archive = drive(RandomSearch(small, RandomSettings()), judge, generations=6, size=30, seed=0)
    strategy = Surrogate(small, SurrogateSettings(memory=20))
    kept = strategy._remembered(archive)
    assert len(kept) <= 20
    best = max(archive.scored, key=lambda told: told.score or -math.inf)
    assert best in kept
    assert kept == [told for told in archive.told if told in kept]


def test_in_a_large_space_candidates_have_parents(large):
    archive = drive(
        Surrogate(large, SurrogateSettings(pool=3)), closeness(large, target()), generations=3, size=10, seed=0
    )
    proposals = Surrogate(large, SurrogateSettings(pool=3)).ask({**_start(large)}, 12, archive)[1]
    names = {told.id for told in archive.told}
    assert any(proposal.parents for proposal in proposals)
    assert {parent for proposal in proposals for parent in proposal.parents} <= names


def test_in_a_large_space_nothing_is_bred_that_is_nearly_known(large):
    archive = drive(
        Surrogate(large, SurrogateSettings(pool=3)), closeness(large, target()), generations=4, size=10, seed=0
    )
    looks = [seen for seen in (look(large.candidate(told.genome)) for told in archive.told) if seen.features]
    proposals = Surrogate(large, SurrogateSettings(pool=3)).ask(_start(large), 12, archive)[1]
    bred = [look(large.candidate(proposal.genome)) for proposal in proposals if proposal.parents]
    assert len(bred) >= 4
    crowd = Crowd(looks)
    for seen in bred:
        assert not crowd.has_like(seen)
        crowd.add(seen)


def _start(space: Space):
    return Surrogate(space, SurrogateSettings()).start(3)


def test_the_number_of_threads_changes_nothing(small):
    archive = drive(RandomSearch(small, RandomSettings()), closeness(small, target()), generations=4, size=20, seed=0)
    from threadpoolctl import threadpool_limits

    asked = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            strategy = Surrogate(small, SurrogateSettings())
            asked.append(strategy.ask(strategy.start(0), 12, archive)[1])
    assert asked[0] == asked[1]
