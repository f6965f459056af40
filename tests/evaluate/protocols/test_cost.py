from __future__ import annotations

import pytest

from actsearch.evaluate.protocols.cost import Cost
from actsearch.grammar.activation import parse


def test_without_a_budget_everything_passes():
    assert Cost().check(parse(" + ".join(f"sin({k} * x)" for k in range(1, 30)))) is None


@pytest.mark.parametrize(
    ("text", "weighted", "parts"),
    [
        ("relu(x)", 3, "forward 1 of which 0 special, backward 2 of which 0 special"),
        ("x * sigmoid(x)", 47, "forward 4 of which 2 special, backward 15 of which 2 special"),
    ],
)
def test_a_rejection_says_what_was_counted(text, weighted, parts):
    rejection = Cost(largest=weighted - 1).check(parse(text))
    assert (rejection.stage, rejection.measured) == ("cost", weighted)
    assert rejection.reason == f"an element needs {weighted} weighted operations (budget {weighted - 1}): {parts}"
    assert Cost(largest=weighted).check(parse(text)) is None


def test_statistics_and_gates_are_counted_too():
    assert Cost(largest=20).check(parse("x / std[last](x)")).measured > 20
    assert Cost(largest=1).check(parse("x * gate")).measured == 3
