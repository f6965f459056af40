"""What is stated of a mode's gradient error, held against the layer itself and derivatives written out in float64."""

import functools

import numpy as np
import pytest
import torch
from scipy.special import expit, ndtr

from actsearch.compile.eager import compile_eager
from actsearch.compile.saving import describe
from actsearch.compile.saving.choice import error_of
from actsearch.compile.saving.function import Function
from actsearch.compile.saving.output import output_plan
from actsearch.grammar.activation import parse


def _mish(x):
    inner = np.tanh(np.logaddexp(0, x))
    return inner + x * (1 - inner) * (1 + inner) * expit(x)


# In forms that do not cancel in the tails, as those of torch's own derivatives do.
EXACT = {
    "gelu(x)": lambda x: ndtr(x) + x * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi),
    "silu(x)": lambda x: expit(x) * (1 + x * expit(-x)),
    "mish(x)": _mish,
    "tanh(x)": lambda x: np.cosh(x) ** -2.0,
    "elu(x)": lambda x: np.exp(np.minimum(x, 0)),
    "hardtanh(x)": lambda x: 1.0 * (np.abs(x) < 1),
}
MODES = ("input", "auto", "output", "bits:1", "bits:2", "bits:3", "bits:4")


@functools.cache
def _inputs():
    """All finite bfloat16 numbers from -20 to 20 except where a slope jumps, which has no derivative to be held to."""
    every = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16).view(torch.bfloat16).double()
    return every[(every.abs() <= 20) & (every.abs() != 1) & (every != 0)]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", EXACT)
def test_a_layer_is_no_further_from_float64_than_its_mode_states(text, mode, dtype):
    activation, expected = parse(text), torch.from_numpy(EXACT[text](_inputs().numpy()))
    error = error_of(activation, mode, dtype)
    x = _inputs().to(dtype).requires_grad_()
    activation.module(backend="llvm", saving=mode)(x).sum().backward()
    apart = (x.grad.double() - expected).abs()
    # The gradient's own rounding is not stated, and an output that is off by another rounding hides as much again.
    rounding = torch.finfo(dtype).eps
    assert apart.max() <= 2 * error.absolute + 4 * rounding * error.steepest
    # Nearer to the smallest normal number kernels flush what exp gives to 0.
    known = expected.abs() > 2.0**-100
    assert (apart[known] / expected[known].abs()).max() <= 2 * error.relative + 32 * rounding
    if dtype == torch.bfloat16:
        # The same inputs: what is stated is met, so it is no bound without content.
        assert error.absolute <= 2 * apart.max() + rounding


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_states_both_errors(mode, dtype):
    activation = parse("gelu(x)")
    sentence = describe(activation, dtype, mode)
    assert f"error in {str(dtype).removeprefix('torch.')} for |x| <= 20" in sentence
    assert f"{error_of(activation, mode, dtype).absolute:.1e} absolute" in sentence
    assert "relative" in sentence


def test_a_fitted_slope_stands_still_where_the_output_is_all_but_its_limit():
    slope = compile_eager(output_plan(Function(parse("gelu(x)"))).slope)
    y = -torch.logspace(-300, -16, 200, dtype=torch.float64)
    assert slope({"y": y, "code": torch.zeros_like(y)}).abs().max() < 1e-5
