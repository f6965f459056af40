from __future__ import annotations

import math

import numpy as np
import pytest

from actsearch.analysis.catalog import functions
from actsearch.analysis.probe import Probe
from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.protocols.signal import Signal
from actsearch.grammar.activation import parse

NO_LIMIT = {"largest": math.inf, "smallest": -math.inf}


def check(text, **settings):
    return Signal(**settings).check(Probe(parse(text)))


def length(text, **settings):
    """Second moment behind the first layer."""
    return check(text, **{**NO_LIMIT, **settings, "largest": 1e-300}).measured


def left(text, **settings):
    """What is left of the difference between the correlations."""
    return check(text, **{**NO_LIMIT, **settings, "smallest": 1e9}).measured


WELL_KNOWN = [
    "relu", "gelu", "silu", "swish", "tanh", "elu", "selu", "mish", "softplus", "sigmoid", "snake", "golu", "crrelu",
    "sin", "identity", "softsign", "hardtanh", "squared_relu",
]  # fmt: skip


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_functions_pass(name):
    assert Signal().check(Probe(functions[name])) is None


@pytest.mark.parametrize("text", ["x**2", "x**3", "sin(2 * x)", "cos(2 * x)", "x + 0.1 * sin(50 * x)", "sign(x)"])
def test_what_learns_on_digits_passes(text):
    assert check(text) is None


@pytest.mark.parametrize("text", ["exp(x)", "cosh(x)", "sinh(x) * x", "x * exp(x)", "-exp(-x)", "x**4", "expm1(x) * x"])
def test_what_grows_too_fast_explodes_and_says_when(text):
    rejection = check(text)
    assert rejection.stage == "signal"
    assert rejection.measured > 1e30
    assert rejection.reason.startswith(f"explodes: a second moment of 4 is {rejection.measured:.3g} after ")
    assert rejection.reason.endswith(" of 3 layers (at most 1e+30)")


@pytest.mark.parametrize("text", ["sin(3 * x)", "cos(4 * x)", "sin(20 * x)", "sin(7 * x) * tanh(x)"])
def test_what_oscillates_too_fast_forgets_and_says_how_much_is_left(text):
    rejection = check(text)
    assert rejection.stage == "signal"
    assert rejection.measured < 1e-5
    expected = f"forgets: after 3 layers {rejection.measured:.3g} is left of the difference between the correlations"
    assert rejection.reason == f"{expected} 0.8 and 0.2 (at least 1e-05)"


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("x", lambda c: c),
        ("x**2", lambda c: c**2),
        ("x**3", lambda c: (9 * c + 6 * c**3) / 15),
        ("exp(x)", lambda c: (math.exp(c) - 1) / (math.e - 1)),
        ("sin(2 * x)", lambda c: math.sinh(4 * c) / math.sinh(4)),
        ("erf(x)", lambda c: math.asin(2 * c / 3) / math.asin(2 / 3)),
        ("cos(x)", lambda c: (math.cosh(c) - 1) / (math.cosh(1) - 1)),
    ],
)
def test_correlations_go_the_way_of_the_closed_form(text, layer):
    near, far = 0.8, 0.2
    for _ in range(3):
        near, far = layer(near), layer(far)
    assert left(text) == pytest.approx((near - far) / 0.6, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("x", lambda q: q),
        ("x**3", lambda q: q**3),
        ("x**2", lambda q: (3 * q * q - 2 * q + 1) / 2),
        ("sin(x)", lambda q: (1 - math.exp(-2 * q)) / (1 - math.exp(-2))),
        ("abs(x)", lambda q: (q + 2 / math.pi - 4 / math.pi * math.sqrt(q)) / (1 - 2 / math.pi)),
    ],
)
def test_the_second_moment_goes_the_way_of_the_closed_form(text, layer):
    first = length(text, depth=1)
    assert first == pytest.approx(layer(4.0), rel=1e-3)
    # Between the moments that are looked at, and beyond them, it is taken for a power.
    second = length(text, depth=1, start=first)
    assert math.log(second + 1) == pytest.approx(math.log(layer(first) + 1), rel=0.1)
    if second > first:
        assert check(text, depth=2, smallest=-1, largest=0.99 * second).measured == pytest.approx(second)
        assert check(text, depth=2, smallest=-1, largest=1.01 * second) is None


def test_one_start_keeps_the_second_moment_whatever_the_function():
    for text in ("tanh(x)", "relu(x)", "x**2", "cos(x) + 5"):
        assert length(text, start=1.0) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("text", ["tanh(x)", "x * exp(x)", "sin(3 * x)"])
@pytest.mark.parametrize("change", ["-({})", "0.01 * ({})", "300 * ({}) + 40"])
def test_factors_and_shifts_of_the_output_make_no_difference(text, change):
    for measure in (length, left):
        # float32 keeps some four digits of what is shifted by 40.
        assert measure(change.format(text), depth=1) == pytest.approx(measure(text, depth=1), rel=1e-3)


def test_a_deeper_network_is_asked_more():
    assert check("x**2", depth=10, start=1.5).reason.startswith("explodes")
    assert check("abs(x)", depth=10).reason.startswith("forgets")
    assert check("tanh(x)", depth=50) is None


def test_the_short_way_for_functions_with_a_linear_part_never_differs():
    generator = np.random.default_rng(0)
    for slope in generator.uniform(0.0, 1.0, 20):
        text = f"{slope:.6f} * x + sin(6 * x)"
        assert (check(text) is None) == (left(text) >= 1e-5)


def test_what_takes_statistics_is_not_asked():
    assert Signal().check(probe_of(parse("exp(x) / std[last](x)"))) is None
