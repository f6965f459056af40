import pytest
import torch

from actsearch.compile.eager import compile_eager, evaluate
from actsearch.compile.statistics.reductions import Reductions
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Apply, Constant, X
from actsearch.grammar.text import read

EPSILON = 1e-5


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


def test_the_entries_of_an_array_stand_along_its_first_dimension():
    f = compile_eager(parse("a[0] + a[2] * x").expression)
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    per_layer = torch.randn(3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(f({"x": x, "a": per_layer}), per_layer[0] + per_layer[2] * x)
    assert torch.autograd.gradcheck(lambda x, a: f({"x": x, "a": a}), (x, per_layer))
    per_channel = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(f({"x": x, "a": per_channel}), per_channel[0] + per_channel[2] * x)


def rms(u, dimensions):
    return (u.square().mean(dimensions, keepdim=True) + EPSILON).sqrt()


def std(u, dimensions):
    return (u.var(dimensions, correction=0, keepdim=True) + EPSILON).sqrt()


def group_std(u, groups):
    grouped = u.unflatten(1, (groups, -1))
    return std(grouped, (2, 3, 4)).expand_as(grouped).flatten(1, 2)


# Text, and the same by hand of x, gate and the parameters in the order of their names.
LAYERS = {
    "EvoNorm S0": (
        "x * sigmoid(v * x) / std[group:2](x) * gamma + beta",
        lambda x, beta, gamma, v: x * torch.sigmoid(v * x) / group_std(x, 2) * gamma + beta,
    ),
    "EvoNorm B0": (
        "x / max(std[batch](x), v*x + std[instance](x)) * gamma + beta",
        lambda x, beta, gamma, v: (
            x / torch.maximum(std(x, (0, 2, 3)).expand_as(x), v * x + std(x, (2, 3))) * gamma + beta
        ),
    ),
    "PolyNorm": (
        "a[0] * x / rms[last](x) + a[1] * x**2 / rms[last](x**2) + a[2] * x**3 / rms[last](x**3) + b",
        lambda x, a, b: sum(a[i] * x ** (i + 1) / rms(x ** (i + 1), -1) for i in range(3)) + b,
    ),
    "softmax": (
        "exp(x - max[last](x)) / sum[last](exp(x - max[last](x)))",
        lambda x: x.softmax(-1),
    ),
    "standardised": (
        "(x - mean[layer](x)) / std[layer](x - mean[layer](x))",
        lambda x: (x - x.mean((1, 2, 3), keepdim=True)) / std(x, (1, 2, 3)),
    ),
    "range": (
        "(x - min[instance](x)) / (max[instance](x) - min[instance](x))",
        lambda x: (x - x.amin((2, 3), keepdim=True)) / (x.amax((2, 3), keepdim=True) - x.amin((2, 3), keepdim=True)),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_with_statistics_are_what_they_are_by_hand(name):
    text, by_hand = LAYERS[name]
    activation = parse(text)
    assert parse(activation.text) == activation
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 4, 2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    names = sorted(spec.name for spec in activation.parameters)
    sizes = {spec.name: (len(spec.entries), 1) if spec.length else (4, 1, 1) for spec in activation.parameters}
    given = [torch.randn(sizes[n], generator=generator, dtype=torch.float64, requires_grad=True) for n in names]
    f = compile_eager(activation.expression)

    def found(x, *parameters):
        return f({"x": x, **dict(zip(names, parameters, strict=True))}, Reductions(x.shape))

    expected = by_hand(x, *given)
    assert expected.shape == x.shape
    torch.testing.assert_close(found(x, *given), expected)
    torch.testing.assert_close(evaluate(read(text), {"x": x, **dict(zip(names, given, strict=True))},
                                        Reductions(x.shape)), expected)  # fmt: skip
    upstream = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(
        torch.autograd.grad(found(x, *given), (x, *given), upstream),
        torch.autograd.grad(expected, (x, *given), upstream),
    )
    assert torch.autograd.gradcheck(found, (x, *given))


def test_a_gated_unit_reads_two_inputs():
    f = compile_eager(parse("x * sigmoid(gate)").expression)
    x, gate = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True).unbind(0)
    torch.testing.assert_close(f({"x": x, "gate": gate}), x * torch.sigmoid(gate))
    torch.testing.assert_close(f({"x": x, "gate": gate}), torch.nn.functional.glu(torch.cat([x, gate], -1)))


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [
        # HeLU: the backward of relu with a hysteresis.
        (
            "where(greater(x, -a), x, 0) + detach(relu(x) - where(greater(x, -a), x, 0))",
            torch.relu,
            lambda x: (x > -0.5).double(),
        ),
        ("x + detach(sign(x) - x)", torch.sign, torch.ones_like),
        ("x * detach(sigmoid(x))", torch.nn.functional.silu, torch.sigmoid),
        ("detach(x) * 2 + 0 * x", lambda x: 2 * x, None),
    ],
)
def test_a_backward_may_be_another_one_than_the_forward(text, value, slope):
    activation = parse(text)
    assert parse(activation.text) == activation
    x = torch.linspace(-2, 2, 41, dtype=torch.float64, requires_grad=True)
    y = evaluate(activation.expression, {"x": x, "a": torch.tensor(0.5, dtype=torch.float64)})
    torch.testing.assert_close(y, value(x).detach(), check_stride=False)
    assert y.requires_grad == (slope is not None)
    if slope is not None:
        torch.testing.assert_close(torch.autograd.grad(y.sum(), x)[0], slope(x.detach()))


def test_without_reductions_a_statistic_is_refused_by_name():
    with pytest.raises(UnsupportedError, match=r"^the statistic mean\[last\]\(x\) is not supported here") as refused:
        evaluate(parse("x - mean[last](x)").expression, {"x": torch.zeros(3)})
    assert "\n" not in str(refused.value)


def test_what_stands_in_a_statistic_and_outside_it_is_computed_once():
    calls = []

    class Counting(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, _types, args=(), kwargs=None):
            calls.append(function)
            return function(*args, **(kwargs or {}))

    x = torch.ones(2, 3)
    with Counting():
        evaluate(parse(LAYERS["softmax"][0]).expression, {"x": x}, Reductions(x.shape))
    assert calls.count(torch.exp) == 1
    assert calls.count(torch.Tensor.amax) == 1


@pytest.mark.parametrize("text", ["mean[last](x)", "sum[layer](1)", "max[batch](beta)", "var[instance](2 * beta)"])
def test_a_statistic_alone_has_the_shape_of_x(text):
    x = torch.randn(2, 3, 4)
    y = evaluate(parse(text).expression, {"x": x, "beta": torch.ones(3, 1)}, Reductions(x.shape))
    assert y.shape == x.shape
