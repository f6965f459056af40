from __future__ import annotations

import pytest
import torch

from actsearch.analysis.textbook import READABLE, SIGNED, derivative
from actsearch.compile.derive import derive
from actsearch.compile.eager import evaluate
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import X
from actsearch.grammar.operators import OPERATORS

TEXTS = [
    "x * sigmoid(1.5 * x)", "tanh(x)**2 * silu(x)", "mish(x) + softsign(x)", "maximum(sin(x), 0.3 * x)", "elu(x)",
    "minimum(x, 1)", "sinc(x)", "where(greater(x, 0.1), x**2, exp(x))", "x / (1 + abs(x))", "3", "bspline3(x)",
]  # fmt: skip


@pytest.mark.parametrize("rules", [READABLE, SIGNED], ids=["readable", "signed"])
@pytest.mark.parametrize("text", TEXTS)
def test_it_is_the_derivative_that_is_computed(text, rules):
    expression = parse(text).expression
    x = torch.linspace(-4.7, 5.3, 101, dtype=torch.float64)
    found = evaluate(derivative(expression, rules), {"x": x}).expand_as(x)
    torch.testing.assert_close(found, evaluate(derive(expression, X), {"x": x}).expand_as(x), rtol=1e-9, atol=1e-9)


def test_rules_are_for_operators_that_there_are():
    assert set(READABLE) | set(SIGNED) <= set(OPERATORS)
