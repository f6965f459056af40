from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given

from actsearch.analysis.asymptotics import end_of
from actsearch.compile.eager import evaluate
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Parameter, walk
from tests.grammar.strategies import PARAMETERS, expressions, quick

INF = math.inf
# (limit, slope, offset) at minus and at plus infinity; slope and offset None where there is no asymptote.
KNOWN = {
    "relu(x)": ((0, 0, 0), (INF, 1, 0)),
    "gelu(x)": ((0, 0, 0), (INF, 1, 0)),
    "silu(x)": ((0, 0, 0), (INF, 1, 0)),
    "mish(x)": ((0, 0, 0), (INF, 1, 0)),
    "x * sigmoid(1.7 * x)": ((0, 0, 0), (INF, 1, 0)),
    "x * exp(-exp(-x))": ((0, 0, 0), (INF, 1, 0)),
    "elu(x)": ((-1, 0, -1), (INF, 1, 0)),
    "tanh(x)": ((-1, 0, -1), (1, 0, 1)),
    "softplus(-x)": ((INF, -1, 0), (0, 0, 0)),
    "logsigmoid(x)": ((-INF, 1, 0), (0, 0, 0)),
    "x / (1 + abs(x))": ((-1, 0, -1), (1, 0, 1)),
    "softsign(x)": ((-1, 0, -1), (1, 0, 1)),
    "maximum(x, 0.01 * x)": ((-INF, 0.01, 0), (INF, 1, 0)),
    "minimum(relu(x), 6)": ((0, 0, 0), (6, 0, 6)),
    "x * minimum(relu(x + 3), 6) / 6": ((0, 0, 0), (INF, 1, 0)),
    "sqrt(1 + x**2)": ((INF, -1, 0), (INF, 1, 0)),
    "(x**3 - 2 * x**2 + 1) / (x**2 + 1)": ((-INF, 1, -2), (INF, 1, -2)),
    "x * atan(x)": ((INF, -math.pi / 2, -1), (INF, math.pi / 2, -1)),
    "x**2": ((INF, None, None), (INF, None, None)),
    "exp(x)": ((0, 0, 0), (INF, None, None)),
    "x**9 * exp(-x)": ((-INF, None, None), (0, 0, 0)),
    "log(1 + x**2)": ((INF, None, None), (INF, None, None)),
    "asinh(x)": ((-INF, None, None), (INF, None, None)),
    "floor(x)": ((-INF, None, None), (INF, None, None)),
    "sinc(x)": ((0, 0, 0), (0, 0, 0)),
    "x + sin(x) / x": ((-INF, 1, 0), (INF, 1, 0)),
    "where(greater(x, 1), 2 * x, -1)": ((-1, 0, -1), (INF, 2, 0)),
    "bspline3(x)": ((0, 0, 0), (0, 0, 0)),
    "x * (1 + tanh(x))": ((0, 0, 0), (INF, 2, 0)),
    "cosh(x) - x": ((INF, None, None), (INF, None, None)),
    "sigmoid(sqrt(1 + x**2) + 3)": ((1, 0, 1), (1, 0, 1)),
    "exp(1 / x)": ((1, 0, 1), (1, 0, 1)),
    "x * exp(1 / x)": ((-INF, 1, 1), (INF, 1, 1)),
}  # fmt: skip
UNDECIDED = [
    "sin(x)",
    "x - floor(x)",
    "exp(x) - exp(x + 1)",
    "sin(x) * x",
    "exp(x) / (1 + exp(x))",
    "where(exp(-x), 1, 2)",
]


@pytest.mark.parametrize(("text", "side"), [(text, side) for text in KNOWN for side in (-1, 1)])
def test_ends_are_known(text, side):
    limit, slope, offset = KNOWN[text][side > 0]
    found = end_of(parse(text).expression, {}, side=side)
    assert found is not None
    assert found.limit == pytest.approx(limit)
    assert (found.slope is None) == (slope is None)
    if slope is not None:
        assert (found.slope, found.offset) == pytest.approx((slope, offset), abs=1e-12)


@pytest.mark.parametrize("text", UNDECIDED)
def test_what_no_rule_covers_is_left_open(text):
    assert end_of(parse(text).expression, {}, side=1) is None


def test_what_cancels_but_for_rounding_is_left_open():
    known = {Parameter("a"): 0.1, Parameter("b"): 0.2, Parameter("c"): 0.3}
    found = end_of(parse("x * (a + b) - x * c").expression, known, side=1)
    assert found is None, "0.1 + 0.2 - 0.3 is 0 in truth and 5e-17 in float64"


@quick(250)
@given(expression=expressions(max_leaves=6))
def test_no_random_expression_contradicts_its_end(expression):
    """Far out, the function is near its asymptote, or on the side of its infinite limit."""
    if any(getattr(node, "operator", "") == "stochastic" for node in walk(expression)):
        return
    known = {Parameter(name): value for name, value in PARAMETERS.items()}
    settings = {name: torch.tensor(value, dtype=torch.float64) for name, value in PARAMETERS.items()}
    for side in (-1, 1):
        end = end_of(expression, known, side=side)
        if end is None:
            continue
        x = side * np.array([1e4, 1e8, 1e12])
        values = evaluate(expression, {"x": torch.from_numpy(x), **settings}).expand(3).numpy()
        if not np.isfinite(values).all():
            continue
        if math.isinf(end.limit):
            assert (np.sign(values) == np.sign(end.limit)).all() or (np.diff(values) * end.limit > 0).all()
        elif abs(end.limit) < 1e3:
            # Roots of x and noise of cancelled terms may still be seen far out.
            assert abs(values[-1] - end.limit) <= 0.2 + 1e-2 * abs(end.limit)
