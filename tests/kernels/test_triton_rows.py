"""Triton's kernels for split rows, groups and what layers keep, under its interpreter, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FAMILIES = ("last", "softmax", "layer", "group", "instance", "batch", "batch and instance", "gate", "quantile")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the interpreter found."""
    environment = {
        **os.environ,
        "TRITON_INTERPRET": "1",
        "ACTSEARCH_STORE": str(tmp_path_factory.mktemp("kernels")),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, str(Path(__file__).with_name("interpreted_rows.py"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("family", FAMILIES)
def test_split_rows_and_all_gradients_agree_with_float64(found, family):
    cases = {name: case for name, case in found["split"].items() if name.startswith(f"{family} ")}
    assert len(cases) >= 3
    assert cases[f"{family} odd"]["tiles"] >= 3
    for name, case in cases.items():
        assert case["excess"] <= 1, (name, case)


def test_a_row_that_is_split_has_the_same_bits_alone_as_among_others(found):
    assert found["alone"] == [True, True]


def test_a_variance_beside_its_mean_is_that_of_all_programs(found):
    assert len(found["moments"]) == 7
    # The error of a float32 sum of a hundred numbers of 1000 apart by 1.
    assert max(found["moments"].values()) < 1e-4, found["moments"]


def test_rationals_have_the_coefficients_of_their_group_of_channels(found):
    assert len(found["rationals"]) == 4
    for name, case in found["rationals"].items():
        assert case["excess"] <= 1, (name, case)
        assert case["same_bits"], name


def test_gradients_from_what_is_kept_are_those_of_float64_to_the_stated_error(found):
    assert len(found["savings"]) == 10
    for name, case in found["savings"].items():
        assert case["excess"] <= 1, (name, case)
        assert case["same_output"], name
