from __future__ import annotations

import torch
from hypothesis import given

from actsearch.analysis.properties.factored import factored
from actsearch.compile.eager import evaluate
from actsearch.grammar.activation import parse
from actsearch.grammar.canonical import canonical
from actsearch.grammar.text import read, write
from tests.grammar.strategies import assert_same_values, expressions, quick


def test_what_all_terms_share_comes_out():
    expression = parse("exp(-x**2) * x**2 - 3 * exp(-x**2) * x").expression
    found = factored(expression)
    assert found.operator == "multiply"
    assert write(found).count("exp") == 1
    x = torch.linspace(-3, 3, 31, dtype=torch.float64)
    torch.testing.assert_close(evaluate(found, {"x": x}), evaluate(expression, {"x": x}))


def test_what_some_terms_lack_stays_in_the_sum():
    expression = read("x * tanh(x) + x**2 + 1")
    assert factored(canonical(expression)) == canonical(expression)


@quick(80)
@given(expression=expressions())
def test_values_stay_the_same(expression):
    normal = canonical(expression)
    assert_same_values(factored(normal), normal)
