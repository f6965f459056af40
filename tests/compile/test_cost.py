from __future__ import annotations

import pytest

from actsearch.compile.cost import WEIGHT, Count, kernel_cost
from actsearch.grammar.activation import parse


@pytest.mark.parametrize(
    ("text", "forward", "backward"),
    [
        ("x", Count(operations=0, special=0), Count(operations=0, special=0)),
        ("relu(x)", Count(operations=1, special=0), Count(operations=2, special=0)),
        ("x * gate", Count(operations=1, special=0), Count(operations=2, special=0)),
        ("exp(x)", Count(operations=1, special=1), Count(operations=2, special=1)),
    ],
)
def test_small_functions_by_hand(text, forward, backward):
    cost = kernel_cost(parse(text))
    assert (cost.forward, cost.backward) == (forward, backward)


def test_special_operations_weigh_more():
    assert Count(operations=5, special=2).weighted == 3 + 2 * WEIGHT
    cost = kernel_cost(parse("exp(x)"))
    assert cost.weighted == cost.forward.weighted + cost.backward.weighted == 1 + 2 * WEIGHT


def test_shared_parts_and_constant_values_count_once_and_not_at_all():
    assert kernel_cost(parse("sqrt(abs(x)) + x * sqrt(abs(x))")).forward.special == 1
    assert kernel_cost(parse("x * 3.7")) == kernel_cost(parse("x * 0.1"))


def test_a_parameter_adds_its_gradient_to_the_backward():
    with_parameter, without = kernel_cost(parse("x * sigmoid(beta * x)")), kernel_cost(parse("x * sigmoid(3.1 * x)"))
    assert with_parameter.forward == without.forward
    assert with_parameter.backward.operations > without.backward.operations


def test_every_pass_of_a_statistic_counts():
    plain, normalised = kernel_cost(parse("x**2")), kernel_cost(parse("x**2 / rms[last](x)"))
    assert normalised.forward.operations > plain.forward.operations + 2
    assert normalised.backward.operations > plain.backward.operations + 2
