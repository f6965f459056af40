import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from actsearch.compile.module import attribute
from actsearch.errors import ConfigError, StoreError, UnsupportedError
from actsearch.export.module import export_module, write
from actsearch.grammar.activation import Candidate, parse

GAIN = 1.25
LINEAGE = {"search": "swish-1", "generation": 3, "parents": "0123ab, 4567cd", "quoted": 'a """ b \\ c'}
ACTIVATIONS = {
    "swish": parse("x * sigmoid(beta * x)", beta=1.5),
    "channels": parse("x * sigmoid(beta * x) + 1.3 * tanh(b * x)", beta=(1.5, "channel"), b=0.7),
    "plain": parse("gelu(x) / (1 + x**2) + where(greater(x, 0), 0.1, sin(x)) + 3"),
    "names": parse("a*silu(x) + gain*x + forward*x + d_a + t1 + key + channels + tl + reason + self_ + torch_ + nn*x"),
    "constant": parse("beta"),
}
X = torch.linspace(-3.1, 3.3, 12, dtype=torch.float64).reshape(4, 3)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the exported files do in a process that cannot import actsearch."""
    folder = tmp_path_factory.mktemp("exported")
    request = []
    for name, activation in ACTIVATIONS.items():
        path = folder / f"{name}.py"
        write(path, export_module(activation, gain=GAIN, lineage=LINEAGE))
        arguments = {"channels": 3} if any(spec.granularity == "channel" for spec in activation.parameters) else {}
        train = name in ("swish", "channels")
        request.append(
            {"path": str(path), "class_name": "Activation", "arguments": arguments, "x": X.tolist(), "train": train}
        )
    script = Path(__file__).with_name("isolated.py")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", script],
        input=json.dumps(request), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(ACTIVATIONS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_without_actsearch_it_computes_what_was_evaluated(answers, name):
    activation = ACTIVATIONS[name]
    layer = activation.module(gain=GAIN, channels=3).double()
    x = X.clone().requires_grad_()
    y = layer(x)
    tensors = [x, *layer.parameters()]
    gradients = torch.autograd.grad((y * y).sum(), tensors, allow_unused=True, materialize_grads=True)
    expected = {"y": y, "dx": gradients[0]}
    names = [attribute(spec.name) for spec in activation.parameters]
    expected |= {f"d_{own}": gradient for own, gradient in zip(names, gradients[1:], strict=True)}
    found = answers[name]["values"]
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(
            torch.tensor(found[key], dtype=torch.float64), value.detach(), rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_has_one_public_module_and_double_backward_and_takes_inplace(answers, name):
    answer = answers[name]
    assert answer["modules"] == answer["all"] == ["Activation"]
    assert answer["gradgrad"]
    assert answer["inplace"]
    assert answer["half"] == ["torch.float16", "torch.bfloat16"]


@pytest.mark.parametrize("name", ["swish", "channels"])
def test_it_trains_and_copies_and_is_kept(answers, name):
    assert all(answers[name]["kept"].values()), answers[name]["kept"]


def imported(source, tmp_path, name):
    import importlib.util

    path = tmp_path / f"{name}.py"
    write(path, source)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_channels_may_come_with_the_first_input_or_with_a_state(tmp_path):
    layer = imported(export_module(ACTIVATIONS["channels"], class_name="Winner"), tmp_path, "winner").Winner
    waiting = layer(channel_dim=-1)
    assert waiting(torch.randn(2, 4, 6)).shape == (2, 4, 6)
    assert waiting.beta.tolist() == [1.5] * 6
    other = layer()
    other.load_state_dict(waiting.state_dict())
    assert other.beta.shape == (6,)
    again = layer()
    again.load_state_dict(layer().state_dict())
    with pytest.raises(ValueError, match="6 channels, but the input has 5"):
        other(torch.randn(2, 5))
    with pytest.raises(ValueError, match="only 1 dimension"):
        other(torch.randn(5))


def test_it_replaces_relu_as_it_is_called(tmp_path):
    layer = imported(export_module(ACTIVATIONS["swish"]), tmp_path, "swish").Activation
    assert nn.Sequential(nn.Linear(2, 2), layer(True))[1].gain == 1.0
    assert layer(gain=2.0)(torch.ones(1)).item() == pytest.approx(2 / (1 + 2.718281828**-1.5))


def test_the_header_says_what_it_is():
    source = export_module(ACTIVATIONS["channels"], gain=GAIN, lineage=LINEAGE, version="9.8.7")
    tree = ast.parse(source)
    header = ast.get_docstring(tree)
    activation = ACTIVATIONS["channels"]
    for part in (activation.text, activation.hash, "generation: 3", "0123ab", "9.8.7", "This file is yours", "1.25"):
        assert part in header
    assert "# dy/dbeta = " in source
    assert "actsearch" not in {
        n for node in ast.walk(tree) if isinstance(node, ast.Import) for n in [node.names[0].name]
    }
    public = [
        node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"
    ]
    assert public == ["Activation"]


def test_the_file_is_clean_and_formatted(tmp_path):
    for name in ("swish", "channels", "plain"):
        write(tmp_path / f"{name}.py", export_module(ACTIVATIONS[name], gain=GAIN, lineage={"generation": 3}))
    ruff = [sys.executable, "-m", "ruff"]
    check = ["check", "--isolated", "--line-length=120", "--select=E,F,W,I,B,UP", tmp_path]
    done = subprocess.run([*ruff, *check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    layout = ["format", "--isolated", "--line-length=120", "--diff", tmp_path]
    done = subprocess.run([*ruff, *layout], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_kernels_are_those_that_were_evaluated(tmp_path):
    """The exported launchers under the interpreter, against the module in float64."""
    path = tmp_path / "winner.py"
    write(path, export_module(ACTIVATIONS["channels"], gain=GAIN))
    script = Path(__file__).with_name("interpreted.py")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "ignore", script, path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {"y": True, "dx": True, "d_b": True, "d_beta": True, "gradgrad": True}


def test_what_cannot_be_exported_is_one_sentence(tmp_path):
    sites = Candidate(assignment=(("layer:1", parse("relu(x)")), ("lane:2", parse("tanh(x)"))))
    with pytest.raises(UnsupportedError, match="assigns to layer:1, lane:2"):
        export_module(sites)
    with pytest.raises(ConfigError, match="no class name"):
        export_module(parse("x**2"), class_name="not a name")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write(tmp_path / "file" / "winner.py", "")
