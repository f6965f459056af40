from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actsearch.evaluate.confinement import is_out_of_memory, with_hint
from actsearch.evaluate.worker import Result
from actsearch.outcome import Failed, Rejected

CONFINED = "from actsearch.evaluate.confinement import confine\nimport os, sys, time\n"


def run(root, source: str, **options) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", CONFINED + source]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


@pytest.mark.parametrize("take", ["bytes(200 << 20)", "torch.ones(200 << 18)"])
def test_a_process_can_take_what_it_is_given_and_no_more(root, take):
    source = f"import torch\nconfine(300)\nkept = {take}\nprint('once', flush=True)\nmore = {take}"
    out, err = run(root, source).communicate(timeout=60)
    assert out == "once\n"
    last = err.strip().splitlines()[-1]
    failed = Result(key="", outcome=Failed(stage="train", traceback=err), seconds=0.0)
    assert is_out_of_memory(failed), last
    assert with_hint(failed, 300).outcome.traceback.endswith("may take 300 MiB (memory_mebibytes in its profile)\n")
    assert is_out_of_memory(with_hint(failed, 300))
    assert with_hint(failed, None) is failed


def test_without_a_limit_there_is_none(root):
    out, err = run(root, "confine(None)\nkept = bytes(1 << 30)\nprint(len(kept))").communicate(timeout=60)
    assert (out, err) == (f"{1 << 30}\n", "")


def test_other_outcomes_stay_as_they_are():
    for outcome in (
        Failed(stage="train", traceback="MemoryError was expected\nValueError: no"),
        Rejected(stage="quality", reason="MemoryError", measured=None),
    ):
        result = Result(key="", outcome=outcome, seconds=0.0)
        assert with_hint(result, 300) is result


def test_a_forked_process_ends_with_the_one_that_forked_it(root):
    source = "confine(None)\nchild = os.fork()\nif child:\n    print(child, flush=True)\ntime.sleep(600)"
    parent = run(root, source)
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and is_running(child):
        time.sleep(0.05)
    assert not is_running(child)


def is_running(process: int) -> bool:
    """Whether it is there and no zombie that waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
