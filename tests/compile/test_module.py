import copy
import io
import pickle

import pytest
import torch
from torch import nn

from actsearch.compile.backend import backends, best, load_backend, names
from actsearch.compile.checked import Checked
from actsearch.compile.fused import Fused
from actsearch.compile.module import build
from actsearch.errors import ConfigError, UnknownNameError, UnsupportedError
from actsearch.grammar.activation import parse

SWISH = parse("x * sigmoid(beta * x) + b", beta=(1.5, "channel"), b=0.1)


def test_it_computes_gain_times_the_activation():
    layer = SWISH.module(gain=2.0, channels=3)
    x = torch.randn(5, 3, 4)
    torch.testing.assert_close(layer(x), 2 * (x * torch.sigmoid(1.5 * x) + 0.1))
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {"b": (1,), "beta": (3,)}
    assert "sigmoid(beta * x)" in repr(layer)


@pytest.mark.parametrize(("shape", "dim"), [((5, 3), 1), ((2, 4, 3), -1), ((3, 2), 0), ((2, 3, 4, 5), 1)])
def test_channels_lie_along_channel_dim(shape, dim):
    layer = SWISH.module(channels=3, channel_dim=dim)
    with torch.no_grad():
        layer.beta.copy_(torch.tensor([0.5, 1.0, 2.0]))
    x = torch.randn(shape)
    y = layer(x)
    for channel in range(3):
        part = x.select(dim, channel)
        expected = part * torch.sigmoid(layer.beta[channel] * part) + 0.1
        torch.testing.assert_close(y.select(dim, channel), expected)


def test_channels_are_taken_from_the_first_input():
    layer = nn.Sequential(nn.Linear(4, 7), SWISH.module())
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.randn(2, 4)).sum().backward()
    optimizer.step()
    assert layer[1].beta.shape == (7,)
    assert not torch.equal(layer[1].beta, torch.full((7,), 1.5))


def test_a_state_is_loaded_before_the_first_call():
    state = SWISH.module(channels=6).state_dict()
    layer = SWISH.module()
    layer.load_state_dict(state)
    assert layer.beta.shape == (6,)
    waiting = SWISH.module()
    waiting.load_state_dict(SWISH.module().state_dict())
    assert waiting(torch.randn(2, 4)).shape == (2, 4)


def test_wrong_channels_are_one_clear_sentence():
    layer = SWISH.module(channels=3)
    with pytest.raises(ConfigError, match="beta has 3 channels, but dimension 1 of the input has 4"):
        layer(torch.randn(2, 4))
    with pytest.raises(ConfigError, match=r"channel_dim is 1, but the input has only 1 dimension"):
        layer(torch.randn(3))
    with pytest.raises(ConfigError, match="positive"):
        SWISH.module(channels=0)


def test_unknown_backends_are_refused():
    with pytest.raises(UnknownNameError, match="triton"):
        SWISH.module(backend="tritn")


@pytest.mark.parametrize("backend", ["torch", "llvm"])
def test_a_gated_layer_takes_two_tensors_or_the_halves_of_one(backend):
    gated = parse("x * sigmoid(b * gate)", b=1.5)
    x, gate = torch.randn(2, 4, 3, 5).unbind()
    expected = x * torch.sigmoid(1.5 * gate)
    torch.testing.assert_close(gated.module(backend=backend)(x, gate), expected)
    split = gated.module(backend=backend, split=True)
    torch.testing.assert_close(split(torch.cat([x, gate], 1)), expected)
    only_gate = parse("exp(gate)").module(backend=backend)
    torch.testing.assert_close(only_gate(x, gate), torch.exp(gate))


def test_what_a_gated_layer_cannot_take_is_one_clear_sentence():
    gated = parse("x * gate").module()
    x = torch.randn(2, 4)
    with pytest.raises(ConfigError, match=r"reads gate: call the layer with \(x, gate\)"):
        gated(x)
    with pytest.raises(ConfigError, match="reads no gate"):
        SWISH.module()(x, x)
    with pytest.raises(ConfigError, match="equal shapes"):
        gated(x, x[:, :2])
    split = parse("x * gate").module(split=True)
    with pytest.raises(ConfigError, match="3 channels: split=True needs an even number"):
        split(x[:, :3])
    with pytest.raises(ConfigError, match="give no gate"):
        split(x, x)
    with pytest.raises(ConfigError, match="only 1 dimension"):
        split(x[0])
    with pytest.raises(ConfigError, match="reads no gate"):
        SWISH.module(split=True)


def test_triton_takes_cpu_tensors_under_its_interpreter_only(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    layer = SWISH.module(backend="triton", channels=3)
    with pytest.raises(UnsupportedError, match="TRITON_INTERPRET=1"):
        layer(torch.randn(2, 3))


def test_it_copies_pickles_and_saves():
    layer = SWISH.module(channels=3)
    x = torch.randn(2, 3)
    expected = layer(x)
    buffer = io.BytesIO()
    torch.save(layer, buffer)
    buffer.seek(0)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), torch.load(buffer, weights_only=False)):
        torch.testing.assert_close(other(x), expected)


def test_parameters_that_a_module_has_already_get_an_underscore():
    layer = parse("forward * x + training * x**2 + gain", forward=2.0).module()
    assert {name for name, _ in layer.named_parameters()} == {"forward_", "training_", "gain_"}
    assert layer(torch.ones(2)).tolist() == [4.0, 4.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_output_has_the_dtype_of_the_input(dtype):
    x = torch.randn(4, 3).to(dtype)
    y = SWISH.module(channels=3)(x)
    assert y.dtype == dtype
    wide = x.double()
    tolerance = 1e-6 if dtype == torch.float64 else 2.0**-8
    torch.testing.assert_close(y.double(), wide * torch.sigmoid(1.5 * wide) + 0.1, rtol=tolerance, atol=tolerance)


def test_double_backward_and_scalars_and_nothing():
    layer = parse("x * sigmoid(beta * x)").module().double()
    x = torch.linspace(-2, 2, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, (x,))
    assert layer(torch.tensor(1.0, dtype=torch.float64)).shape == ()
    assert layer(torch.empty(0, 3)).shape == (0, 3)


def test_every_backend_describes_itself():
    assert {"torch", "triton", "llvm"} <= set(names())
    described = {name: (status, about) for name, status, about in backends()}
    assert described["torch"][0] == "runs here"
    assert all(about for _, about in described.values())
    assert described["llvm"][0] == "runs here"
    assert best(torch.device("cpu")).name == "llvm"
    assert best(torch.device("meta")).name == "torch"
    assert build(SWISH)._backend is None


def test_a_kernel_that_disagrees_is_left_with_one_warning():
    def wrong(sweep, constants):
        def run(elements, parameters, channel_dim):
            outputs = [elements[0] * 3 for _ in sweep.outputs]
            return (*outputs, *(torch.zeros_like(parameter) for parameter in parameters[: len(sweep.sums)]))

        return run

    fused = Fused(SWISH, wrong, (torch.float32,))
    checked = Checked(fused, fused.eager)
    parameters = [torch.tensor([0.1]), torch.full((3,), 1.5)]
    x = torch.randn(4, 3)
    with pytest.warns(RuntimeWarning, match="differ from eager"):
        y = checked([x], parameters, 1)
    torch.testing.assert_close(y, fused.eager([x], parameters, 1))
    checked([x], parameters, 1)


def test_backends_load_by_path(tmp_path):
    path = tmp_path / "mine" / "backend.py"
    path.parent.mkdir()
    path.write_text("class B:\n    name = 'mine'\nBACKEND = B()\n")
    assert load_backend(str(path)).name == "mine"
    path = tmp_path / "broken" / "backend.py"
    path.parent.mkdir()
    path.write_text("import no_such_package\n")
    with pytest.raises(UnsupportedError, match="no_such_package"):
        load_backend(str(path))


def test_under_torch_compile_it_gives_the_same():
    layer = SWISH.module(channels=3)
    x = torch.randn(4, 3)
    torch.testing.assert_close(torch.compile(layer, backend="eager")(x), layer(x))
