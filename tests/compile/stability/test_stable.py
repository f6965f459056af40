"""Rewrites keep the function, and hold where the original overflows or loses its digits."""

import random
import time

import mpmath
import pytest
import torch
from hypothesis import given

from actsearch.compile.derive import derive
from actsearch.compile.eager import evaluate
from actsearch.compile.stability.stable import stabilise
from actsearch.grammar.activation import parse
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Parameter, X, parameter_names, walk
from actsearch.grammar.space import read_space
from actsearch.grammar.text import read, write
from actsearch.plugins import find
from tests.grammar.strategies import assert_same_values, expressions, quick

EXACT = (
    ("1 / (1 + exp(-x))", "sigmoid(x)"),
    ("exp(x) / (1 + exp(x))", "sigmoid(x)"),
    ("exp(2 * x) / (exp(2 * x) + exp(x))", "sigmoid(x)"),
    ("0.5 * (1 + tanh(x / 2))", "sigmoid(x)"),
    ("1 - sigmoid(x)", "sigmoid(-x)"),
    ("sigmoid(x) * exp(-x)", "sigmoid(-x)"),
    ("exp(-softplus(x))", "sigmoid(-x)"),
    ("log(1 + x)", "log1p(x)"),
    ("log(1 + exp(x))", "softplus(x)"),
    ("log1p(exp(x))", "softplus(x)"),
    ("softplus(x) - x", "softplus(-x)"),
    ("log(exp(x) + exp(beta * x))", "x + softplus(beta * x - x)"),
    ("log(sigmoid(x))", "logsigmoid(x)"),
    ("-softplus(-x)", "logsigmoid(x)"),
    ("x - log(1 + exp(x))", "logsigmoid(x)"),
    ("exp(x) - 1", "expm1(x)"),
    ("beta * exp(x) - beta", "beta * expm1(x)"),
    ("(exp(x) - 1) / exp(x)", "-expm1(-x)"),
    ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "tanh(x)"),
    ("(exp(2 * x) - 1) / (exp(2 * x) + 1)", "tanh(x)"),
    ("(1 - exp(-2 * x)) / (1 + exp(-2 * x))", "tanh(x)"),
    ("(exp(x)**2 - 1) / (exp(x)**2 + 1)", "tanh(x)"),
    ("(exp(x) + 1) / (exp(x) - 1)", "1 / tanh(0.5 * x)"),
    ("sinh(x) / cosh(x)", "tanh(x)"),
    ("sinh(x) * sigmoid(x)", "0.5 * expm1(x)"),
    ("x * sinh(x) * sigmoid(-x)", "-0.5 * x * expm1(-x)"),
    ("cosh(x) * sigmoid(2 * x)", "0.5 * exp(x)"),
    ("cosh(beta * x) * sigmoid(-2 * beta * x)", "0.5 * exp(-beta * x)"),
    ("sinh(x) * exp(-x)", "-0.5 * expm1(-2 * x)"),
    ("sinh(x) * exp(x)", "0.5 * expm1(2 * x)"),
    ("cosh(x) * exp(x)", "0.5 * (exp(2 * x) + 1)"),
    ("cosh(x) * exp(-x)", "0.5 * (exp(-2 * x) + 1)"),
    ("2 * sigmoid(x) - 1", "tanh(0.5 * x)"),
    ("(exp(x) - exp(-x)) / 2", "sinh(x)"),
    ("(exp(x) + exp(-x)) / 2", "cosh(x)"),
    ("1 / cosh(x)", "2 * exp(-abs(x)) * sigmoid(2 * abs(x))"),
    ("1 - tanh(x)**2", "4 * sigmoid(2 * x) * sigmoid(-2 * x)"),
    ("1 - cos(x)", "2 * sin(0.5 * x)**2"),
    ("1 - erf(x)", "erfc(x)"),
    ("x * sigmoid(x)", "silu(x)"),
    ("x * exp(x) / (1 + exp(x))", "silu(x)"),
    ("0.5 * x * (1 + erf(x / sqrt(2)))", "x * normal_cdf(x)"),
    ("x * tanh(log(1 + exp(x)))", "mish(x)"),
    ("exp(x) * exp(beta - x)", "exp(beta)"),
    ("exp(x) / exp(2 * x)", "exp(-x)"),
    ("sqrt(x**2)", "abs(x)"),
    ("(x**2)**1.5", "abs(x)**3"),
    ("log(exp(x))", "x"),
    ("log(x**6)", "6 * log(abs(x))"),
    ("exp(3 * log(x))", "exp(3 * log(x))"),
)


@pytest.mark.parametrize(("text", "expected"), EXACT)
def test_known_forms_get_their_stable_one(text, expected):
    wanted = canonical(read(expected))
    assert canonical(stabilise(read(text))) == wanted
    assert canonical(stabilise(canonical(read(text)))) == wanted


# What the original gives at the arguments, in float32: NaN, infinity or no digit of the value or of the slope.
LOST = (
    ("exp(x) / (1 + exp(x))", (89.0, 200.0, 1e4), lambda x: 1 / (1 + mpmath.exp(-x))),
    ("x * exp(x) / (1 + exp(x))", (89.0, 1e4), lambda x: x / (1 + mpmath.exp(-x))),
    ("log(1 + exp(x))", (89.0, 1e4), lambda x: x + mpmath.log1p(mpmath.exp(-x))),
    ("log(1 + exp(x))", (-20.0, -60.0), lambda x: mpmath.log1p(mpmath.exp(x))),
    ("log(sigmoid(x))", (-89.0, -110.0, -1e4), lambda x: -mpmath.log1p(mpmath.exp(-x))),
    ("1 - sigmoid(x)", (20.0, 60.0), lambda x: 1 / (1 + mpmath.exp(x))),
    ("1 - tanh(x)**2", (9.0, 12.0, 30.0), lambda x: mpmath.sech(x) ** 2),
    ("1 - erf(x)", (4.5, 6.0, 9.0), mpmath.erfc),
    (
        "0.5 * x * (1 + erf(x / sqrt(2)))",
        (-6.0, -9.0, -12.0),
        lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    ),
    ("exp(x) - 1", (1e-6, -1e-10), mpmath.expm1),
    ("sigmoid(x) * sinh(x)", (-30.0, -60.0), lambda x: mpmath.expm1(x) / 2),
    ("exp(-x) * cosh(x)", (30.0, 100.0), lambda x: (1 + mpmath.exp(-2 * x)) / 2),
    ("log(1 + x)", (1e-6, -1e-10), mpmath.log1p),
    ("1 - cos(x)", (1e-3, -1e-5), lambda x: 2 * mpmath.sin(x / 2) ** 2),
    ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", (1e-6, 89.0, -1e3), mpmath.tanh),
    ("(exp(x) - exp(-x)) / 2", (1e-6, -1e-8), mpmath.sinh),
    ("exp(x) * exp(-x * x)", (88.9, 1e3), lambda x: mpmath.exp(x - x * x)),
    ("sqrt(x**2)", (1e25, -1e25), abs),
    ("log(cosh(x))", (90.0, -1e4), lambda x: abs(x) + mpmath.log1p(mpmath.exp(-2 * abs(x))) - mpmath.log(2)),
    ("1 / cosh(x)", (90.0, 1e3), mpmath.sech),
    ("exp(x) / (beta + exp(x))", (89.0, -200.0, 1e4), lambda x: 1 / (1 + 0.75 * mpmath.exp(-x))),
    ("x / (beta + exp(-x))", (-89.0, -1e4), lambda x: x / (0.75 + mpmath.exp(-x))),
    (
        "x * ((1 + exp(x))**2 - 1) / ((1 + exp(x))**2 + 1)",
        (50.0, 1e3),
        lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))),
    ),
    (
        "(1 + beta * x + x**10) / (1 + abs(2 * x + beta * x**10))",
        (1e4, -1e4, 3e3, 0.3),
        lambda x: (1 + 0.75 * x + x**10) / (1 + abs(2 * x + 0.75 * x**10)),
    ),
    (
        "x**11 / (1 + beta * abs(x)**10)",
        (1e4, -1e4),
        lambda x: x**11 / (1 + 0.75 * abs(x) ** 10),
    ),
    (
        "(1 + softplus(x)**12) / (2 + softplus(x)**12)",
        (1e4, 2.0),
        lambda x: 1 - 1 / (2 + (x + mpmath.log1p(mpmath.exp(-x))) ** 12),
    ),
)


@pytest.mark.parametrize("form", ["written", "normal"])
@pytest.mark.parametrize(("text", "points", "truth"), LOST)
def test_values_and_slopes_hold_where_the_original_does_not(text, points, truth, form):
    original = read(text) if form == "written" else canonical(read(text))
    stable = stabilise(original)
    x = torch.tensor(points, dtype=torch.float32)
    given = {"x": x, **{name: torch.tensor(0.75) for name in parameter_names(stable)}}
    with mpmath.workdps(40):
        exact = [[mpmath.mpf(float(p)) for p in x], [truth(mpmath.mpf(float(p))) for p in x]]
        slopes = [mpmath.diff(truth, p, h=mpmath.mpf(10) ** -20 * (1 + abs(p))) for p in exact[0]]
    expected = torch.tensor([float(v) for v in exact[1]], dtype=torch.float64)
    slope = torch.tensor([float(v) for v in slopes], dtype=torch.float64)
    found, found_slope = (evaluate(e, given).expand_as(x).double() for e in (stable, derive(stable, X)))
    torch.testing.assert_close(found, expected, rtol=3e-5, atol=2e-38)
    # Where the function is flat, its slope is a difference of two numbers as large as f/x.
    noise = 1e-6 * (expected / x.double().abs().clamp(min=1)).abs()
    assert ((found_slope - slope).abs() <= 3e-5 * slope.abs() + noise + 2e-38).all()


def test_detach_is_a_border():
    kept = read("x * detach(sigmoid(x)) + exp(x) * detach(exp(-x))")
    assert stabilise(kept) == kept
    assert canonical(stabilise(read("detach(1 - sigmoid(x))"))) == canonical(read("detach(sigmoid(-x))"))


def test_unknown_operators_keep_their_place():
    node = Apply("mean[last]", (read("1 - sigmoid(x)"),))
    assert stabilise(1 - Apply("sigmoid", (node,))) == Apply("sigmoid", (-1 * stabilise(node),))


def test_parameters_may_have_any_value():
    stable = stabilise(read("exp(x) / (beta + exp(x)) + (a * x**10 + x) / (1 + b * x**10)"))
    x = torch.linspace(-6, 6, 101, dtype=torch.float64)
    for beta, a, b in ((0.0, 0.0, 0.0), (-0.5, 1.0, 0.0), (2.0, -1.0, 3.0)):
        values = {name: torch.tensor(v, dtype=torch.float64) for name, v in (("beta", beta), ("a", a), ("b", b))}
        expected = torch.exp(x) / (beta + torch.exp(x)) + (a * x**10 + x) / (1 + b * x**10)
        torch.testing.assert_close(evaluate(stable, {"x": x, **values}), expected, rtol=1e-10, atol=1e-12)


@given(expressions())
@quick(400)
def test_values_stay(expression):
    assert_same_values(stabilise(expression), expression)


@given(expressions())
@quick(400)
def test_values_of_normal_forms_stay(expression):
    normal = canonical(expression)
    assert_same_values(stabilise(normal), normal)


@given(expressions(max_leaves=12))
@quick(400)
def test_twice_is_once(expression):
    once = stabilise(expression)
    assert stabilise(once) == once


def test_it_takes_about_a_millisecond():
    space, rng = read_space(find("search_spaces", "swish")), random.Random(0)
    drawn = [space.activation(space.sample(rng)).expression for _ in range(200)]
    stabilise(drawn[0])
    started = time.perf_counter()
    for expression in drawn:
        stabilise(expression)
    assert (time.perf_counter() - started) / len(drawn) < 3e-3


def test_the_text_of_a_scaled_quotient_parses():
    stable = stabilise(read("exp(x) / (beta + exp(x))"))
    assert parse(write(stable), beta=0.5)
    assert any(isinstance(node, Parameter) for node in walk(stable))
