"""The entropy correction against the paper's function, against autograd, and against the entropy itself."""

from __future__ import annotations

import math

import pytest
import torch

from actsearch.compile.eager import evaluate
from actsearch.errors import ParseError
from actsearch.grammar.activation import parse
from actsearch.grammar.entropy import GUARD

FUNCTIONS = ("relu(x)", "elu(x)", "silu(x)", "gelu(x)", "tanh(x)", "softplus(x)", "hardswish(x)", "x**3", "sin(2 * x)")
RISING = ("softplus(x)", "asinh(x)", "tanh(x)", "x + 0.5 * sin(x)", "sigmoid(x)")


def values(text, x):
    return evaluate(parse(text).expression, {"x": x}).expand_as(x)


def test_from_relu_it_is_the_correction_of_crrelu():
    derived = parse("relu(x) + eps * entropy_correction(relu(x), 0, 1)", eps=0.01)
    published = parse("maximum(x, 0) + eps * x * exp(-x**2 / 2)", eps=0.01)
    assert derived == published
    assert derived.id == published.id


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (-0.4, 1.7)])
@pytest.mark.parametrize("text", FUNCTIONS)
def test_it_is_the_formula_of_the_derivatives(text, mean, deviation):
    x = torch.linspace(-3.03, 3.11, 41, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(values(text, x).sum(), x, create_graph=True)
    curvature = torch.zeros_like(x)
    if slope.requires_grad:
        (found,) = torch.autograd.grad(slope.sum(), x, allow_unused=True)
        curvature = curvature if found is None else found
    density = torch.exp(-0.5 * ((x - mean) / deviation) ** 2)
    expected = density * (curvature * slope / (slope**2 + GUARD) + (x - mean) / deviation**2)
    found = values(f"entropy_correction({text}, {mean}, {deviation})", x.detach())
    torch.testing.assert_close(found, expected.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", RISING)
def test_a_step_along_it_raises_the_entropy_of_the_output(text):
    # The entropy of f(x) for a rising f is that of x, which stays, plus the mean of ln f'(x).
    x = torch.linspace(-6, 6, 20_001, dtype=torch.float64)
    weights = torch.exp(-0.5 * x**2) / math.sqrt(2 * math.pi) * (x[1] - x[0])

    def entropy(step):
        at = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(values(f"{text} + {step} * entropy_correction({text}, 0, 1)", at).sum(), at)
        return (weights * slope.log()).sum().item()

    assert entropy(1e-4) > entropy(0) > entropy(-1e-4)


def test_the_function_of_least_entropy_gain_is_the_normal_distribution():
    # f' ~ p, so nothing is left to correct: the paper's worst activation. The guard shows where f' is small.
    x = torch.linspace(-1.5, 1.5, 31, dtype=torch.float64)
    assert values("entropy_correction(normal_cdf(x), 0, 1)", x).abs().max() < 0.1
    assert values("entropy_correction(10 * normal_cdf(x), 0, 1)", x).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("entropy_correction(x / rms[last](x), 0, 1)", "point by point"),
        ("entropy_correction(stochastic(0.5, x, relu(x)), 0, 1)", "point by point"),
        ("entropy_correction(relu(x), 0)", "takes 3 argument"),
        ("entropy_correction(relu(x), x, 1)", "is a number or a parameter"),
    ],
)
def test_what_has_no_correction_is_refused(text, reason):
    with pytest.raises(ParseError, match=reason):
        parse(text)
