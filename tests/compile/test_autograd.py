import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call, grad, hessian, jvp, vmap

from actsearch.grammar.activation import parse

LAYERS = [
    ("x * sigmoid(beta * x) + 1.3 * sin(x)", {}),
    ("x * sigmoid(beta * x)", {"beta": (1.1, "channel")}),
    ("tanh(x) * (c[0] + c[1] * x)", {"c": ((0.3, 0.7), "group:3")}),
    ("a * mish(x) + x", {"a": (0.4, "element")}),
]


def called(layer):
    names = [name for name, _ in layer.named_parameters()]

    def function(x, *parameters):
        return functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    return function


@pytest.mark.parametrize(("text", "parameters"), LAYERS)
def test_first_and_second_derivatives_are_right(text, parameters):
    layer = parse(text, **parameters).module(backend="llvm", dtype=torch.float64)
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    layer(x)
    arguments = (x, *layer.parameters())
    assert gradcheck(called(layer), arguments)
    assert gradgradcheck(called(layer), arguments)


def test_second_derivatives_of_two_inputs_are_right():
    layer = parse("x * gate * sigmoid(b * gate)", b=0.7).module(backend="llvm", dtype=torch.float64)
    x, gate = torch.randn(2, 3, 5, dtype=torch.float64).requires_grad_().unbind()
    assert gradgradcheck(layer, (x, gate))


def test_a_third_derivative_is_compiled_as_well():
    layer = parse("sin(x)").module(backend="llvm", dtype=torch.float64)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    value = layer(x).sum()
    for _ in range(3):
        (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    torch.testing.assert_close(value, -torch.cos(x))


def test_per_sample_gradients_hessians_and_forward_mode():
    layer = parse("x * sigmoid(beta * x)").module(backend="llvm")
    x = torch.randn(6, 5)
    own = {name: value.detach() for name, value in layer.named_parameters()}

    def loss(parameters, inputs):
        return functional_call(layer, parameters, (inputs,)).square().sum()

    each = vmap(grad(loss), in_dims=(None, 0))(own, x)["beta"]
    torch.testing.assert_close(each, torch.stack([grad(loss)(own, row)["beta"] for row in x]))
    curvature = vmap(hessian(lambda row: loss(own, row)))(x)
    step = 1e-3
    ahead, behind = (vmap(grad(loss, argnums=1), in_dims=(None, 0))(own, x + sign * step) for sign in (1, -1))
    torch.testing.assert_close(curvature.diagonal(dim1=1, dim2=2), (ahead - behind) / (2 * step), rtol=1e-2, atol=1e-2)
    _, tangent = jvp(layer, (x,), (torch.ones_like(x),))
    torch.testing.assert_close(tangent, grad(lambda inputs: layer(inputs).sum())(x))


def test_per_sample_gradients_of_what_hands_its_input_on():
    layer, x = parse("x").module(backend="llvm"), torch.randn(4, 5)
    found = vmap(grad(lambda row: (layer(row) * row).sum()))(x)
    torch.testing.assert_close(found, 2 * x)


def test_without_gradients_nothing_is_kept():
    layer = parse("x * sigmoid(beta * x)").module(backend="llvm")
    with torch.no_grad():
        assert layer(torch.randn(4)).grad_fn is None
    layer.requires_grad_(requires_grad=False)
    assert not layer(torch.randn(4)).requires_grad
