from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from actsearch import plugins
from actsearch.analysis.moments import has_variance, moments, normalised
from actsearch.analysis.probe import Probe
from actsearch.compile.eager import evaluate
from actsearch.grammar.activation import parse
from actsearch.grammar.space import read_space
from tests.grammar.strategies import quick

PI, E2 = math.pi, math.exp(2)


def of(text, **parameters):
    return moments(Probe(parse(text, **parameters)))


# E f, E f^2, E f'^2 under N(0, 1).
CLOSED = {
    "relu(x)": (1 / math.sqrt(2 * PI), 1 / 2, 1 / 2),
    "maximum(x, 0.01 * x)": (0.99 / math.sqrt(2 * PI), (1 + 1e-4) / 2, (1 + 1e-4) / 2),
    "abs(x)": (math.sqrt(2 / PI), 1, 1),
    "x": (0, 1, 1),
    "3 * x + 2": (2, 13, 9),
    "x**2": (1, 3, 4),
    "x**3": (0, 15, 27),
    "relu(x)**2": (1 / 2, 3 / 2, 2),
    "sin(x)": (0, (1 - 1 / E2) / 2, (1 + 1 / E2) / 2),
    "cos(x)": (math.exp(-0.5), (1 + 1 / E2) / 2, (1 - 1 / E2) / 2),
    "exp(x)": (math.exp(0.5), E2, E2),
    "sinh(x)": (0, (E2 - 1) / 2, (E2 + 1) / 2),
    "exp(-x**2)": (3**-0.5, 5**-0.5, 4 * 5**-1.5),
    "erf(x)": (0, 2 / PI * math.asin(2 / 3), 4 / PI / math.sqrt(5)),
    "gelu(x)": (1 / (2 * math.sqrt(PI)), 1 / 3 + 1 / (2 * PI * math.sqrt(3)), None),
    "sign(x)": (0, 1, 0),
    "2": (2, 4, 0),
}


@pytest.mark.parametrize("text", [*(text for text in CLOSED if text != "2"), "floor(x)", "exp(x**2 / 5)", "1e-9 * x"])
def test_a_finite_variance_is_known_as_one(text):
    assert has_variance(Probe(parse(text)))


@pytest.mark.parametrize(
    "text", ["1/x", "1/(x - 0.31)", "x + 1e-2 / (x + 2)**2", "exp(x**2 / 3)", "exp(x**2)", "log(x)"]
)
def test_an_infinite_variance_is_known_as_none(text):
    assert not has_variance(Probe(parse(text)))


@pytest.mark.parametrize(("text", "expected"), CLOSED.items(), ids=CLOSED)
def test_moments_are_those_of_the_closed_form(text, expected):
    mean, mean_square, slope_mean_square = expected
    found = of(text)
    assert found.mean == pytest.approx(mean, abs=3e-6)
    assert found.mean_square == pytest.approx(mean_square, rel=3e-6)
    assert found.std == pytest.approx(math.sqrt(mean_square - mean**2), rel=1e-5, abs=1e-12)
    if slope_mean_square is not None:
        assert found.slope_mean_square == pytest.approx(slope_mean_square, rel=3e-6, abs=1e-12)


def gaussian_mean(function):
    """By scipy's adaptive quadrature, in two halves for the sake of kinks at 0."""
    weighted = lambda z: function(z) * math.exp(-z * z / 2) / math.sqrt(2 * PI)  # noqa: E731
    return sum(integrate.quad(weighted, *ends, epsabs=1e-13, limit=200)[0] for ends in ((-12, 0), (0, 12)))


NUMERICAL = {
    "tanh(x)": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid(x)": (special.expit, lambda z: special.expit(z) * special.expit(-z)),
    "silu(x)": (lambda z: z * special.expit(z), lambda z: special.expit(z) * (1 + z * special.expit(-z))),
    "softplus(x)": (lambda z: np.logaddexp(0, z), special.expit),
    "elu(x)": (lambda z: z if z > 0 else math.expm1(z), lambda z: 1 if z > 0 else math.exp(z)),
    "atan(x)": (np.arctan, lambda z: 1 / (1 + z * z)),
    "softsign(x)": (lambda z: z / (1 + abs(z)), lambda z: (1 + abs(z)) ** -2),
}


@pytest.mark.parametrize(("text", "function", "slope"), [(t, f, g) for t, (f, g) in NUMERICAL.items()], ids=NUMERICAL)
def test_moments_are_those_of_an_independent_quadrature(text, function, slope):
    found = of(text)
    mean = gaussian_mean(function)
    assert found.mean == pytest.approx(mean, abs=5e-6)
    assert found.std == pytest.approx(math.sqrt(gaussian_mean(lambda z: function(z) ** 2) - mean**2), rel=1e-5)
    assert found.slope_mean_square == pytest.approx(gaussian_mean(lambda z: slope(z) ** 2), abs=1e-5)


def test_moments_are_those_of_a_sample():
    z = torch.randn(400_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found, sample = of("mish(x)"), torch.nn.functional.mish(z)
    assert found.mean == pytest.approx(float(sample.mean()), abs=5e-3)
    assert found.std == pytest.approx(float(sample.std()), abs=5e-3)


def test_parameters_stand_at_their_initial_values():
    assert of("beta * x", beta=3.0).std == pytest.approx(3)
    assert of("x + beta", beta=-0.5).mean == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("text", "gain", "slope_gain"),
    [
        ("x", 1, 1),
        ("relu(x)", 1 / math.sqrt(0.5 - 0.5 / PI), 0.5 / (0.5 - 0.5 / PI)),
        ("x**2", 1 / math.sqrt(2), 2),
        ("sin(x)", math.sqrt(2 / (1 - 1 / E2)), (1 + 1 / E2) / (1 - 1 / E2)),
        ("2", math.inf, 0),
    ],
)
def test_the_gain_gives_unit_variance(text, gain, slope_gain):
    found = of(text)
    assert found.gain == pytest.approx(gain, rel=1e-5)
    assert found.slope_gain == pytest.approx(slope_gain, rel=1e-5)
    if math.isfinite(gain):
        assert found.gain == float(f"{found.gain:.6g}"), "six digits"


@pytest.mark.parametrize("factor", [2.0, 3.0, 0.1, 1 / 3, 1e-12, 7.25, 1e9])
@pytest.mark.parametrize("text", ["relu(x)", "tanh(x)", "x * sigmoid(beta * x)", "x + 3 * sin(x)", "-exp(x)"])
def test_a_function_and_its_multiple_tie_exactly(factor, text):
    activation = parse(text)
    assert normalised(activation.scaled(factor)) == normalised(activation)


@quick(60)
@given(seed=st.integers(0, 10**6), factor=st.sampled_from([2.0, 0.1, 1e6, 1e-6, 7.3]))
def test_a_sample_and_its_multiple_tie_exactly(seed, factor):
    space = read_space(plugins.find("search_spaces", "swish"))
    activation = space.activation(space.sample(random.Random(seed)))
    if activation.inputs:
        one, other = normalised(activation)[0], normalised(activation.scaled(factor))[0]
        assert one == other
        assert one.hash == other.hash


def test_a_negative_factor_turns_the_function():
    bare, gain = normalised(parse("-2 * relu(x)"))
    assert bare == parse("-relu(x)")
    assert gain == normalised(parse("relu(x)"))[1]


def test_what_is_trained_has_unit_variance():
    bare, gain = normalised(parse("5 * gelu(x)"))
    z = torch.randn(400_000, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert float((gain * evaluate(bare.expression, {"x": z})).std()) == pytest.approx(1, abs=5e-3)
