from __future__ import annotations

import json
import math

import pytest

from actsearch.analysis.properties import properties
from actsearch.grammar.activation import parse

PARITY = {
    "even": ["abs(x)", "x**2", "cos(x)", "exp(-x**2)", "cosh(x)", "x * tanh(x)", "log_abs(x)", "3"],
    "odd": ["x", "tanh(x)", "sin(x)", "x**3", "erf(x)", "softsign(x)", "2 * sigmoid(2 * x) - 1", "-asinh(x)"],
    "none": ["relu(x)", "silu(x)", "exp(x)", "sigmoid(x)", "x + 1", "x + x**2", "gelu(x)", "tanh(x - 0.01)"],
}  # fmt: skip
MONOTONE = [
    "x", "-x", "relu(x)", "sigmoid(x)", "tanh(x)", "softplus(x)", "elu(x)", "exp(-x)", "floor(x)", "x**3", "atan(x)",
    "minimum(relu(x), 6)", "logsigmoid(x)", "2", "sigmoid(x) + sigmoid(-x)", "log(exp(x))",
]  # fmt: skip
NOT_MONOTONE = [
    "x**2",
    "abs(x)",
    "sin(x)",
    "silu(x)",
    "gelu(x)",
    "mish(x)",
    "exp(-x**2)",
    "x - 1.01 * tanh(x)",
    "1 / x",
]


@pytest.mark.parametrize(("parity", "text"), [(parity, text) for parity, texts in PARITY.items() for text in texts])
def test_parity_is_found(parity, text):
    assert properties(parse(text)).parity == parity


@pytest.mark.parametrize(("text", "expected"), [*((t, True) for t in MONOTONE), *((t, False) for t in NOT_MONOTONE)])
def test_monotony_is_found(text, expected):
    assert properties(parse(text)).monotone is expected


@pytest.mark.parametrize(
    ("text", "values", "slopes"),
    [
        ("x", (-20, 20), (1, 1)),
        ("relu(x)", (0, 20), (0, 1)),
        ("tanh(x)", (-1, 1), (0, 1)),
        ("sigmoid(x)", (0, 1), (0, 0.25)),
        ("sin(x)", (-1, 1), (-1, 1)),
        ("x**2", (0, 400), (-40, 40)),
        ("exp(-x**2)", (0, 1), (-math.sqrt(2 / math.e), math.sqrt(2 / math.e))),
        ("minimum(relu(x), 6)", (0, 6), (0, 1)),
        ("-2 * abs(x) + 1", (-39, 1), (-2, 2)),
        ("softsign(x)", (-20 / 21, 20 / 21), (1 / 441, 1)),
        ("5", (5, 5), (0, 0)),
    ],
)
def test_bounds_of_values_and_slopes_are_found(text, values, slopes):
    found = properties(parse(text))
    assert (found.minimum, found.maximum) == pytest.approx(values, abs=1e-5)
    assert (found.smallest_slope, found.largest_slope) == pytest.approx(slopes, abs=1e-5)


def test_the_minimum_of_silu_is_where_its_slope_is_0():
    # By bisection of s(x)(1 + x s(-x)), independently of the samples.
    low, high = -3.0, 0.0
    for _ in range(60):
        x = (low + high) / 2
        slope = 1 + x / (1 + math.exp(x))
        low, high = (low, x) if slope > 0 else (x, high)
    assert properties(parse("silu(x)")).minimum == pytest.approx(low / (1 + math.exp(-low)), abs=1e-6)


def test_parameters_stand_at_their_initial_values():
    assert properties(parse("beta * x", beta=-3.0)).smallest_slope == -3
    assert properties(parse("x + beta * x**2", beta=0.0)).parity == "odd"
    assert properties(parse("x + beta * x**2", beta=1.0)).parity == "none"


def test_gaussian_figures_are_those_of_relu():
    found = properties(parse("relu(x)"))
    variance = 0.5 - 0.5 / math.pi
    assert found.gaussian_mean == pytest.approx(1 / math.sqrt(2 * math.pi), abs=3e-6)
    assert found.gaussian_std == pytest.approx(math.sqrt(variance), rel=1e-5)
    assert found.output_gain == pytest.approx(1 / math.sqrt(variance), rel=1e-5)
    assert found.slope_gain == pytest.approx(0.5 / variance, rel=1e-5)


def test_a_pole_shows_as_infinite_values():
    found = properties(parse("1 / x**2"))
    assert found.maximum == math.inf
    assert found.parity == "none"
    assert not found.monotone


def test_the_json_has_every_field_and_says_that_it_was_sampled():
    document = json.loads(json.dumps(properties(parse("gelu(x)")).to_json()))
    assert document["sampled"] is True
    assert set(document) == {
        "minimum", "maximum", "smallest_slope", "largest_slope", "parity", "monotone", "gaussian_mean", "gaussian_std",
        "output_gain", "slope_gain", "sampled",
    }  # fmt: skip
