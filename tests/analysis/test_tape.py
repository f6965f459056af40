from __future__ import annotations

import numpy as np
import pytest

from actsearch.analysis import tape
from actsearch.analysis.tape import draw_up
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import literal_arguments

FLOAT64 = np.dtype(np.float64)


def test_numpy_has_every_primitive():
    primitives = {name for name, operator in OPERATORS.items() if operator.primitive}
    assert primitives <= set(tape._OWN) | set(tape._COMPARISONS)


def test_a_tape_gives_the_value_and_the_derivatives_asked_for():
    u, v = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    value, by_v = draw_up("divide", 2, (), (1,), FLOAT64)([u, v])
    np.testing.assert_allclose(value, u / v)
    np.testing.assert_allclose(by_v, -u / v**2)
    (value,) = draw_up("divide", 2, (), (), FLOAT64)([u, v])
    np.testing.assert_allclose(value, u / v)


def test_a_derivative_that_is_a_number_is_one():
    assert draw_up("subtract", 2, (), (0, 1), FLOAT64)([np.ones(2), np.ones(2)])[1:] == [1.0, -1.0]
    assert draw_up("floor", 1, (), (0,), FLOAT64)([np.ones(2)])[1:] == [0.0]


def test_a_derivative_takes_the_value_that_is_there():
    assert len(draw_up("exp", 1, (), (0,), FLOAT64).steps) == 1


@pytest.mark.parametrize(
    ("exponent", "value", "slope"),
    [(1.0, 3, 1), (2.0, 9, 6), (3.0, 27, 27), (-1.0, 1 / 3, -1 / 9), (0.5, 3**0.5, 0.5 * 3**-0.5)],
)
def test_exponents_are_literals(exponent, value, slope):
    found = draw_up("power", 2, (exponent,), (0,), FLOAT64)([np.array([3.0]), np.float64(exponent)])
    np.testing.assert_allclose(np.broadcast_to(found[0], 1), value, rtol=1e-14)
    np.testing.assert_allclose(np.broadcast_to(found[1], 1), slope, rtol=1e-14)


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - {"detach", "add", "multiply"}))
def test_results_stay_in_the_dtype_of_the_points(name):
    u = np.array([0.4, 0.6], dtype=np.float32)
    count = OPERATORS[name].arity or 2
    places = literal_arguments(name)
    moving = tuple(index for index in range(count) if index not in places)
    literals = (3.0,) if name == "power" else (0.8, 1.0, 2.0)[: len(places)]
    with np.errstate(all="ignore"):
        results = draw_up(name, count, literals, moving, u.dtype)([u] * count)
    for result in results:
        assert isinstance(result, float) or result.dtype == np.float32
