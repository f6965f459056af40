from __future__ import annotations

import pytest
import torch

from actsearch.evaluate import conformance

TASK = """
import os, random, sys, time
import numpy as np
import torch
from actsearch.evaluate.task import Task
from actsearch.outcome import Rejected

class Mine(Task):
    metric = "minus the mean squared error"
    chance = -10.0
    baselines = ("tanh", "sin")
    # attributes

    def run(self, subjects, seeds, quality):
        # run
        return super().run(subjects, seeds, quality)

    def curve(self, make_activation, seed, learning_rate):
        value = self.value(make_activation, seed, learning_rate)
        # curve
        yield 0.5, value - 1
        yield 1.0, value

    def value(self, make_activation, seed, learning_rate):
        # value
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            return -float((make_activation(4)(x) - learning_rate * x).square().mean())
"""
HELD = [
    "states what it is", "ends in a worker of its own", "gives scores", "leaves no trace", "repeats itself",
    "can be learnt", "heeds the seed", "heeds the learning rate", "heeds the activation",
]  # fmt: skip


def failures(write_task, place: str, statement: str, **options) -> dict[str, str]:
    source = TASK.replace(f"# {place}", statement)
    assert source != TASK
    findings = conformance.check(write_task(source), **options)
    return {finding.point: finding.trouble for finding in findings if finding.trouble}


def test_a_good_task_holds_in_every_point(write_task):
    findings = list(conformance.check(write_task(TASK)))
    assert [finding.point for finding in findings if finding.trouble is None] == HELD
    only_curve = TASK.partition("    def run")[0] + "    def curve" + TASK.partition("    def curve")[2]
    findings = list(conformance.check(write_task(only_curve)))
    assert [finding.point for finding in findings if finding.trouble is None] == [*HELD, "tells its way to the score"]


MISTAKES = {
    "two rates": ("attributes", "learning_rates = (0.1, 0.2)", "states what it is", "at least three different"),
    "unknown baseline": ("attributes", "baselines = ('tanh', 'tanhh')", "states what it is", "'tanhh' is no function"),
    "one baseline": ("attributes", "baselines = ('tanh',)", "states what it is", "fewer than two"),
    "no chance": ("attributes", "chance = float('nan')", "states what it is", "chance is nan"),
    "one final seed": ("attributes", "final_seeds = 1", "states what it is", "at least 1 and 2"),
    "no turn": ("attributes", "seed_turns = 0", "states what it is", "seed_turns is 0: at least 1"),
    "raises": ("value", "raise RuntimeError('no data')", "ends in a worker of its own", "RuntimeError: no data"),
    "exits": ("value", "os._exit(3)", "ends in a worker of its own", "ended with code 3"),
    "wrong seeds": (
        "run", "return super().run(subjects, (7, 8), quality)", "ends in a worker of its own", "that were asked for",
    ),
    "clock": ("value", "return -time.perf_counter() % 1", "repeats itself", "the second time"),
    "torch's generator": ("value", "return -float(torch.rand(()))", "repeats itself", "the second time"),
    "process": ("value", "return -float(os.getpid())", "repeats itself", "in another process"),
    "leaves a seed": ("value", "torch.manual_seed(seed)", "leaves no trace", "torch's random generator"),
    "moves random": ("value", "random.random(); np.random.rand()", "leaves no trace", "Python's random generator and"),
    "changes the type": ("value", "torch.set_grad_enabled(False)", "leaves no trace", "whether torch tracks gradients"),
    "chance": ("attributes", "chance = 10.0", "can be learnt", "no better than chance, which is 10"),
    "diverges": ("value", "return float('nan')", "can be learnt", "diverge"),
    "seed": ("value", "seed = 0", "heeds the seed", "every seed gives the same scores"),
    "rate": ("value", "learning_rate = 0.1", "heeds the learning rate", "every learning rate gives"),
    "activation": (
        "value", "make_activation = lambda _: torch.nn.ReLU()", "heeds the activation", "every activation gives",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _tracks_gradients():
    """Whatever a task does to this process, other tests are not to see it."""
    yield
    torch.set_grad_enabled(True)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_at_its_point(write_task, mistake):
    place, statement, point, expected = MISTAKES[mistake]
    found = failures(write_task, place, statement)
    assert expected in found[point]
    assert "\n" not in found[point]


def test_a_result_that_depends_on_the_batch_is_found(write_task):
    statement = (
        "from actsearch.outcome import Scores\n"
        "        rates = self.learning_rates\n"
        "        row = tuple(-1.0 * len(subjects) - seed for seed in seeds)\n"
        "        values = tuple((row[0] - rate, *row[1:]) for rate in rates)\n"
        "        return [Scores(learning_rates=rates, seeds=seeds, values=values) for _ in subjects]"
    )
    found = failures(write_task, "run", statement)
    assert "what else is in the batch, or on the order of the seeds" in found["repeats itself"]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ("yield 0.5, value; return", "the last pair of its curve is at 0.5, not at 1.0"),
        ("yield 1.0, value", "do not grow from above 0"),
        ("yield 0.0, value", "do not grow from above 0"),
        ("yield 0.5, value", "do not grow from above 0"),
    ],
)
def test_a_curve_that_is_none_is_found(write_task, points, expected):
    source = TASK.partition("    def run")[0] + "    def curve" + TASK.partition("    def curve")[2]
    findings = list(conformance.check(write_task(source.replace("# curve", points))))
    assert findings[-1].point == "tells its way to the score"
    assert expected in findings[-1].trouble


def test_a_score_that_is_not_the_end_of_the_curve_is_found(write_task):
    source = TASK.partition("    def run")[0] + "    def curve" + TASK.partition("    def curve")[2]
    source += "\n    def score(self, make_activation, seed, learning_rate):\n"
    source += "        return self.value(make_activation, seed, learning_rate) - 1\n"
    assert "its curve ends at" in list(conformance.check(write_task(source)))[-1].trouble


def test_a_task_that_hangs_is_given_up(write_task):
    found = failures(write_task, "value", "time.sleep(3600)", patience_seconds=2.0)
    assert found == {"ends in a worker of its own": "one candidate on 2 seeds is not done after 2 s"}


def test_the_command_ends_with_1_where_a_point_fails(write_task, command):
    good, bad = (write_task(TASK.replace("# value", line)) for line in ("", "seed = 0"))
    assert command("tasks", good, "--check")[0] == 0
    code, out, _ = command("tasks", bad, "--check")
    assert code == 1
    assert "heeds the seed" in out
    assert "every seed gives the same scores: is it used?" in " ".join(out.split())
    code, _, err = command("tasks", "--check")
    assert (code, "needs the name or the path" in err) == (2, True)
