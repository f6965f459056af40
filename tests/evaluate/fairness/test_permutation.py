from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from actsearch.evaluate.fairness.permutation import DRAWS, EXACT_SEEDS, corrected, sign_patterns

LEVEL = 0.05


def t_of(differences):
    return np.abs(differences.mean(axis=-1) / (differences.std(axis=-1, ddof=1) / math.sqrt(differences.shape[-1])))


def by_hand(differences):
    """Step-down max-t, written out: all patterns, one comparison after the other."""
    patterns = np.array(list(itertools.product((1.0, -1.0), repeat=differences.shape[1])))
    flipped = np.array([t_of(differences * pattern) for pattern in patterns])
    seen = t_of(differences)
    p_values, left, largest = {}, list(np.argsort(-seen)), 0.0
    while left:
        p = np.mean(flipped[:, left].max(axis=1) >= seen[left[0]] * (1 - 1e-9))
        largest = max(largest, float(p))
        p_values[left.pop(0)] = largest
    return [p_values[at] for at in range(len(differences))]


@pytest.mark.parametrize("seed", range(4))
def test_small_families_are_as_written_out(seed):
    random = np.random.default_rng(seed)
    differences = random.normal(size=(4, 7)) + random.normal(size=7) + np.array([2.0, 0.5, 0.0, -1.0])[:, None]
    assert corrected(differences, LEVEL).p_values == pytest.approx(by_hand(differences), rel=1e-12)


def test_one_comparison_is_scipy_s_permutation_test():
    differences = np.random.default_rng(1).normal(0.5, 1.0, size=9)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", alternative="two-sided", n_resamples=math.inf
    )
    found = corrected(differences[None], LEVEL)
    assert found.p_values[0] == found.alone[0] == pytest.approx(expected.pvalue, rel=1e-12)


def test_comparisons_that_are_copies_cost_nothing():
    one = np.random.default_rng(2).normal(0.7, 1.0, size=(1, 8))
    assert corrected(np.repeat(one, 20, axis=0), LEVEL).p_values == pytest.approx(
        [corrected(one, LEVEL).p_values[0]] * 20
    )


def test_a_family_never_makes_a_comparison_clearer():
    differences = np.random.default_rng(3).normal(0.5, 1.0, size=(12, 10))
    found = corrected(differences, LEVEL)
    assert (found.p_values >= found.alone).all()
    assert found.alone == pytest.approx([corrected(row[None], LEVEL).p_values[0] for row in differences])


def test_neither_order_nor_sign_nor_scale_matters():
    random = np.random.default_rng(4)
    differences, order = random.normal(0.4, 1.0, size=(5, 9)), random.permutation(5)
    p_values = corrected(differences, LEVEL).p_values
    assert (corrected(differences[order], LEVEL).p_values == p_values[order]).all()
    assert (corrected(-1e-6 * differences, LEVEL).p_values == p_values).all()
    assert (corrected(differences[:, ::-1], LEVEL).p_values == p_values).all()


def test_ties_and_differences_that_do_not_vary():
    found = corrected(np.array([[0.0] * 6, [0.1] * 6, [0.3, -0.3] * 3]), LEVEL)
    assert found.alone.tolist() == [1.0, 2 / 2**6, 1.0]
    # Two patterns more make the third comparison as clear as the second is.
    assert found.p_values.tolist() == [1.0, 4 / 2**6, 1.0]


def test_patterns_are_all_of_them_up_to_a_limit_and_draws_beyond():
    patterns = sign_patterns(5)
    assert (patterns[0] == 1).all()
    assert {tuple(p) for p in patterns} | {tuple(-p) for p in patterns} == set(itertools.product((1.0, -1.0), repeat=5))
    assert len(sign_patterns(EXACT_SEEDS)) == 2 ** (EXACT_SEEDS - 1)
    drawn = sign_patterns(EXACT_SEEDS + 1)
    assert drawn.shape == (DRAWS, EXACT_SEEDS + 1)
    assert (drawn == sign_patterns(EXACT_SEEDS + 1)).all()
    assert (drawn[0] == 1).all()
    assert abs(drawn[1:].mean(axis=0)).max() < 5 / math.sqrt(DRAWS)


def test_draws_agree_with_student_s_t_on_many_normal_seeds():
    differences = np.random.default_rng(5).normal(0.3, 1.0, size=40)
    expected = stats.ttest_1samp(differences, 0.0).pvalue
    assert corrected(differences[None], LEVEL).p_values[0] == pytest.approx(expected, abs=0.01)


def test_no_p_value_is_zero_however_clear():
    p_values = corrected(np.random.default_rng(6).normal(50.0, 1.0, size=(3, 20)), LEVEL).p_values
    assert p_values.tolist() == [1 / DRAWS] * 3


@pytest.mark.parametrize("noise", ["normal", "heavy-tailed", "common baseline"])
def test_equals_are_called_different_no_more_often_than_stated(noise):
    """400 families of 8 comparisons that are all null; the bound is the 99.9 % one of a binomial at the level."""
    random, rejected = np.random.default_rng(7), 0
    for _ in range(400):
        draw = random.standard_t(2, size=(9, 8)) if noise == "heavy-tailed" else random.normal(size=(9, 8))
        differences = draw[:8] - draw[8] if noise == "common baseline" else draw[:8]
        rejected += corrected(differences, LEVEL).p_values.min() <= LEVEL
    assert stats.binom.ppf(0.001, 400, LEVEL / 3) <= rejected <= stats.binom.ppf(0.999, 400, LEVEL)


def test_a_difference_is_found_among_nulls_and_the_nulls_are_not():
    random = np.random.default_rng(8)
    found = np.array(
        [
            corrected(random.normal(size=(6, 12)) + np.array([1.8, 0, 0, 0, 0, 0])[:, None], LEVEL).p_values <= LEVEL
            for _ in range(100)
        ]
    )
    assert found[:, 0].mean() > 0.9
    assert found[:, 1:].any(axis=1).mean() < 0.12


def test_the_critical_value_is_what_p_values_turn_at():
    random = np.random.default_rng(9)
    for _ in range(20):
        differences = random.normal(0.5, 1.0, size=(6, 9))
        found, clearest = corrected(differences, LEVEL), t_of(differences).max()
        assert (found.p_values.min() <= LEVEL) == (clearest >= found.critical * (1 - 1e-9))


def test_so_few_seeds_that_nothing_can_be_found_have_no_critical_value():
    for seeds, level in ((1, 0.05), (5, 0.05), (6, 0.025)):
        differences = 1.0 + 0.01 * np.random.default_rng(10).normal(size=(2, seeds))
        found = corrected(differences, level)
        assert math.isinf(found.critical)
        assert found.p_values.min() > level
    assert math.isfinite(corrected(differences, 0.05).critical)
