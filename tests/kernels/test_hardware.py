"""Programs in what GPUs compute, against the programs that they are made of."""

import math
from collections import Counter

import pytest
import torch

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.compile.backend import sibling
from actsearch.compile.report import rounding
from actsearch.compile.stages import shared, stage
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import parse

PATH = str(plugins.find("kernels", "triton"))
BOUNDS, HARDWARE, LOGISTIC = (sibling(PATH, name) for name in ("bounds", "hardware", "logistic"))
RULES = {
    "exp2": torch.exp2,
    "reciprocal": torch.reciprocal,
    "rsqrt": torch.rsqrt,
}
FUNCTIONS = [
    "silu(x)",
    "x * sigmoid(beta * x)",
    "sigmoid(x) + sigmoid(-x) * x",
    "x * silu(gate)",
    "gelu(x) * tanh(x)",
    "mish(x)",
    "x / (1 + exp(x))",
    "x / sqrt(1 + x**2)",
    "softplus(x) * sigmoid(x)",
    "x * exp(-exp(-x))",
    "exp(-3 * x**2) + exp(beta * x) / (2 + exp(beta * x))",
    "(1 + x + x**2) / (1 + abs(x + beta * x**2))",
    "(1 + x + x**2) / (0.1 + abs(x + beta * x**2))",
    "logsigmoid(x)",
]


def programs(text):
    """Those of forward and backward, with what is asked of `hardware`."""
    forward = stage(parse(text, beta=1.25) if "beta" in text else parse(text)).sweep
    return [shared(sweep).program() for sweep in (forward, vjp(forward))]


def values(program):
    """In float64, so that only the forms differ."""
    x = torch.linspace(-30, 30, 3001, dtype=torch.float64)
    given = {"x": x, "gate": x.flip(0) / 3, "upstream": torch.cos(x), "beta": torch.tensor(1.25).double()}
    return given | {name: torch.tensor(0.1).double() for name in ("c0", "c1", "c2")}


def operators(program):
    """How often each primitive is applied."""
    return Counter(instruction.operator for instruction in program.instructions)


@pytest.mark.parametrize("text", FUNCTIONS)
def test_the_values_are_those_of_the_program_it_is_made_of(text):
    for program in programs(text):
        given = values(program)
        found = rounding.run(HARDWARE.for_hardware(program), given, RULES)
        for name, wanted in rounding.run(program, given).items():
            assert torch.allclose(found[name], wanted, rtol=1e-11, atol=1e-30, equal_nan=True), name


@pytest.mark.parametrize("text", FUNCTIONS)
def test_special_functions_are_never_more(text):
    for program in programs(text):
        before, after = operators(program), operators(HARDWARE.for_hardware(program))
        assert not after["exp"]
        assert after["exp2"] <= before["exp"]
        assert after["reciprocal"] + after["divide"] + after["rsqrt"] <= before["divide"]


@pytest.mark.parametrize("text", ["silu(x)", "x * sigmoid(beta * x)", "x * silu(gate)", "x * sigmoid(2 * x + x**3)"])
def test_a_gate_and_its_derivative_have_one_exponential_and_one_reciprocal(text):
    for program in programs(text):
        counted = operators(HARDWARE.for_hardware(program))
        assert (counted["exp2"], counted["reciprocal"], counted["divide"], counted["where"]) == (1, 1, 0, 0)


@pytest.mark.parametrize("name", ["pau_a", "pau_b", "pau_c", "pau_n"])
def test_a_rational_has_one_division(name):
    forward = stage(catalog.look_up(name).candidate.activation).sweep
    for sweep in (forward, vjp(forward)):
        counted = operators(HARDWARE.for_hardware(shared(sweep).program()))
        assert counted["reciprocal"] + counted["divide"] == 1


def test_a_divisor_that_may_be_anything_is_divided_by():
    forward, _ = programs("x / (gate + x)")
    assert operators(HARDWARE.for_hardware(forward))["divide"] == 1


def test_logistic_functions_are_left_alone_where_their_exponential_is_used_for_more():
    forward, _ = programs("sigmoid(x) + exp(-abs(x))")
    assert not LOGISTIC.logistics(forward)


BOUNDED = {
    "1 + exp(x)": (1.0, math.inf),
    "abs(x) + 2": (2.0, math.inf),
    "x * x": (0.0, math.inf),
    "minimum(maximum(x, -3), 4) - 1": (-4.0, 3.0),
    "1 / (1 + x**2)": (0.0, math.inf),
    "-sqrt(abs(x))": (-math.inf, 0.0),
    "where(greater(x, 0), 3, 5) * -2": (-10.0, -6.0),
    "x + gate": (-math.inf, math.inf),
}


@pytest.mark.parametrize(("text", "wanted"), BOUNDED.items())
def test_bounds_hold_and_are_no_wider_than_that(text, wanted):
    program = stage(parse(text)).sweep.program()
    bounds = BOUNDS.Bounds(program.instructions)[program.outputs[0][1]]
    assert (bounds.low, bounds.high) == wanted
    found = rounding.run(program, values(program))["y"]
    assert found.min() >= bounds.low
    assert found.max() <= bounds.high
