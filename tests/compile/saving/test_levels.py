import itertools

import numpy as np
import pytest
from scipy.special import ndtri

from actsearch.compile.saving.function import Function
from actsearch.compile.saving.levels import piecewise_linear_plan, quantised_plan
from actsearch.compile.saving.output import slopes_of
from actsearch.grammar.activation import parse


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("2 * x + 1", 0), ("floor(x)", 0), ("relu(x)", 1), ("hardtanh(x)", 1), ("relu6(3 * x)", 1),
        ("hardsigmoid(x)", 1),
        ("relu(x) + 0.1 * relu(x - 1.3)", 2), ("abs(x)", 2), ("maximum(x, 0.1 * x)", 2), ("abs(abs(x) - 1)", 2),
        ("relu(x) + relu(x - 0.3) + relu(x - 0.7) + 2 * relu(-x)", 3),
    ],
)  # fmt: skip
def test_straight_pieces_take_the_bits_that_tell_their_slopes_apart(text, bits):
    function = Function(parse(text))
    plan = piecewise_linear_plan(function)
    assert (plan.kind, plan.code_bits, plan.is_exact, plan.keeps_output) == ("bits", bits, True, False)
    x = np.r_[np.linspace(-20, 20, 4001), np.random.default_rng(0).normal(size=999), 0.0, 0.3, 1.3, -1.0, 1.0]
    assert slopes_of(plan, x, np.full_like(x, np.nan)) == pytest.approx(function.slope(x), rel=1e-15, abs=0)


@pytest.mark.parametrize("text", ["tanh(x)", "x * floor(x)", "relu(x)**2", "x * detach(x)", "hardswish(x)"])
def test_functions_of_other_pieces_have_no_such_plan(text):
    assert piecewise_linear_plan(Function(parse(text))) is None


@pytest.mark.parametrize("text", ["gelu(x)", "tanh(x)", "sin(x)", "x * tanh(x)"])
def test_each_bit_halves_the_error_of_a_rounded_derivative(text):
    function = Function(parse(text))
    x = ndtri((np.arange(20001) + 0.5) / 20001)
    errors = []
    for bits in (1, 2, 3, 4):
        plan = quantised_plan(function, bits)
        assert (plan.code_bits, plan.is_exact, plan.keeps_output) == (bits, False, False)
        apart = slopes_of(plan, x, np.full_like(x, np.nan)) - function.slope(x)
        errors.append(np.sqrt(np.mean(apart**2)))
        # A code is that of the nearest level.
        levels = np.unique(slopes_of(plan, np.linspace(-9, 9, 9999), np.full(9999, np.nan)))
        assert np.abs(apart) == pytest.approx(np.abs(function.slope(x)[:, None] - levels).min(axis=1), abs=1e-12)
        assert abs(apart.mean()) < 1e-4
    assert all(later < 0.62 * earlier for earlier, later in itertools.pairwise(errors))
