"""Exported lanes compute what the candidate's layer does."""

import ast
import subprocess
import sys

import pytest
import torch
from torch import nn

from actsearch.export.module import export_module, write
from actsearch.grammar.activation import Candidate, ParameterSpec, parse
from tests.export.loaded import exported

SHARED = ParameterSpec(name="s", initial=0.5, shared=True)


def lanes(*activations):
    return Candidate(assignment=tuple((f"lane:{number}", lane) for number, lane in enumerate(activations, 1)))


CANDIDATES = {
    "crelu": lanes(parse("relu(x)"), parse("relu(-x)")),
    "maxmin": lanes(parse("max(x, gate)"), parse("min(x, a * gate)", a=(0.7, "channel"))),
    "statistics": lanes(parse("x / std[batch](x)"), parse("c[0] * x + c[1] * x**2", c=((0.3, 0.1), "group:2"))),
    "shared": lanes(parse("s * x", s=SHARED), parse("sin(s * x)", s=SHARED), parse("exp(-x**2)")),
}


@pytest.mark.parametrize("name", CANDIDATES)
def test_it_computes_what_was_evaluated(name, tmp_path):
    candidate = CANDIDATES[name]
    channels = 4 if name == "maxmin" else 8
    wanted = candidate.module(backend="torch", gain=1.5, channels=channels).double()
    found = exported(candidate, tmp_path, name, gain=1.5)().double()
    x = torch.randn(5, 8, 3, dtype=torch.float64)
    with torch.no_grad():
        for parameter in wanted.parameters():
            parameter.mul_(1.1)
    found.load_state_dict(wanted.state_dict())
    for training in (True, False):
        values = []
        for layer in (found.train(training), wanted.train(training)):
            inside = x.clone().requires_grad_()
            y = layer(inside)
            values.append([y, *torch.autograd.grad((y * y).sum(), [inside, *layer.parameters()])])
        for a, b in zip(*values, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_lanes_share_what_is_marked_as_shared(tmp_path):
    layer = exported(CANDIDATES["shared"], tmp_path)()
    assert layer.lane_1.s is layer.lane_2.s


def test_the_files_are_clean_and_have_one_public_module(tmp_path):
    for name, candidate in CANDIDATES.items():
        source = export_module(candidate, class_name="Lanes", lineage={"generation": 3})
        write(tmp_path / f"{name}.py", source)
        tree = ast.parse(source)
        named = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
        assert [one for one in named if not one.startswith("_")] == ["Lanes"]
        assert len(named) == len(set(named))
        for part in (candidate.id, "generation: 3", "y1 = ", "y2 = "):
            assert part in ast.get_docstring(tree)
    for arguments in (["check", "--select=E,F,W,I,B,UP"], ["format", "--diff"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--line-length=120", tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_it_stands_in_a_network_and_is_compiled(tmp_path):
    network = nn.Sequential(nn.Linear(4, 6), exported(CANDIDATES["crelu"], tmp_path)(), nn.Linear(12, 1))
    x = torch.randn(3, 4)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(network, backend="eager", fullgraph=True)(x), network(x))
