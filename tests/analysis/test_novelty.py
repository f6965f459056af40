from __future__ import annotations

import pytest

from actsearch.analysis.catalog import catalog
from actsearch.analysis.novelty import CLOSE, KNOWN, novelty
from actsearch.grammar.activation import parse


@pytest.mark.parametrize("name", list(catalog()))
def test_every_function_of_the_catalog_is_known_as_itself(name):
    found = novelty(catalog()[name].activation)
    assert found.verdict == "known"
    assert found.sentence() == f"is {name}"
    assert (found.matches[0].distance, found.matches[0].output_scale, found.matches[0].output_shift) == (0, 1, 0)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x / (1 + exp(-x))", "silu"),
        ("(x + abs(x)) / 2", "relu"),
        ("log(1 + exp(x))", "softplus"),
        ("2 * sigmoid(2 * x) - 1", "tanh"),
        ("x * sigmoid(b * x)", "swish"),
        ("x / (1 + abs(x))", "softsign"),
        ("maximum(-1, minimum(1, x))", "hardtanh"),
        ("maximum(x, x / 100)", "leaky_relu"),
    ],
)
def test_another_formula_of_a_known_function_is_known(text, name):
    found = novelty(parse(text))
    assert (found.verdict, found.matches[0].name) == ("known", name)
    assert found.matches[0].distance <= KNOWN


@pytest.mark.parametrize(
    ("text", "name", "scale", "shift", "sentence"),
    [
        ("2 * relu(x) + 3", "relu", 2, 3, "is relu (times 2, plus 3)"),
        ("-silu(x)", "silu", -1, 0, "is silu (times -1)"),
        ("gelu(x) - 0.5", "gelu", 1, -0.5, "is gelu (plus -0.5)"),
        ("0.5 * sigmoid(x)", "sigmoid", 0.5, 0, "is sigmoid (times 0.5)"),
        ("1 - 3 * x * sigmoid(b * x)", "swish", -3, 1, "is swish (times -3, plus 1)"),
        ("1e-7 * sin(x)", "sin", 1e-7, 0, "is sin (times 1e-07)"),
        ("1e100 * mish(x)", "mish", 1e100, 0, "is mish (times 1e+100)"),
    ],
)
def test_output_scale_and_shift_are_found(text, name, scale, shift, sentence):
    found = novelty(parse(text))
    nearest = found.matches[0]
    assert (found.verdict, nearest.name, found.sentence()) == ("known", name, sentence)
    assert (nearest.output_scale, nearest.output_shift) == pytest.approx(
        (scale, shift), rel=1e-10, abs=1e-10 * abs(scale)
    )
    assert (nearest.input_scale, nearest.input_shift) == (1, 0)


def test_a_small_ripple_is_close_and_a_large_one_new():
    close = novelty(parse("gelu(x) + 0.005 * sin(3 * x)"))
    assert (close.verdict, close.matches[0].name) == ("close", "gelu")
    assert KNOWN < close.matches[0].distance <= CLOSE
    assert close.sentence().startswith("within 0.00")
    new = novelty(parse("gelu(x) + 0.05 * sin(3 * x)"))
    assert (new.verdict, new.matches[0].name) == ("new", "gelu")
    assert 0.03 < new.matches[0].distance < 0.07
    assert new.sentence().startswith("new: nearest is gelu")


def test_a_difference_below_the_tolerance_is_known():
    found = novelty(parse("relu(x) + 0.000005 * sin(x)"))
    assert (found.verdict, found.matches[0].name) == ("known", "relu")
    assert found.matches[0].distance == pytest.approx(5e-6, rel=1e-3)


@pytest.mark.parametrize("text", ["x", "x**2", "exp(x)", "abs(x)", "cos(x)", "x * sin(x)", "1e-7 * sin(5 * x)"])
def test_what_the_catalog_lacks_is_new(text):
    assert novelty(parse(text)).verdict == "new"


@pytest.mark.parametrize("text", ["0", "5", "1e-9", "beta", "-1e12"])
def test_a_constant_is_no_catalog_function(text):
    found = novelty(parse(text))
    assert found.verdict == "new"
    assert all((match.output_scale, match.output_shift) == (1, 0) for match in found.matches)


def test_a_function_without_any_value_has_no_match():
    found = novelty(parse("log(-1 - x**2)"))
    assert (found.verdict, found.matches) == ("new", ())
    assert found.sentence() == "new: it has no value on [-5, 5] to compare"


@pytest.mark.parametrize("text", ["exp(log(x))", "tanh(exp(log(x)))", "log(x)", "exp(exp(exp(x)))"])
def test_a_function_without_a_value_on_a_part_of_the_range_is_never_known(text):
    # The first two are relu and tanh where they have a value.
    assert novelty(parse(text)).verdict == "new"


def test_one_point_without_a_value_makes_no_difference():
    found = novelty(parse("x * silu(x) / x"))
    assert (found.verdict, found.matches[0].name) == ("known", "silu")
    assert novelty(parse("sin(x)**2 / sin(x)")).matches[0].name == "sin"


def test_matches_are_sorted_and_as_many_as_asked_for():
    found = novelty(parse("tanh(x) * x"), most=30)
    distances = [match.distance for match in found.matches]
    assert len(distances) == len(catalog())
    assert distances == sorted(distances)
    assert len(novelty(parse("tanh(x)")).matches) == 5
    assert len(novelty(parse("tanh(x)"), most=2).matches) == 2


def test_the_same_formula_comes_before_one_with_the_same_values_on_the_range():
    # relu and relu6 differ above 6 only.
    assert novelty(parse("minimum(relu(x), 6)")).matches[0].name == "relu6"
    assert novelty(parse("relu(x)")).matches[0].name == "relu"


def test_a_learnable_parameter_tells_swish_from_silu():
    assert novelty(parse("x * sigmoid(beta * x)")).matches[0].name == "swish"
    assert novelty(parse("x * sigmoid(x)")).matches[0].name == "silu"
    assert novelty(parse("x * sigmoid(beta * x)", beta=2.0)).matches[0].name != "silu"
