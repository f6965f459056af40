import pytest
import torch
from torch import nn

from actsearch.grammar.activation import parse


@pytest.mark.parametrize("backend", ["torch", "llvm"])
@pytest.mark.parametrize(("text", "saving"), [("gelu(x)", "auto"), ("tanh(x)", "output"), ("silu(x)", "bits:3")])
def test_compiled_layers_keep_the_same_and_have_the_same_gradients(text, saving, backend):
    torch._dynamo.reset()
    net = nn.Sequential(nn.Linear(33, 47), parse(text).module(backend=backend, saving=saving), nn.Linear(47, 5))
    x = torch.randn(21, 33)
    expected = torch.autograd.grad(net(x).square().sum(), list(net.parameters()))
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    found = torch.autograd.grad(compiled(x).square().sum(), list(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_the_compiler_is_told_of_what_is_kept():
    torch._dynamo.reset()
    kept = []

    def note(tensor):
        kept.append((tuple(tensor.shape), tensor.dtype))
        return tensor

    net = nn.Sequential(nn.Linear(8, 64), parse("gelu(x)").module(saving="bits:2"), nn.Linear(64, 3))
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        compiled(torch.randn(16, 8))
    # Codes of 2 bits; the output of the layer, for the gradient of the weights behind it; not its input.
    assert ((1, 256), torch.uint8) in kept
    assert [shape for shape, _ in kept].count((16, 64)) == 1


def test_what_the_codes_cannot_be_is_left_to_the_operator_of_the_layer():
    torch._dynamo.reset()
    layer = parse("exp(-x**2)").module(saving="auto")
    x = torch.randn(9, dtype=torch.bfloat16, requires_grad=True)
    (found,) = torch.autograd.grad(torch.compile(layer, fullgraph=True, backend="aot_eager")(x).sum(), x)
    (expected,) = torch.autograd.grad(parse("exp(-x**2)").module()(x).sum(), x)
    assert torch.equal(found, expected)


@pytest.mark.parametrize(("text", "saving"), [("gelu(x)", "auto"), ("tanh(x)", "output"), ("silu(x)", "bits:3")])
def test_the_operator_is_registered_as_torch_asks(text, saving):
    layer = parse(text).module(saving=saving)
    x = torch.randn(4, 5, 6, requires_grad=True)
    torch.library.opcheck(torch.ops.actsearch.saving.default, (x, layer._described_saving, 1))


def test_layers_are_exported_as_they_are():
    net, x = nn.Sequential(nn.Linear(4, 8), parse("gelu(x)").module(saving="auto")), torch.randn(3, 4)
    assert torch.equal(torch.export.export(net, (x,)).module()(x), net(x))
