from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import pytest

from actsearch.evaluate.ladder.runner import InProcess, limit_seconds, open_runner
from actsearch.evaluate.ladder.tune import Proposer
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.task import Task, load_task

UNRULY = """
import math, os, sys, time
from actsearch.evaluate.task import Task

class Unruly(Task):
    def curve(self, make_activation, seed, learning_rate):
        print("noise on standard output")
        os.write(2, b"noise below Python\\n")
        text = make_activation(1).activation.text
        for step in range(1, 5):
            if step == 3:
                match text:
                    case "sin(x)": raise RuntimeError("no sines")
                    case "cos(x)": time.sleep(3600)
                    case "tanh(x)": os._exit(3)
                    case "erf(x)": sys.exit(5)
                    case "x**3": return
            nan = step == 4 and text == "x**2"
            yield step / 4, math.nan if nan else seed + step * learning_rate
"""
LIMIT = 4.0


@pytest.fixture(scope="module")
def unruly(write_task) -> str:
    return write_task(UNRULY)


def without_times(ends):
    return {key: replace(trained, seconds=0.0) for key, trained in ends.items()}


def test_in_process_every_training_comes_to_its_end(unruly, training, noting, capsys):
    texts = ["sin(x)", "erf(x)", "x**3", "x**2", "relu(x)"]
    agenda = noting([training(text, text, seed=7) for text in texts] + [training("stop", "sinh(x)")])
    InProcess(load_task(unruly)).run(agenda, pytest.fail)
    assert {key: trained.ending for key, trained in agenda.ends.items()} == {
        "sin(x)": "failed", "erf(x)": "failed", "x**3": "failed", "x**2": "diverged", "relu(x)": "complete",
        "stop": "stopped",
    }  # fmt: skip
    assert "RuntimeError: no sines" in agenda.ends["sin(x)"].reason
    assert "SystemExit: 5" in agenda.ends["erf(x)"].reason
    assert "ended at the share 0.5" in agenda.ends["x**3"].reason
    assert agenda.ends["relu(x)"].curve == ((0.25, 7.1), (0.5, 7.2), (0.75, 7.3), (1.0, 7.4))
    assert agenda.ends["x**2"].curve == agenda.ends["relu(x)"].curve[:3]
    assert agenda.ends["stop"].curve == ((0.25, 0.1), (0.5, 0.2))
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("cluster")
def test_with_ray_tune_it_is_the_same_and_hangs_and_crashes_are_failures_too(unruly, training, noting, tmp_path, capfd):
    texts = ["sin(x)", "erf(x)", "x**3", "x**2", "relu(x)", "gelu(x)", "softplus(x)"]
    trainings = [training(text, text, seed=7) for text in texts] + [training("stop", "sinh(x)")]
    here = noting(trainings)
    InProcess(load_task(unruly)).run(here, lambda: None)
    capfd.readouterr()

    bad = {"cos(x)": f"not done within {LIMIT:.0f} s", "tanh(x)": "its worker died"}
    there = noting([training(text, text) for text in bad] + trainings)
    # The profile's own limit is that of a candidate of the search.
    profile = Profile(title="t", workers=3, time_limit_seconds=600)
    runner = open_runner(unruly, profile, tmp_path / "scratch", time_limit=LIMIT)
    checks = []
    runner.run(there, lambda: checks.append(time.monotonic()))
    # One training says nothing for as long as the limit.
    assert len(checks) >= 2
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(checks))

    for text, reason in bad.items():
        trained = there.ends.pop(text)
        assert trained.ending == "failed"
        assert trained.reason == reason
        assert trained.curve == ((0.25, 0.1), (0.5, 0.2))
    mine, theirs = without_times(there.ends), without_times(here.ends)
    for key, trained in theirs.items():
        if trained.reason:
            # Tracebacks end alike; the frames above differ.
            assert mine[key].reason.splitlines()[-1] == trained.reason.splitlines()[-1]
        assert replace(mine.pop(key), reason=None) == replace(trained, reason=None)
    assert not mine
    assert capfd.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []

    # Stopped while all that is under way is silent for an hour.
    with pytest.raises(KeyboardInterrupt):
        open_runner(unruly, profile, tmp_path / "scratch").run(noting([training("cos(x)", "cos(x)")]), interrupt)
    assert list(tmp_path.iterdir()) == []


def interrupt():
    raise KeyboardInterrupt


SLOW = """
import time
from actsearch.evaluate.task import Task

class Slow(Task):
    def curve(self, make_activation, seed, learning_rate):
        for step in range(1, 1001):
            time.sleep(0.05)
            yield step / 1000, 0.0
"""


def test_in_process_a_training_is_stopped_amid_its_course(write_task, training, noting):
    agenda = noting([training("a")])
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        InProcess(load_task(write_task(SLOW))).run(agenda, interrupt)
    assert time.monotonic() - started < 25
    assert agenda.ends == {}


def test_what_a_plan_raises_ends_the_run_and_is_raised_at_its_end(training, noting):
    agenda = noting([training("a"), training("b")])

    def broken(training, trained):
        raise OSError("the disk is full")

    agenda.end = broken
    proposer = Proposer(agenda, "unruly", LIMIT)
    assert proposer.suggest("1")["training"].key == "a"
    assert proposer.hear("1", {"share": 0.5, "score": 1.0})
    proposer.on_trial_complete("1")
    assert proposer.suggest("2") == Proposer.FINISHED
    with pytest.raises(OSError, match="the disk is full"):
        proposer.raise_trouble()


def test_a_training_may_be_silent_for_as_long_as_its_task_says():
    class Long(Task):
        seconds = 30.0

    profile = Profile(title="t", time_limit_seconds=60)
    assert limit_seconds(Task(), profile) == 60
    assert limit_seconds(Long(), profile) == 600
    assert math.isnan(Task.seconds)
