from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actsearch.analysis.enclosure.jet import APPROXIMATE, enclose
from actsearch.analysis.enclosure.shapes import DOMAINS, SHAPES
from actsearch.compile.derive import derive
from actsearch.compile.eager import evaluate
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Apply, Input, Parameter, X, call, fold, walk
from actsearch.grammar.operators.units import SELU_ALPHA, SELU_SCALE
from tests.grammar.strategies import PARAMETERS, POINTS, expressions, noisy_values, quick, values


def spline(u, degree):
    """Of truncated powers: the sum of (-1)^k binomial(n + 1, k) (u + (n + 1)/2 - k)_+^n / n!."""
    ends = [u + mpmath.mpf(degree + 1) / 2 - k for k in range(degree + 2)]
    return sum(
        (-1) ** k * mpmath.binomial(degree + 1, k) * max(end, mpmath.mpf(0)) ** degree / mpmath.factorial(degree)
        for k, end in enumerate(ends)
    )


KNOWN = {Parameter(name): value for name, value in PARAMETERS.items()}
FUNCTIONS = {
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "logsigmoid": lambda u: -mpmath.log(1 + mpmath.exp(-u)),
    "softplus": lambda u: mpmath.log(1 + mpmath.exp(u)),
    "silu": lambda u: u / (1 + mpmath.exp(-u)),
    "gelu": lambda u: u * mpmath.erfc(-u / mpmath.sqrt(2)) / 2,
    "normal_cdf": lambda u: mpmath.erfc(-u / mpmath.sqrt(2)) / 2,
    "mish": lambda u: u * mpmath.tanh(mpmath.log(1 + mpmath.exp(u))),
    "softsign": lambda u: u / (1 + abs(u)),
    "elu": lambda u: u if u > 0 else mpmath.expm1(u),
    "sinc": lambda u: mpmath.sinc(mpmath.pi * u),
    "bspline2": lambda u: spline(u, 2), "bspline3": lambda u: spline(u, 3),
    "selu": lambda u: SELU_SCALE * (u if u > 0 else SELU_ALPHA * mpmath.expm1(u)),
    "relu": lambda u: max(u, mpmath.mpf(0)),
    "abs": abs,
    "sign": mpmath.sign,
    **{name: getattr(mpmath, name) for name in (
        "exp", "expm1", "sinh", "cosh", "tanh", "asinh", "atan", "sin", "cos", "asin", "acos", "atanh", "acosh",
    )},
    "erf": mpmath.erf, "erfc": mpmath.erfc,
}  # fmt: skip
PLACES = (
    -38.7,
    -27.3,
    -9.1,
    -3.2673378,
    -1.2784645,
    -0.75,
    -0.3,
    -1e-3,
    1e-9,
    0.004,
    0.0101,
    0.6,
    1.41421356,
    5.5,
    19.0,
    33.3,
)


def is_known(expression):
    return not {node.operator for node in _nodes(expression)} & APPROXIMATE


def accurate(expression):
    """`expression` without torch's gelu, which has 1 + erf in it and so no digits far below 0."""
    return fold(
        expression, lambda leaf: leaf,
        lambda name, found: found[0] * call.normal_cdf(*found) if name == "gelu" else Apply(name, tuple(found)),
    )  # fmt: skip


def boxes(expression, points, width, order=2, parameters=KNOWN):
    lower = np.asarray(points, dtype=np.float64) - width
    return enclose(expression, lower, np.asarray(points, dtype=np.float64) + width, parameters, order=order)


def test_every_shape_has_a_reference():
    assert set(FUNCTIONS) == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_values_and_derivatives_are_those_of_mpmath(name):
    """Thin boxes enclose what mpmath says, and by little: they are right and sharp."""
    function = FUNCTIONS[name]
    low, high = DOMAINS.get(name, (-math.inf, math.inf))
    # At the ends of a domain derivatives are infinite, and mpmath's differences leave it.
    places = [place for place in PLACES if low < place < high]
    jet = boxes(Apply(name, (X,)), places, 0.0)
    with mpmath.workdps(60):
        for index, place in enumerate(places):
            for order in (0, 1, 2):
                exact = mpmath.diff(function, mpmath.mpf(place), order) if order else function(mpmath.mpf(place))
                found = jet.of(order)
                low, high = float(found.lower[index]), float(found.upper[index])
                # mpmath differentiates by differences, which leaves about half of the digits.
                slack = 1e-22 * max(1, abs(exact)) if order else 1e-50 * name.startswith("bspline")
                assert low - slack <= exact <= high + slack, (name, place, order)
                assert high - low <= (1e-9 if name == "sinc" else 1e-11) * max(1.0, abs(low)), (name, place, order)


@pytest.mark.parametrize("name", sorted(set(SHAPES) - {"sinc", "sin", "cos", *DOMAINS}))
def test_what_is_too_small_for_float64_keeps_its_sign(name):
    is_gaussian = name in {"erf", "erfc", "normal_cdf", "gelu"}
    places = (-40.0,) if is_gaussian else (-800.0, -710.0, -150.0, 150.0, 710.0, 800.0)
    jet = boxes(Apply(name, (X,)), places, 0.0)
    with mpmath.workdps(600 if is_gaussian else 1100):
        for index, place in enumerate(places):
            for order in (0, 1, 2):
                found = jet.of(order)
                exact = mpmath.diff(FUNCTIONS[name], mpmath.mpf(place), order)
                slack = abs(exact) * mpmath.mpf("1e-100") + mpmath.mpf("1e-1000")
                low, high = mpmath.mpf(float(found.lower[index])), mpmath.mpf(float(found.upper[index]))
                assert low - slack <= exact <= high + slack, (name, place, order)


@pytest.mark.parametrize("name", SHAPES)
def test_a_wide_box_encloses_what_its_thin_boxes_do_and_hardly_more(name):
    wide = ((-3.7, 0.4), (-1.0, 2.5), (0.25, 6.0), (-30.0, -1.0), (-0.1, 0.1))
    inside = {"acosh": ((1.1, 1.9), (2.0, 30.0))}.get(name, ((-0.9, 0.3), (0.25, 0.95), (-0.1, 0.1)))
    for low, high in inside if name in DOMAINS else wide:
        edges = np.linspace(low, high, 20001)
        parts = enclose(Apply(name, (X,)), edges[:-1], edges[1:], {})
        whole = enclose(Apply(name, (X,)), np.array([low]), np.array([high]), {})
        for order in (0, 1, 2):
            inner, outer = parts.of(order), whole.of(order)
            assert outer.lower[0] <= inner.lower.min() + 1e-12 or math.isinf(outer.lower[0])
            assert outer.upper[0] >= inner.upper.max() - 1e-12 or math.isinf(outer.upper[0])
            if name != "sinc":
                assert outer.lower[0] == pytest.approx(inner.lower.min(), rel=1e-3, abs=2e-3)
                assert outer.upper[0] == pytest.approx(inner.upper.max(), rel=1e-3, abs=2e-3)


@quick(150)
@given(expression=expressions(), width=st.sampled_from([0.0, 1e-6, 0.02, 0.7]))
def test_no_value_of_a_random_expression_escapes(expression, width):
    expression = accurate(expression)
    if not is_known(expression):
        return
    expected = values(expression)
    spread = torch.stack([(noisy_values(expression, seed) - expected).abs() for seed in range(3)]).amax(dim=0)
    try:
        jet = boxes(expression, _points(), width, order=0)
    except UnsupportedError:
        pytest.fail("every operator of the table is known")
    stable = expected.isfinite() & spread.isfinite()
    slack = 10 * spread + 1e-13 * expected.abs()
    low, high = torch.from_numpy(jet.value.lower.copy()), torch.from_numpy(jet.value.upper.copy())
    assert not (stable & ((expected < low - slack) | (expected > high + slack))).any()


@quick(150)
@given(expression=expressions(max_leaves=5), width=st.sampled_from([1e-9, 1e-3, 0.3]))
def test_no_slope_or_curvature_of_a_random_expression_escapes(expression, width):
    expression = accurate(expression)
    names = {node.operator for node in _nodes(expression)}
    if names & {"detach", "stochastic"} or not is_known(expression):
        return
    jet = boxes(expression, _points(), width)
    first = derive(expression, X)
    for derivative, found in ((first, jet.slope), (derive(first, X), jet.curvature)):
        expected = values(derivative)
        spread = torch.stack([(noisy_values(derivative, seed) - expected).abs() for seed in range(3)]).amax(dim=0)
        stable = expected.isfinite() & spread.isfinite() & values(expression).isfinite()
        low, high = torch.from_numpy(found.lower.copy()), torch.from_numpy(found.upper.copy())
        # A sum of more than two terms may cancel inside, which the noise does not see.
        slack = 10 * spread + 1e-12 * expected.abs() + 1e-15
        wrong = stable & ((expected < low - slack) | (expected > high + slack))
        assert not wrong.any(), (_points()[wrong.numpy()], expected[wrong], low[wrong], high[wrong])


def test_kinks_and_jumps_are_seen_with_their_signs():
    at_zero = np.array([-0.5]), np.array([0.5])
    for text, order, expected in (
        ("relu(x)", 2, (0, math.inf)), ("-abs(x)", 2, (-math.inf, 0)), ("minimum(x, 0)", 2, (-math.inf, 0)),
        ("sign(x)", 1, (0, math.inf)), ("round(x + 0.25)", 1, (0, math.inf)),
        ("ceil(x)", 1, (0, math.inf)), ("-floor(x)", 1, (-math.inf, 0)), ("relu(x)**2", 2, (0, 2)),
        ("sign(x)", 2, (-math.inf, math.inf)), ("elu(x)", 2, (0, 1)), ("relu(x)", 1, (0, 1)),
        ("maximum(x, 0.25 * x)", 1, (0.25, 1)),
    ):  # fmt: skip
        found = enclose(parse(text).expression, *at_zero, {}).of(order)
        assert (found.lower[0], found.upper[0]) == pytest.approx(expected), text


def test_what_is_not_defined_is_enclosed_by_everything():
    lower, upper = np.array([-1.0, -1.0, 0.5]), np.array([1.0, -0.5, 1.0])
    for text in ("log(x)", "sqrt(x)", "x**-1.5"):
        jet = enclose(parse(text).expression, lower, upper, {})
        assert jet.defined.tolist() == [False, False, True]
        assert np.isinf(jet.value.lower[:2]).all()
        assert np.isinf(jet.slope.upper[:2]).all()
        assert np.isfinite(jet.value.lower[2])
    for text in ("asin(3 * x)", "acosh(2 * x)", "pow(x, x)"):
        assert enclose(parse(text).expression, np.array([-0.9]), np.array([0.4]), {}).defined.tolist() == [False], text
    assert enclose(parse("1 / x").expression, lower, upper, {}).defined.tolist() == [False, True, True]


def test_zero_and_one_stay_exact():
    jet = boxes(parse("relu(x) + 0 * x + tanh(x) - tanh(x)").expression, [0.0], 0.0)
    assert (jet.value.lower[0], jet.value.upper[0]) == (0, 0)
    jet = enclose(parse("maximum(x, 0.5 * x)").expression, np.array([1.0]), np.array([1.9]), {})
    assert (jet.slope.lower[0], jet.slope.upper[0]) == (1, 1)


def test_far_out_nothing_overflows_into_nonsense():
    far = np.array([1e5, 1e200, 1e307, -1e308]), np.array([2e5, 1e201, 1.7e308, -1e307])
    for name in sorted(set(SHAPES) - set(DOMAINS)):
        jet = enclose(Apply(name, (X,)), *far, {})
        for order in (0, 1, 2):
            found = jet.of(order)
            assert (found.lower <= found.upper).all(), (name, order)
            assert (found.lower < math.inf).all(), (name, order)
    assert float(enclose(parse("x * sigmoid(x)").expression, *far, {}).value.lower[3]) > -1e-12


def test_another_input_or_an_unknown_operator_is_refused():
    one = np.array([0.0]), np.array([1.0])
    with pytest.raises(UnsupportedError, match="no enclosure is known of Input"):
        enclose(call.tanh(Input("gate")), *one, {})
    with pytest.raises(UnsupportedError, match="operator i0e"):
        enclose(call.i0e(X), *one, {})


def _points():
    return POINTS.numpy()


def _nodes(expression):
    return [node for node in walk(expression) if isinstance(node, Apply)]


def test_float64_samples_of_the_eager_reference_stay_inside():
    x = np.linspace(-20, 20, 4001)
    for text in ("silu(x)", "gelu(x)", "mish(x)", "x * exp(-exp(-x))", "sin(x)**2 / 3 + x", "x * tanh(softplus(x))"):
        expression = parse(text).expression
        found = evaluate(expression, {"x": torch.from_numpy(x)}).numpy()
        jet = boxes(expression, x, 1e-3, order=0)
        # torch's own gelu is 1 + erf below 0, which leaves it 16 digits after the point.
        assert (jet.value.lower <= found + 1e-15 * (text == "gelu(x)")).all(), text
        assert (found <= jet.value.upper + 1e-15 * (text == "gelu(x)")).all(), text
