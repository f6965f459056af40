import numpy as np
import pytest

from actsearch.compile.saving.branches import branches_of
from actsearch.compile.saving.fit import TOLERANCE, fitted_slope
from actsearch.compile.saving.function import Function, evaluator
from actsearch.compile.saving.plan import Y
from actsearch.grammar.activation import parse


@pytest.mark.parametrize("text", ["gelu(x)", "silu(x)", "mish(x)", "erf(x)", "x + tanh(x)", "x**3 - 3 * x", "-silu(x)"])
def test_the_derivative_is_fitted_on_every_branch(text):
    function = Function(parse(text))
    for branch in branches_of(function):
        if text.startswith("x**3") and not (np.isfinite(branch.low) and np.isfinite(branch.high)):
            continue
        fitted = evaluator(fitted_slope(function, branch, Y, 1.0), "y")
        random = np.random.default_rng(0).uniform(size=5000)
        low, high = max(branch.low, -30), min(branch.high, 30)
        x = low + (high - low) * random
        assert np.abs(fitted(function.value(x)) - function.slope(x)).max() <= 1.5 * TOLERANCE


def test_a_derivative_without_bounds_is_not_fitted():
    function = Function(parse("x + 0.1 * x * relu(x)"))
    assert fitted_slope(function, branches_of(function)[-1], Y, 1.0) is None
