import pytest
import torch
from torch import nn

from actsearch.grammar.activation import parse

GELU = parse("gelu(x)")


@pytest.fixture(params=["torch", "llvm"])
def layer(request):
    return GELU.module(backend=request.param, saving="auto")


@pytest.fixture
def x():
    return torch.randn(300, 401, generator=torch.Generator().manual_seed(0), requires_grad=True)


def backward(layer, x, read=torch.sin, **options):
    """The gradient, and where the output was."""
    x.grad = None
    y = layer(x)
    place, loss = y.data_ptr(), read(y).sum()
    del y
    loss.backward(**options)
    return x.grad, place


def expected(layer, x, read=torch.sin):
    """The gradient, of a graph that is retained, and so gives up nothing."""
    return backward(layer, x, read, retain_graph=True)[0]


def test_a_gradient_takes_the_memory_of_an_output_that_nobody_reads_again(layer, x):
    known = expected(layer, x)
    found, place = backward(layer, x)
    assert found.data_ptr() == place
    assert torch.equal(found, known)


@pytest.mark.parametrize("hold", [lambda y: y, torch.detach, lambda y: y.detach().numpy(), lambda y: y[3:, 1]])
def test_an_output_that_somebody_holds_stays(layer, x, hold):
    y = layer(x)
    held, before, loss = hold(y), y.detach().clone(), y.sin().sum()
    del y
    loss.backward()
    after = held if torch.is_tensor(held) else torch.from_numpy(held)
    assert torch.equal(after, hold(before) if torch.is_tensor(held) else before)


def test_another_graph_that_reads_the_output_is_differentiated_after(layer, x):
    y = layer(x)
    middle = y.view_as(y)
    first, second = torch.autograd.grad(y.sin().sum(), x, retain_graph=True), middle.exp().sum()
    found = torch.autograd.grad(second, x)
    assert torch.equal(found[0], expected(layer, x, torch.exp))
    assert torch.equal(first[0], expected(layer, x))


def test_a_retained_graph_gives_the_same_again(layer, x):
    loss = layer(x).sin().sum()
    first = torch.autograd.grad(loss, x, retain_graph=True)[0]
    assert torch.equal(torch.autograd.grad(loss, x)[0], first)


def test_what_hooks_have_saved_stays(layer, x):
    store = []

    def pack(tensor):
        store.append(tensor.detach())
        return len(store) - 1

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda at: store[at].detach()):
        loss = layer(x).sin().sum()
    before = [tensor.clone() for tensor in store]
    loss.backward()
    assert all(torch.equal(a, b) for a, b in zip(store, before, strict=True))


def test_an_upstream_gradient_that_is_the_output_stays(layer, x):
    y = layer(x)
    upstream, before = y.detach(), y.detach().clone()
    y.backward(upstream)
    assert torch.equal(upstream, before)


def test_a_residual_sum_and_a_linear_layer_have_their_gradients(layer, x):
    torch.manual_seed(0)
    linear = nn.Linear(401, 7)
    own = [x, *linear.parameters()]

    def gradients(**options):
        y = layer(x)
        loss = linear(y).sin().sum() + (y + x).exp().sum()
        del y
        return torch.autograd.grad(loss, own, **options)

    assert all(torch.equal(a, b) for a, b in zip(gradients(), gradients(retain_graph=True), strict=True))
