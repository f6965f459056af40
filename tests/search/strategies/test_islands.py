from __future__ import annotations

import functools
import json
import random
from dataclasses import replace

from actsearch.evaluate.pool import InProcess
from actsearch.evaluate.profile import Profile
from actsearch.search.strategies.islands import Islands, IslandsSettings, breed
from actsearch.search.strategy import Archive, Spread, Told

SMALL = {"islands": 3, "population": 4, "tournament": 2}


def ids(state) -> list[list[str]]:
    return [[member["id"] for member in island["population"]] for island in state["islands"]]


def peopled(space, settings: IslandsSettings):
    """A strategy whose islands 0, 1, 2 have members of the scores 0.., 10.., 20.., before its first migration."""
    alone = Islands(space, replace(settings, migrants=0))
    state = dict(alone.start(0))
    generator = random.Random(0)
    for place in range(settings.islands):
        for number in range(settings.population):
            genome = space.sample(generator)
            told = Told(id=f"{place}{number}", genome=genome, score=float(10 * place + number))
            asked = {genome.encode(): place}
            state = {**alone.tell({**state, "asked": asked}, [told]), "generation": 0}
    return Islands(space, settings), state


def test_islands_are_apart_until_the_best_migrate_to_the_next(swish):
    strategy, state = peopled(swish, IslandsSettings(**SMALL, migration=2, migrants=1))
    apart = [["03", "02", "01", "00"], ["13", "12", "11", "10"], ["23", "22", "21", "20"]]
    assert ids(state) == apart
    once = strategy.tell(state, [])
    assert ids(once) == apart
    # What came from the island before is too bad for the island of the better ones.
    assert ids(strategy.tell(once, [])) == [["23", "03", "02", "01"], apart[1], apart[2]]


def test_migrants_are_the_youngest_where_age_decides_and_nobody_comes_twice(swish):
    strategy, state = peopled(swish, IslandsSettings(**SMALL, migration=1, migrants=1, survival="age"))
    after = strategy.tell(state, [])
    expected = [["01", "02", "03", "23"], ["11", "12", "13", "03"], ["21", "22", "23", "13"]]
    assert ids(after) == expected
    # 23 goes on to the next island; the best of the others has been where it would go.
    assert ids(strategy.tell(after, [])) == [expected[0], ["12", "13", "03", "23"], expected[2]]


def test_children_have_parents_of_one_island_and_islands_are_asked_alike(swish):
    strategy, state = peopled(swish, IslandsSettings(**SMALL, fresh=0.0))
    after, proposals = strategy.ask(state, 31, Archive())
    after, more = strategy.ask(after, 2, Archive())
    places = [after["asked"][proposal.genome.encode()] for proposal in proposals + more]
    assert [places.count(place) for place in range(3)] == [11, 11, 11]
    for proposal, place in zip(proposals + more, places, strict=True):
        assert all(parent[0] == str(place) for parent in proposal.parents)
    assert sum(bool(proposal.parents) for proposal in proposals) > 20


def test_who_breeds_changes_nothing(swish):
    strategy, state = peopled(swish, IslandsSettings(**SMALL))
    here = strategy.ask(state, 20, Archive())
    assert isinstance(strategy, Spread)
    calls = []

    def elsewhere(function, items):
        calls.append(len(items))
        assert isinstance(function, functools.partial)
        assert function.func is breed
        texts = [json.dumps(item) for item in items]
        return [function(tuple(json.loads(text))) for text in reversed(texts)][::-1]

    strategy.spread_over(elsewhere)
    assert strategy.ask(state, 20, Archive()) == here
    assert calls[0] == 3
    with InProcess("digits", Profile(title="t", executor="in-process")) as pool:
        strategy.spread_over(pool.map)
        assert strategy.ask(state, 20, Archive()) == here


def test_a_search_breeds_by_its_executor(search, monkeypatch):
    mapped = []
    usual = InProcess.map

    def noted(pool, function, items):
        mapped.append(function)
        return usual(pool, function, items)

    monkeypatch.setattr(InProcess, "map", noted)
    summary = search(strategy="islands", settings={"islands.population": 3})
    assert summary.candidates
    assert {function.func for function in mapped} == {breed}
