import io

import pytest
import torch
from torch import nn

from actsearch.grammar.activation import parse

SWISH = parse("1.3 * x * sigmoid(beta * x)", beta=(1.1, "channel"))


def network():
    return nn.Sequential(nn.Linear(4, 8), SWISH.module(channels=8, channel_dim=-1), nn.Linear(8, 2))


def test_torch_compile_keeps_the_kernel_as_one_operator():
    net, x = network(), torch.randn(16, 4)
    graphs = []

    def backend(graph, _example):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    torch.compile(net, fullgraph=True, backend=backend)(x)
    assert sum("actsearch.sweep" in str(node.target) for node in graphs[0].graph.nodes) == 1


@pytest.mark.parametrize("text", ["1.3 * x * sigmoid(beta * x)", "x + c[0] * sin(x) + c[1] * x**2"])
def test_compiled_forward_and_backward_are_those_of_eager_mode(text):
    torch._dynamo.reset()
    layer = parse(text).module()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = torch.randn(5, 7, requires_grad=True)
    found = torch.autograd.grad(compiled(x).square().sum(), [x, *layer.parameters()])
    expected = torch.autograd.grad(layer(x).square().sum(), [x, *layer.parameters()])
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_an_exported_program_says_by_itself_what_it_computes():
    net, x = network(), torch.randn(16, 4)
    file = io.BytesIO()
    torch.export.save(torch.export.export(net, (x,)), file)
    file.seek(0)
    program = torch.export.load(file)
    assert any("actsearch.sweep" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(x), net(x))


@pytest.mark.parametrize("training", [True, False])
def test_an_exported_program_has_statistics_and_their_running_estimates(training):
    layer = parse("x / max(std[batch](x), v * x + std[instance](x))").module(channels=3).train(training)
    x = torch.randn(4, 3, 5)
    program = torch.export.export(layer, (x,))
    assert any("actsearch.sweep" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(x), layer(x))


def test_the_operator_is_registered_as_torch_asks():
    layer = SWISH.module(channels=3)
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    for tensor in (x, x.contiguous(memory_format=torch.channels_last)):
        arguments = ([tensor.detach().requires_grad_(), layer.beta], layer._described[True], 1, 0)
        torch.library.opcheck(torch.ops.actsearch.sweep.default, arguments)


@pytest.mark.parametrize("training", [True, False])
def test_statistics_and_draws_stay_an_operator_too(training):
    text = "stochastic(0.5, x, x * sigmoid(v * x)) / max(std[batch](x), v * x + std[instance](x))"
    layers = [parse(text).module(channels=3).train(training) for _ in range(2)]
    x = torch.randn(4, 3, 5, requires_grad=True)
    compiled = torch.compile(layers[0], backend="aot_eager", fullgraph=True)
    found, expected = [], []
    for results, call in ((found, compiled), (expected, layers[1])):
        y = call(x)
        results += [y, *torch.autograd.grad(y.square().sum(), [x, next(call.parameters())])]
    for a, b in zip(layers[0].buffers(), layers[1].buffers(), strict=True):
        torch.testing.assert_close(a, b)
    assert torch.equal(layers[0].running_0, torch.ones(3)) != training
    if not training:
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b)


def test_the_operator_with_statistics_is_registered_as_torch_asks():
    for text in ("x / std[batch](x)", "x / rms[last](x)"):
        layer = parse(text).module(channels=3)
        x = torch.randn(4, 3, 5, requires_grad=True)
        torch.library.opcheck(torch.ops.actsearch.sweep.default, ([x], layer._described[True], 1, 0))


def test_under_autocast_the_dtype_is_that_of_the_input():
    net = network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = net[0](torch.randn(16, 4))
        y = net[1](hidden)
        assert hidden.dtype == y.dtype == torch.bfloat16
        assert net[1](torch.randn(16, 8)).dtype == torch.float32
    y.float().sum().backward()
    assert net[1].beta.grad.dtype == torch.float32
    assert bool(net[0].weight.grad.isfinite().all())
