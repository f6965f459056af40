import numpy as np
import pytest
import torch

from actsearch.compile.saving.accuracy import gradient_error, slopes
from actsearch.compile.saving.function import Function
from actsearch.compile.saving.output import output_plan
from actsearch.compile.saving.plan import keeping_input
from actsearch.grammar.activation import parse


def test_the_error_of_tanh_is_that_of_the_rounding_of_its_output():
    function = Function(parse("tanh(x)"))
    error = gradient_error(function, output_plan(function), torch.bfloat16)
    # Outputs between 1/2 and 1 lie 2^-8 apart, and the derivative of (1 - y) (1 + y) is -2 y.
    assert 0.9 * 2.0**-8 < error.absolute <= 1.01 * 2.0**-8
    assert error.relative == 1
    assert error.steepest == 1
    assert error.root_mean_square < 0.5 * error.absolute


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_input_says_the_derivative_to_rounding(dtype):
    function = Function(parse("gelu(x)"))
    assert gradient_error(function, keeping_input(function.derivative), dtype).absolute < 3e-7


def test_near_a_turn_the_output_hides_the_derivative_by_the_root_of_its_rounding():
    function = Function(parse("gelu(x)"))
    errors = [gradient_error(function, output_plan(function), dtype).share for dtype in (torch.float32, torch.bfloat16)]
    assert 1e-5 < errors[0] < 2e-4
    assert 5e-3 < errors[1] < 3e-2


def test_every_number_of_a_16_bit_dtype_is_tried():
    function = Function(parse("softplus(x)"))
    plan = output_plan(function)
    worst = gradient_error(function, plan, torch.bfloat16).absolute
    x = torch.linspace(-20, 20, 9999).to(torch.bfloat16)
    apart = np.abs(slopes(function, plan, x).double().numpy() - function.slope(x.double().numpy()))
    assert apart.max() <= worst
