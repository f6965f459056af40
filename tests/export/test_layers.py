"""The exported file of an assignment computes, layer for layer, what was evaluated."""

import ast
import pickle
import subprocess
import sys

import pytest
import torch

from actsearch.errors import UnsupportedError
from actsearch.evaluate.subject import Subject
from actsearch.export.module import export_module, write
from actsearch.grammar.activation import Candidate, ParameterSpec, parse
from tests.export.loaded import exported

SHARED = ParameterSpec(name="s", initial=0.5, shared=True)
PARTS = (
    ("layer:2", parse("x * sigmoid(b * x)", b=(1.2, "channel"))),
    ("layer:1", parse("relu(x)")),
    ("layer:3", parse("relu(x)")),
    ("layer:4", parse("s * x", s=SHARED)),
    ("layer:5", parse("sin(s * x) / std[batch](x)", s=SHARED)),
)
CANDIDATE, GAINS = Candidate(assignment=PARTS), (1.5, 1.7, 1.7, 2.0, 1.1)


def test_each_layer_computes_what_was_evaluated(tmp_path):
    made = exported(CANDIDATE, tmp_path, gain=GAINS)
    make = Subject(candidate=CANDIDATE, gains=GAINS).module
    for number in range(1, 6):
        found, wanted = made(number, channels=6).double(), make(6, layer=number).double()
        x = torch.randn(4, 6, 3, dtype=torch.float64)
        values = []
        for layer in (found, wanted):
            inside = x.clone().requires_grad_()
            y = layer(inside)
            values.append([y, *torch.autograd.grad((y * y).sum(), [inside, *layer.parameters()])])
        for a, b in zip(*values, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_layers_share_what_they_are_given_and_pickle(tmp_path):
    made, shared = exported(CANDIDATE, tmp_path, gain=GAINS), {}
    assert made(4, shared=shared).function.s is made(5, shared=shared).function.s
    assert made(4).function.s is not made(4).function.s
    copy, x = pickle.loads(pickle.dumps(made(2, channels=3))), torch.randn(2, 3)
    torch.testing.assert_close(copy(x), made(2, channels=3)(x))
    with pytest.raises(ValueError, match="layer is 6: give a number from 1 to 5"):
        made(6)


def test_the_file_is_clean_and_has_each_function_once(tmp_path):
    source = export_module(CANDIDATE, gain=GAINS, lineage={"generation": 3})
    tree = ast.parse(source)
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert classes == ["Activation", "_Layer1", "_Layer2", "_Layer4", "_Layer5"], "layer 3 has the function of layer 1"
    for part in (CANDIDATE.id, "generation: 3", "layer 3: y = relu(x)", "gain: 1.7, 1.5, 1.7, 2.0, 1.1"):
        assert part in ast.get_docstring(tree)
    write(tmp_path / "layers.py", source)
    for arguments in (["check", "--select=E,F,W,I,B,UP"], ["format", "--diff"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--line-length=120", tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_layers_that_read_gate_are_refused():
    gated = Candidate(assignment=(("layer:1", parse("x * gate")), ("layer:2", parse("relu(x)"))))
    with pytest.raises(UnsupportedError, match="layers that read gate"):
        export_module(gated)
