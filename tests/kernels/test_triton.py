"""The Triton backend against float64, under Triton's interpreter, which needs a process of its own."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from actsearch.compile.conformance import cases
from actsearch.grammar.operators import OPERATORS

CASES = [case.name for case in cases()]


@pytest.fixture(scope="session")
def interpreted(tmp_path_factory):
    """What the interpreter found, over all cases."""
    environment = {
        **os.environ,
        "TRITON_INTERPRET": "1",
        "ACTSEARCH_STORE": str(tmp_path_factory.mktemp("kernels")),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    script = Path(__file__).with_name("interpreted.py")
    command = [sys.executable, script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    by_case = defaultdict(dict)
    for finding in found["findings"]:
        by_case[finding["case"]][finding["output"]] = finding["excess"]
    return {**found, "by_case": by_case}


def test_every_operator_and_every_case_has_a_name_of_its_own():
    assert set(OPERATORS) <= set(CASES)
    assert len(CASES) == len(set(CASES))


@pytest.mark.parametrize("name", CASES)
def test_forward_and_all_gradients_agree_with_float64(interpreted, name):
    assert name not in interpreted["failures"], interpreted["failures"][name]
    excess = interpreted["by_case"][name]
    assert set(excess) >= ({"y"} if name.startswith("edges of") else {"y", "dx"})
    assert max(excess.values()) <= 1, excess


def test_two_runs_give_the_same_bits(interpreted):
    assert interpreted["same_bits"]
    assert all(interpreted["same_bits"].values())
