import pytest
import torch

from actsearch.errors import ConfigError
from actsearch.grammar.activation import parse


def shapes(text, x, **parameters):
    layer = parse(text, **parameters).module(backend="torch")
    layer(x)
    return {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}


def test_shapes_follow_granularity_and_length():
    x = torch.randn(2, 6, 5)
    scalars = {name: (0.5, g) for name, g in (("a", "layer"), ("b", "channel"), ("c", "group:3"), ("d", "element"))}
    assert shapes("a*x + b*x + c*x + d*x", x, **scalars) == {"a": (1,), "b": (6,), "c": (3,), "d": (6, 5)}
    arrays = {name: ((0.5, 0.25), granularity) for name, (_, granularity) in scalars.items()}
    text = " + ".join(f"{name}[0]*x + {name}[1]" for name in scalars)
    assert shapes(text, x, **arrays) == {"a": (2,), "b": (2, 6), "c": (2, 3), "d": (2, 6, 5)}


@pytest.mark.parametrize("backend", ["torch", "llvm"])
@pytest.mark.parametrize("granularity", ["layer", "channel", "group:3", "element"])
def test_each_place_has_its_own_value(backend, granularity):
    layer = parse("c[0] * x + c[1] * sin(x)", c=((0.5, 0.25), granularity)).module(backend=backend)
    x = torch.randn(2, 6, 5)
    layer(x)
    with torch.no_grad():
        layer.c.copy_(torch.randn(layer.c.shape))
    c = layer.c.detach()
    wide = {
        "layer": lambda: c.view(2, 1, 1),
        "channel": lambda: c.view(2, 6, 1),
        "group:3": lambda: c.repeat_interleave(2, 1).view(2, 6, 1),
        "element": lambda: c,
    }[granularity]()
    torch.testing.assert_close(layer(x), wide[0] * x + wide[1] * torch.sin(x))


def test_what_does_not_fit_is_one_clear_sentence():
    x = torch.randn(2, 6)
    with pytest.raises(ConfigError, match="beta has 4 groups, into which 6 channels cannot be divided"):
        parse("beta * x", beta=(1.0, "group:4")).module()(x)
    layer = parse("beta * x", beta=(1.0, "element")).module()
    layer(x)
    with pytest.raises(ConfigError, match=r"shape \(6,\), but one sample of the input \(7,\)"):
        layer(torch.randn(2, 7))
    with pytest.raises(ConfigError, match="the input is a number"):
        parse("beta * x", beta=(1.0, "element")).module()(torch.tensor(1.0))


def test_sites_that_share_a_parameter_have_one():
    from actsearch.grammar.activation import ParameterSpec

    activation = parse("beta * x + b", beta=ParameterSpec(name="beta", initial=0.5, shared=True))
    shared = {}
    one, other = (activation.module(shared=shared) for _ in range(2))
    assert one.beta is other.beta
    assert one.b is not other.b
    assert list(shared) == ["beta"]


def test_lazy_parameters_and_running_estimates_survive_a_state_dict():
    activation = parse("x / std[batch](x) * beta", beta=(1.5, "element"))
    layer = activation.module()
    x = torch.randn(8, 3, 4)
    for _ in range(3):
        layer(x)
    fresh = activation.module()
    fresh.load_state_dict(layer.state_dict())
    assert fresh.eval()(x).shape == x.shape
    torch.testing.assert_close(fresh(x), layer.eval()(x))


def test_batch_statistics_are_the_batch_s_in_training_and_running_ones_in_evaluation():
    layer = parse("(x - mean[batch](x)) / std[batch](x)").module()
    x = 3 + 2 * torch.randn(400, 3, 5)
    torch.testing.assert_close(layer(x), torch.nn.functional.batch_norm(x, None, None, training=True))
    for _ in range(100):
        layer(x)
    expected = (x - x.mean((0, 2), keepdim=True)) / torch.sqrt(x.var((0, 2), keepdim=True, correction=0) + 1e-5)
    torch.testing.assert_close(layer.eval()(x), expected, rtol=1e-3, atol=1e-3)
