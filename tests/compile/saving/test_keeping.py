import copy
import io

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from actsearch.compile.saving import error_of, saved_bits
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse

BACKENDS = ["torch", "llvm"]
MODES = {
    "auto": ["sigmoid(x)", "tanh(x)", "elu(x)", "relu(x)**2", "gelu(x)", "silu(x)", "mish(x)", "relu(x)", "abs(x)"],
    "output": ["softplus(x)", "exp(-x**2)", "hardswish(x)", "selu(x)", "relu(x)", "x - 3 * tanh(x)"],
    "bits:1": ["gelu(x)", "leaky"], "bits:2": ["silu(x)", "sin(x)"], "bits:3": ["mish(x)"], "bits:4": ["tanh(x)"],
}  # fmt: skip
CASES = [(text, saving) for saving, texts in MODES.items() for text in texts]
EPSILON = {torch.float32: 2e-6, torch.bfloat16: 2.0**-8}


def activation_of(text):
    return parse("maximum(x, 0.1 * x)" if text == "leaky" else text)


def gradients(layer, x, upstream):
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(x)
    y.backward(upstream)
    return y.detach(), x.grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("text", "saving"), CASES)
def test_gradients_are_those_of_float64_to_the_stated_error(text, saving, backend, dtype):
    activation = activation_of(text)
    torch.manual_seed(0)
    x, upstream = (2 * torch.randn(3, 5, 67)).to(dtype), torch.randn(3, 5, 67).to(dtype)
    y, found = gradients(activation.module(backend=backend, saving=saving, gain=1.5), x, upstream)
    expected = gradients(activation.module(backend="torch", gain=1.5), x.double(), upstream.double())[1]
    error = error_of(activation, saving, dtype, gain=1.5)
    # A kernel's output is off by another rounding than torch's, which hides the derivative as much again.
    allowed = error.absolute * 2 + EPSILON[dtype] * (1 + expected.abs())
    assert ((found.double() - expected).abs() <= allowed * upstream.double().abs().clamp(min=1)).all()
    assert torch.equal(y, activation.module(backend=backend, gain=1.5)(x))
    assert (found.dtype, found.shape) == (dtype, x.shape)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("saving", ["auto", "bits:3"])
@pytest.mark.parametrize("count", [0, 1, 9, 1000, 70001])
def test_an_element_has_the_same_gradient_in_any_tensor(count, saving, backend):
    torch.manual_seed(count)
    x, upstream = torch.randn(count), torch.randn(count)
    layer = parse("gelu(x)").module(backend=backend, saving=saving)
    found = gradients(layer, x, upstream)[1]
    assert found.shape == x.shape
    for part in (slice(0, 1), slice(count // 3, count // 2), slice(count - 1, count)):
        assert torch.equal(gradients(layer, x[part], upstream[part])[1], found[part])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("saving", ["output", "bits:3"])
def test_tensors_lie_in_memory_as_they_like(saving, backend):
    torch.manual_seed(0)
    layer = parse("silu(x)").module(backend=backend, saving=saving)
    whole, upstream = torch.randn(4, 6, 5, 7), torch.randn(4, 6, 5, 7)
    expected = gradients(layer, whole, upstream)[1]
    for x in (
        whole.to(memory_format=torch.channels_last),
        whole.transpose(0, 3).contiguous().transpose(0, 3),
        torch.stack([whole, whole], -1)[..., 0],
    ):
        assert torch.equal(gradients(layer, x, upstream)[1], expected)
        strange = upstream.transpose(1, 2).contiguous().transpose(1, 2)
        assert torch.equal(gradients(layer, x, strange)[1], expected)
    x = whole.clone().requires_grad_()
    layer(x).sum().backward()
    assert torch.equal(x.grad, gradients(layer, whole, torch.ones_like(whole))[1])
    number = torch.tensor(0.4, requires_grad=True)
    layer(number).backward()
    assert number.grad.shape == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("text", "saving"), [*CASES, ("gelu(x)", "input"), ("2 * x", "auto"), ("hardtanh(x)", "output"), ("sin(x)", "auto")]
)
def test_what_is_kept_is_what_is_said(text, saving, dtype):
    activation, sizes = activation_of(text), {}

    def note(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    x = torch.randn(64, 32, dtype=dtype, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        activation.module(backend="llvm", saving=saving)(x)
    assert 8 * sum(sizes.values()) / x.numel() == saved_bits(activation, dtype, saving, is_output_kept=False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_output_is_kept_once_for_the_layer_and_the_next_one(backend):
    net = nn.Sequential(nn.Linear(16, 64), parse("tanh(x)").module(backend=backend, saving="auto"), nn.Linear(64, 4))
    own, kept = {parameter.data_ptr() for parameter in net.parameters()}, {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        y = net(torch.randn(8, 16))
    assert sum(size for place, size in kept.items() if place not in own) == 4 * 8 * (16 + 64)
    y.sum().backward()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", ["tanh(x)", "sigmoid(x)", "exp(-x**2)", "elu(x)", "softplus(x)"])
def test_exact_plans_can_be_differentiated_again(text, backend):
    x = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    layer = parse(text).module(backend=backend, saving="output")
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)


@pytest.mark.parametrize("saving", ["output", "bits:2"])
def test_others_say_that_they_cannot(saving):
    x = torch.randn(9, requires_grad=True)
    layer = parse("gelu(x)").module(saving=saving)
    (slope,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    assert torch.isfinite(slope).all()
    with pytest.raises(
        UnsupportedError, match=f"saving='{saving}' keeps too little .*: build the layer with saving='input'"
    ):
        slope.sum().backward()


def test_the_gradient_of_straight_pieces_can_be_differentiated_by_the_upstream_gradient():
    x, weight = torch.randn(9, requires_grad=True), torch.randn(9, requires_grad=True)
    (slope,) = torch.autograd.grad((parse("relu(x)").module(saving="auto")(x) * weight).sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert torch.equal(weight.grad, 2 * weight.detach() * (x.detach() > 0))


@pytest.mark.parametrize("saving", ["output", "bits:2"])
def test_other_ways_of_differentiating_know_the_input(saving):
    kept, plain = (parse("gelu(x)").module(backend="llvm", saving=of) for of in (saving, "input"))
    x, tangent = torch.randn(7), torch.randn(7)
    both = [
        (torch.func.grad(lambda v, f=f: f(v).sum())(x), torch.func.jvp(f, (x,), (tangent,))[1]) for f in (kept, plain)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*both, strict=True))


def test_layers_are_copied_saved_loaded_and_checkpointed():
    net = nn.Sequential(nn.Linear(6, 9), parse("silu(x)").module(saving="bits:3"), nn.Linear(9, 2))
    x = torch.randn(5, 6)
    net(x).sum().backward()
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    others = [copy.deepcopy(net), torch.load(file, weights_only=False)]
    others[0].load_state_dict(net.state_dict())
    assert "saving='bits:3'" in repr(net)
    for other in others:
        other.zero_grad()
        other(x).sum().backward()
        assert all(torch.equal(a.grad, b.grad) for a, b in zip(net.parameters(), other.parameters(), strict=True))
    again = copy.deepcopy(net)
    again.zero_grad()
    checkpoint(again, x, use_reentrant=False).sum().backward()
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_nothing_is_kept_where_nothing_is_learnt():
    layer = parse("gelu(x)").module(backend="llvm", saving="auto")
    with torch.no_grad():
        assert layer(torch.randn(5, requires_grad=True)).grad_fn is None
    assert layer(torch.randn(5)).grad_fn is None


@pytest.mark.parametrize(
    "text", ["gelu(x)", "silu(x)", "x / (1 + abs(x))", "erf(x)", "x + tanh(x)", "exp(-x**2)", "1 / (1 + x**2)"]
)
def test_gradients_far_out_are_those_of_the_limits(text):
    x = torch.tensor([30.0, 1e3, 1e8, 1e15, -30.0, -1e3, -1e8, -1e15])
    found = gradients(parse(text).module(backend="llvm", saving="output"), x, torch.ones(8))[1]
    expected = gradients(parse(text).module(backend="torch"), x.double(), torch.ones(8).double())[1]
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-5)
