from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch import plugins
from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.probe import Probe
from actsearch.grammar.activation import parse
from actsearch.grammar.canonical import canonical
from actsearch.grammar.space import read_space
from tests.grammar.strategies import quick


def of(text, **parameters):
    return fingerprint(Probe(parse(text, **parameters)))


EQUAL = [
    ("tanh(x)", "2 * sigmoid(2 * x) - 1"),
    ("tanh(x)", "(exp(x) - exp(-x)) / (exp(x) + exp(-x))"),
    ("log(exp(x))", "x"),
    ("softplus(x)", "log(1 + exp(x))"),
    ("silu(x)", "x / (1 + exp(-x))"),
    ("sigmoid(x)", "1 - sigmoid(-x)"),
    ("sin(x)**2", "(1 - cos(2 * x)) / 2"),
    ("2 * sin(x) * cos(x)", "sin(2 * x)"),
    ("cosh(x)", "(exp(x) + exp(-x)) / 2"),
    ("asinh(x)", "log(x + sqrt(x**2 + 1))"),
    ("gelu(x)", "x * (1 + erf(x / 2**0.5)) / 2"),
    ("mish(x)", "x * tanh(log(1 + exp(x)))"),
    ("relu(x)", "(x + abs(x)) / 2"),
    ("abs(x)", "sqrt(x**2)"),
    ("abs(x)", "maximum(x, -x)"),
    ("minimum(x, 0)", "x - relu(x)"),
    ("elu(x)", "relu(x) + minimum(expm1(x), 0)"),
    ("x**3 - x", "x * (x - 1) * (x + 1)"),
    # They differ at isolated points only.
    ("x / x", "1"),
    ("sin(x) / x", "sinc(x / pi)"),
    # The names and the order of parameters are no part of a function.
    ("a * x * sigmoid(b * x)", "b * x * sigmoid(a * x)"),
    ("a * x + b", "q * x + p"),
    ("a * abs(x) + b * cos(x)", "a * maximum(x, -x) + b * cos(x)"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_functions_have_equal_fingerprints(one, other):
    assert of(one) == of(other)


DIFFERENT = [
    ("x * sigmoid(beta * x)", "silu(x)"),
    ("x * sigmoid(beta * x)", "x * sigmoid(2 * beta * x)"),
    ("x * sigmoid(beta * x)", "beta * x * sigmoid(x)"),
    ("sin(a * x)", "sin(x)"),
    ("x + a", "x"),
    ("relu(x)", "-relu(x)"),
    ("relu(x)", "relu(-x)"),
    ("relu(x)", "relu(x) + 1"),
    ("relu(x)", "relu(x - 0.01)"),
    ("gelu(x)", "x * sigmoid(1.702 * x)"),
    ("gelu(x)", "silu(x)"),
    ("tanh(x)", "tanh(1.001 * x)"),
    ("x", "sin(x)"),
    ("x**2", "abs(x)"),
    ("1", "-1"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_functions_have_different_fingerprints(one, other):
    assert of(one) != of(other)


def test_slopes_belong_to_a_function_whose_backward_is_another_one():
    texts = ["relu(x)", "x + detach(relu(x) - x)", "silu(x) + detach(relu(x) - silu(x))", "detach(relu(x))"]
    assert len({of(text) for text in texts}) == len(texts)
    assert of("x + detach(relu(x) - x)") == of("x + detach((x + abs(x)) / 2 - x)")
    assert of("2 * x + 2 * detach(relu(x) - x)") == of("x + detach(relu(x) - x)")


def test_common_functions_have_fingerprints_of_their_own():
    texts = ["relu(x)", "gelu(x)", "silu(x)", "tanh(x)", "sigmoid(x)", "elu(x)", "mish(x)", "softplus(x)",
             "softsign(x)", "logsigmoid(x)", "atan(x)", "erf(x)", "sin(x)", "exp(-x**2)"]  # fmt: skip
    assert all(of(one) != of(other) for one, other in itertools.combinations(texts, 2))


@pytest.mark.parametrize("text", ["relu(x)", "tanh(x)", "x * sigmoid(beta * x)", "x + sin(x)"])
@pytest.mark.parametrize("factor", [2, 0.1, 1e-9, 1e9])
def test_a_positive_factor_makes_no_difference(text, factor):
    assert of(f"{factor!r} * ({text})") == of(text)


def test_initial_values_and_granularities_belong_to_the_function():
    one = of("x * sigmoid(beta * x)", beta=1.0)
    assert one != of("x * sigmoid(beta * x)", beta=1.1)
    assert one != of("x * sigmoid(beta * x)", beta=(1.0, "channel"))
    assert one == of("x * sigmoid(gamma * x)", gamma=1.0)


def test_a_fingerprint_is_16_hex_digits_and_stays_what_it_was():
    # Journals keep fingerprints: a change of the method would break the resumption of older searches.
    assert of("x") == "1442ba7a5158c975"
    assert len(of("relu(x)")) == 16
    assert set(of("relu(x)")) <= set("0123456789abcdef")


@quick(60)
@given(seed=st.integers(0, 10**6))
def test_the_normal_form_has_the_fingerprint_of_what_was_written(seed):
    space = read_space(plugins.find("search_spaces", "swish"))
    activation = space.activation(space.sample(random.Random(seed)))
    if Probe(activation).wide.values.isfinite().all():
        again = parse(activation.text, **{spec.name: spec for spec in activation.parameters})
        assert canonical(activation.expression) == activation.expression
        assert fingerprint(Probe(again)) == fingerprint(Probe(activation))
