"""Our rules, sympy and autograd give the same derivatives."""

import hypothesis.strategies as st
import pytest
import sympy
import torch
from hypothesis import given, settings

from actsearch.compile.derive import derive
from actsearch.compile.eager import evaluate
from actsearch.compile.symbolic import formula, from_sympy, latex, share, sympy_gradients, to_sympy
from actsearch.grammar.activation import parse
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Constant, Parameter, X, call
from actsearch.grammar.text import write

BETA = Parameter("beta")
UNARY = (
    "sigmoid", "tanh", "sin", "cos", "atan", "asinh", "softplus", "mish", "gelu", "silu", "erf", "square", "negative",
    "softsign", "logsigmoid", "abs", "relu", "elu",
)  # fmt: skip
BINARY = ("add", "subtract", "multiply", "maximum", "minimum")
LEAVES = st.sampled_from([X, BETA, Constant(1.0), Constant(-0.5), Constant(0.3), Constant(2.0)])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda name, u: Apply(name, (u,)), st.sampled_from(UNARY), inner),
        st.builds(lambda name, a, b: Apply(name, (a, b)), st.sampled_from(BINARY), inner, inner),
        st.builds(lambda u, n: u**n, inner, st.sampled_from([2, 3])),
        st.builds(lambda a, b: a / (1 + b**2), inner, inner),
        st.builds(lambda c, a, b: call.where(call.greater(c, 0.1), a, b), inner, inner, inner),
    ),
    max_leaves=8,
)


def values():
    x = torch.linspace(-2.37, 2.41, 23, dtype=torch.float64)
    return {"x": x, "beta": torch.tensor([0.83], dtype=torch.float64)}


def autograd(expression, wrt):
    at = {name: value.expand(23).clone().requires_grad_() for name, value in values().items()}
    y = evaluate(expression, at)
    if not y.requires_grad:
        return torch.zeros(23, dtype=torch.float64)
    gradient, = torch.autograd.grad(y.sum(), at[wrt], allow_unused=True, materialize_grads=True)  # fmt: skip
    return gradient


def assert_same(found, expected):
    scale = expected.abs().clamp(min=1)
    error = ((found - expected).abs() / scale).nan_to_num(0.0)
    assert torch.equal(found.isfinite(), expected.isfinite())
    assert error.max() < 1e-8


@settings(max_examples=80, deadline=None)
@given(EXPRESSIONS)
def test_on_random_expressions_all_three_agree(expression):
    expression = canonical(expression)
    _, by_x, by_parameter = sympy_gradients(expression)
    for wrt, symbolic in ((X, by_x), (BETA, by_parameter.get("beta", sympy.Integer(0)))):
        expected = autograd(expression, wrt.name)
        assert_same(evaluate(derive(expression, wrt), values()).expand(23), expected)
        assert_same(evaluate(from_sympy(symbolic), values()).expand(23), expected)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_to_sympy_and_back_keeps_the_values_and_sharing_keeps_them_too(expression):
    expected = evaluate(expression, values())
    assert_same(evaluate(from_sympy(to_sympy(expression)), values()).expand_as(expected), expected)
    (shared,) = share([to_sympy(expression)])
    assert_same(evaluate(shared, values()).expand_as(expected), expected)


def test_zeros_and_ones_are_left_out():
    assert write(derive(X**2 + BETA, X)) == "2 * x"
    assert derive(X * BETA, BETA) == X
    assert derive(call.sign(X), X) == Constant(0.0)
    assert derive(call.relu(BETA), X) == Constant(0.0)


def test_the_derivative_of_a_choice_is_the_choice_of_the_derivatives():
    expression = call.where(call.greater(X, 0), call.sqrt(X), BETA)
    at = {"x": torch.tensor([-1.0, 0.0, 4.0]), "beta": torch.ones(1)}
    # Not NaN at 0, where the slope of the root that is not chosen is infinite.
    torch.testing.assert_close(evaluate(derive(expression, X), at), torch.tensor([0.0, 0.0, 0.25]))
    _, by_x, _ = sympy_gradients(expression)
    torch.testing.assert_close(evaluate(from_sympy(by_x), at), torch.tensor([0.0, 0.0, 0.25]))


def test_what_value_and_derivatives_share_is_one_subtree():
    value, by_x, by_parameter = sympy_gradients(parse("tanh(beta * x)**2").expression)
    shared = share([value, by_x, by_parameter["beta"]])
    assert all(write(expression).count("tanh(") == 1 for expression in shared)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e-7, 2.0, -1.7976e308, 0.30000000000000004, 123456.789])
def test_constants_pass_through_sympy_unchanged(constant):
    assert from_sympy(to_sympy(Constant(constant))) == Constant(constant)


def test_formulas_are_closed():
    assert formula(parse("silu(x)").expression) == sympy.sympify("x/(1+exp(-x))", {"x": sympy.Symbol("x", real=True)})
    assert latex(parse("x * sigmoid(beta * x)").expression) == r"\frac{x}{1 + e^{- \beta x}}"
