from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from actsearch.evaluate.protocols.stability import Stability
from actsearch.evaluate.worker import Order, Worker
from actsearch.outcome import Failed, Rejected, Scored

TASK = """
from actsearch.evaluate.task import Task
from actsearch.outcome import Rejected, Scores

class Mine(Task):
    batches = []

    def score(self, make_activation, seed, learning_rate):
        raise NotImplementedError

    def run(self, subjects, seeds, quality):
        print("the task says hello")
        texts = [subject.activation.text for subject in subjects]
        self.batches.append(texts)
        if "cos(x)" in texts:
            raise ZeroDivisionError("no cosines")
        if "exp(x)" in texts:
            return []
        return [self.one(text, seeds) for text in texts]

    def one(self, text, seeds):
        if text == "tanh(x)":
            return Rejected(stage="quality", reason="I know it", measured=None)
        value = None if text == "erf(x)" else float(len(text))
        return Scores(learning_rates=(1.0,), seeds=seeds, values=((value,) * len(seeds),))
"""


@pytest.fixture
def worker(write_task) -> Worker:
    return Worker.of(write_task(TASK))


def test_one_batch_is_one_call(worker, jobs, order):
    results = worker.run(jobs("sin(x)", "x*x"), order)
    assert [r.key for r in results] == ["sin(x)", "x*x"]
    assert all(isinstance(r.outcome, Scored) for r in results)
    assert results[0].outcome.score == 6.0
    assert results[0].seconds == results[1].seconds > 0
    assert worker._task.batches == [["sin(x)", "x**2"]]


@pytest.mark.parametrize(
    ("bad", "expected"), [("cos(x)", "ZeroDivisionError: no cosines"), ("exp(x)", "gave 0 results")]
)
def test_a_candidate_that_breaks_the_batch_fails_alone(worker, jobs, order, bad, expected):
    results = worker.run(jobs("sin(x)", bad, "tanh(x)", "erf(x)"), order)
    kinds = [type(r.outcome) for r in results]
    assert kinds == [Scored, Failed, Rejected, Rejected]
    assert expected in results[1].outcome.traceback
    assert "Traceback" in results[1].outcome.traceback
    assert results[2].outcome.reason == "I know it"
    assert results[3].outcome.reason == "training diverged at every learning rate (100% of all trainings)"
    assert results[3].outcome.measured == 1.0
    assert len(worker._task.batches) == 5


def test_what_a_task_prints_stays_off_standard_output(worker, jobs, order, capfd):
    worker.run(jobs("sin(x)"), order)
    out, err = capfd.readouterr()
    assert out == ""
    assert "the task says hello" in err


def test_a_worker_computes_with_one_thread(worker):
    import torch

    assert torch.get_num_threads() == 1


def test_what_is_scored_and_unstable_is_rejected_where_the_order_asks_for_it(worker, jobs, order):
    asked = replace(order, stability=Stability(steps=3))
    results = worker.run(jobs("sin(x)", "x**3", "tanh(x)", "erf(x)"), asked)
    assert [type(r.outcome) for r in results] == [Scored, Rejected, Rejected, Rejected]
    assert [r.outcome.stage for r in results] == ["train", "stability", "quality", "quality"]
    assert results[1].outcome.measured > 1e8
    assert results[1].outcome.scores.trained == 2
    assert isinstance(worker.run(jobs("x**3"), order)[0].outcome, Scored)


def test_seeds_reach_the_task(worker, jobs):
    from actsearch.evaluate.protocols.quality import Quality

    (result,) = worker.run(jobs("sin(x)"), Order(seeds=(3, 1, 4), quality=Quality()))
    assert result.outcome.scores.seeds == (3, 1, 4)


FORKS = """
import os, sys
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Task, subject_of
from actsearch.evaluate.worker import Job, Order, Worker
from actsearch.grammar.activation import parse

PARENT = os.getpid()

class Forks(Task):
    def score(self, make_activation, seed, learning_rate):
        if os.getpid() == PARENT and seed == 0 and os.fork() == 0 and learning_rate < 0.01:
            raise RuntimeError("in the child")
        return 1.0

jobs = [Job(key=text, subject=subject_of(parse(text))) for text in ("sin(x)", "tanh(x)")]
results = Worker(Forks()).run(jobs, Order(seeds=(0, 1), quality=Quality()))
print([type(result.outcome).__name__ for result in results], flush=True)
"""


def test_the_child_of_a_task_that_forks_goes_no_further_than_the_evaluation(root):
    done = subprocess.run(
        [sys.executable, "-c", FORKS],
        env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "['Scored', 'Scored']\n", done.stderr
