import pytest
import torch

from actsearch.compile.eager import compile_eager, evaluate
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Apply, Constant, X


def test_parameters_broadcast_against_a_stack_of_members():
    f = compile_eager(parse("x * sigmoid(beta * x) + b").expression)
    x = torch.randn(6, 64, 32, requires_grad=True)
    beta = torch.randn(6, 1, 32, requires_grad=True)
    b = torch.randn(6, 1, 1, requires_grad=True)
    y = f({"x": x, "beta": beta, "b": b})
    torch.testing.assert_close(y, x * torch.sigmoid(beta * x) + b)
    y.sum().backward()
    assert beta.grad.shape == beta.shape
    assert b.grad.shape == b.shape


@pytest.mark.parametrize("text", ["3", "beta", "sin(2)", "where(1, 2, 3)", "greater(1, 2)"])
def test_without_x_the_result_still_has_its_shape(text):
    values = {"x": torch.zeros(4, 3), "beta": torch.ones(3)}
    assert evaluate(parse(text).expression, values).shape == (4, 3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_constants_take_the_dtype_of_the_input(dtype):
    expression = parse("max(0.3, x) + where(greater(x, 0), 1.5, 2) * x - 0.7 / (2 + x**2) + greater(1, x)").expression
    assert evaluate(expression, {"x": torch.linspace(-1, 1, 5, dtype=dtype)}).dtype == dtype


def test_numbers_alone_follow_torch_where_python_would_raise():
    y = evaluate(Apply("divide", (Constant(1.0), Constant(0.0))), {"x": torch.zeros(2)})
    assert torch.equal(y, torch.full((2,), torch.inf))
    y = evaluate(parse("1e300 * 1e300 * x").expression, {"x": torch.ones(2)})
    assert torch.isinf(y).all()


def test_a_negative_power_is_a_division():
    y = evaluate(parse("x / (3 + x)").expression, {"x": torch.tensor([7.0])})
    assert y.item() == torch.tensor(7.0).div(10.0).item()


def test_what_is_said_twice_is_computed_once():
    calls = []

    class Counting(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, _types, args=(), kwargs=None):
            calls.append(function)
            return function(*args, **(kwargs or {}))

    with Counting():
        evaluate(parse("sigmoid(x) * tanh(sigmoid(x))").expression, {"x": torch.ones(2)})
    assert calls.count(torch.sigmoid) == 1


def test_double_backward():
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    f = compile_eager(Apply("mish", (X,)))
    assert torch.autograd.gradgradcheck(lambda x: f({"x": x}), (x,))
