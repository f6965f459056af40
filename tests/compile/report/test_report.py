"""The report on an activation's kernels."""

import math

import pytest
import torch

from actsearch.compile.backend import load_backend
from actsearch.compile.report.counts import Counts
from actsearch.compile.report.processors import PROCESSORS, modelled
from actsearch.compile.report.report import report
from actsearch.compile.report.rounding import max_ulp
from actsearch.compile.stages import stage
from actsearch.compile.sweep import vjp
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse

NOTHING = {
    "wide_access_share": 1.0, "divisions_per_element": 0.0, "registers": 32, "spills": 0, "f64_instructions": 0,
    "atomics": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSEARCH_STORE", str(tmp_path))


def test_a_gate_moves_what_it_must_and_no_more():
    found = report(parse("gate * silu(x)"), load_backend("triton"), target="sm_80", dtype="bf16").document()
    for direction, moved in (("forward", 6), ("backward", 10)):
        side = found[direction]
        assert side["bytes_per_element"] == side["minimum_bytes_per_element"] == moved
        assert side["wide_access_share"] == 1
        assert (side["mufu_per_element"], side["divisions_per_element"]) == (2, 1)
        assert (side["spills"], side["f64_instructions"], side["atomics"]) == (0, 0, 0)
        assert set(side["modelled"]) == {"A100", "H100", "B200", "MI300X"}
        assert {time["bound"] for time in side["modelled"].values()} <= {"memory", "issue", "special functions"}
    assert found["saved_bits_per_element"] == 32
    # Computed in float32 and rounded once.
    assert 0.4 < found["max_ulp_forward"] < 0.51
    assert 0.4 < found["max_ulp_gradient"] < 0.51


def test_rows_that_fit_are_read_once_and_have_no_error_that_does_not_depend_on_them():
    found = report(parse("x / std[last](x)"), load_backend("triton"), dtype="bf16", block=4096, warps=8)
    for side, moved in ((found.forward, 4), (found.backward, 6)):
        assert side.kernels == 1
        assert side.minimum_bytes_per_element == moved
        assert moved <= side.counts.bytes_per_element < 1.001 * moved
    assert found.max_ulp_forward is None


def test_statistics_over_the_batch_take_a_kernel_a_pass():
    found = report(parse("x / std[batch](x)"), load_backend("triton"), dtype="bf16")
    assert (found.forward.kernels, found.backward.kernels) == (2, 2)
    # Read for the moments and for the results.
    assert 6 <= found.forward.counts.bytes_per_element < 6.01


def test_what_is_drawn_is_read_in_float32_and_not_saved():
    found = report(parse("x * uniform(0.5, 1.5)"), load_backend("triton"), dtype="bf16")
    assert found.forward.minimum_bytes_per_element == found.forward.counts.bytes_per_element == 2 + 2 + 4
    assert found.saved_bits_per_element == 0


def test_what_backward_does_not_read_is_not_saved():
    assert report(parse("3 * x"), load_backend("triton"), dtype="fp32").saved_bits_per_element == 0


def test_other_backends_have_no_such_kernels():
    with pytest.raises(UnsupportedError, match="the backend torch has no kernels that are counted"):
        report(parse("x"), load_backend("torch"))


@pytest.mark.parametrize(
    ("counted", "bound"),
    [((4.0, 34.0, 4.0), "memory"), ((4.0, 37.0, 4.0), "issue"), ((4.0, 30.0, 4.6), "special functions")],
)
def test_h100_is_bound_by_memory_up_to_35_instructions_and_4_special_functions(counted, bound):
    (h100,) = (processor for processor in PROCESSORS if processor.name == "H100")
    names = ("bytes_per_element", "instructions_per_element", "mufu_per_element")
    found = modelled(Counts(**dict(zip(names, counted, strict=True)), **NOTHING), h100)
    assert found.bound == bound
    assert found.microseconds_per_million >= 1e12 * 4 / 3.35e12


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_errors_are_in_units_of_the_last_place_of_the_dtype(dtype):
    twice = stage(parse("2 * x")).sweep
    assert max_ulp(twice, {}, dtype) == 0
    # The primitives round once to float32, and once more to the dtype.
    error = max_ulp(stage(parse("x * silu(x)")).sweep, {}, dtype)
    assert 0.3 < error < (6 if dtype == torch.float32 else 0.52)


def test_a_bad_form_is_seen():
    # sinh(x) - x near 0 has no digits in float32.
    assert max_ulp(stage(parse("sinh(x) - x")).sweep, {}, torch.float32) > 1000
    assert max_ulp(vjp(stage(parse("sinh(x)")).sweep), {}, torch.float32) < 10


def test_functions_that_draw_many_numbers_have_an_error_too():
    terms = [f"x**{power} * uniform(0.{power}, 1)" for power in range(1, 10)]
    sweep = stage(parse(" + ".join(terms))).sweep
    assert len(sweep.elements) == 10
    assert 0 < max_ulp(sweep, dict.fromkeys(sweep.constants, 0.9), torch.float32) < math.inf
