"""Derivatives through statistics are statistics."""

import pytest
import torch

from actsearch.compile.autograd import Call, FusedSweep
from actsearch.compile.derive import gradients
from actsearch.compile.stages import stage
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Constant, Input, X
from actsearch.grammar.text import read, write

TEXTS = (
    "x * mean[last](x)", "x / std[layer](x)", "x * max[instance](x * v)", "x - min[group:2](x)", "sum[batch](x) * x",
    "x * var[layer](x - mean[last](x))", "x * quantile[last](x, 0.3)", "where(greater(x, 0), mean[layer](x * v), x**2)",
    "x * mean[layer](where(greater(x, 0), x, v * x))", "detach(mean[last](x)) * x",
    "exp(x - max[last](x)) / sum[last](exp(x))",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_they_are_those_of_autograd_twice(text):
    staged = stage(parse(text))
    fused = FusedSweep(sweep=staged.sweep, constants=staged.constants, compiler=lambda *_: None, dtypes=())
    generator = torch.Generator().manual_seed(0)
    x, upstream, again = torch.randn(3, 3, 4, 5, generator=generator, dtype=torch.float64)
    x, v = x.requires_grad_(), torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    tensors = [x, *([v] if staged.sweep.parameters else [])]
    call = Call(channel_dim=1)
    (y,) = fused.run_eagerly(tensors, call)
    expected = torch.autograd.grad(y, tensors, upstream, create_graph=True, allow_unused=True, materialize_grads=True)
    found = fused.derivative.run_eagerly([x, upstream, *tensors[1:]], call)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
    if expected[0].requires_grad:
        second = torch.autograd.grad(expected[0], x, again)
        torch.testing.assert_close(torch.autograd.grad(found[0], x, again), second)


def test_an_adjoint_is_a_statistic_over_the_same_axis():
    seeds = [(read("x * mean[group:4](x)"), Input("upstream"))]
    (found,) = gradients(seeds, [X])
    assert write(found) == "upstream * mean[group:4](x) + mean[group:4](upstream * x)"
    assert gradients([(read("quantile[last](x, 0.5)"), Constant(1.0))], [X]) == [Constant(0.0)]


def test_statistics_that_others_say_have_no_rule():
    with pytest.raises(TypeError, match=r"std\[last\]"):
        gradients([(read("std[last](x)"), Constant(1.0))], [X])
