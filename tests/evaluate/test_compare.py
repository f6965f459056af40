from __future__ import annotations

import pytest

from actsearch.errors import ConfigError, UnknownNameError, UnsupportedError
from actsearch.evaluate.compare import compare, study
from actsearch.evaluate.pool import InProcess
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import subject_of
from actsearch.evaluate.worker import Job, Order
from actsearch.grammar.activation import parse
from actsearch.outcome import Rejected, Scored

# The best baseline is tanh: the score is minus the distance of gain * f(1) to that of tanh, and a bit of the seed.
NEAR_TANH = """
import torch
from actsearch.evaluate.task import Task

class NearTanh(Task):
    metric = "minus a distance"
    baselines = ("relu", "tanh")
    final_seeds = 3

    def score(self, make_activation, seed, learning_rate):
        value = float(make_activation()(torch.tensor([1.0])).detach())
        return -abs(value - 1.2129) - 0.01 * (seed % 3) - learning_rate
"""


@pytest.fixture(scope="module")
def near_tanh(write_task) -> str:
    return write_task(NEAR_TANH)


def test_functions_and_baselines_come_best_first_with_paired_differences(near_tanh):
    given = {"tanh(x)": parse("tanh(x)"), "sin(x)": parse("sin(x)")}
    comparison = compare(given, task=near_tanh, seeds=None, workers="in-process")
    assert comparison.metric == "minus a distance"
    assert comparison.seeds == (500, 501, 502)
    assert comparison.best_baseline == "tanh"
    scores = [entry.judgement.mean for entry in comparison.entries]
    assert scores == sorted(scores, reverse=True)
    entries = {entry.name: entry for entry in comparison.entries}
    assert set(entries) == {"tanh(x)", "sin(x)", "relu", "tanh"}
    # The same function is the same to the last bit, and the seeds' part cancels in every difference.
    assert entries["tanh(x)"].judgement.to_best.is_exact_tie
    assert entries["sin(x)"].judgement.to_best.mean < 0
    assert entries["sin(x)"].judgement.to_best.standard_error < 1e-12
    assert [entry.name for entry in comparison.entries if entry.is_baseline] == ["tanh", "relu"]


def test_a_baseline_that_is_asked_for_is_trained_once_and_both(near_tanh):
    comparison = compare({"relu": parse("relu(x)")}, task=near_tanh, seeds=2, workers="in-process")
    (relu,) = [entry for entry in comparison.entries if entry.name == "relu"]
    assert relu.is_baseline
    assert relu.is_given
    assert len(comparison.entries) == 2


def test_several_tasks_are_one_family(near_tanh, write_task):
    far = write_task(
        NEAR_TANH.replace("abs(value - 1.2129)", "abs(value - 1.2129) * (1 + seed % 7)").replace("3\n", "9\n", 1)
    )
    given = {"sin(x)": parse("sin(x)"), "tanh(x)": parse("tanh(x)")}
    said = []
    made = study(given, tasks=[near_tanh, far, near_tanh], seeds=8, workers="in-process", announce=said.append)
    assert [comparison.task for comparison in made.comparisons] == [near_tanh, far]
    alone = compare(given, task=far, seeds=8, workers="in-process")
    for ours, theirs in zip(made.comparisons[1].entries, alone.entries, strict=True):
        assert ours.judgement.mean == theirs.judgement.mean
        for both, one in zip(ours.judgement.differences, theirs.judgement.differences, strict=True):
            assert both.p_value == min(2 * one.p_value, 1.0)
    assert made.plan.digest[:12] in said[0]
    assert made.plan.functions == tuple(given)
    assert made.conclusion("tanh(x)").count("on mine") == 2
    assert made.conclusion("relu") is None


def test_a_second_task_that_is_not_there_is_found_before_the_first_is_trained(near_tanh):
    said = []
    with pytest.raises(UnknownNameError, match="did you mean digits"):
        study({"x": parse("sin(x)")}, tasks=[near_tanh, "digit"], seeds=1, workers="in-process", announce=said.append)
    assert said == []


def test_what_is_reported_is_the_test_split_and_what_is_told_is_the_whole_verdict():
    comparison = compare({"sin(x)": parse("sin(x)")}, task="digits", seeds=2, workers="in-process")
    for entry in comparison.entries:
        scores = entry.outcome.scores
        assert entry.judgement.mean == pytest.approx(sum(scores.test[scores.best]) / 2, rel=1e-12)
    sin = next(entry for entry in comparison.entries if entry.name == "sin(x)")
    assert [d.baseline for d in sin.judgement.differences] == ["relu", "gelu", "silu", "tanh", "elu", "mish", "sin"]
    assert sin.claim.endswith("which 2 seeds could not have shown; equals sin to the last bit")
    assert "on digits from relu" not in sin.claim
    assert "from relu, gelu, silu, tanh, elu and mish on digits" in sin.claim


def test_a_function_that_does_no_better_than_chance_comes_last_with_the_reason():
    comparison = compare({"bad": parse("x**20")}, task="digits", seeds=1, workers="in-process")
    last = comparison.entries[-1]
    assert last.name == "bad"
    assert isinstance(last.outcome, Rejected)
    assert (last.judgement, last.claim) == (None, None)


def test_it_agrees_with_what_workers_measure():
    comparison = compare({"sin(x)": parse("sin(x)")}, task="digits", seeds=1, workers="in-process")
    job = Job(key="sin(x)", subject=subject_of(parse("sin(x)")))
    with InProcess("digits", Profile(title="t", executor="in-process")) as pool:
        (alone,) = pool.submit([job], Order(seeds=(500,), quality=Quality()))
    assert isinstance(alone.outcome, Scored)
    assert next(entry.outcome for entry in comparison.entries if entry.name == "sin(x)") == alone.outcome


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x * gate", UnsupportedError, "functions of x alone"),
        ("3 + 0 * x", ConfigError, "it is constant"),
        ("relu(x) + relu(-x) - abs(x)", ConfigError, "it is constant"),
        ("log(x)", ConfigError, "cannot be trained"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(near_tanh, text, error, message):
    with pytest.raises(error, match=message) as caught:
        compare({text: parse(text)}, task=near_tanh, seeds=1, workers="in-process")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("task", "workers"), [("digit", "in-process"), ("digits", "in-proces")])
def test_an_unknown_task_or_profile_is_named_with_the_nearest(task, workers):
    with pytest.raises(UnknownNameError, match=r"did you mean (digits|in-process)"):
        compare({"relu": parse("relu(x)")}, task=task, seeds=1, workers=workers)
