from __future__ import annotations

import math
import sys

import pytest

from actsearch.evaluate.ladder.training import Trained, steps
from actsearch.evaluate.task import Task


def points(task: Task, training) -> list:
    return list(steps(task, training("a")))


class Scored(Task):
    def score(self, make_activation, seed, learning_rate):
        print("a task prints")
        return 7.0


class Telling(Task):
    """Tells what a test says."""

    def __init__(self, *told: object) -> None:
        self.told = told

    def curve(self, make_activation, seed, learning_rate):
        for value in self.told:
            if isinstance(value, BaseException):
                raise value
            yield value


def test_a_task_with_a_score_alone_has_one_point_and_prints_on_standard_error(training, capsys):
    assert points(Scored(), training) == [(1.0, 7.0)]
    assert capsys.readouterr() == ("", "a task prints\n")


def test_points_come_until_the_whole_is_done(training):
    assert points(Telling((0.5, 1), (1, 2), (1.0, 3.0)), training) == [(0.5, 1.0), (1.0, 2.0)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (((0.5, 1.0),), "ended at the share 0.5, not at 1.0"),
        ((), "ended at the share 0, not at 1.0"),
        (((0.5, 1.0), (0.4, 1.0)), "0.4 came after 0.5"),
        (((1.5, 1.0),), "1.5 came after 0"),
        ((3.0,), "two numbers"),
        (((0.5, "high"),), "two numbers"),
        (((0.5, 1.0), RuntimeError("no more")), "RuntimeError: no more"),
        ((SystemExit(3),), "SystemExit: 3"),
    ],
)
def test_what_a_task_does_wrong_is_the_last_thing_told(told, reason, training):
    *before, failure = points(Telling(*told), training)
    assert isinstance(failure, str)
    assert reason in failure
    assert before == [value for value in told if value == (0.5, 1.0)]


def test_an_interruption_is_no_failure_of_the_task(training):
    with pytest.raises(KeyboardInterrupt):
        points(Telling(KeyboardInterrupt()), training)


def test_standard_output_is_the_callers_between_points(training):
    before = sys.stdout
    for _ in steps(Telling((0.5, 1.0), (1.0, 1.0)), training("a")):
        assert sys.stdout is before


@pytest.mark.parametrize(
    ("curve", "failure", "ending", "score"),
    [
        (((0.5, 1.0), (1.0, 2.0)), None, "complete", 2.0),
        (((0.5, 1.0),), None, "stopped", None),
        (((0.5, 1.0), (1.0, math.nan)), None, "diverged", None),
        (((0.5, 1.0), (0.7, math.inf)), None, "diverged", None),
        (((0.5, 1.0), (1.0, 2.0)), "it broke", "failed", None),
        ((), "it broke", "failed", None),
    ],
)
def test_the_end_of_a_training_is_told_by_its_curve(curve, failure, ending, score):
    trained = Trained.of(curve, failure, 1.0)
    assert (trained.ending, trained.score, trained.reason) == (ending, score, failure)
    assert all(math.isfinite(value) for _, value in trained.curve)
