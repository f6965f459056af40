from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from actsearch.evaluate.fairness import judge
from actsearch.evaluate.fairness.permutation import corrected
from actsearch.outcome import Scores

SEEDS = 10


def scores(values, **changes):
    rows = tuple(map(tuple, np.atleast_2d(values).tolist()))
    made = Scores(learning_rates=(0.01, 0.02)[: len(rows)], seeds=tuple(range(len(rows[0]))), values=rows)
    return dataclasses.replace(made, **changes)


@pytest.fixture
def family():
    random = np.random.default_rng(0)
    splits = random.normal(size=SEEDS)
    shifts = {"f": 2.0, "g": 0.1, "relu": 0.0, "gelu": 0.3, "mish": -0.2}
    return {name: scores(shift + splits + 0.3 * random.normal(size=SEEDS)) for name, shift in shifts.items()}


BASELINES = ("relu", "gelu", "mish")


def test_every_function_is_compared_with_every_baseline_and_all_are_corrected_together(family):
    verdict = judge(family, functions=("f", "g"), baselines=BASELINES)
    assert (verdict.comparisons, verdict.seeds, verdict.missing) == (6, SEEDS, ())
    values = {name: np.array(value.values[0]) for name, value in family.items()}
    expected = corrected(np.array([values[f] - values[b] for f in "fg" for b in BASELINES]), 0.05)
    found = [d for name in "fg" for d in verdict.judgements[name].differences]
    assert [d.p_value for d in found] == expected.p_values.tolist()
    assert [d.p_alone for d in found] == expected.alone.tolist()
    assert [d.baseline for d in found] == [*BASELINES, *BASELINES]
    assert verdict.judgements["f"].p_value == max(d.p_value for d in found[:3])


def test_the_best_baseline_has_the_best_mean_and_baselines_are_not_tested(family):
    verdict = judge(family, functions=("f",), baselines=BASELINES)
    means = {name: verdict.judgements[name].mean for name in BASELINES}
    assert verdict.best_baseline == max(means, key=means.__getitem__)
    for name in BASELINES:
        judgement = verdict.judgements[name]
        assert (judgement.differences, judgement.p_value) == ((), None)
        assert judgement.to_best.mean == pytest.approx(means[name] - means[verdict.best_baseline])
        assert judgement.to_best.p_value is None
    assert verdict.judgements["f"].to_best in verdict.judgements["f"].differences


def test_a_function_that_is_a_baseline_is_not_compared_with_itself(family):
    verdict = judge(family, functions=("gelu", "f"), baselines=BASELINES)
    assert [d.baseline for d in verdict.judgements["gelu"].differences] == ["relu", "mish"]
    assert verdict.comparisons == 5


def test_more_tasks_make_all_p_values_larger_and_what_can_be_seen_too(family):
    one = judge(family, functions=("f", "g"), baselines=BASELINES)
    three = judge(family, functions=("f", "g"), baselines=BASELINES, tasks=3)
    for name in "fg":
        for a, b in zip(one.judgements[name].differences, three.judgements[name].differences, strict=True):
            assert b.p_value == min(3 * a.p_value, 1.0)
            assert b.p_alone == a.p_alone
            assert b.smallest > a.smallest


def test_what_has_no_score_on_every_seed_is_left_out_and_named(family):
    broken = (*family["gelu"].values[0][:-1], None)
    family |= {"gelu": dataclasses.replace(family["gelu"], values=(broken,)), "g": family["g"]}
    verdict = judge({k: v for k, v in family.items() if k != "mish"}, functions=("f", "g"), baselines=BASELINES)
    assert verdict.missing == ("gelu", "mish")
    assert [d.baseline for d in verdict.judgements["f"].differences] == ["relu"]


def test_without_baselines_or_functions_there_is_nothing_to_test(family):
    verdict = judge(family, functions=("f",), baselines=())
    assert (verdict.best_baseline, verdict.comparisons) == (None, 0)
    assert (verdict.judgements["f"].to_best, verdict.judgements["f"].p_value) == (None, None)
    assert judge({}, functions=(), baselines=BASELINES).missing == BASELINES


def test_scores_on_different_seeds_are_refused(family):
    family["f"] = dataclasses.replace(family["f"], seeds=tuple(range(1, SEEDS + 1)))
    with pytest.raises(ValueError, match="different seeds"):
        judge(family, functions=("f",), baselines=BASELINES)


def test_the_order_of_names_changes_nothing(family):
    one = judge(family, functions=("f", "g"), baselines=BASELINES)
    other = judge(dict(reversed(family.items())), functions=("g", "f"), baselines=BASELINES[::-1])
    for name in "fg":
        ours, theirs = one.judgements[name], other.judgements[name]
        assert {d.baseline: d for d in ours.differences} == {d.baseline: d for d in theirs.differences}
        assert (ours.mean, ours.half_width) == (theirs.mean, theirs.half_width)


def test_judgements_are_json(family):
    document = judge(family, functions=("f",), baselines=BASELINES).judgements["f"].to_json()
    low, high = document["interval"]
    assert low < judge(family, functions=("f",), baselines=BASELINES).judgements["f"].mean < high
    assert set(document["comparisons"][0]) == {
        "baseline", "difference", "standard_error", "interval", "p_value", "p_value_alone", "smallest_detectable",
        "correlation",
    }  # fmt: skip
