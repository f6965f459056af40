import math

import numpy as np
import pytest

from actsearch.compile.saving.function import Function, evaluator
from actsearch.compile.saving.pieces import pieces_of
from actsearch.grammar.activation import parse


@pytest.mark.parametrize(
    ("text", "borders"),
    [
        ("tanh(x)", []),
        ("relu(x)", [0]),
        ("x * relu(2 * x + 1)", [-0.5]),
        ("hardswish(x)", [-3, 3]),
        ("relu6(x + 1) - abs(x - 2)", [-1, 2, 5]),
        ("elu(x)", [0]),
        ("max(x, tanh(2 * x))", [-0.9575040240772688, 0, 0.9575040240772688]),
        ("relu(silu(x))", [0]),
    ],
)
def test_a_function_is_one_formula_between_its_kinks(text, borders):
    function = Function(parse(text))
    pieces = pieces_of(function.expression)
    assert [piece.low for piece in pieces] == pytest.approx([-math.inf, *borders], abs=1e-9)
    assert pieces[-1].high == math.inf
    for piece in pieces:
        x = np.linspace(max(piece.low, -9.0), min(piece.high, 9.0), 101)
        assert evaluator(piece.expression)(x) == pytest.approx(function.value(x), abs=1e-9)


@pytest.mark.parametrize("text", ["floor(x)", "x * round(x)", "abs(sin(9 * x))"])
def test_functions_of_very_many_pieces_have_none(text):
    assert pieces_of(Function(parse(text)).expression) is None
