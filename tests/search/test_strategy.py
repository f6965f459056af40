from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from actsearch.grammar.space import Space
from actsearch.search.config import STRATEGIES, SearchConfig, make_strategy
from actsearch.search.strategy import Proposal, State, Strategy, Told, load_random, save_random

GENERATION = 12


def score_of(space: Space, proposal: Proposal) -> float | None:
    """A score that depends on the proposal alone; now and then there is none."""
    text = space.activation(proposal.genome).text
    return None if len(text) % 5 == 0 else -abs(len(text) - 30) / 10


def told(space: Space, proposals: list[Proposal]) -> list[Told]:
    identities = [space.activation(proposal.genome).id for proposal in proposals]
    scores = [score_of(space, proposal) for proposal in proposals]
    return [
        Told(id=identity, genome=proposal.genome, score=score)
        for identity, proposal, score in zip(identities, proposals, scores, strict=True)
    ]


def play(strategy: Strategy, space: Space, generations: int, seed: int = 0) -> tuple[State, list[list[Proposal]]]:
    """Some generations of ask and tell; the state goes through JSON at every step, as in a journal."""
    state: State = strategy.start(seed)
    history = []
    for _ in range(generations):
        state, proposals = strategy.ask(json.loads(json.dumps(state, allow_nan=False)), GENERATION)
        state = strategy.tell(json.loads(json.dumps(state, allow_nan=False)), told(space, proposals))
        history.append(proposals)
    return state, history


@pytest.fixture(params=STRATEGIES)
def make(request, swish) -> Callable[[], Strategy]:
    """Maker of one of the strategies."""
    return lambda: make_strategy(request.param, swish, SearchConfig.of({"evolution.population": "16"}))


@pytest.fixture
def strategy(make) -> Strategy:
    return make()


def test_a_seed_says_everything(strategy, swish):
    assert play(strategy, swish, 4) == play(strategy, swish, 4)
    assert play(strategy, swish, 1, seed=1)[1] != play(strategy, swish, 1, seed=2)[1]


def test_a_state_survives_json_exactly(strategy, swish):
    state, _ = play(strategy, swish, 3)
    assert json.loads(json.dumps(state, allow_nan=False)) == state
    # The journal writes what `ask` gave, before any `tell`.
    asked, _ = strategy.ask(state, 5)
    assert json.loads(json.dumps(asked, allow_nan=False)) == asked


def test_an_ask_depends_on_the_state_alone(make, strategy, swish):
    state, _ = play(strategy, swish, 3)
    kept = json.dumps(state)
    first = strategy.ask(state, GENERATION)
    random.seed(12345)
    strategy.ask(strategy.start(99), GENERATION)
    assert strategy.ask(state, GENERATION) == first == make().ask(state, GENERATION)
    assert json.dumps(state) == kept, "a state is a value"


def test_a_tell_does_not_change_the_state_it_is_given(strategy, swish):
    state, proposals = strategy.ask(strategy.start(0), GENERATION)
    kept = json.dumps(state)
    after = strategy.tell(state, told(swish, proposals))
    assert json.dumps(state) == kept
    assert after["random"] == state["random"]


@pytest.mark.parametrize("count", [0, 1, 2, 37])
def test_as_many_are_proposed_as_were_asked_for_and_all_are_in_the_space(strategy, swish, count):
    state, _ = play(strategy, swish, 3)
    _, proposals = strategy.ask(state, count)
    assert len(proposals) == count
    assert all(swish.contains(proposal.genome) for proposal in proposals)


def test_python_s_own_random_generator_is_neither_read_nor_moved(strategy, swish):
    random.seed(1)
    before = random.getstate()
    first = play(strategy, swish, 3)
    assert random.getstate() == before
    random.seed(2)
    assert play(strategy, swish, 3) == first


def test_a_random_generator_goes_on_where_it_was_saved():
    generator = random.Random(7)
    generator.gauss(0, 1)
    copy = load_random(json.loads(json.dumps(save_random(generator))))
    draws = [(g.random(), g.gauss(0, 1), g.getrandbits(64), g.choice("abc")) for g in (generator, copy)]
    assert draws[0] == draws[1]
