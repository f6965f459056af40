from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from actsearch.errors import ConfigError
from actsearch.evaluate.pool import InProcess
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.ray_pool import RayPool
from actsearch.outcome import Failed, Rejected, Scored
from actsearch.store.summary import TRAINED_STAGES

pytestmark = pytest.mark.usefixtures("cluster")

UNRULY = """
import os, signal, sys, time
import torch
from actsearch.evaluate.task import Task

class Unruly(Task):
    learning_rates = (0.1,)
    baselines = ("relu",)
    search_seeds = final_seeds = 1

    def run(self, subjects, seeds, quality):
        print("noise on standard output", os.getpid())
        os.write(1, b"noise below Python\\n")
        for subject in subjects:
            match subject.activation.text:
                case "sin(x)": raise RuntimeError("no sines")
                case "cos(x)": time.sleep(3600)
                case "tanh(x)": os._exit(3)
                case "atan(x)": os.kill(os.getpid(), signal.SIGKILL)
                case "erf(x)": sys.exit(5)
                case "asinh(x)": os.fork()
                case "exp(x)": self.hoard = [torch.ones(1 << 22) for _ in range(10_000)]
                case "sinh(x)":
                    self.hoard = []
                    while True:
                        self.hoard.append(bytes(1 << 24))
        return super().run(subjects, seeds, quality)

    def score(self, make_activation, seed, learning_rate):
        time.sleep(0.05)
        torch.ones(1 << 23)
        return float(os.getpid())
"""
LIMIT = 2.0


@pytest.fixture(scope="module")
def unruly(write_task) -> str:
    return write_task(UNRULY)


def test_whatever_a_candidate_does_the_others_keep_their_results_and_the_pool_goes_on(unruly, jobs, order):
    profile = Profile(title="t", workers=2, batch=3, time_limit_seconds=LIMIT, memory_mebibytes=300)
    memory = "a worker may take 300 MiB (memory_mebibytes in its profile)"
    bad = {
        "sin(x)": "RuntimeError: no sines",
        # The limit grows with the time that others take.
        "cos(x)": "s, its worker was replaced",
        "tanh(x)": "its worker died",
        "atan(x)": "its worker died",
        "erf(x)": "SystemExit: 5",
        "exp(x)": memory,
    }
    good = ["relu(x)", "x**2", "asinh(x)"]
    with RayPool(unruly, profile) as pool:
        # By batches: one that hangs, one that only raises, and one that ends its worker, which each then does alone.
        texts = ["relu(x)", "cos(x)", "x**2", "sin(x)", "erf(x)", "asinh(x)", "tanh(x)", "atan(x)", "exp(x)"]
        results = {result.key: result.outcome for result in pool.submit(jobs(*texts), order)}
        assert sorted(results) == sorted(texts)
        for text, expected in bad.items():
            assert isinstance(results[text], Failed), text
            assert expected in results[text].traceback
        first = {results[text].score for text in good}
        assert all(isinstance(results[text], Scored) for text in good)
        again = list(pool.submit(jobs(*good), order))
        assert [type(result.outcome) for result in again] == [Scored] * 3
        second = {result.outcome.score for result in again}
    # Scores are process ids: never this process, and no more processes at a time than there are workers.
    assert os.getpid() not in first | second
    assert len(second) <= 2


def test_who_finds_the_memory_taken_by_another_is_tried_again_in_a_fresh_worker(unruly, jobs, order):
    # The hoard of sinh stays in its worker, where even an evaluation of relu finds too little.
    with RayPool(unruly, Profile(title="t", workers=1, batch=3, memory_mebibytes=300)) as pool:
        outcomes = {r.key: r.outcome for r in pool.submit(jobs("sinh(x)", "log1p(abs(x))", "relu(x)"), order)}
    assert isinstance(outcomes.pop("sinh(x)"), Failed)
    assert all(isinstance(outcome, Scored) for outcome in outcomes.values())


def test_actors_live_long_and_are_gone_with_the_pool(unruly, jobs, order):
    with RayPool(unruly, Profile(title="t", workers=1, batch=1)) as pool:
        rounds = [{result.outcome.score for result in pool.submit(jobs("relu(x)", "x**2"), order)} for _ in range(2)]
        assert rounds[0] == rounds[1]
        (pid,) = rounds[0]
        os.kill(int(pid), 0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the actor outlived its pool")


def test_a_submission_that_is_broken_off_leaves_a_pool_that_works(unruly, jobs, order):
    with RayPool(unruly, Profile(title="t", workers=1, batch=1)) as pool:
        results = pool.submit(jobs("relu(x)", "cos(x)"), order)
        assert next(results).key == "relu(x)"
        results.close()
        (again,) = pool.submit(jobs("x**2"), order)
        assert isinstance(again.outcome, Scored)
        late = pool.submit(jobs("relu(x)", "cos(x)"), order)
        next(late)
    # Closed after the pool, as when an interrupt unwinds the stack: it must not start anything.
    late.close()
    assert pool._slots == []


@pytest.mark.parametrize(("workers", "batch"), [(2, 1), (1, 16)])
def test_workers_and_batches_change_no_result(jobs, order, workers, batch):
    wanted = jobs("sin(x)", "tanh(x)", "sqrt(x)", "relu(x)", "x * sigmoid(beta * x)")
    with InProcess("digits", Profile(title="t", executor="in-process")) as pool:
        expected = {result.key: result.outcome for result in pool.submit(wanted, order)}
    assert isinstance(expected["sqrt(x)"], Rejected)
    with RayPool("digits", Profile(title="t", workers=workers, batch=batch)) as pool:
        assert {result.key: result.outcome for result in pool.submit(wanted, order)} == expected


def test_a_function_is_mapped_by_the_workers_and_here_where_one_of_them_dies(unruly, jobs, order):
    here = os.getpid()

    def where(number: int) -> tuple[int, int]:
        if number == 3 and os.getpid() != here:
            os._exit(1)
        return number, os.getpid()

    with RayPool(unruly, Profile(title="t", workers=2, batch=1)) as pool:
        list(pool.submit(jobs("relu(x)", "x**2", "x**3", "x**4"), order))
        assert pool.map(where, []) == []
        found = pool.map(where, [0, 1, 2])
        assert [number for number, _ in found] == [0, 1, 2]
        assert here not in {process for _, process in found}
        found = pool.map(where, [0, 1, 2, 3, 4])
        assert [number for number, _ in found] == [0, 1, 2, 3, 4]
        assert found[3][1] == here
        (again,) = pool.submit(jobs("relu(x)"), order)
        assert isinstance(again.outcome, Scored)


ONLY_HERE = """
import os
from actsearch.evaluate.task import Task

class Here(Task):
    def __init__(self):
        if os.getpid() != {pid}:
            raise OSError("the data set is not on this machine\\nat all")

    def score(self, make_activation, seed, learning_rate):
        return 1.0
"""


def test_a_task_that_cannot_start_in_a_worker_is_one_sentence(write_task):
    path = write_task(ONLY_HERE.format(pid=os.getpid()))
    with pytest.raises(ConfigError, match=r"no worker can start: .*the data set is not on this machine") as caught:
        RayPool(path, Profile(title="t", workers=1)).__enter__()
    assert "\n" not in str(caught.value)


DIES_AT_START = """
import os
from actsearch.evaluate.task import Task

if os.getpid() != {pid}:
    os._exit(1)

class Here(Task):
    def score(self, make_activation, seed, learning_rate):
        return 1.0
"""


def test_workers_that_die_at_the_start_are_given_up_after_three(write_task):
    path = write_task(DIES_AT_START.format(pid=os.getpid()))
    with pytest.raises(ConfigError, match="3 workers in a row failed to start") as caught:
        RayPool(path, Profile(title="t", workers=1)).__enter__()
    assert "\n" not in str(caught.value)


def test_a_search_joins_a_cluster_by_address_and_workers_prints_stay_off_standard_output(
    cluster, unruly, tmp_path, root
):
    profile = tmp_path / "joined.yaml"
    # Ray brings what workers print now and then, and loses what is under way at the end: the search takes two seconds.
    profile.write_text(f"title: joined\naddress: {cluster}\nworkers: 1\nbatch: 1\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "actsearch", "search", "swish", "--task", unruly, "--workers", str(profile),
            "--strategy", "random", "--budget", "40c", "--set", "track_uri=none",
            "--store", str(tmp_path / "store"), "--json",
        ],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["status"] == "finished"
    counts = document["counts"]
    late = sum(counts["rejected"].get(stage, 0) for stage in TRAINED_STAGES)
    assert counts["evaluated"] + counts["failed"] + late == 40
    assert "noise on standard output" in done.stderr
    assert "noise below Python" in done.stderr
