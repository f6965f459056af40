from __future__ import annotations

import dataclasses
import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.outcome import Failed, Point, Rejected, Scored, Scores, from_json, standard_error, to_json
from tests.grammar.strategies import quick

FINITE = st.floats(-1e6, 1e6)


@st.composite
def score_tables(draw):
    rates, seeds = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    row = st.lists(st.none() | FINITE, min_size=seeds, max_size=seeds).map(tuple)
    return table(*draw(st.lists(row, min_size=rates, max_size=rates)))


def table(*rows, seeds=None):
    rates = (0.003, 0.01, 0.03, 0.1)[: len(rows)]
    return Scores(learning_rates=rates, seeds=seeds or tuple(range(len(rows[0]))), values=rows)


def through_json(outcome):
    # Without allow_nan the text would not be JSON to anyone but Python.
    return from_json(json.loads(json.dumps(to_json(outcome), allow_nan=False)))


@quick(150)
@given(score_tables(), FINITE)
def test_a_scored_candidate_survives_json(scores, score):
    outcome = Scored(score=score, scores=scores, stage="train")
    assert through_json(outcome) == outcome


def test_scores_on_the_way_survive_json():
    point = Point(share=0.3, values=((0.1, None),), test=((0.2, 0.3),))
    scores = dataclasses.replace(
        table((1.0, 2.0)), test=((None, 4.0),), curve=(dataclasses.replace(point, test=None), point)
    )
    assert through_json(Scored(score=1.5, scores=scores, stage="train")).scores == scores


@quick(50)
@given(score_tables(), score_tables(), FINITE)
def test_scores_on_a_test_split_survive_json_too(scores, other, score):
    scored = Scored(score=score, scores=dataclasses.replace(scores, test=other.values), stage="train")
    assert through_json(scored) == scored
    assert "test" not in to_json(Scored(score=score, scores=scores, stage="train"))["scores"]


@pytest.mark.parametrize("measured", [None, 0.0, -1.5, 1e300, 5e-324, 0.1, math.inf, -math.inf])
def test_a_rejection_survives_json(measured):
    outcome = Rejected(stage="gradient", reason="exploding: é\n", measured=measured)
    assert through_json(outcome) == outcome


def test_a_rejection_measured_as_nan_survives_json():
    found = through_json(Rejected(stage="quality", reason="r", measured=math.nan))
    assert isinstance(found.measured, float)
    assert math.isnan(found.measured)


def test_a_failure_survives_json():
    outcome = Failed(stage="train", traceback='Traceback:\n  "quoted"\n')
    assert through_json(outcome) == outcome


def test_the_three_kinds_are_told_apart():
    scores = table((1.0,))
    kinds = [
        to_json(outcome)["kind"]
        for outcome in (
            Scored(score=1.0, scores=scores, stage="s"),
            Rejected(stage="s", reason="r", measured=None),
            Failed(stage="s", traceback="t"),
        )
    ]
    assert kinds == ["scored", "rejected", "failed"]


def test_the_best_learning_rate_has_the_highest_mean():
    scores = table((0.9, 0.1), (0.6, 0.6), (0.2, 0.2))
    assert scores.best == 1
    assert scores.per_seed() == (0.6, 0.6)
    assert scores.mean() == pytest.approx(0.6)
    assert scores.trained == 6


def test_the_first_of_equal_learning_rates_is_taken():
    assert table((0.5, 0.5), (0.5, 0.5)).best == 0


def test_a_learning_rate_at_which_one_training_diverged_is_not_the_best():
    scores = table((0.99, None), (0.4, 0.2), (None, None))
    assert scores.best == 1
    assert scores.mean() == pytest.approx(0.3)
    assert scores.trained == 3


def test_negative_scores_are_scores():
    scores = table((-5.0, -7.0), (-1.0, -2.0))
    assert scores.best == 1
    assert scores.mean() == -1.5


@pytest.mark.parametrize("rows", [((None, None),), ((None, 0.9), (0.8, None)), ((None,), (None,), (None,))])
def test_where_every_learning_rate_diverged_there_is_no_score(rows):
    scores = table(*rows)
    assert scores.best is None
    assert scores.per_seed() == ()
    assert math.isnan(scores.mean())
    assert scores.standard_error() is None


@quick(150)
@given(score_tables())
def test_the_mean_is_the_best_there_is(scores):
    means = [statistics.fmean(row) for row in scores.values if None not in row]
    if means:
        assert scores.mean() == pytest.approx(max(means), rel=1e-9, abs=1e-9)
    else:
        assert scores.best is None


@quick(150)
@given(st.lists(FINITE, min_size=2, max_size=20))
def test_the_standard_error_is_that_of_statistics(values):
    expected = statistics.stdev(values) / math.sqrt(len(values))
    assert standard_error(tuple(values)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_standard_error_of_a_known_sample():
    assert table((1.0, 2.0, 3.0, 4.0)).standard_error() == pytest.approx(math.sqrt(5 / 3 / 4))
    assert standard_error((2.0, 2.0, 2.0)) == 0.0
    assert standard_error((2.0,)) is None
    assert standard_error(()) is None


def test_objectives_stand_with_the_scores_and_older_documents_have_none():
    scores = Scores(learning_rates=(0.1,), seeds=(0,), values=((1.0,),), objectives={"cost": 47.0, "noise": 0.1})
    outcome = Scored(score=1.0, scores=scores, stage="train")
    again = through_json(outcome)
    assert again == outcome
    assert again.objectives == {"cost": 47.0, "noise": 0.1}
    document = to_json(outcome)
    del document["scores"]["objectives"]
    older = from_json(document)
    assert isinstance(older, Scored)
    assert older.objectives == {}
    assert "objectives" not in to_json(older)["scores"]
