"""Combinators against what they are said to be: reflections, and averages by quadrature."""

from __future__ import annotations

import math

import pytest
import torch

from actsearch.compile.eager import evaluate
from actsearch.errors import ParseError
from actsearch.grammar.activation import parse

X = torch.linspace(-4.03, 4.11, 41, dtype=torch.float64)
PIECEWISE = {
    "relu(x)": torch.relu,
    "abs(x - 1) - 0.5 * x": lambda x: (x - 1).abs() - 0.5 * x,
    "minimum(maximum(x, -0.5), 2)": lambda x: x.clamp(-0.5, 2),
    "relu(1 - relu(abs(x) - 1))": lambda x: torch.relu(1 - torch.relu(x.abs() - 1)),
    "0.25 * x + 0.75 * relu(x + 2)": lambda x: 0.25 * x + 0.75 * torch.relu(x + 2),
    "3 * minimum(maximum(x, 1), 0) + x": lambda x: x,  # x has gone from the first term.
}


def values(text):
    return evaluate(parse(text).expression, {"x": X}).expand_as(X)


def average(function, kernel, reach):
    """The integral of f(x - t) * kernel(t), by the midpoint rule."""
    step = 2 * reach / 40_000
    t = torch.arange(-reach + step / 2, reach, step, dtype=torch.float64)
    return torch.stack([(function(x - t) * kernel(t)).sum() * step for x in X])


@pytest.mark.parametrize("width", [0.5, 2.0])
@pytest.mark.parametrize("text", PIECEWISE)
def test_smoothing_is_an_average(text, width):
    box = average(PIECEWISE[text], lambda t: torch.full_like(t, 0.5 / width), width)
    torch.testing.assert_close(values(f"box_smoothed({text}, {width})"), box, rtol=1e-6, atol=1e-6)
    bell = average(
        PIECEWISE[text], lambda t: torch.exp(-0.5 * (t / width) ** 2) / (width * math.sqrt(2 * math.pi)), 8 * width
    )
    torch.testing.assert_close(values(f"gaussian_smoothed({text}, {width})"), bell, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("combinator", ["box_smoothed", "gaussian_smoothed"])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("sin(x), 1", "takes a piecewise linear function of x"),
        ("x**2, 1", "takes a piecewise linear function of x"),
        ("relu(x) * relu(x), 1", "takes a piecewise linear function of x"),
        ("relu(x - a), 1", "whose kinks do not move"),
        ("relu(x), x", "is a number or a parameter"),
        ("relu(gate), 1", "takes a function of x alone"),
    ],
)
def test_what_cannot_be_smoothed_is_refused(combinator, arguments, reason):
    with pytest.raises(ParseError, match=reason):
        parse(f"{combinator}({arguments})")


def test_reflected_and_saturated_are_the_partners_of_constrained_monotonic_networks():
    elu = torch.nn.functional.elu
    torch.testing.assert_close(values("reflected(elu(x))"), -elu(-X))
    one = torch.ones_like(X)
    expected = torch.where(X < 0, elu(X + 1) - elu(one), elu(one) - elu(1 - X))
    torch.testing.assert_close(values("saturated(elu(x))"), expected)
