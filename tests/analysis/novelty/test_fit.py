from __future__ import annotations

import numpy as np
import pytest

from actsearch.analysis.novelty.family import family_of, plainly
from actsearch.analysis.novelty.fit import Problem, fit
from actsearch.analysis.novelty.points import FEW, GRID, POINTS
from actsearch.grammar.activation import parse

TANH = family_of(parse("tanh(x)"), name="tanh")
SWISH = family_of(parse("x * sigmoid(beta * x)"), name="swish")


def problem(family, *theta, free=None, **options):
    return Problem(family=family, theta=np.array(theta), free=np.array(free or [True] * len(theta)), **options)


def test_input_and_output_are_found_together():
    target = 3 * np.tanh(1.3 * (POINTS - 0.7)) - 2
    with plainly():
        (done,), cost = fit([problem(TANH, 1.0, 0.0)], target, POINTS, iterations=20)
    assert done.theta == pytest.approx([1.3, 0.7], rel=1e-9)
    assert cost[0] < 1e-20


def test_problems_of_several_families_are_solved_at_once():
    target = POINTS / (1 + np.exp(-2.5 * POINTS))
    problems = [
        problem(SWISH, 1.0, 0.0, 1.0, free=[False, False, True]),
        problem(TANH, 1.0, 0.0),
        problem(SWISH, 1.0, 0.0, 1.0, free=[True, True, False]),
    ]
    with plainly():
        done, costs = fit(problems, target, POINTS, iterations=20)
    by_name = [(one.family.name, one.theta.tolist(), cost) for one, cost in zip(done, costs, strict=True)]
    parameters, inputs = [row for row in by_name if row[0] == "swish"]
    assert parameters[1] == pytest.approx([1.0, 0.0, 2.5], rel=1e-8)
    assert inputs[1] == pytest.approx([2.5, 0.0, 1.0], rel=1e-8, abs=1e-8)
    assert max(parameters[2], inputs[2]) < 1e-18
    assert min(row[2] for row in by_name if row[0] == "tanh") > 1


@pytest.mark.parametrize(("scaled", "shifted"), [(False, True), (True, False), (False, False)])
def test_output_scale_and_shift_may_be_held(scaled, shifted):
    target = 2 * np.tanh(POINTS) + 1
    one = problem(TANH, 1.0, 0.0, free=[False, False], scaled=scaled, shifted=shifted)
    with plainly():
        _, cost = fit([one], target, POINTS, iterations=3)
    rest = target - np.tanh(POINTS)
    if shifted:
        rest -= rest.mean()
    if scaled:
        rest = target - np.tanh(POINTS) * (target @ np.tanh(POINTS)) / (np.tanh(POINTS) @ np.tanh(POINTS))
    assert cost[0] == pytest.approx(rest @ rest, rel=1e-9)


def test_a_start_without_a_value_costs_infinitely_much():
    log = family_of(parse("log(x)"), name="log")
    with plainly():
        _, cost = fit([problem(log, 1.0, 0.0)], POINTS, POINTS, iterations=3)
    assert cost.tolist() == [np.inf]


def test_nothing_to_fit_is_fitted():
    assert fit([], POINTS, POINTS, iterations=3)[0] == []


def test_points_are_mirrored_and_of_the_grid():
    assert (POINTS == -POINTS[::-1]).all()
    assert (GRID[FEW] == POINTS).all()
    assert (POINTS[0], POINTS[-1], len(POINTS)) == (-5, 5, 65)
    assert len(set(np.diff(FEW).tolist())) > 5
