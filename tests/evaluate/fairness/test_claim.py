from __future__ import annotations

import numpy as np
import pytest

from actsearch.evaluate.fairness import claim, judge
from actsearch.outcome import Scores

SEEDS = 16
SPLITS = np.random.default_rng(0).normal(size=SEEDS)
NOISE = np.random.default_rng(1).normal(size=(9, SEEDS))


def scores(shift, row, seeds):
    values = (SPLITS + shift + 0.1 * NOISE[row])[:seeds].tolist()
    return Scores(learning_rates=(0.1,), seeds=tuple(range(seeds)), values=(tuple(values),))


def said(shift, baselines, *, seeds=SEEDS, missing=()):
    """What is claimed of a function that is better by `shift` than nothing, against baselines of the given shifts."""
    everything = {name: scores(value, row, seeds) for row, (name, value) in enumerate(baselines.items(), 1)}
    everything["f"] = scores(shift, 0, seeds)
    verdict = judge(everything, functions=("f",), baselines=(*baselines, *missing))
    return claim(verdict.judgements["f"], verdict, "digits")


def test_beats_every_baseline_by_the_largest_p():
    assert said(1.0, {"relu": 0.0, "gelu": 0.1}) == "beats every baseline on digits, p < 0.001 after correction"
    assert said(1.0, {"relu": 0.0}, seeds=8) == "beats relu on digits, p = 0.0078 after correction"


def test_is_worse_than_every_baseline():
    assert said(-1.0, {"relu": 0.0, "gelu": 0.1}).startswith("is worse than every baseline on digits, p < 0.001")


def test_no_difference_says_what_would_have_been_seen():
    sentence = said(0.0, {"relu": 0.0, "gelu": 0.01})
    assert sentence.startswith("shows no difference on digits (one of 0.0")
    assert sentence.endswith(" would have been seen)")


def test_a_mixed_result_names_each_baseline_once_and_the_task_once():
    sentence = said(0.5, {"relu": 0.0, "gelu": 0.5, "mish": 1.0, "elu": 0.1})
    beats, worse, open_ = sentence.split("; ")
    assert beats == "beats relu and elu on digits, p < 0.001 after correction"
    assert worse == "is worse than mish, p < 0.001 after correction"
    assert open_.startswith("shows no difference from gelu (one of ")
    assert sentence.count("digits") == 1


@pytest.mark.parametrize(("seeds", "words"), [(1, "1 seed"), (4, "4 seeds")])
def test_too_few_seeds_are_not_called_a_result(seeds, words):
    expected = f"shows no difference on digits, which {words} could not have shown"
    assert said(9.0, {"relu": 0.0, "gelu": 0.1}, seeds=seeds) == expected


def test_an_exact_tie_is_told_as_such():
    one = scores(1.0, 0, SEEDS)
    verdict = judge({"f": one, "sin": one, "relu": scores(0.0, 1, SEEDS)}, functions=("f",), baselines=("relu", "sin"))
    sentence = claim(verdict.judgements["f"], verdict, "digits")
    assert sentence == "beats relu on digits, p < 0.001 after correction; equals sin to the last bit"


def test_a_baseline_without_a_score_is_named():
    assert said(1.0, {"relu": 0.0}, missing=("mish", "elu")).endswith("after correction; no score of mish, elu")


def test_without_baselines_nothing_is_claimed():
    assert said(1.0, {}) == "has nothing to compare with on digits"
