"""Objectives on trained models: what they find, and that nothing else changes it."""

from __future__ import annotations

import pytest
import torch

from actsearch.errors import ActsearchError
from actsearch.evaluate.objectives import OBJECTIVES, of_models
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, load_task, subject_of
from actsearch.evaluate.worker import Job, Order, Worker
from actsearch.grammar.activation import parse
from actsearch.outcome import Scored

NAMES = tuple(objective.name for objective in of_models(OBJECTIVES))
FUNCTIONS = ("relu(x)", "tanh(x)", "x * sigmoid(beta * x)", "sin(x)")


@pytest.fixture(scope="module")
def worker():
    return Worker.of("digits")


def measured(worker, functions, *, seeds=(0, 1), names=NAMES):
    jobs = [Job(key=text, subject=subject_of(parse(text))) for text in functions]
    return {r.key: r.outcome for r in worker.run(jobs, Order(seeds=seeds, quality=Quality(), objectives=names))}


@pytest.fixture(scope="module")
def together(worker):
    return measured(worker, FUNCTIONS)


def test_everything_is_measured_and_in_its_range(together):
    for outcome in together.values():
        assert isinstance(outcome, Scored)
        assert set(outcome.objectives) == set(NAMES)
        assert 0 <= outcome.objectives["sparsity"] < 1
        assert 0 < outcome.objectives["reproducibility"] < 1
        # Noise of a fifth of the pre-activations costs something, but not all that was learned.
        assert 0 < outcome.objectives["noise"] < 1


def test_scores_are_those_without_objectives(worker, together):
    plain = measured(worker, FUNCTIONS, names=())
    for text, outcome in together.items():
        assert outcome.scores.values == plain[text].scores.values
        assert plain[text].objectives == {}


@pytest.mark.parametrize("text", FUNCTIONS)
def test_a_function_has_the_same_bits_alone(worker, together, text):
    assert measured(worker, [text])[text] == together[text]


def test_the_order_of_functions_and_of_objectives_changes_nothing(worker, together):
    again = measured(worker, reversed(FUNCTIONS), names=NAMES[::-1])
    assert again == together


def test_seeds_count_alike(worker):
    (text,) = FUNCTIONS[:1]
    both, first, second = (measured(worker, [text], seeds=seeds)[text] for seeds in ((0, 1), (0,), (1,)))
    # Only where the learning rate is the same are the values means of those of single seeds.
    assert both.scores.best == first.scores.best == second.scores.best
    for name in NAMES:
        mean = (first.objectives[name] + second.objectives[name]) / 2
        assert both.objectives[name] == pytest.approx(mean, rel=1e-6, abs=1e-9)


def test_exact_zeros_count_as_sparse_and_bounded_functions_are_robust(together):
    relu, tanh = (together[text].objectives for text in ("relu(x)", "tanh(x)"))
    assert relu["sparsity"] > 0.4 > tanh["sparsity"]
    assert tanh["noise"] < relu["noise"]
    # Smoother functions agree better, as in Shamir, Lin, Coviello (2020).
    assert tanh["reproducibility"] < relu["reproducibility"]


def test_a_subject_with_layers_of_its_own_is_measured_too(worker):
    text = "x * sigmoid(v * x) / std[batch](x)"
    outcome = measured(worker, ["sin(x)", text], seeds=(0,))[text]
    assert set(outcome.objectives) == set(NAMES)
    assert measured(worker, [text], seeds=(0,))[text] == outcome


def test_a_subject_without_a_score_has_no_objectives(worker):
    flat = Job(key="flat", subject=Subject.everywhere(parse("x * 0 + 1"), gain=1.0))
    good = Job(key="sin", subject=subject_of(parse("sin(x)")))
    order = Order(seeds=(0,), quality=Quality(), objectives=NAMES)
    alone, beside = worker.run([good], order)[0], worker.run([flat, good], order)[1]
    assert alone.outcome == beside.outcome


def test_scores_on_another_task_and_static_counts_stand_beside(worker):
    names = ("quality", "quality:tabular", "cost", "saved")
    found = measured(worker, ["sin(x)"], names=names)["sin(x)"]
    assert set(found.objectives) == {"quality:tabular", "cost", "saved"}
    (scores,) = load_task("tabular").run([subject_of(parse("sin(x)"))], (0, 1), Quality())
    assert found.objectives["quality:tabular"] == scores.mean()


def test_lessons_count_alike():
    outcome = measured(Worker.of("tabular"), ["tanh(x)"], seeds=(0,), names=("noise", "reproducibility"))["tanh(x)"]
    assert 0 < outcome.objectives["noise"] < 1
    assert 0 < outcome.objectives["reproducibility"] < 1


def test_a_task_that_trains_no_stack_says_so():
    with pytest.raises(ActsearchError, match=r"^the task \w+ cannot measure sparsity and noise: only tasks"):
        load_task("continual").run_and_measure((), (), Quality(), of_models(("sparsity", "noise")))


def test_the_random_generator_of_torch_is_left_alone(worker):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    measured(worker, ["sin(x)"], seeds=(0,))
    assert torch.equal(torch.rand(1), expected)
