from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.analysis import catalog
from actsearch.analysis.pointwise import Pointwise, not_pointwise
from actsearch.analysis.properties import properties
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation, parse
from actsearch.grammar.expression import X, substitute
from tests.grammar.strategies import expressions, quick

INF, ROOT = math.inf, math.sqrt(2)
SHAPE = (
    "defined", "range", "zeros", "limits", "asymptotes", "parity", "monotone", "convex", "smoothness", "slope",
    "lipschitz",
)  # fmt: skip
SIGNAL = ("moments", "gains", "edge_of_chaos", "depth", "self_normalising", "dual")
PARITY = {
    "even": ["abs(x)", "x**2", "cos(x)", "exp(-x**2)", "cosh(x)", "x * tanh(x)", "log_abs(x)", "3"],
    "odd": ["x", "tanh(x)", "sin(x)", "x**3", "erf(x)", "softsign(x)", "2 * sigmoid(2 * x) - 1", "-asinh(x)"],
    "none": ["relu(x)", "silu(x)", "exp(x)", "sigmoid(x)", "x + 1", "x + x**2", "gelu(x)", "tanh(x - 0.01)"],
}  # fmt: skip
MONOTONE = [
    "x", "-x", "relu(x)", "sigmoid(x)", "tanh(x)", "softplus(x)", "elu(x)", "exp(-x)", "floor(x)", "x**3", "atan(x)",
    "minimum(relu(x), 6)", "logsigmoid(x)", "2", "sigmoid(x) + sigmoid(-x)", "log(exp(x))", "sign(x)",
]  # fmt: skip
NOT_MONOTONE = [
    "x**2", "abs(x)", "sin(x)", "silu(x)", "gelu(x)", "mish(x)", "exp(-x**2)", "x - 1.01 * tanh(x)", "1 / x",
]  # fmt: skip


@pytest.fixture(scope="module")
def of():
    known = {}

    def look(text):
        if text not in known:
            known[text] = properties(catalog.functions[text] if text in catalog.names() else parse(text))
        return known[text]

    return look


def facts(found, *names):
    return tuple(found.facts[name].value for name in names)


# Range, slopes, both with what is proven everywhere.
TEXTBOOK = {
    "relu": ((0, INF), (0, 1)),
    "gelu": ((-0.16997120747990369, INF), (-0.12890414518515502, 1.12890414518515502)),
    "silu": ((-0.27846454276107374, INF), (-0.09983932012886684, 1.09983932012886684)),
    "mish": ((-0.30884341301725, INF), (-0.11252612238946, 1.08849816125173)),
    "selu": ((-1.0507009873554805 * 1.6732632423543772, INF), (0, 1.0507009873554805 * 1.6732632423543772)),
    "elu": ((-1, INF), (0, 1)),
    "tanh": ((-1, 1), (0, 1)),
    "sigmoid": ((0, 1), (0, 0.25)),
    "softplus": ((0, INF), (0, 1)),
    "sin": ((-1, 1), (-1, 1)),
    "atan": ((-math.pi / 2, math.pi / 2), (0, 1)),
    "x**3": ((-INF, INF), (0, INF)),
    "hardswish": ((-0.375, INF), (-0.5, 1.5)),
    "leaky_relu": ((-INF, INF), (0.01, 1)),
    "relu6": ((0, 6), (0, 1)),
    "exp(-x**2)": ((0, 1), (-math.sqrt(2 / math.e), math.sqrt(2 / math.e))),
    "x * sigmoid(2 * x)": ((-0.27846454276107374 / 2, INF), (-0.09983932012886684, 1.09983932012886684)),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTBOOK)
def test_ranges_and_slopes_of_the_textbook_are_proven(of, name):
    values, slopes = TEXTBOOK[name]
    found = of(name)
    assert found.facts["range"].value == pytest.approx(list(values), abs=1e-9)
    assert found.facts["slope"].value == pytest.approx(list(slopes), abs=1e-9)
    assert found.facts["lipschitz"].value == pytest.approx(max(map(abs, slopes)), abs=1e-9)
    for fact in ("range", "slope", "lipschitz", "defined"):
        assert found.facts[fact].proven, fact
        assert found.facts[fact].on == "everywhere", fact


def kinds(fact):
    return [piece["kind"] for piece in fact.value]


def borders(fact):
    return [piece["to"] for piece in fact.value[:-1]]


@pytest.mark.parametrize(
    ("name", "monotone", "turns", "convex", "bends"),
    [
        ("relu", ["constant", "rising"], [0], ["convex"], []),
        ("gelu", ["falling", "rising"], [-0.75179152469], ["concave", "convex", "concave"], [-ROOT, ROOT]),
        ("silu", ["falling", "rising"], [-1.27846454276], ["concave", "convex", "concave"], [-2.39935728, 2.39935728]),
        ("selu", ["rising"], [], ["convex", "affine"], [0]),
        ("tanh", ["rising"], [], ["convex", "concave"], [0]),
        ("softplus", ["rising"], [], ["convex"], []),
        ("sigmoid", ["rising"], [], ["convex", "concave"], [0]),
        ("x**3", ["rising"], [], ["concave", "convex"], [0]),
        ("exp(-x**2)", ["rising", "falling"], [0], ["convex", "concave", "convex"], [-math.sqrt(0.5), math.sqrt(0.5)]),
        ("hardswish", ["constant", "falling", "rising"], [-3, -1.5], ["concave", "convex", "concave"], [-3, 3]),
        ("hardtanh", ["constant", "rising", "constant"], [-1, 1], ["convex", "concave"], [1]),
    ],
)  # fmt: skip
def test_monotone_and_convex_pieces_are_proven(of, name, *, monotone, turns, convex, bends):
    found = of(name).facts
    assert kinds(found["monotone"]) == monotone
    assert borders(found["monotone"]) == pytest.approx(turns, abs=1e-8)
    assert kinds(found["convex"]) == convex
    assert borders(found["convex"]) == pytest.approx(bends, abs=1e-8)
    for fact in (found["monotone"], found["convex"]):
        assert fact.proven
        assert (fact.value[0]["from"], fact.value[-1]["to"]) == (-INF, INF)


def test_what_waves_for_ever_has_its_pieces_between_20(of):
    fact = of("sin").facts["monotone"]
    assert (fact.proven, fact.on) == (True, "[-20, 20]")
    assert borders(fact) == pytest.approx([(k + 0.5) * math.pi for k in range(-6, 6)], abs=1e-8)


@pytest.mark.parametrize(
    ("name", "expected", "proven"),
    [
        ("relu", "C^0", True), ("leaky_relu", "C^0", True), ("elu", "C^1", True), ("selu", "C^0", True),
        ("gelu", "analytic", True), ("tanh", "analytic", True), ("softplus", "analytic", True),
        ("relu2", "C^1", True),
        ("softsign", "C^1", True), ("hardswish", "C^0", True), ("relu(x)**3", "C^2", False),
        ("floor(x)", "C^-1", False), ("sign(x)", "C^-1", False),
        ("bspline3(x)", "C^2", False), ("celu2", "C^1", False), ("sqrt(1 + x**2)", "analytic", True),
        ("abs(x)**1.5", "C^1", False), ("abs(x)**0.5", "C^0", False), ("x * abs(x)", "C^1", False),
    ],
)  # fmt: skip
def test_smoothness_classes(of, name, expected, proven):
    fact = of(name).facts["smoothness"]
    assert (fact.value["class"], fact.proven) == (expected, proven)


def test_the_places_where_smoothness_ends_are_named(of):
    assert of("hardswish").facts["smoothness"].value["breaks"] == [-3, 3]
    assert of("relu").facts["smoothness"].value["breaks"] == [0]
    assert "f' jumps at x = -3, 3" in of("hardswish").facts["smoothness"].text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", [[-20, 0]]), ("gelu", [0]), ("x**2 - 2", [-math.sqrt(2), math.sqrt(2)]), ("exp(x)", []),
        ("sin", [k * math.pi for k in range(-6, 7)]), ("(x - 0.25)**2", [0.25]), ("elu(x) + 0.5", [math.log(0.5)]),
        ("relu(x - 1) - relu(-x - 2)", [[-2, 1]]), ("bspline1(x)", [[-20, -1], [1, 20]]),
    ],
)  # fmt: skip
def test_zeros_are_proven(of, name, expected):
    fact = of(name).facts["zeros"]
    assert fact.proven
    assert len(fact.value) == len(expected)
    for zero, exact in zip(fact.value, expected, strict=True):
        assert zero == pytest.approx(exact, abs=1e-8)


def test_ends_and_asymptotes(of):
    limits, asymptotes = facts(of("gelu"), "limits", "asymptotes")
    assert limits == {"minus_infinity": 0, "plus_infinity": INF}
    assert asymptotes == {
        "minus_infinity": {"slope": 0, "offset": 0}, "plus_infinity": {"slope": 1, "offset": 0},
    }  # fmt: skip
    assert of("gelu").facts["asymptotes"].proven
    assert of("gelu").facts["asymptotes"].text == "y = 0 at minus infinity, y = x at plus infinity"
    sine = of("sin").facts["limits"]
    assert (sine.value["plus_infinity"], sine.proven) == (None, False)


def test_a_limit_that_no_rule_finds_is_sampled(of):
    fact = of("exp(x) / (1 + exp(x))").facts["limits"]
    assert not fact.proven
    fact = of("sigmoid(log(1 + x**2))").facts["limits"]
    assert (fact.proven, fact.value["plus_infinity"]) == (False, pytest.approx(1, abs=1e-6))


def test_a_bound_that_is_only_approached_is_open(of):
    for name, text in (
        ("tanh", "(-1, 1)"), ("sigmoid", "(0, 1)"), ("relu", "[0, inf)"), ("elu", "(-1, inf)"), ("relu6", "[0, 6]"),
        ("exp(-x**2)", "(0, 1], greatest at x = 0"), ("gelu", "[-0.169971, inf), least at x = -0.751791"),
        ("maximum(tanh(x), 0)", "[0, 1)"),
    ):  # fmt: skip
        assert of(name).facts["range"].text == text


@pytest.mark.parametrize(("parity", "text"), [(parity, text) for parity, texts in PARITY.items() for text in texts])
def test_parity_is_found(of, parity, text):
    fact = of(text).facts["parity"]
    assert fact.value == of(text).parity == parity
    assert fact.proven is (text != "2 * sigmoid(2 * x) - 1"), "of that no rule sees that it is tanh"


@pytest.mark.parametrize(("text", "expected"), [*((t, True) for t in MONOTONE), *((t, False) for t in NOT_MONOTONE)])
def test_monotony_is_found(of, text, expected):
    assert of(text).monotone is expected


@pytest.mark.parametrize(
    ("text", "values", "slopes"),
    [
        ("x", (-20, 20), (1, 1)),
        ("relu(x)", (0, 20), (0, 1)),
        ("x**2", (0, 400), (-40, 40)),
        ("-2 * abs(x) + 1", (-39, 1), (-2, 2)),
        ("softsign(x)", (-20 / 21, 20 / 21), (1 / 441, 1)),
        ("5", (5, 5), (0, 0)),
        ("x + sin(x)**2", (-20 + math.sin(20) ** 2, None), (0, 2)),
        ("sinc(x)", (-0.217233628211, 1), None),
    ],
)
def test_bounds_between_20_are_found(of, text, values, slopes):
    found = of(text)
    for bounds, expected in (
        ((found.minimum, found.maximum), values),
        ((found.smallest_slope, found.largest_slope), slopes),
    ):
        for bound, exact in zip(bounds, expected or (), strict=False):
            if exact is not None:
                assert bound == pytest.approx(exact, abs=1e-5)


def test_parameters_stand_at_their_initial_values():
    assert properties(parse("beta * x", beta=-3.0)).smallest_slope == -3
    assert properties(parse("x + beta * x**2", beta=0.0)).parity == "odd"
    assert properties(parse("x + beta * x**2", beta=1.0)).parity == "none"
    assert properties(parse("c[0] * relu(x) + c[1]", c=[2.0, -1.0])).facts["range"].value == [-1, INF]
    assert properties(parse("pwpoly(x, c)", c=[0.0, 1.0, 0.0])).maximum == pytest.approx(2 / 3)


def test_gaussian_figures_are_those_of_the_textbook(of):
    variance = 0.5 - 0.5 / math.pi
    moments, gains = facts(of("relu"), "moments", "gains")
    assert moments["mean"] == pytest.approx(1 / math.sqrt(2 * math.pi))
    assert moments["std"] == pytest.approx(math.sqrt(variance))
    assert gains == {"second_moment": pytest.approx(math.sqrt(2)), "variance": pytest.approx(1 / math.sqrt(variance))}
    assert gains["variance"] == pytest.approx(1.713, abs=2e-4)
    (edge,) = of("relu").facts["edge_of_chaos"].value
    assert (edge["sigma_w"], edge["sigma_b"]) == pytest.approx((math.sqrt(2), 0), abs=1e-6)
    depth = of("relu").facts["depth"].value
    assert (depth["second_moment"]["verdict"], depth["variance"]["verdict"]) == ("kept", "explodes")
    selu = of("selu").facts["self_normalising"].value
    assert (selu["own"], selu["stable"]) == (True, True)
    assert of("relu").facts["dual"].value["A"] == pytest.approx(1 / math.pi)
    assert of("tanh").facts["dual"].value["class"] == "singular kernel"


def test_a_family_says_at_which_parameter_it_normalises_itself():
    found = properties(parse("relu(x) + alpha * minimum(expm1(x), 0)", alpha=1.0))
    constants = found.facts["self_normalising"].value["by_parameter"]["alpha"]
    assert (constants["value"], constants["scale"]) == pytest.approx((1.6732632423543772, 1.0507009873554805), abs=1e-9)


def test_what_has_no_expectation_has_the_other_facts(of):
    assert set(of("exp(x**2)").facts) == set(SHAPE)
    assert of("exp(x**2)").facts["range"].value == pytest.approx([1, INF])
    assert of("exp(x**2)").to_json()["output_gain"] is None


def test_a_pole_is_never_called_proven(of):
    for text in ("1 / x**2", "1 / x", "log(x)", "sqrt(x)"):
        found = of(text)
        assert not any(found.facts[name].proven for name in ("defined", "range", "slope", "lipschitz")), text
        assert not found.monotone, text
    assert of("1 / x**2").maximum == INF


def test_the_json_has_every_field_and_says_what_is_proven(of):
    document = json.loads(json.dumps(of("gelu").to_json(), allow_nan=False))
    assert set(document) == {
        "minimum", "maximum", "smallest_slope", "largest_slope", "parity", "monotone", "gaussian_mean", "gaussian_std",
        "output_gain", "slope_gain", "sampled", "facts",
    }  # fmt: skip
    assert document["sampled"] is False
    assert set(document["facts"]) == {*SHAPE, *SIGNAL}
    for fact in document["facts"].values():
        assert set(fact) == {"value", "proven", "on", "text"}
        assert fact["on"] in {"everywhere", "[-20, 20]", "N(0, 1)"}
    assert document["facts"]["range"]["value"][1] == "inf"
    assert document["slope_gain"] == pytest.approx(document["output_gain"] ** 2 * 0.455851, rel=1e-5)
    assert of("log(x)").to_json()["sampled"] is True


@pytest.mark.parametrize("text", ["x * gate", "x - mean[batch](x)", "stochastic(0.5, x, 2 * x)"])
def test_what_is_no_function_of_x_alone_is_refused(text):
    with pytest.raises(UnsupportedError, match="only functions of x alone"):
        properties(parse(text))


@quick(25)
@given(expression=expressions(parameters=(), max_leaves=5), scale=st.sampled_from([1.0, 3.0]))
def test_no_sample_of_a_random_function_contradicts_what_is_proven(expression, scale):
    """Whatever is called proven holds at 4,000 float64 points, up to the rounding of the points' own values."""
    stretched = substitute(expression, {X: scale * X})
    activation = Activation.of(stretched)
    # Of `detach` torch's slope is not that of the values.
    if not_pointwise(activation) or "detach" in activation.text:
        return
    function, found = Pointwise(activation), properties(activation)
    x = np.concatenate([np.linspace(-19.97, 19.96, 3001), np.geomspace(21, 1e12, 500), -np.geomspace(21, 1e12, 500)])
    near = np.abs(x) <= 20
    values, slopes = function.response(x)
    size = np.abs(values[np.isfinite(values)]).max(initial=1.0)
    for name, samples in (("range", values), ("slope", slopes)):
        fact = found.facts[name]
        if fact.proven:
            seen = samples if fact.on == "everywhere" else samples[near]
            seen = seen[np.isfinite(seen)]
            slack = 1e-9 * max(1.0, np.abs(seen).max(initial=0.0))
            assert seen.min() >= fact.value[0] - slack, (activation.text, name)
            assert seen.max() <= fact.value[1] + slack, (activation.text, name)
    for piece in found.facts["monotone"].value if found.facts["monotone"].proven else ():
        inside = near & (x > piece["from"]) & (x < piece["to"])
        along = function.values(np.sort(x[inside]))
        steps = np.diff(along[np.isfinite(along)])
        signs = {"rising": steps, "falling": -steps, "constant": -np.abs(steps)}
        assert (signs[piece["kind"]] >= -1e-9 * size).all(), (activation.text, piece)
    if found.facts["zeros"].proven:
        ends = [(z, z) if isinstance(z, float) else tuple(z) for z in found.facts["zeros"].value]
        apart = near & np.all(
            [(x < a - 1e-6) | (x > b + 1e-6) for a, b in ends] or [np.ones_like(x, dtype=bool)], axis=0
        )
        inside = np.sort(x[apart & (np.abs(values) > 1e-9 * size)])
        changes = np.sign(function.values(inside))
        for left, right, a, b in zip(inside, inside[1:], changes, changes[1:], strict=False):
            known = any(left <= end and right >= start for start, end in ends)
            assert a == b or known, (activation.text, left, right)
    if found.facts["parity"].proven and found.parity != "none":
        mirrored = function.values(-x) * (1 if found.parity == "even" else -1)
        both = np.isfinite(values) & np.isfinite(mirrored)
        assert np.allclose(values[both], mirrored[both], rtol=1e-6, atol=1e-9 * size)
