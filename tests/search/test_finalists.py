from __future__ import annotations

import pytest

from actsearch.outcome import Scored

FUNCTIONS = {"sine": "sin(x)", "cube": "x**3", "hyperbolic": "tanh(x)", "mixed": "x**3 + sin(x)", "bell": "exp(-x**2)"}


@pytest.fixture(scope="module")
def space(write_space) -> str:
    return write_space(FUNCTIONS)


def found(records, text):
    """What became of a function when it was proposed first."""
    return next(record.outcome for record in records if record.expression == text)


def test_what_is_unstable_is_rejected_before_the_finals_and_the_next_takes_its_place(
    search, journalled, space, tmp_path
):
    settings = {"protocols.stability.when": "finalists", "finalists": "3"}
    summary = search(space, budget="5c", settings=settings, store=tmp_path)
    records = journalled(tmp_path)
    cube = found(records, "x**3")
    assert (cube.stage, cube.measured > 1e8) == ("stability", True)
    # Its trainings have been run and still count: two seeds at three learning rates for all, and two baselines.
    assert summary.counts.trained == 6 * (5 + 2) + 9 * (3 + 2)
    assert isinstance(found(records, "sin(x)"), Scored)
    assert summary.counts.rejected["stability"] == 2
    assert summary.counts.generated == summary.counts.evaluated + sum(summary.counts.rejected.values())
    assert {c.record.expression for c in summary.finalists} == {"sin(x)", "tanh(x)", "exp(-x**2)"}


def test_a_search_of_unstable_functions_ends_without_a_winner(search, space):
    # With this limit every function is unstable.
    settings = {"protocols.stability.largest": "0", "protocols.stability.steps": "1", "finalists": "1"}
    for when, rejected in (("finalists", 5), ("all", 5), ("never", 0)):
        summary = search(space, budget="5c", settings={**settings, "protocols.stability.when": when})
        assert summary.counts.rejected.get("stability", 0) == rejected, when
        assert (summary.winner is None) == (rejected == 5)
        assert summary.search.status == "finished"


def test_what_is_stable_stays(search, space):
    settings = {"protocols.stability.when": "finalists", "protocols.stability.steps": "1", "finalists": "1"}
    summary = search(space, budget="5c", settings={**settings, "protocols.stability.largest": "1e30"})
    assert "stability" not in summary.counts.rejected
    assert [c.name for c in summary.finalists] == [summary.candidates[0].name]
