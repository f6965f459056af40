"""Exported files of every family compute, forward and backward, what the reference does."""

import ast
import copy
import inspect
import pickle
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from torch import nn

from actsearch.compile.conformance import sample
from actsearch.export import general
from actsearch.export.module import export_module, write
from actsearch.grammar.activation import ParameterSpec, parse
from tests.compile.families import largest, trials
from tests.export.loaded import exported, imported
from tests.grammar.strategies import quick

GAIN = 1.25
SHAPE = (6, 8, 3, 5)
COEFFICIENTS = tuple(0.3 * (-1) ** index + 0.1 * index for index in range(30))
FAMILIES = {
    "evonorm_b0": parse("x / max(std[batch](x), v * x + std[instance](x))", v=(1.2, "channel")),
    "evonorm_s0": parse("x * sigmoid(v * x) / std[group:4](x)", v=(0.7, "channel")),
    "polynorm": parse(
        "p[0] + p[1] * x / rms[last](x) + p[2] * x**2 / rms[last](x**2) + p[3] * x**3 / rms[last](x**3)",
        p=(0.1, 0.5, 0.3, -0.2),
    ),
    "swiglu": parse("x * silu(b * gate)", b=1.3),
    "gate_per_channel": parse("x * sigmoid(b * gate) / rms[last](gate)", b=(0.6, "channel")),
    "pau": parse(
        "(a[0] + a[1]*x + a[2]*x**2 + a[3]*x**3) / (1 + abs(b[0]*x + b[1]*x**2))",
        a=((0.02, 0.5, 1.6, 0.1), "group:4"), b=((0.2, 0.1), "group:4"),
    ),
    "kan": parse("w * silu(x) + pwpoly(8 * x + 13, c)", c=(COEFFICIENTS, "channel"), w=(0.8, "element")),
    "top_quarter": parse("x * greater(x, quantile[last](x, 0.75))"),
    "drawn": parse("stochastic(p, x / std[layer](x), relu(x)) + stochastic(0.4, sin(x), 0)", p=(0.3, "channel")),
    "uniform": parse("x * uniform(a, 1.2) + uniform(0.5*c[0], c[1]) * relu(x)", a=0.8, c=((0.3, 0.4), "channel")),
    "helu": parse("relu(x + a) + detach(relu(x) - relu(x + a))", a=(0.5, "group:2")),
    "shared": parse("x * tanh(s * x)", s=ParameterSpec(name="s", initial=0.4, shared=True)),
    "element": parse("c[0] * x + c[1] * sin(x) + pwlinear(x, 0.2, c[0])", c=((1.0, 0.3), "element")),
    "extremes": parse("(x - min[instance](x)) / (1 + max[batch](abs(x))) + sum[last](0.1 * x)"),
    "nested": parse("mean[batch](max[batch](x) * x) + x * mean[last](mean[instance](x))"),
    "no_element": parse("mean[last](x) * a[0]", a=((2.0,), "layer")),
    "names": parse("split[0]*x + gain*x + running_0*mean[batch](x) + channel_dim[0]*training + shared + t0 + gate"),
}  # fmt: skip


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """The exported class of each family."""
    folder = tmp_path_factory.mktemp("general")
    return {name: exported(f, folder, name, gain=GAIN) for name, f in FAMILIES.items()}


def pair(name, layers, dtype=torch.float64, **options):
    """The reference and the exported layer with the same parameters, which are not the initial ones."""
    given = {"channels": SHAPE[1]} if "channels" in layers[name].__init__.__annotations__ else {}
    wanted = FAMILIES[name].module(backend="torch", gain=GAIN, channels=SHAPE[1], **options).to(dtype)
    found = layers[name](**given, **options).to(dtype)
    wanted(*inputs(name, dtype, **options))
    with torch.no_grad():
        for parameter in wanted.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    found.load_state_dict(wanted.state_dict())
    assert list(found.state_dict()) == list(wanted.state_dict())
    return wanted, found


def inputs(name, dtype=torch.float64, *, split=False, **_):
    generator = torch.Generator().manual_seed(3)
    count = 2 if "gate" in FAMILIES[name].inputs else 1
    made = [torch.randn(SHAPE, generator=generator, dtype=dtype) for _ in range(count)]
    return [torch.cat(made, 1)] if split else made


@pytest.fixture
def drawn_by_torch(monkeypatch):
    """The reference draws as the exported file does: one tensor after the other, from torch's generator."""

    def noise(_seed, index, x):
        if index == 0:
            torch.manual_seed(5)
        return torch.rand_like(x)

    monkeypatch.setattr("actsearch.compile.reference.noise", noise)


def results(layer, tensors, upstream=None):
    tensors = [tensor.clone().requires_grad_() for tensor in tensors]
    torch.manual_seed(5)
    y = layer(*tensors)
    if upstream is None:
        upstream = torch.linspace(-1, 1.3, y.numel(), dtype=y.dtype).view_as(y)
    wanted = [*tensors, *layer.parameters()]
    # What reads no input may have no gradient at all.
    y_or_zero = y + 0 * sum(tensor.sum() for tensor in wanted)
    gradients = torch.autograd.grad(y_or_zero, wanted, upstream)
    return [y.detach(), *gradients, *(buffer.clone() for buffer in layer.buffers())]


@pytest.mark.usefixtures("drawn_by_torch")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", FAMILIES)
def test_it_computes_what_was_evaluated_in_training_and_evaluation(name, dtype, layers):
    wanted, found = pair(name, layers, dtype)
    tolerances = {"rtol": 1e-10, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4}
    for training in (True, False):
        expected, got = (results(layer.train(training), inputs(name, dtype)) for layer in (wanted, found))
        for a, b in zip(got, expected, strict=True):
            torch.testing.assert_close(a, b, **tolerances)


@pytest.mark.parametrize("name", ["swiglu", "gate_per_channel"])
def test_a_gate_may_be_half_of_the_channels(name, layers):
    wanted, found = pair(name, layers, split=True)
    expected, got = (results(layer, inputs(name, split=True)) for layer in (wanted, found))
    assert got[0].shape == SHAPE
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["evonorm_b0", "pau", "swiglu", "kan"])
def test_halves_are_computed_in_float32_and_rounded_once(name, dtype, layers):
    wanted, found = pair(name, layers, torch.float32)
    tensors = inputs(name, dtype)
    y = found(*tensors)
    assert y.dtype == dtype
    torch.testing.assert_close(y, wanted(*(tensor.float() for tensor in tensors)).to(dtype), rtol=0, atol=0)


@pytest.mark.parametrize("channel_dim", [-1, 2])
@pytest.mark.parametrize("name", ["evonorm_b0", "evonorm_s0", "pau", "kan"])
def test_channels_lie_along_channel_dim(name, channel_dim, layers):
    wanted = FAMILIES[name].module(backend="torch", gain=GAIN, channel_dim=channel_dim).double()
    found = layers[name](channel_dim=channel_dim).double()
    x = inputs(name)[0].reshape(6, 5, 4, 6).movedim(2, channel_dim)
    for training in (True, False):
        got, expected = (layer.train(training)(x) for layer in (found, wanted))
        # A running estimate that came with the input is in float32 in the reference.
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-6)


def test_sizes_come_with_the_first_input_or_with_a_state(layers):
    waiting = layers["evonorm_b0"]()
    assert waiting.state_dict()["running_0"].shape == (0,)
    again = layers["evonorm_b0"]()
    again.load_state_dict(waiting.state_dict())
    waiting(torch.randn(4, 7, 3))
    again.load_state_dict(waiting.state_dict())
    assert again.v.shape == again.running_0.shape == (7,)
    torch.testing.assert_close(again.running_0, waiting.running_0)
    each = layers["kan"]()
    each(torch.randn(2, 3, 5))
    assert (each.w.shape, each.c.shape) == ((3, 5), (30, 3))
    with pytest.raises(ValueError, match=r"v has values for \(7,\), but x asks for \(6,\)"):
        again(torch.randn(4, 6, 3))


def test_what_cannot_be_taken_is_one_sentence(layers):
    x = torch.randn(2, 6, 3)
    with pytest.raises(ValueError, match=r"takes \(x, gate\)"):
        layers["swiglu"]()(x)
    with pytest.raises(ValueError, match="equal shapes"):
        layers["swiglu"]()(x, x[:1])
    with pytest.raises(ValueError, match="give no gate"):
        layers["swiglu"](split=True)(x, x)
    with pytest.raises(ValueError, match="3 channels cannot be divided into 2 equal groups"):
        layers["swiglu"](split=True, channel_dim=-1)(x)
    with pytest.raises(ValueError, match="6 channels cannot be divided into 4 equal groups"):
        layers["pau"]()(x)
    with pytest.raises(ValueError, match="only 1 dimension"):
        layers["evonorm_s0"]()(x[0, 0])
    with pytest.raises(ValueError, match="samples first"):
        layers["evonorm_b0"](channel_dim=0)(x)
    running = layers["extremes"](channels=4)
    with pytest.raises(ValueError, match="running_0 has 4 channels, but the input has 6"):
        running(x)


def test_sites_share_a_parameter(layers):
    together = {}
    first, second = (layers["shared"](shared=together) for _ in range(2))
    assert first.s is second.s is together["s"]
    assert layers["shared"]().s is not first.s


def test_draws_repeat_with_torchs_seed_and_differ_without(layers):
    layer, x = layers["drawn"](channels=8), torch.randn(SHAPE)
    torch.manual_seed(1)
    first, other = layer(x), layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert not torch.equal(other, first)
    layer.eval()
    assert torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_copied_and_compiled(name, layers):
    layer, tensors = layers[name](), inputs(name, torch.float32)
    layer(*tensors)
    layer.eval()
    expected = layer(*tensors)
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), compiled):
        torch.testing.assert_close(other(*tensors), expected)


@pytest.mark.parametrize("name", ["evonorm_b0", "kan", "swiglu", "top_quarter"])
def test_torch_export_takes_it(name, layers):
    layer, tensors = layers[name](), inputs(name, torch.float32)
    layer(*tensors)
    layer.eval()
    program = torch.export.export(layer, tuple(tensors))
    torch.testing.assert_close(program.module()(*tensors), layer(*tensors))


def test_a_training_under_torch_compile_moves_the_estimates(layers):
    plain, compiled = layers["evonorm_b0"](channels=8), layers["evonorm_b0"](channels=8)
    torch._dynamo.reset()
    run = torch.compile(compiled, backend="aot_eager", fullgraph=True)
    for seed in range(2):
        x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(run(x), plain(x))
    torch.testing.assert_close(compiled.running_0, plain.running_0)
    assert not torch.equal(plain.running_0, torch.ones(8))


def test_the_files_are_clean_formatted_and_need_torch_alone(tmp_path):
    for name, activation in FAMILIES.items():
        source = export_module(activation, gain=GAIN, lineage={"generation": 3, "quoted": 'a """ b \\ c'})
        write(tmp_path / f"{name}.py", source)
        tree = ast.parse(source)
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert {module.partition(".")[0] for module in modules} == {"torch"}
        named = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
        assert [one for one in named if not one.startswith("_")] == ["Activation"]
        header = ast.get_docstring(tree)
        for part in ("torch alone", activation.hash, "generation: 3", "1.25"):
            assert part in header
    ruff = [sys.executable, "-m", "ruff"]
    check = ["check", "--isolated", "--line-length=120", "--select=E,F,W,I,B,UP", tmp_path]
    done = subprocess.run([*ruff, *check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    layout = ["format", "--isolated", "--line-length=120", "--diff", tmp_path]
    done = subprocess.run([*ruff, *layout], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@quick(40)
@given(trials(is_drawn=False))
def test_random_activations_are_written_as_they_are_computed(tmp_path_factory, case):
    activation = case.activation
    tensors, upstream, _ = sample(case)
    tensors, upstream = [tensor.double() for tensor in tensors], upstream.double()
    path = tmp_path_factory.mktemp("random") / "random.py"
    write(path, general.page(activation, gain=1.0, class_name="Activation", lineage={}, version="1"))
    layer = imported(path)
    known = {"channels": case.shape[case.channel_dim], "channel_dim": case.channel_dim}
    wanted = activation.module(backend="torch", **known).double().eval()
    wanted(*tensors)
    names = inspect.signature(layer).parameters
    found = layer(**{name: value for name, value in known.items() if name in names}).double()
    found.load_state_dict(wanted.state_dict())
    for training in (False, True):
        pairs = zip(*(results(one.train(training), tensors, upstream) for one in (found, wanted)), strict=True)
        for a, b in pairs:
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6 * (1 + largest(b.nan_to_num())), equal_nan=True)


def test_derivatives_stand_in_comments_where_the_element_decides():
    source = export_module(FAMILIES["swiglu"])
    assert "# dy/dgate = " in source
    assert "# dy/db = " in source
    assert "# dy/d" not in export_module(FAMILIES["polynorm"])


def test_it_trains_in_a_network(layers):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 8), layers["evonorm_b0"](), nn.Linear(8, 1))
    x = torch.randn(64, 3)
    network(x)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    target, losses = x[:, :1] ** 2, []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
