from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.evaluate.protocols.quality import Quality
from tests.grammar.strategies import quick

NAN = math.nan
EARLY = st.lists(st.floats(-10, 10) | st.just(NAN), max_size=8)


@pytest.mark.parametrize(
    ("early", "chance"),
    [([0.11], 0.1), ([0.0, 0.5, 0.0], 0.1), ([NAN, NAN, 0.2], 0.1), ([-1.0], -math.inf), ([-2.0, -2.9], -3.0)],
)
def test_what_is_better_than_chance_passes(early, chance):
    assert Quality().check(early, chance) is None


@pytest.mark.parametrize(
    ("early", "chance", "measured"),
    [
        ([0.1], 0.1, 0.1),
        ([0.05, 0.09, 0.02], 0.1, 0.09),
        ([NAN, 0.03], 0.1, 0.03),
        ([-math.inf, -7.0], -3.0, -7.0),
        ([NAN, NAN], 0.1, -math.inf),
        ([NAN], -math.inf, -math.inf),
        ([], 0.1, -math.inf),
    ],
)
def test_what_is_not_better_than_chance_falls_with_its_best_score(early, chance, measured):
    rejection = Quality().check(early, chance)
    assert (rejection.stage, rejection.measured) == ("quality", measured)
    found = f"an early score of {measured:.4g}" if math.isfinite(measured) else "every training diverged early"
    assert rejection.reason == f"{found}, no better than chance ({chance:.4g})"


def test_one_training_that_learns_is_enough():
    # A learning rate that fits one function is too large for another, so the best counts.
    assert Quality().check([NAN, NAN, 0.1, 0.1, 0.1, 0.11], 0.1) is None


def test_a_margin_must_be_exceeded():
    rejection = Quality(margin=0.25).check([0.75], 0.5)
    assert (rejection.measured, rejection.reason) == (
        0.75,
        "an early score of 0.75, no better than chance (0.5) plus 0.25",
    )
    assert Quality(margin=0.25).check([0.7500001], 0.5) is None


@quick(150)
@given(EARLY, st.floats(-10, 10), st.floats(0, 5))
def test_it_passes_exactly_what_has_a_score_above_the_bound(early, chance, margin):
    passes = any(score > chance + margin for score in early)
    assert (Quality(margin=margin).check(early, chance) is None) == passes


@quick(100)
@given(EARLY, st.floats(-10, 10), st.randoms(use_true_random=False))
def test_the_order_of_the_trainings_makes_no_difference(early, chance, random):
    shuffled = random.sample(early, len(early))
    assert Quality().check(early, chance) == Quality().check(shuffled, chance)
