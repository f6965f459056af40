from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from actsearch.evaluate.fairness.difference import POWER, difference, half_width, smallest, standard_error

RANDOM = np.random.default_rng(0)
SPLITS = RANDOM.normal(size=12)
FUNCTION = SPLITS + 0.3 * RANDOM.normal(size=12) + 0.2
BASELINE = SPLITS + 0.3 * RANDOM.normal(size=12)


def test_the_interval_is_scipy_s():
    found = difference("relu", FUNCTION, BASELINE)
    low, high = stats.ttest_rel(FUNCTION, BASELINE).confidence_interval(0.95)
    assert found.mean == pytest.approx((FUNCTION - BASELINE).mean())
    assert found.standard_error == pytest.approx(stats.sem(FUNCTION - BASELINE))
    assert found.to_json()["interval"] == pytest.approx([low, high], rel=1e-10)


def test_common_seeds_are_correlated_and_the_difference_is_surer_for_it():
    found = difference("relu", FUNCTION, BASELINE)
    assert found.correlation == pytest.approx(stats.pearsonr(FUNCTION, BASELINE).statistic)
    assert found.correlation > 0.8
    assert found.standard_error < 0.6 * standard_error(FUNCTION)


@pytest.mark.parametrize(("seeds", "critical"), [(6, 4.0), (16, 2.2), (16, 3.6), (100, 3.0)])
def test_the_smallest_difference_is_found_four_times_out_of_five(seeds, critical):
    error = 0.02
    found = smallest(error, seeds, critical)
    assert stats.nct.sf(critical, seeds - 1, found / error) == pytest.approx(POWER, abs=1e-6)


def test_the_smallest_difference_is_found_that_often_in_a_simulation():
    random, critical, seeds = np.random.default_rng(1), 3.0, 16
    shift = smallest(1 / math.sqrt(seeds), seeds, critical)
    drawn = random.normal(shift, 1.0, size=(4000, seeds))
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / math.sqrt(seeds))
    assert (t >= critical).mean() == pytest.approx(POWER, abs=0.03)


def test_where_nothing_could_have_been_seen_there_is_no_smallest_difference():
    assert smallest(0.1, 4, math.inf) is None
    assert smallest(0.0, 16, 3.0) is None


def test_one_seed_has_a_difference_and_nothing_else():
    found = difference("relu", np.array([0.75]), np.array([0.5]))
    assert found.mean == 0.25
    assert (found.standard_error, found.half_width, found.smallest, found.correlation) == (None, None, None, None)
    assert found.to_json()["interval"] is None
    assert half_width(None, 1) is None


def test_an_exact_tie_is_told_from_a_difference_of_no_mean():
    assert difference("relu", FUNCTION, FUNCTION).is_exact_tie
    assert not difference("relu", np.array([0.1, -0.1]), np.zeros(2)).is_exact_tie
    assert not difference("relu", np.array([0.1, 0.1]), np.zeros(2)).is_exact_tie


def test_scores_that_do_not_vary_have_no_correlation():
    assert difference("relu", FUNCTION, np.ones(12)).correlation is None
