"""The Triton backend against float64, under Triton's interpreter, which needs a process of its own."""

import itertools
import json
import operator
import os
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from actsearch.compile.conformance import cases
from actsearch.grammar.operators import OPERATORS

CASES = {case.name: case for case in cases()}


@pytest.fixture(scope="session")
def interpreted(tmp_path_factory):
    """What the interpreter found, over all cases: in two processes, as it is slow and takes one core."""
    environment = {
        **os.environ,
        "TRITON_INTERPRET": "1",
        "ACTSEARCH_STORE": str(tmp_path_factory.mktemp("kernels")),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    script = str(Path(__file__).with_name("interpreted.py"))

    def part(number):
        command = [sys.executable, script, str(number), "2"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(part, range(2)))
    by_case = defaultdict(dict)
    for finding in itertools.chain.from_iterable(found.pop("findings") for found in parts):
        by_case[finding["case"]][finding["output"]] = finding["excess"]
    random = max((found.pop("random") for found in parts), key=operator.itemgetter("tried"))
    return {**{key: parts[0][key] | parts[1][key] for key in parts[0]}, "by_case": by_case, "random": random}


def test_every_operator_and_every_case_has_a_name_of_its_own():
    assert set(OPERATORS) <= set(CASES)
    assert len(CASES) == len(list(cases()))


@pytest.mark.parametrize("name", CASES)
def test_forward_and_all_gradients_agree_with_float64(interpreted, name):
    assert name not in interpreted["failures"], interpreted["failures"][name]
    excess = interpreted["by_case"][name]
    assert set(excess) >= ({"y"} if CASES[name].edges else {"y", "dx"})
    assert max(excess.values()) <= 1, excess


def test_parameters_per_element_may_stand_beside_channels_anywhere(interpreted):
    extra = {name: excess for name, excess in interpreted["by_case"].items() if name not in CASES}
    assert len(extra) == 7
    assert not set(interpreted["failures"]) - set(CASES), interpreted["failures"]
    for name, excess in extra.items():
        assert len(excess) == 11, name
        assert max(excess.values()) <= 1, (name, excess)


def test_derivatives_of_every_order_are_kernels(interpreted):
    assert interpreted["launches"]
    for name, launches in interpreted["launches"].items():
        assert set(launches) == {"Launcher 0", "Launcher 1", "Launcher 2"}, name


def test_the_first_use_is_compared_with_eager_torch_whatever_shape_parameters_have(interpreted):
    assert interpreted["trusted"]
    assert all(interpreted["trusted"].values()), interpreted["trusted"]


def test_two_runs_give_the_same_bits(interpreted):
    assert interpreted["same_bits"]
    assert all(interpreted["same_bits"].values())


def test_random_activations_of_every_family_agree_with_float64(interpreted):
    assert interpreted["random"]["tried"] >= 30
    assert not interpreted["random"]["wrong"], interpreted["random"]["wrong"][0]


def test_rows_go_through_all_passes_in_one_kernel_while_they_fit(interpreted):
    rows = interpreted["rows"]
    assert all(found["excess"] <= 1 for found in rows.values()), rows
    assert {length: found["together"] for length, found in rows.items() if found["asked"] == 2} == {
        "1": 2, "1000": 2, "1024": 2, "33001": 0,
    }  # fmt: skip
