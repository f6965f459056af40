import pytest
import torch

from actsearch.compile.saving import BUDGETS, error_of, plan_of
from actsearch.errors import ConfigError
from actsearch.grammar.activation import parse

FLOAT, HALF, DOUBLE = torch.float32, torch.bfloat16, torch.float64


def kind(text, saving, dtype):
    plan = plan_of(parse(text), saving, dtype)
    return "input" if plan is None else f"{plan.kind} {plan.code_bits}"


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("relu(x)", "bits 1"), ("abs(x)", "bits 2"), ("3 * x", "bits 0"), ("tanh(x)", "output 0"),
        ("elu(x)", "output 0"), ("gelu(x)", "output 1"), ("x * sigmoid(x)", "output 1"), ("mish(x)", "output 1"),
        ("sin(x)", "input"), ("x * sigmoid(beta * x)", "input"), ("x * silu(gate)", "input"),
        ("x / rms[last](x)", "input"), ("stochastic(0.5, x, relu(x))", "input"),
    ],
)  # fmt: skip
def test_auto_keeps_the_least_that_is_accurate_enough(text, chosen):
    assert kind(text, "auto", FLOAT) == chosen


def test_auto_stays_within_the_budget_of_the_dtype():
    for text in ("tanh(x)", "gelu(x)", "exp(-x**2)", "x**3"):
        for dtype, budget in BUDGETS.items():
            assert error_of(parse(text), "auto", dtype).share <= budget
    # The output alone would be too inaccurate: an error of a tenth of the largest slope at the turn.
    assert kind("exp(-x**2)", "auto", FLOAT) == "output 1"
    assert kind("exp(-x**2)", "auto", HALF) == "input"
    assert kind("gelu(x)", "auto", DOUBLE) == "input"
    assert kind("tanh(x)", "auto", DOUBLE) == "output 0"


def test_what_is_asked_for_is_had():
    assert kind("relu(x)", "input", FLOAT) == "input"
    assert kind("relu(x)", "output", FLOAT) == "output 0"
    assert kind("relu(x)", "bits:4", FLOAT) == "bits 1"
    assert kind("abs(x)", "bits:1", FLOAT) == "bits 1"
    assert [kind("sin(x)", f"bits:{bits}", HALF) for bits in (1, 2, 3, 4)] == ["bits 1", "bits 2", "bits 3", "bits 4"]


@pytest.mark.parametrize("request_", ["", "bits", "bits:0", "bits:5", "outputs", "auto:1", None, ["auto"]])
def test_what_nothing_can_be_asked_for_is_refused(request_):
    with pytest.raises(ConfigError, match=r"saving is .*: give 'input', 'output', 'auto', or 'bits:1' to 'bits:4'"):
        parse("relu(x)").module(saving=request_)


@pytest.mark.parametrize(
    ("text", "saving", "why"),
    [
        ("sin(x)", "output", "its output, with two bits at most, does not say"),
        ("x * silu(gate)", "output", "a product with a gate needs both inputs"),
        ("x * sigmoid(beta * x)", "bits:2", "the gradient of beta needs the input"),
        ("x / rms[last](x)", "output", "its statistics depend on all inputs"),
        ("stochastic(0.5, x, relu(x))", "bits:1", "what is drawn differs"),
        ("sqrt(x)", "bits:2", "its derivative is not finite"),
    ],
)
def test_what_an_activation_cannot_be_asked_for_is_refused_with_the_reason(text, saving, why):
    with pytest.raises(ConfigError, match=f"saving='{saving}' is not for .*: {why}"):
        parse(text).module(saving=saving)
