from __future__ import annotations

import math

import pytest

from actsearch.errors import TaskError, UnknownNameError
from actsearch.evaluate.pool import InProcess
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of
from actsearch.evaluate.worker import Worker
from actsearch.grammar.activation import parse
from actsearch.outcome import Failed, Rejected, Scored, Scores

HEAD = "from actsearch.evaluate.task import Task\n"
ONLY_SCORE = (
    HEAD
    + """
import torch

class Mine(Task):
    def score(self, make_activation, seed, learning_rate):
        layer = make_activation(4, channel_dim=-1)
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
        return -layer(x).square().mean().item() - learning_rate
"""
)


def test_a_user_s_file_needs_only_score(write_task):
    task = load_task(write_task(ONLY_SCORE))
    assert task.learning_rates == (3e-3, 1e-2, 3e-2)
    subject = subject_of(parse("x * sigmoid(beta * x)", beta=(1.0, "channel")))
    scores = task.run([subject, subject], (0, 1), Quality())
    assert scores[0] == scores[1]
    assert isinstance(scores[0], Scores)
    assert scores[0].seeds == (0, 1)
    assert scores[0].best == 0
    assert scores[0].values[0][0] != scores[0].values[0][1]
    assert task.score(subject.module, 0, 0.5) == pytest.approx(task.score(subject.module, 0, 0.0) - 0.5)


ONLY_CURVE = (
    HEAD
    + """
class Mine(Task):
    def curve(self, make_activation, seed, learning_rate):
        for step in range(1, 5):
            yield step / 4, step * learning_rate + seed
"""
)


def test_a_curve_is_scored_by_its_end_and_a_score_is_a_curve_of_one_point(write_task):
    subject = subject_of(parse("sin(x)"))
    task = load_task(write_task(ONLY_CURVE))
    assert task.score(subject.module, 7, 0.5) == 4 * 0.5 + 7
    scores = task.run([subject], (0, 1), Quality())[0]
    assert scores.values == ((0.012, 1.012), (0.04, 1.04), (0.12, 1.12))
    other = load_task(write_task(ONLY_SCORE))
    assert list(other.curve(subject.module, 3, 0.5)) == [(1.0, other.score(subject.module, 3, 0.5))]


def test_a_task_that_trains_batches_only_says_so():
    with pytest.raises(NotImplementedError, match="Digits trains batches only, by run"):
        load_task("digits").score(subject_of(parse("sin(x)")).module, 0, 0.1)


def test_two_files_of_one_name_are_two_tasks(write_task):
    first, second = (load_task(write_task(ONLY_SCORE.replace("Mine", name))) for name in ("First", "Second"))
    assert (type(first).__name__, type(second).__name__) == ("First", "Second")


MISTAKES = {
    "no class": (HEAD, "has 0 classes derived from"),
    "two classes": (HEAD + "class A(Task): pass\nclass B(Task): pass\n", "has 2 classes derived from"),
    "syntax error": ("class Mine(:\n", "cannot be loaded: SyntaxError: invalid syntax"),
    "import error": ("import no_such_module\n", "cannot be loaded: ModuleNotFoundError: No module named"),
    "error of many lines": ("raise ValueError('one\\ntwo\\nthree')\n", "cannot be loaded: ValueError: one two three"),
    "exit": ("import sys\nsys.exit(0)\n", "cannot be loaded: SystemExit: 0"),
    "missing method": (HEAD + "class Mine(Task):\n    pass\n", "defines none of score, curve and run"),
    "constructor raises": (
        HEAD + "class Mine(Task):\n    def __init__(self):\n        raise OSError('no\\ndata')\n"
        "    def score(self, make_activation, seed, learning_rate):\n        return 0.0\n",
        "cannot be made: OSError: no data",
    ),
    "constructor wants more": (
        HEAD + "class Mine(Task):\n    def __init__(self, path):\n        pass\n"
        "    def score(self, make_activation, seed, learning_rate):\n        return 0.0\n",
        "cannot be made: TypeError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_file_that_is_no_task_is_one_sentence(write_task, mistake):
    source, expected = MISTAKES[mistake]
    path = write_task(source)
    with pytest.raises(TaskError) as caught:
        load_task(path)
    assert expected in str(caught.value)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_task_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown task 'digit': did you mean digits"):
        load_task("digit")
    with pytest.raises(UnknownNameError, match="unknown task file"):
        load_task(str(tmp_path / "none.py"))


def outcome_of(write_task, body: str, *, run: bool = False):
    method = "run(self, subjects, seeds, quality)" if run else "score(self, make_activation, seed, learning_rate)"
    score = "" if not run else "    def score(self, make_activation, seed, learning_rate):\n        return 0.0\n"
    head = HEAD + "import math, sys\nfrom actsearch.outcome import Rejected, Scores\n"
    path = write_task(f"{head}class Mine(Task):\n{score}    def {method}:\n        {body}\n")
    worker = InProcess(path, Profile(title="t", executor="in-process"))
    assert isinstance(worker._worker, Worker)
    from actsearch.evaluate.worker import Job, Order

    jobs = [Job(key=text, subject=subject_of(parse(text))) for text in ("sin(x)", "cos(x)")]
    results = list(worker.submit(jobs, Order(seeds=(0, 1), quality=Quality())))
    assert [result.key for result in results] == ["sin(x)", "cos(x)"]
    assert type(results[0].outcome) is type(results[1].outcome)
    return results[0].outcome


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 'high'", "Mine.score returned str, not a float"),
        ("return None", "Mine.score returned NoneType, not a float"),
        ("return complex(1, 2)", "Mine.score returned complex, not a float"),
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("sys.exit(4)", "SystemExit: 4"),
    ],
)
def test_a_wrong_score_fails_the_candidate(write_task, body, expected):
    outcome = outcome_of(write_task, body)
    assert isinstance(outcome, Failed)
    assert outcome.stage == "train"
    assert expected in outcome.traceback


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return [0.5 for _ in subjects]", "not float"),
        ("return [None for _ in subjects]", "not NoneType"),
        ("return [0.5]", "Mine.run gave 1 results for"),
        ("return None", "TypeError"),
        (
            "return [Scores(learning_rates=(1.0,), seeds=seeds, values=((math.nan,) * 2,)) for _ in subjects]",
            "not finite",
        ),
    ],
)
def test_a_wrong_result_of_run_fails_the_candidate(write_task, body, expected):
    if body == "return [0.5]":
        # For one subject one result is right in number, and wrong in kind.
        body = "return [Scores(learning_rates=(1.0,), seeds=seeds, values=((1.0,) * 2,))] * 3"
        expected = "Mine.run gave 3 results for 1 subjects"
    outcome = outcome_of(write_task, body, run=True)
    assert isinstance(outcome, Failed)
    assert expected in outcome.traceback


def test_a_score_of_nan_is_a_training_that_diverged(write_task):
    outcome = outcome_of(write_task, "return math.nan if seed and learning_rate > 0.005 else 1.0")
    assert isinstance(outcome, Scored)
    assert outcome.scores.values == ((1.0, 1.0), (1.0, None), (1.0, None))
    assert outcome.scores.best == 0
    assert outcome.scores.trained == 4


def test_nan_everywhere_is_a_rejection(write_task):
    for body in ("return math.nan", "return math.inf"):
        outcome = outcome_of(write_task, body)
        assert isinstance(outcome, Rejected)
        assert outcome.stage == "quality"


def test_a_score_no_better_than_chance_is_a_rejection(write_task):
    path = write_task(ONLY_SCORE.replace("class Mine(Task):", "class Mine(Task):\n    chance = 0.0\n"))
    task = load_task(path)
    (rejected,) = task.run([subject_of(parse("sin(x)"))], (0,), Quality())
    assert isinstance(rejected, Rejected)
    assert rejected.stage == "quality"
    assert -math.inf < rejected.measured < 0
