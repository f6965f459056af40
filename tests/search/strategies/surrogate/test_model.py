from __future__ import annotations

import random

import numpy as np
import pytest

from actsearch.search.strategies.surrogate.model import Model, Scale, spread_out, standing


@pytest.fixture(scope="module")
def data():
    drawn = np.random.default_rng(0)
    features = drawn.uniform(-2, 2, (120, 2))
    return features, np.sin(2 * features[:, 0]) + features[:, 1] ** 2 / 4


def test_it_learns_a_smooth_function_and_its_noise(data):
    features, truth = data
    noise = np.random.default_rng(1).normal(size=len(truth))
    exact = Model.fit(features[:80], truth[:80])
    assert np.corrcoef(exact.expected(features[80:]), truth[80:])[0, 1] > 0.97
    noisy = Model.fit(features[:80], truth[:80] + noise[:80])
    assert np.corrcoef(noisy.expected(features[80:]), truth[80:])[0, 1] > 0.6
    assert noisy.noise > 5 * exact.noise
    assert noisy.noise == pytest.approx(1, rel=0.5)


def test_of_likelihoods_the_largest_is_taken(data):
    features, _ = data
    only_noise = Model.fit(features, np.random.default_rng(2).normal(size=len(features)))
    assert only_noise.noise / only_noise.variance == 3.0


def test_noise_has_its_least_share_whatever_the_likelihood_says(data):
    features, truth = data
    free, bound = Model.fit(features, truth), Model.fit(features, truth, least_noise=1.0)
    assert free.noise / free.variance == pytest.approx(0.1)
    assert bound.noise / bound.variance == pytest.approx(1.0)


def test_without_boldness_the_expected_best_comes_first_and_with_it_the_unknown(data):
    features, truth = data
    model = Model.fit(features, truth)
    far = np.array([[9.0, 9.0]])
    points = np.concatenate([features, far])
    cautious, bold = (model.choose(points, 1, boldness)[0] for boldness in (0.0, 50.0))
    assert cautious == int(model.expected(points).argmax())
    assert bold == len(features)


def test_a_batch_is_not_one_point_many_times(data):
    features, truth = data
    model = Model.fit(features, truth)
    # Two unknown places far from all, each seen ten times: after one of the first the other is worth more.
    crowd = np.concatenate([np.full((10, 2), 6.0), np.full((10, 2), -6.0)]) + np.arange(20)[:, None] * 1e-6
    first, second = model.choose(crowd, 2, 3.0)
    assert (first < 10) != (second < 10)
    chosen = model.choose(features, 30, 2.0)
    assert len(set(chosen)) == 30


def test_what_was_drawn_comes_first_and_the_rest_of_a_batch_keeps_away_from_it(data):
    features, truth = data
    model = Model.fit(features, truth)
    crowd = np.concatenate([np.full((10, 2), 6.0), np.full((10, 2), -6.0)]) + np.arange(20)[:, None] * 1e-6
    assert [place < 10 for place in model.choose(crowd, 2, 3.0, drawn=[13])] == [False, True]
    worst = np.argsort(model.expected(features))[:3].tolist()
    chosen = model.choose(features, 10, 0.0, drawn=worst)
    assert sorted(chosen[:3]) == sorted(worst)
    assert len(set(chosen)) == 10
    assert chosen[3] == int(model.expected(features).argmax())


def test_standing_is_by_rank_and_failures_are_last():
    found = standing(np.array([3.0, -np.inf, 1e9, 3.5, -np.inf]))
    assert found[2] > found[3] > found[0] > found[1] == found[4]
    assert found[2] == pytest.approx(-standing(np.arange(5.0))[0])


def test_a_scale_leaves_constant_columns_out():
    features = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 4.0]])
    assert Scale(features)(features).tolist() == [[-1, -1], [1, 1]]


def test_points_are_spread_out():
    drawn = np.random.default_rng(3)
    # Four heaps, of which one has most.
    places = np.repeat([[0, 0], [0, 9], [9, 0], [9, 9]], [120, 30, 30, 30], axis=0)
    points = places + drawn.normal(scale=0.1, size=places.shape)
    heaps = []
    for seed in range(5):
        chosen = spread_out(points, points[:0], 6, random.Random(seed))
        assert len(set(chosen)) == 6
        heaps.append(len({tuple(places[place]) for place in chosen}))
    assert np.mean(heaps) > 2.5
    known = points[places[:, 0] == 0]
    away = [spread_out(points, known, 1, random.Random(seed))[0] for seed in range(5)]
    assert all(places[place][0] == 9 for place in away)


def test_of_equal_points_each_is_chosen_once():
    assert sorted(spread_out(np.zeros((4, 2)), np.zeros((0, 2)), 9, random.Random(0))) == [0, 1, 2, 3]


def test_where_all_scores_tie_it_is_still_unsure(data):
    features, _ = data
    model = Model.fit(features[:20], standing(np.zeros(20)))
    assert np.isfinite(model.expected(features)).all()
    assert len(set(model.choose(features[20:], 10, 2.0))) == 10
