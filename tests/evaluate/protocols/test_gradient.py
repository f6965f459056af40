from __future__ import annotations

import math

import pytest

from actsearch.analysis.catalog import functions
from actsearch.analysis.probe import Probe
from actsearch.evaluate.protocols.gradient import Gradient
from actsearch.grammar.activation import parse

PI, E2 = math.pi, math.exp(2)

# E[f'^2] / Var f under N(0, 1), in closed form.
CLOSED = {
    "x": 1,
    "relu(x)": 0.5 / (0.5 - 0.5 / PI),
    "abs(x)": 1 / (1 - 2 / PI),
    "x**2": 2,
    "x**3": 27 / 15,
    "sin(x)": (1 + 1 / E2) / (1 - 1 / E2),
    "exp(x)": E2 / (E2 - math.e),
    "erf(x)": 4 / PI / math.sqrt(5) / (2 / PI * math.asin(2 / 3)),
    "sin(20 * x)": 400 * (1 + math.exp(-800)) / (1 - math.exp(-800)),
    "cos(3 * x)": 9 * (1 - math.exp(-18)) / 2 / ((1 + math.exp(-18)) / 2 - math.exp(-9)),
}


def check(text, **settings):
    return Gradient(**settings).check(Probe(parse(text)))


WELL_KNOWN = ["relu", "gelu", "silu", "swish", "tanh", "elu", "selu", "mish", "softplus", "snake", "golu", "crrelu"]


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_functions_pass(name):
    assert Gradient().check(Probe(functions[name])) is None


@pytest.mark.parametrize(("text", "expected"), CLOSED.items(), ids=CLOSED)
def test_the_measured_gain_is_that_of_the_closed_form(text, expected):
    assert check(text) is None
    # Bounds that nothing meets make the check say what it measured.
    dead = check(text, smallest=1e9)
    assert dead.measured == pytest.approx(expected, rel=2e-5)
    assert dead.reason.startswith("dead: ")
    exploding = check(text, largest=1e-9, smallest=0.0)
    assert exploding.measured == dead.measured
    assert exploding.reason.startswith("exploding: ")


@pytest.mark.parametrize("factor", ["2", "0.001", "-7", "1e9", "1e-9"])
def test_a_factor_makes_no_difference(factor):
    one, other = (check(text, smallest=1e9).measured for text in ("tanh(x)", f"{factor} * tanh(x)"))
    # The output gain has six digits.
    assert one == pytest.approx(other, rel=2e-5)


@pytest.mark.parametrize(("text", "measured"), [("sign(x)", 0), ("floor(x)", 0), ("2", 0), ("greater(x, 0.5)", 0)])
def test_a_slope_that_is_0_is_dead(text, measured):
    rejection = check(text)
    assert (rejection.stage, rejection.measured) == ("gradient", measured)
    assert rejection.reason == "dead: a layer scales squared gradients by 0 (bounds 0.01 to 1000)"


def test_a_slope_that_is_almost_0_is_dead():
    # The jump gives the variance, the rest the slope.
    rejection = check("sign(x) + 0.05 * x")
    slope, variance = 0.05**2, 1 + 0.05**2 + 2 * 0.05 * math.sqrt(2 / PI)
    assert rejection.measured == pytest.approx(slope / variance, rel=1e-4)
    assert rejection.reason.startswith("dead: ")


@pytest.mark.parametrize("text", ["sin(50 * x)", "cos(40 * x)", "x + 100 * sin(40 * x)"])
def test_a_slope_that_is_large_all_over_explodes(text):
    rejection = check(text)
    assert rejection.stage == "gradient"
    assert rejection.measured > 1e3
    assert rejection.reason.startswith("exploding: ")


def test_the_exploding_gain_of_a_fast_sine_is_its_squared_frequency():
    assert check("sin(50 * x)").measured == pytest.approx(2500, rel=1e-4)
    assert check("sin(31 * x)") is None
    assert check("sin(32 * x)").measured == pytest.approx(1024, rel=1e-4)


@pytest.mark.parametrize("text", ["1 / x", "log(x)", "x + 1e160 * x**2"])
def test_what_has_no_finite_moments_falls(text):
    rejection = check(text)
    assert rejection.reason.startswith("exploding: ")
    assert not rejection.measured <= 1e3
