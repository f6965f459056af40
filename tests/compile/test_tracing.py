from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from actsearch.compile.population import compile_population
from actsearch.grammar.activation import parse

SWISH = parse("x * sigmoid(b * x)", b=1.3)


@pytest.mark.parametrize(
    "make", [lambda: SWISH.module(backend="llvm"), lambda: compile_population([SWISH, parse("sin(x)")])]
)
def test_what_is_made_at_the_first_call_may_be_made_while_torch_traces(make):
    layer, x = make(), torch.randn(2, 20, 8, requires_grad=True)
    compiled = torch.compile(layer, backend="eager")
    for _ in range(2):
        y = compiled(x)
        assert torch.equal(y, layer(x))
        y.sum().backward()


def test_who_trains_does_not_load_torch_s_compiler(root):
    program = (
        "import sys; import actsearch.search.launch; from actsearch.evaluate.worker import *;"
        "from actsearch.evaluate.task import subject_of; from actsearch.grammar.activation import parse;"
        "job = Job(key='', subject=subject_of(parse('sin(b * x)')));"
        "(result,) = Worker.of('digits').run([job], Order(seeds=(0,), quality=Quality()));"
        "parse('sin(x)').module()(__import__('torch').randn(3, 4));"
        "print(type(result.outcome).__name__, 'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("Scored False\n", 0), done.stderr
