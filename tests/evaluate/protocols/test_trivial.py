from __future__ import annotations

import math

import pytest
from scipy import integrate

from actsearch.analysis.catalog import functions
from actsearch.analysis.probe import Probe
from actsearch.evaluate.protocols.trivial import Trivial
from actsearch.grammar.activation import parse


def check(text, *, smallest_residual=1e-4, **parameters):
    return Trivial(smallest_residual=smallest_residual).check(Probe(parse(text, **parameters)))


WELL_KNOWN = ["relu", "gelu", "silu", "swish", "tanh", "elu", "selu", "mish", "softplus", "snake", "golu", "crrelu"]


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_functions_pass(name):
    assert Trivial().check(Probe(functions[name])) is None


@pytest.mark.parametrize(
    "text",
    ["x**2", "abs(x)", "sign(x)", "x + 0.001 * x**2", "sin(0.1 * x)", "1000 + tanh(x)", "1e-9 * relu(x)", "x + cos(x)"],
)
def test_a_nonlinearity_passes(text):
    assert check(text) is None


@pytest.mark.parametrize(
    "text", ["2", "0", "beta", "a * b", "0 * x", "x / x", "sigmoid(x) + sigmoid(-x)", "sin(x)**2 + cos(x)**2"]
)
def test_a_constant_falls(text):
    rejection = check(text)
    assert (rejection.stage, rejection.measured) == ("trivial", 0)
    assert rejection.reason == "constant"


@pytest.mark.parametrize(
    "text",
    [
        "x", "-x", "3 * x - 2", "1e-30 * x", "1e30 * x", "a * x + b", "relu(x) - relu(-x)", "log(exp(x))", "x + 1e9",
        "maximum(x, -100)", "softplus(x) - softplus(-x)", "abs(x + 50)", "x + 1e-7 * x**3", "sinh(asinh(x))",
    ],
)  # fmt: skip
def test_a_line_falls(text):
    rejection = check(text)
    assert (rejection.stage, rejection.reason) == ("trivial", "affine")
    assert 0 <= rejection.measured < 1e-4


def residual(function):
    """Standard deviation of what the best line leaves, relative to the function's, by scipy's quadrature."""

    def mean(inner):
        weighted = lambda z: inner(z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
        return sum(integrate.quad(weighted, *ends, epsabs=1e-13)[0] for ends in ((-10, 0), (0, 10)))

    centre = mean(function)
    slope = mean(lambda z: function(z) * z)
    total = mean(lambda z: (function(z) - centre) ** 2)
    return math.sqrt(mean(lambda z: (function(z) - centre - slope * z) ** 2) / total)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("relu(x)", residual(lambda z: max(z, 0))),
        # Variance 1/2 - 1/(2 pi), of which the line of slope 1/2 takes 1/4.
        ("relu(x)", math.sqrt(1 - 0.25 / (0.5 - 0.5 / math.pi))),
        ("tanh(x)", residual(math.tanh)),
        ("silu(x)", residual(lambda z: z / (1 + math.exp(-z)))),
        ("x**2", 1.0),
        # x**3 - 3x is orthogonal to x: variance 6 of 15.
        ("x**3", math.sqrt(6 / 15)),
        ("x + 0.01 * x**2", math.sqrt(2e-4 / (1 + 2e-4))),
        ("sign(x)", math.sqrt(1 - 2 / math.pi)),
    ],
)
def test_the_measured_residual_is_that_of_regression(text, expected):
    # A bound above every residual makes the check say what it measured.
    assert check(text, smallest_residual=2.0).measured == pytest.approx(expected, rel=1e-4)


def test_a_function_is_trivial_only_if_it_is_so_for_every_setting_of_its_parameters():
    assert check("x + a * x**2", a=0.0) is None
    assert check("x * sigmoid(b * x)", b=0.0) is None
    assert check("a * x + b", a=0.0, b=0.0).reason == "affine"
    assert check("a + b", a=0.0, b=0.0).reason == "constant"
