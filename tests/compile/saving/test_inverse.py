import numpy as np
import pytest

from actsearch.compile.derive import derive
from actsearch.compile.saving.function import evaluator
from actsearch.compile.saving.inverse import INVERSES, slope_of_output
from actsearch.compile.saving.plan import Y
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Apply, Constant, X, call
from actsearch.grammar.operators import OPERATORS


@pytest.mark.parametrize("name", INVERSES)
def test_the_formulas_of_an_operator_are_its_argument_and_its_derivative(name):
    low, high = OPERATORS[name].test_range
    # Towards saturation float64 has no digits for the argument either.
    x = np.linspace(max(low, -1.5), min(high, 1.5), 200) if low < 0 else np.linspace(low, high, 200)
    x = x[x != 0]
    operator, (argument, slope) = Apply(name, (X,)), INVERSES[name]
    y = evaluator(operator)(x)
    assert evaluator(argument(Y), "y")(y) == pytest.approx(x, rel=1e-9, abs=1e-9)
    assert evaluator(slope(Y), "y")(y) == pytest.approx(evaluator(derive(operator, X))(x), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("3 * sigmoid(2 * x - 1) + 5", -4, 4),
        ("1 / (1 + exp(-x))", -4, 4),
        ("log(1 + exp(x))", -4, 9),
        ("exp(tanh(x))", -3, 3),
        ("exp(-x**2)", 0.1, 3),
        ("exp(-x**2)", -3, -0.1),
        ("(2 * x - 1)**3", 0.6, 4),
        ("(2 * x - 1)**3", -4, 0.4),
        ("sqrt(1 + x**2)", 0.1, 5),
        ("1 / (x + 2)**2", -1.5, 4),
        ("sinh(asinh(x) / 2)", -4, 4),
    ],
)
def test_chains_are_solved_for_what_they_are_chained_from(text, low, high):
    expression, x = parse(text).expression, np.linspace(low, high, 400)
    formula = slope_of_output(expression, Y, 0.5 * (low + high))
    found = evaluator(formula, "y")(evaluator(expression)(x))
    assert found == pytest.approx(evaluator(derive(expression, X))(x), rel=1e-8)


@pytest.mark.parametrize("expression", [X * call.sigmoid(X), call.gelu(X), call.sin(X), X + X**2, Constant(2.0)])
def test_what_cannot_be_solved_has_no_formula(expression):
    assert slope_of_output(expression, Y, 1.0) is None
