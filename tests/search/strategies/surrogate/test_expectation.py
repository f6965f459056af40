from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from actsearch.search.strategies.surrogate import expectation
from actsearch.search.strategies.surrogate.expectation import expectations
from actsearch.search.strategies.surrogate.look import Look
from actsearch.search.strategies.surrogate.model import standing


@pytest.fixture(scope="module")
def scored() -> tuple[list[Look], np.ndarray, np.ndarray]:
    """Looks, what they are worth, and scores as noisy as that differs."""
    drawn = np.random.default_rng(0)
    features = drawn.uniform(-2, 2, (150, 2))
    truth = np.sin(2 * features[:, 0]) + features[:, 1] ** 2 / 4
    looks = [Look(features=tuple(row), function=str(at), is_promising=True) for at, row in enumerate(features.tolist())]
    return looks, truth, truth + drawn.normal(size=len(truth))


def test_expectations_are_nearer_to_the_truth_than_scores_are(scored):
    looks, truth, scores = scored
    found = expectations(looks, scores)
    assert np.corrcoef(found, truth)[0, 1] > np.corrcoef(standing(scores), truth)[0, 1] + 0.1
    ten_best, ten_highest = (np.argsort(-order)[:10] for order in (found, scores))
    assert truth[ten_best].mean() > truth[ten_highest].mean() + 0.1


def test_with_more_noise_than_there_seems_to_be_less_is_expected(scored):
    looks, truth, _ = scored
    free, bound = expectations(looks, truth), expectations(looks, truth, least_noise=1.0)
    assert np.corrcoef(free, bound)[0, 1] > 0.9
    assert 0 < bound.max() < 0.95 * free.max()


def test_what_is_like_nothing_else_is_moved_as_what_is_far_from_all(scored):
    looks, _, scores = scored
    best = int(scores.argmax())
    far = [*looks]
    far[best] = dataclasses.replace(looks[best], features=(60.0, -60.0))
    blind = [*looks]
    blind[best] = dataclasses.replace(looks[best], features=None)
    other = [*looks]
    other[best] = dataclasses.replace(looks[best], features=(1.0, 2.0, 3.0))
    by_far, by_blind, by_other = (expectations(which, scores)[best] for which in (far, blind, other))
    assert by_blind == by_other
    assert 0 < by_blind < 0.95 * standing(scores)[best]
    assert by_blind == pytest.approx(by_far, rel=0.5)


def test_few_candidates_keep_their_standing(scored):
    looks, _, scores = scored
    assert expectations(looks[:7], scores[:7]).tolist() == standing(scores[:7]).tolist()
    assert expectations([], np.array([])).tolist() == []
    hopeless = np.array([-np.inf, *scores[1:40]])
    assert np.isfinite(expectations(looks[:40], hopeless)).all()


def test_of_many_those_from_best_to_worst_say_nearly_what_all_say(scored, monkeypatch):
    looks, _, scores = scored
    whole = expectations(looks, scores)
    monkeypatch.setattr(expectation, "_MEMORY", 75)
    half = expectations(looks, scores)
    assert half.tolist() != whole.tolist()
    assert np.corrcoef(half, whole)[0, 1] > 0.8
