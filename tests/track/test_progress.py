"""The figures of a search with several objectives, and their columns in the table of candidates."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from actsearch.outcome import Scored
from actsearch.track.progress import progress
from actsearch.track.table import candidates_json
from tests.track.conftest import candidate, outcome, scores

BASELINES = {"baseline:relu": replace(scores(-0.9), objectives={"cost": 3.0}), "baseline:gelu": scores(-2.0)}
"""Of means that are higher by one at their other learning rate, which diverged once."""


def told(costs: dict[int, float]):
    """Two generations of five; of each two are scored, and those have a cost that are given one."""
    for number in range(10):
        found = outcome(number)
        if isinstance(found, Scored) and number in costs:
            found = replace(found, scores=replace(found.scores, objectives={"cost": costs[number]}))
        yield replace(candidate(number, 5), outcome=found, seconds=1.0)


def test_the_hypervolume_is_that_of_the_front_so_far():
    # Scores are -1 + 0.01 * number; the reference is the worst of the baselines: quality -2, cost 3.
    rows = progress(list(told({0: 2.0, 1: 9.0, 5: 1.0})), BASELINES, whole=True, objectives=("quality", "cost"))
    expected = [1.0 * 1.0, 1.05 * 2.0]
    assert [row.metrics["hypervolume"] for row in rows] == pytest.approx(expected)


def test_there_is_none_without_objectives_or_without_a_reference():
    for objectives in ((), ("quality", "noise")):
        rows = progress(list(told({0: 2.0})), BASELINES, whole=True, objectives=objectives)
        assert all("hypervolume" not in row.metrics for row in rows)


def test_objectives_are_columns_of_the_table():
    table = json.loads(candidates_json(told({0: 2.0, 5: 1.0})))
    assert table["columns"][-1] == "cost"
    costs = {row[table["columns"].index("number")]: row[-1] for row in table["data"]}
    assert {number: cost for number, cost in costs.items() if cost is not None} == {0: 2.0, 5: 1.0}
    assert "cost" not in json.loads(candidates_json(told({})))["columns"]
