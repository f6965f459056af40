"""The torch backend: its printed source computes what eager evaluation does."""

import importlib.util

import pytest
import torch

from actsearch.compile.backend import load_backend
from actsearch.compile.eager import evaluate
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation, parse
from actsearch.grammar.expression import Apply, X
from actsearch.grammar.operators import OPERATORS

TEXTS = [
    "x * sigmoid(beta * x)",
    "-x**3 / (1 + x**2)**2 - (-2) * relu(x)",
    "max(0.1, x) + where(greater(x, 0), 1, 2) * log_abs(x) - safe_divide(x, beta)",
    "where(equal(x, 0), 3, x) - greater(1, x)",
    "beta",
    "2.5",
    "(1 + x**2)**-0.5 + 0.3**-0.5 * x",
]


def imported(source, path):
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("printed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.activation


def same(activation, tmp_path, x, **values):
    function = imported(load_backend("torch").emit(activation, "source"), tmp_path / "printed.py")
    torch.testing.assert_close(function(x, **values), evaluate(activation.expression, {"x": x, **values}))


@pytest.mark.parametrize("text", TEXTS)
def test_the_source_computes_the_expression(text, tmp_path):
    activation = parse(text)
    values = {spec.name: torch.tensor([0.7], dtype=torch.float64) for spec in activation.parameters}
    same(activation, tmp_path, torch.linspace(-3, 3, 31, dtype=torch.float64), **values)


@pytest.mark.parametrize("name", [name for name in OPERATORS if OPERATORS[name].arity == 1])
def test_every_unary_operator_is_printed(name, tmp_path):
    x = torch.linspace(*OPERATORS[name].test_range, 31, dtype=torch.float64)
    same(Activation(expression=Apply(name, (X,))), tmp_path, x)


def test_it_reads_as_one_would_write_it():
    source = load_backend("torch").emit(parse("x * sigmoid(beta * x)"), "source")
    assert "return x * torch.sigmoid(beta * x)" in source


def test_other_kinds_and_two_inputs_are_refused():
    with pytest.raises(UnsupportedError, match="emits source"):
        load_backend("torch").emit(parse("x**2"), "ptx")
    with pytest.raises(UnsupportedError, match="two inputs"):
        load_backend("torch").emit(parse("x * gate"), "source")
