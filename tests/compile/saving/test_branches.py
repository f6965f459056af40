import math

import pytest

from actsearch.compile.saving.branches import branches_of, colours
from actsearch.compile.saving.function import Function
from actsearch.grammar.activation import parse

INF = math.inf


@pytest.mark.parametrize(
    ("text", "borders", "outputs", "numbers"),
    [
        ("tanh(x)", [], [(-1, 1)], [0]),
        ("softplus(x)", [], [(0, INF)], [0]),
        ("relu(x)", [0], [(0, 0), (0, INF)], [0, 0]),
        ("relu(x) + 0.1", [0], [(0.1, 0.1), (0.1, INF)], [0, 1]),
        ("hardtanh(x)", [-1, 1], [(-1, -1), (-1, 1), (1, 1)], [0, 1, 0]),
        ("elu(x) + 0.3", [0], [(-0.7, 0.3), (0.3, INF)], [0, 0]),
        ("abs(x)", [0], [(INF, 0), (0, INF)], [0, 1]),
        ("gelu(x)", [-0.7517915246935646], [(0, -0.16997120747), (-0.16997120747, INF)], [0, 1]),
        ("exp(-x**2)", [0], [(0, 1), (1, 0)], [0, 1]),
        ("x**3 - 3 * x", [-1, 1], [(-INF, 2), (2, -2), (-2, INF)], [0, 1, 2]),
    ],
)
def test_branches_and_how_many_bits_tell_them_apart(text, borders, outputs, numbers):
    function = Function(parse(text))
    branches = branches_of(function)
    assert [branch.low for branch in branches] == pytest.approx([-INF, *borders], abs=1e-7)
    assert [branch.start for branch in branches] == pytest.approx([start for start, _ in outputs], abs=1e-6)
    assert [branch.end for branch in branches] == pytest.approx([end for _, end in outputs], abs=1e-6)
    assert colours(branches, function) == numbers


@pytest.mark.parametrize("text", ["sin(x)", "x * cos(x)", "floor(x)"])
def test_functions_that_turn_very_often_have_no_branches(text):
    assert branches_of(Function(parse(text))) is None
