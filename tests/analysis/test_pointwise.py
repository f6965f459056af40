from __future__ import annotations

import numpy as np
import pytest

from actsearch.analysis.pointwise import Pointwise, not_pointwise
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Parameter


def test_values_and_slopes_are_in_float64_and_of_the_shape_of_x():
    function = Pointwise(parse("c[0] * x**2 + c[1] * x + a", c=[2.0, -1.0], a=0.5))
    x = np.array([[-1.0, 0.0], [0.5, 3.0]])
    values, slopes = function.response(x)
    assert np.array_equal(values, 2 * x**2 - x + 0.5)
    assert np.array_equal(slopes, 4 * x - 1)
    assert np.array_equal(function.values(x), values)
    assert np.array_equal(function.values(x, {"a": 0.0, "c": (0.0, 1.0)}), x)
    assert function.parameters == {Parameter("c", 0): 2.0, Parameter("c", 1): -1.0, Parameter("a"): 0.5}


def test_a_constant_has_slope_0_everywhere():
    values, slopes = Pointwise(parse("3")).response(np.zeros(4))
    assert (values == 3).all()
    assert (slopes == 0).all()


def test_a_slope_lost_to_overflow_is_a_difference_quotient():
    _, slopes = Pointwise(parse("x * exp(-exp(-x))")).response(np.array([-1e4, 0.0]))
    assert slopes[0] == 0
    assert slopes[1] == pytest.approx(np.exp(-1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x * sigmoid(gate)", "it reads gate"),
        ("x - mean[layer](x)", "it takes the statistic mean[layer]"),
        ("stochastic(0.5, x, 2 * x)", "it draws at random in training"),
    ],
)
def test_what_is_no_function_of_x_alone_is_refused_with_the_reason(text, reason):
    assert not_pointwise(parse(text)) == reason
    with pytest.raises(UnsupportedError, match="only functions of x alone") as error:
        Pointwise(parse(text))
    assert reason in str(error.value)
