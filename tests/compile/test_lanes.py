"""Lanes: MaxMin and concatenated ReLU against plain torch."""

import copy
import pickle

import pytest
import torch

from actsearch.errors import ConfigError, UnsupportedError
from actsearch.grammar.activation import Candidate, ParameterSpec, parse


def lanes(*activations):
    given = [parse(lane) if isinstance(lane, str) else lane for lane in activations]
    return Candidate(assignment=tuple((f"lane:{number}", lane) for number, lane in enumerate(given, 1)))


CRELU = lanes("relu(x)", "relu(-x)")
MAXMIN = lanes("max(x, gate)", "min(x, gate)")
SLOPED = lanes(parse("max(x, a * x)", a=(0.25, "channel")), parse("b * tanh(gate)", b=(2.0, "channel")))


@pytest.mark.parametrize("backend", ["torch", "llvm"])
@pytest.mark.parametrize(("shape", "dim"), [((4, 6), 1), ((2, 6, 3, 5), 1), ((2, 3, 6), -1), ((6,), 0)])
def test_concatenated_relu_doubles_the_channels_and_maxmin_keeps_them(backend, shape, dim):
    x = torch.randn(shape, requires_grad=True)
    upstream = torch.randn(shape)
    y = CRELU.module(backend=backend, channel_dim=dim)(x)
    expected = torch.cat([torch.relu(x), torch.relu(-x)], dim)
    torch.testing.assert_close(y, expected)
    first, second = x.chunk(2, dim)
    sorted_pairs = torch.cat([torch.maximum(first, second), torch.minimum(first, second)], dim)
    y = MAXMIN.module(backend=backend, channel_dim=dim, gain=1.5)(x)
    torch.testing.assert_close(y, 1.5 * sorted_pairs)
    found, wanted = (torch.autograd.grad(value, x, upstream)[0] for value in (y, 1.5 * sorted_pairs))
    torch.testing.assert_close(found, wanted)


def test_each_lane_has_parameters_and_reads_what_it_names():
    layer, x = SLOPED.module(), torch.randn(3, 8, 2)
    y = layer(x)
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {"lane_1.a": (4,), "lane_2.b": (4,)}
    first, second = x.chunk(2, 1)
    torch.testing.assert_close(y, torch.cat([torch.maximum(first, 0.25 * first), 2 * torch.tanh(second)], 1))
    sized = SLOPED.module(channels=4)
    sized.load_state_dict(layer.state_dict())
    for other in (sized, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(other(x), y)


def test_lanes_share_what_is_marked_as_shared():
    scale = ParameterSpec(name="s", initial=0.5, shared=True)
    shared = lanes(parse("s * x", s=scale), parse("sin(s * x)", s=scale))
    layer, other = shared.module(), shared.module()
    assert layer.lane_1.s is layer.lane_2.s
    assert layer.lane_1.s is not other.lane_1.s
    together = {}
    assert shared.module(shared=together).lane_1.s is shared.module(shared=together).lane_2.s is together["s"]


def test_training_and_evaluation_reach_every_lane():
    layer = lanes("x / std[batch](x)", "stochastic(0.5, x, 0)").module(channels=3)
    x = 2 * torch.randn(40, 3)
    layer(x)
    assert not torch.equal(layer.lane_1.running_0, torch.ones(3))
    layer.eval()
    torch.testing.assert_close(layer(x)[:, 3:], 0.5 * x)


def test_it_compiles_with_torch():
    layer, x = MAXMIN.module(backend="torch"), torch.randn(3, 4)
    expected = layer(x)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(layer, backend="eager", fullgraph=True)(x), expected)


def test_a_candidate_of_one_activation_is_its_layer():
    x = torch.randn(5)
    layer = Candidate.everywhere(parse("x * tanh(a * x)", a=0.3)).module(gain=2.0)
    torch.testing.assert_close(layer(x), 2 * x * torch.tanh(0.3 * x))


def test_lanes_are_told_by_their_numbers_whatever_their_order():
    swapped = Candidate(assignment=tuple(reversed(CRELU.assignment)))
    assert swapped.id != CRELU.id
    x = torch.randn(2, 3)
    torch.testing.assert_close(swapped.module()(x), CRELU.module()(x))


@pytest.mark.parametrize("selectors", [("lane:1", "lane:3"), ("layer:1", "layer:2"), ("lane:1", "*"), ()])
def test_other_assignments_are_no_layer(selectors):
    relu = parse("relu(x)")
    with pytest.raises(UnsupportedError, match="lane:1, lane:2 and so on"):
        Candidate(assignment=tuple((selector, relu) for selector in selectors)).module()


def test_what_cannot_be_taken_is_one_clear_sentence():
    with pytest.raises(ConfigError, match="3 channels: split=True needs an even number"):
        MAXMIN.module()(torch.randn(2, 3))
    with pytest.raises(ConfigError, match="only 1 dimension"):
        CRELU.module()(torch.randn(3))
