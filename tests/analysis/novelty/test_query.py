from __future__ import annotations

import numpy as np
import pytest
import torch

from actsearch.analysis.catalog import Entry, catalog
from actsearch.analysis.novelty import CLOSE, KNOWN, novelty
from actsearch.analysis.novelty.table import table_of
from actsearch.compile.eager import evaluate
from actsearch.grammar.activation import parse
from actsearch.grammar.parameter import ParameterSpec

GRID = torch.linspace(-5, 5, 1001, dtype=torch.float64)


def entry(name, formula, **parameters):
    specs = tuple(ParameterSpec(name=key, initial=value) for key, value in parameters.items())
    return Entry(name=name, family="self_gated", year=2000, source="a test", formula=formula, parameters=specs)


def entries(*some):
    return {one.name: one for one in some}


def values(activation):
    initial = {spec.name: torch.tensor(spec.scalar, dtype=torch.float64) for spec in activation.parameters}
    return evaluate(activation.expression, {"x": GRID, **initial})


def rebuilt(match, source=None):
    """Values of the catalog function under the numbers that a match names, computed another way than it did."""
    chosen = (source or catalog())[match.name].activation
    named = {name: torch.tensor(value, dtype=torch.float64) for name, value in match.parameters.items()}
    inner = evaluate(chosen.expression, {"x": match.input_scale * GRID + match.input_shift, **named})
    return match.output_scale * inner + match.output_shift


@pytest.mark.parametrize("name", [name for name, one in catalog().items() if one.formula is not None])
def test_every_function_of_the_catalog_is_known_as_itself(name):
    found = novelty(catalog()[name].activation, most=1)
    assert found.verdict == "known"
    assert found.sentence() == f"is {name}"
    assert (found.matches[0].distance, found.matches[0].effort[0]) == (0, 0)


@pytest.mark.parametrize("name", ["gelu", "prelu", "snake", "hardswish"])
def test_a_search_for_more_matches_leaves_the_identity_first(name):
    found = novelty(catalog()[name].activation)
    assert found.sentence() == f"is {name}"
    assert len(found.matches) == 5
    assert len({match.name for match in found.matches}) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x / (1 + exp(-x))", "is silu"),
        ("(x + abs(x)) / 2", "is relu"),
        ("log(1 + exp(x))", "is softplus"),
        ("2 * sigmoid(2 * x) - 1", "is tanh"),
        ("0.5 * tanh(0.5 * x) + 0.5", "is sigmoid"),
        ("x * normal_cdf(x)", "is gelu"),
        ("x / (1 + abs(x))", "is softsign"),
        ("x * minimum(maximum(x / 6 + 0.5, 0), 1)", "is hardswish"),
        ("maximum(-1, minimum(1, x))", "is hardtanh"),
        ("x * silu(x) / x", "is silu"),
        ("x * sigmoid(b * x)", "is swish"),
        ("x * sigmoid(1.7 * x)", "is a rediscovery of swish with beta = 1.7"),
        ("x * sigmoid(x * 2.2999999)", "is a rediscovery of swish with beta = 2.3"),
        ("2 * relu(x) + 3", "is relu (times 2, plus 3)"),
        ("-silu(x)", "is silu (times -1)"),
        ("gelu(x) - 0.5", "is gelu (plus -0.5)"),
        ("1e-7 * sin(x)", "is sin (times 1e-07)"),
        ("1e100 * mish(x)", "is mish (times 1e+100)"),
        ("1 - 3 * x * sigmoid(b * x)", "is swish (times -3, plus 1)"),
        ("mish(1 - 2 * x) * 3 - 4", "is mish (input times -2, input plus 1, times 3, plus -4)"),
        ("tanh(3 * x + 1)", "is tanh (input times 3, input plus 1)"),
        ("minimum(x, 0)", "is relu (input times -1, times -1)"),
        ("silu(-x)", "is silu (input times -1)"),
    ],
)
def test_another_formula_of_a_known_function_is_known(text, sentence):
    found = novelty(parse(text))
    assert (found.verdict, found.sentence()) == ("known", sentence)


@pytest.mark.parametrize(
    "text",
    [
        "3 * gelu(0.48 * x - 0.57) + 1",
        "softplus(0.67 * x - 0.75)",
        "-2 * hardtanh(0.36 * x + 0.66)",
        "mish(0.35 - 0.3 * x)",
        "sin(30 * x + 1)",
        "cos(x) - 2",
        "x + sin(2.3 * x)**2 / 2.3",
        "softsign(0.31 * x + 0.36)",
    ],
)
def test_what_a_match_says_is_the_function(text):
    activation = parse(text)
    found = novelty(activation)
    assert found.verdict == "known"
    nearest = found.matches[0]
    expected = values(activation)
    assert float((rebuilt(nearest) - expected).abs().max()) == pytest.approx(nearest.distance, abs=1e-12)
    assert nearest.distance <= KNOWN * min(1.0, float(expected.max() - expected.min()))


def test_the_distance_of_an_inexact_match_is_that_of_its_numbers():
    activation = parse("atan(x) * sin(3 * x)")
    found = novelty(activation)
    assert found.verdict == "new"
    for match in found.matches:
        difference = float((rebuilt(match) - values(activation)).abs().max())
        assert difference == pytest.approx(match.distance, rel=1e-9)


FEW = entries(
    entry("gelu", "gelu(x)"),
    entry("silu", "silu(x)"),
    entry("relu", "relu(x)"),
    entry("tanh", "tanh(x)"),
    entry("aglu", "x * exp(-log1p(lam * exp(-kap * x)) / lam)", lam=1.0, kap=1.0),
)


def test_a_limit_of_a_family_is_found():
    found = novelty(parse("x * exp(-exp(-x))"), entries=FEW)
    assert (found.verdict, found.sentence()) == ("known", "is the limit of aglu with lam -> 0")
    nearest = found.matches[0]
    assert nearest.limits == {"lam": "0"}
    assert abs(nearest.parameters["lam"]) < 1e-4
    found = novelty(parse("2 * x * exp(-exp(-3 * x))"), entries=FEW)
    assert found.sentence() == "is the limit of aglu with kap = 3, lam -> 0 (times 2)"


def test_a_limit_at_infinity_is_found():
    found = novelty(parse("relu(x)"), entries=entries(entry("swish", "x * sigmoid(beta * x)", beta=1.0)))
    assert found.sentence() == "is the limit of swish with beta -> inf"


@pytest.mark.parametrize(
    ("text", "nearest", "least", "largest"),
    [
        ("0.5 * x * (1 + tanh(0.7978845608 * (x + 0.044715 * x**3)))", "gelu", 1e-4, 6e-4),
        ("gelu(x) + 0.003 * sin(3 * x)", "gelu", 2e-3, 3e-3),
        ("relu(x) + 0.000005 * sin(x)", "relu", 0, 5e-6),
    ],
)
def test_what_is_near_says_how_near(text, nearest, least, largest):
    found = novelty(parse(text), entries=FEW)
    assert found.matches[0].name == nearest
    assert least <= found.matches[0].distance <= largest * (1 + 1e-9)
    if found.verdict == "close":
        assert found.sentence().startswith(f"within {found.matches[0].distance:.2g} of {nearest} ")
        assert KNOWN < found.matches[0].distance <= CLOSE
    else:
        assert (found.verdict, found.sentence()) == ("known", f"is {nearest}")


@pytest.mark.parametrize("text", ["gelu(x) + 0.1 * sin(x)", "gelu(x) + 0.05 * sin(3 * x)"])
def test_a_ripple_makes_a_function_new(text):
    found = novelty(parse(text), entries=FEW)
    assert (found.verdict, found.matches[0].name) == ("new", "gelu")
    assert found.sentence().startswith("new: nearest is gelu, 0.")
    assert found.sentence().endswith(" away on [-5, 5]")


@pytest.mark.parametrize(
    "text", ["x", "3 * x - 1", "x**2", "x**2 - x", "x**3", "x + 0.004 * sin(3 * x)", "exp(x)", "sign(x) * x**4"]
)
def test_no_window_of_a_function_is_that_function(text):
    # Any of these is as near as one likes to a piece of some function of FEW that is seen from near enough.
    assert novelty(parse(text), entries=FEW).verdict == "new"
    pieces = entries(entry("elu", "elu(x)"), entry("relu6", "minimum(relu(x), 6)"))
    assert novelty(parse(text), entries=pieces).verdict == "new"


def test_a_line_is_known_where_a_line_is_known():
    line = FEW | entries(entry("identity", "x"))
    assert novelty(parse("x"), entries=line).sentence() == "is identity"
    assert novelty(parse("3 * x - 1"), entries=line).sentence() == "is identity (times 3, plus -1)"
    assert novelty(parse("x + 0.004 * sin(3 * x)"), entries=line).verdict == "close"


def test_a_small_function_is_held_to_its_own_size():
    assert novelty(parse("1e-7 * sin(5 * x)"), entries=FEW).verdict == "new"
    assert novelty(parse("1e-7 * tanh(x)"), entries=FEW).sentence() == "is tanh (times 1e-07)"


@pytest.mark.parametrize("text", ["0", "5", "1e-9", "beta", "-1e12", "sin(x)**2 + cos(x)**2"])
def test_a_constant_is_no_catalog_function(text):
    found = novelty(parse(text), entries=FEW)
    assert (found.verdict, found.matches) == ("new", ())


def test_a_function_without_any_value_has_no_match():
    found = novelty(parse("log(-1 - x**2)"))
    assert (found.verdict, found.matches) == ("new", ())
    assert found.sentence() == "new: it has no value on [-5, 5] to compare"


@pytest.mark.parametrize("text", ["exp(log(x))", "tanh(exp(log(x)))", "exp(exp(exp(x)))"])
def test_a_function_without_a_value_on_a_part_of_the_range_is_never_known(text):
    # The first two are relu and tanh where they have a value.
    assert novelty(parse(text)).verdict == "new"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x * sigmoid(gate)", "is glu"),
        ("gate * x", "is bilinear"),
        ("x - mean[batch](x)", None),
        ("relu(x) + detach(tanh(x) - relu(x))", None),
        ("x * gate**3", None),
    ],
)
def test_what_is_not_pointwise_is_compared_by_its_form(text, sentence):
    found = novelty(parse(text))
    assert found.by_form
    assert found.verdict == ("known" if sentence else "new")
    assert found.sentence() == (sentence or found.sentence())
    assert sentence or found.sentence().startswith("new: ")


def test_the_same_formula_at_other_values_is_a_rediscovery():
    known = entries(entry("two", "tanh(a * x) + b * sin(x)", a=1.0, b=0.5), entry("gated", "gate * tanh(a * x)", a=1.0))
    found = novelty(parse("sin(x) * q + tanh(x * p)", p=3.0, q=0.5), entries=known)
    assert (found.matches[0].parameters, found.matches[0].moved) == ({"a": 3.0, "b": 0.5}, ("a",))
    assert novelty(parse("tanh(x * p) * gate", p=2.0), entries=known).sentence() == (
        "is a rediscovery of gated with a = 2"
    )


def test_arrays_are_known_by_their_form_and_values():
    known = entries(entry("cubic", "c[0] * x + c[1] * x**3", c=(1.0, 0.5)))
    assert novelty(parse("d[0] * x + x**3 * d[1]", d=(1.0, 0.5)), entries=known).sentence() == "is cubic"
    assert novelty(parse("d[0] * x + x**3 * d[1]", d=(1.0, 0.6)), entries=known).verdict == "new"


def test_a_learnable_parameter_tells_swish_from_silu():
    assert novelty(parse("x * sigmoid(beta * x)")).matches[0].name == "swish"
    assert novelty(parse("x * sigmoid(x)")).matches[0].name == "silu"
    moved = novelty(parse("x * sigmoid(b * x)", b=1.7))
    assert moved.sentence() == "is a rediscovery of swish with beta = 1.7"
    assert novelty(parse("x * sigmoid(b * x)", b=(1.0, "element"))).sentence() == "is swish"


def test_exact_matches_come_first_with_the_fewest_transformations():
    known = FEW | entries(entry("swish", "x * sigmoid(beta * x)", beta=1.0))
    found = novelty(parse("x * sigmoid(1.7 * x)"), entries=known)
    exact = [match for match in found.matches if match.distance <= KNOWN]
    assert list(found.matches[: len(exact)]) == exact
    assert [match.effort for match in exact] == sorted(match.effort for match in exact)
    assert [match.name for match in exact] == ["swish", "aglu", "silu"]


def test_as_many_matches_as_asked_for():
    assert len(novelty(parse("atan(x) * x"), entries=FEW, most=9).matches) == len(FEW)
    assert len(novelty(parse("atan(x) * x"), entries=FEW).matches) == 5
    assert len(novelty(parse("atan(x) * x"), most=2).matches) == 2


def test_no_entries_match_nothing():
    assert novelty(parse("tanh(x)"), entries={}).matches == ()


def test_the_number_of_threads_is_left_as_it_was():
    before = torch.get_num_threads()
    novelty(parse("atan(x) * x"), entries=FEW)
    assert torch.get_num_threads() == before
    assert torch.is_grad_enabled()


def test_the_table_of_the_catalog_holds_what_can_be_compared():
    table = table_of()
    assert table is table_of()
    assert len(table.families) > 20
    assert np.isfinite(table.values).all()
    assert {family.name for family in table.families} <= set(table.forms) <= set(catalog())
