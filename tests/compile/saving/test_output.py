import numpy as np
import pytest

from actsearch.compile.saving.function import Function
from actsearch.compile.saving.output import output_plan, slopes_of
from actsearch.grammar.activation import parse
from actsearch.grammar.text import write

EXACT = {
    "sigmoid(x)": 0, "tanh(x)": 0, "exp(x)": 0, "softplus(x)": 0, "elu(x)": 0, "selu(x)": 0, "relu(x)**2": 0,
    "x * relu(x)": 0, "2 * tanh(3 * x + 1) - 1": 0, "1 / (1 + exp(-x))": 0, "logsigmoid(x)": 0, "atan(x)": 0,
    "asinh(x)": 0, "x**3": 0, "maximum(x, 0.1 * x)": 0, "maximum(x, tanh(x))": 0, "abs(x)": 1, "exp(-x**2)": 1,
    "sqrt(1 + x**2)": 1, "hardtanh(x)": 1, "relu(x) + 0.1": 1,
}  # fmt: skip
FITTED = {
    "gelu(x)": 1, "x * sigmoid(x)": 1, "mish(x)": 1, "hardswish(x)": 1, "x * tanh(x)": 1, "x * exp(-x**2)": 1,
    "erf(x)": 0, "softsign(x)": 0, "x + tanh(x)": 0,
}  # fmt: skip


@pytest.mark.parametrize("gain", [1.0, -1.7])
@pytest.mark.parametrize("text", [*EXACT, *FITTED])
def test_the_output_and_its_bits_say_the_derivative(text, gain):
    function = Function(parse(text), gain)
    plan = output_plan(function)
    assert plan.kind == "output"
    assert plan.is_exact == (text in EXACT)
    assert plan.code_bits == (EXACT | FITTED)[text]
    x = np.r_[np.linspace(-20, 20, 4001), np.random.default_rng(0).normal(size=4000)]
    apart = np.abs(slopes_of(plan, x, function.value(x)) - function.slope(x))
    scale = np.abs(function.slope(x)).max()
    # Beside float64, the tolerance of a fit; a root near a turn has the root of the output's rounding.
    assert apart.max() <= (2e-8 if text in EXACT else 2e-5) * scale


def test_formulas_are_those_of_the_textbooks():
    assert write(output_plan(Function(parse("sigmoid(x)"))).slope) == "y * (1 - y)"
    assert write(output_plan(Function(parse("tanh(x)"))).slope) == "(1 - y) * (1 + y)"
    assert write(output_plan(Function(parse("exp(x)"))).slope) == "y"


def test_an_output_that_is_rounded_to_its_limit_has_the_slope_of_the_tail():
    function = Function(parse("exp(-x**2)"))
    x = np.array([-30.0, 30.0])
    assert slopes_of(output_plan(function), x, np.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize("text", ["sin(x)", "x + sin(x)", "floor(x)", "sinc(x)", "x + 0.03 * x**2 * relu(x)"])
def test_functions_that_their_output_does_not_tell_have_no_plan(text):
    assert output_plan(Function(parse(text))) is None
