"""The torch backend: its printed source computes what eager evaluation does."""

import importlib.util
import inspect

import pytest
import torch

from actsearch.compile.backend import load_backend
from actsearch.compile.eager import evaluate
from actsearch.compile.stages import inputs_of
from actsearch.compile.statistics.reductions import Reductions
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation, parse
from actsearch.grammar.expression import Apply, X
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import with_primitives

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


def test_other_kinds_are_refused():
    with pytest.raises(UnsupportedError, match="emits source"):
        load_backend("torch").emit(parse("x**2"), "ptx")


FAMILIES = {
    "x * silu(gate) + exp(gate)": {},
    "(a[0] + a[1]*x) / (1 + abs(b[0]*x))": {},
    "pwpoly(2 * x + 1, c) + pwlinear(x, 0.3, b) + bspline2(x)": {"c": (0.1, -0.4, 0.7, 1.0)},
    "pwquadratic(x, c[0], 0.5, c[1])": {"c": (0.3, 0.9, 1.0)},
    "x * sigmoid(x) / std[group:2](x)": {},
    "x / max(std[batch](x), x + rms[instance](x)) + min[layer](x)": {},
    "x * greater(x, quantile[last](x, 0.6)) / (1 + max[last](abs(x)))": {},
    "sum[last](2) * mean[batch](b) + mean[last](mean[instance](x))": {},
    "x + detach(sign(x) - x)": {},
}


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4)])
@pytest.mark.parametrize("text", FAMILIES)
def test_the_source_computes_every_family(text, shape, tmp_path):
    activation = parse(text, **FAMILIES[text])
    function = imported(load_backend("torch").emit(activation, "source"), tmp_path / "printed.py")
    known = inspect.signature(function).parameters
    tensors = [torch.randn(shape, dtype=torch.float64) for _ in range(len(activation.inputs) or 1)]
    values = dict(zip(inputs_of(activation), tensors, strict=True))
    values |= {spec.name: torch.tensor(spec.initial, dtype=torch.float64) for spec in activation.parameters}
    told = {name: value for name, value in {"channel_dim": 1, "training": True}.items() if name in known}
    running = {name: torch.zeros(shape[1], dtype=torch.float64) for name in known if name.startswith("running_")}
    expected = evaluate(with_primitives(activation.expression), values, Reductions(shape))
    torch.testing.assert_close(function(**values, **running, **told), expected.expand(shape))


def test_a_draw_is_a_choice_in_training_and_what_to_expect_in_evaluation(tmp_path):
    source = load_backend("torch").emit(parse("stochastic(p, x, sin(x))"), "source")
    function = imported(source, tmp_path / "printed.py")
    x, p = torch.linspace(1, 2, 20_000), torch.tensor(0.3)
    torch.manual_seed(0)
    y = function(x, p, training=True)
    assert bool(((y == x) | (y == x.sin())).all())
    assert (y == x).float().mean().item() == pytest.approx(0.3, abs=0.015)
    torch.testing.assert_close(function(x, p, training=False), 0.3 * x + 0.7 * x.sin())


def test_functions_of_numbers_can_be_scripted(tmp_path):
    source = load_backend("torch").emit(parse("pwpoly(x, a, 0.3) + where(greater(x, 0), 1, bspline1(x))"), "source")
    function, x = imported(source, tmp_path / "printed.py"), torch.randn(9)
    torch.testing.assert_close(torch.jit.script(function)(x, torch.tensor(0.2)), function(x, torch.tensor(0.2)))


def test_no_line_is_longer_than_formatters_allow():
    parts = " + ".join(f"stochastic(0.{i}, tanh(x / std[layer](sin(x) + {i}.25)), relu(x))" for i in range(1, 6))
    source = load_backend("torch").emit(parse(f"{parts} + x * gate * training * channel_dim * running_0"), "source")
    assert max(map(len, source.splitlines())) <= 120
