from __future__ import annotations

import pytest

from actsearch.evaluate.fairness.reported import reported
from actsearch.outcome import Scores

RATES = (0.1, 0.2, 0.3)


def scores(*values, test=None):
    return Scores(learning_rates=RATES[: len(values)], seeds=tuple(range(len(values[0]))), values=values, test=test)


def test_validation_chooses_and_the_test_split_is_reported():
    found = reported(scores((1.0, 1.0), (2.0, 2.0), test=((9.0, 9.0), (3.0, 4.0))))
    assert (found.learning_rate, found.values) == (0.2, (3.0, 4.0))


def test_the_test_split_has_no_say_in_the_choice():
    values = ((1.0, 5.0, 2.0), (2.0, 2.0, 3.0), (0.0, 9.0, 1.0))
    for test in (values, tuple(reversed(values)), ((0.0,) * 3, (1.0,) * 3, (-5.0,) * 3)):
        assert reported(scores(*values, test=test)).learning_rate == 0.3


def test_without_a_test_split_each_seed_is_reported_at_what_the_other_seeds_choose():
    # The first seed speaks for the first rate and the others for the second.
    found = reported(scores((9.0, 1.0, 1.0), (0.0, 3.0, 3.0)))
    assert found.values == (0.0, 1.0, 1.0)
    assert found.learning_rate == 0.1


def test_the_choice_on_other_seeds_does_not_flatter_noise_and_that_on_the_same_does():
    import numpy as np

    rows = np.random.default_rng(0).normal(size=(400, 3, 8))
    means = [np.mean(reported(scores(*map(tuple, row.tolist()))).values) for row in rows]
    flattered = [row.mean(axis=1).max() for row in rows]
    assert abs(np.mean(means)) < 3 * np.std(means) / np.sqrt(len(means))
    assert np.mean(flattered) > 10 * np.std(flattered) / np.sqrt(len(flattered))


def test_one_seed_alone_has_to_choose_by_itself():
    assert reported(scores((1.0,), (2.0,))).values == (2.0,)
    assert reported(scores((1.0,), (2.0,), test=((5.0,), (4.0,)))).values == (4.0,)


def test_a_learning_rate_that_diverged_on_any_seed_is_never_chosen():
    assert reported(scores((None, 9.0, 9.0), (1.0, 2.0, 3.0))).values == (1.0, 2.0, 3.0)
    assert reported(scores((None, 9.0), (1.0, 2.0), test=((7.0, 7.0), (3.0, 4.0)))).values == (3.0, 4.0)


@pytest.mark.parametrize(
    "found",
    [
        scores((None, 1.0), (1.0, None)),
        scores((1.0, 1.0), (0.0, 0.0), test=((None, 1.0), (1.0, 1.0))),
    ],
    ids=["every learning rate diverged", "the chosen one has no test score"],
)
def test_nothing_is_reported_of_what_has_no_score_on_every_seed(found):
    assert reported(found) is None
