from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ray.tune.schedulers import ASHAScheduler

from actsearch.evaluate.ladder.halving import Halving

RULE = Halving(grace=0.1, reduction=3)


def line(*scores: float) -> tuple[tuple[float, float], ...]:
    """A curve in ten steps."""
    return tuple(((step + 1) / 10, score) for step, score in enumerate(scores))


def test_decisions_come_at_shares_that_grow_by_the_reduction():
    assert RULE.shares == pytest.approx((0.1, 0.3, 0.9))
    assert Halving(grace=1.0, reduction=3).shares == ()


def test_a_first_training_goes_on_whatever_it_scores():
    assert all(RULE.goes_on(line(*[-1e9] * steps), []) for steps in range(1, 11))


def test_the_best_third_of_those_before_goes_on():
    earlier = [line(*[float(score)] * 10) for score in range(10)]  # the cut is at 6, two thirds of the way to 9
    assert RULE.goes_on(line(6.1), earlier)
    assert not RULE.goes_on(line(5.9), earlier)


def test_between_decisions_and_at_the_end_a_training_goes_on():
    earlier = [line(*[1.0] * 10)] * 5
    for steps in range(1, 11):
        assert RULE.goes_on(line(*[0.0] * steps), earlier) == (steps not in {1, 3, 9})


def test_a_curve_that_jumps_over_decisions_is_compared_at_the_last_of_them():
    earlier = [((0.5, 1.0), (1.0, 5.0)), ((0.2, 9.0),)]  # the second ended before 0.3
    assert not RULE.goes_on(((0.5, 0.9),), earlier)
    assert RULE.goes_on(((0.5, 1.0),), earlier)


@pytest.mark.parametrize("reduction", [2, 3, 4])
def test_one_after_the_other_it_is_the_rule_of_ray_tune(reduction):
    generator = np.random.default_rng(reduction)
    steps = reduction**3
    ours = Halving(grace=1 / steps, reduction=reduction)
    theirs = ASHAScheduler(
        time_attr="step", metric="score", mode="max", max_t=steps, grace_period=1, reduction_factor=reduction
    )
    earlier, stopped = [], 0
    for number in range(60):
        trial = SimpleNamespace(trial_id=str(number))
        theirs.on_trial_add(None, trial)
        curve: tuple[tuple[float, float], ...] = ()
        level = generator.normal()
        for step in range(1, steps):
            score = level + generator.normal(scale=0.3)
            curve += ((step / steps, score),)
            decision = theirs.on_trial_result(None, trial, {"step": step, "score": score})
            assert ours.goes_on(curve, earlier) == (decision == "CONTINUE"), (number, step)
            if decision == "STOP":
                stopped += 1
                break
        earlier.append(curve)
    assert 20 < stopped < 60
