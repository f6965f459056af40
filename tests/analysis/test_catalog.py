from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from actsearch.analysis.catalog import catalog, find, functions, names
from actsearch.compile.eager import evaluate
from actsearch.errors import UnknownNameError
from actsearch.grammar.activation import parse

# Kinks of the catalog (0, 1, 3, 6 and their negatives) are not among the points, nor is the origin.
POINTS = torch.linspace(-7.93, 8.11, 97, dtype=torch.float64)

# torch's own where it has one; what it lacks is written from the paper, in another form than the catalog's.
REFERENCES = {
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "swish": lambda x: x / (1 + torch.exp(-x)),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "elu": F.elu,
    "selu": F.selu,
    "celu2": lambda x: F.celu(x, alpha=2.0),
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "logsigmoid": F.logsigmoid,
    "leaky_relu": F.leaky_relu,
    "prelu": lambda x: F.prelu(x, torch.tensor(0.25, dtype=x.dtype)),
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    # torch takes 1/6 of float32 in the gradient of its own.
    "hardsigmoid": lambda x: (x / 6 + 0.5).clamp(0, 1),
    "hardswish": F.hardswish,
    "relu2": lambda x: torch.where(x > 0, x * x, 0),
    "sin": torch.sin,
    "snake": lambda x: x + (1 - torch.cos(2 * x)) / 2,
    "gaussian": lambda x: 1 / torch.exp(x * x),
    "atan": torch.atan,
    "erf": torch.erf,
    "golu": lambda x: x * torch.exp(-1 / torch.exp(x)),
    "crrelu": lambda x: torch.where(x > 0, x, 0) + 0.01 * x * math.sqrt(2 * math.pi) * normal_density(x),
}


def normal_density(x):
    return torch.exp(torch.distributions.Normal(torch.zeros_like(x), torch.ones_like(x)).log_prob(x))


def with_gradient(function):
    x = POINTS.clone().requires_grad_()
    value = function(x)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def test_every_entry_has_a_reference_here():
    assert set(catalog()) == set(REFERENCES)


@pytest.mark.parametrize("name", REFERENCES)
def test_values_and_gradients_are_those_of_torch(name):
    activation = catalog()[name].activation
    initial = {spec.name: torch.tensor(spec.initial, dtype=torch.float64) for spec in activation.parameters}
    found = with_gradient(lambda x: evaluate(activation.expression, {"x": x, **initial}))
    expected = with_gradient(REFERENCES[name])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def test_hardsigmoid_has_the_values_of_torch():
    found = evaluate(functions["hardsigmoid"].expression, {"x": POINTS})
    torch.testing.assert_close(found, F.hardsigmoid(POINTS), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", REFERENCES)
def test_every_entry_says_its_formula_year_and_source(name):
    entry = catalog()[name]
    assert entry.name == name
    assert parse(entry.formula).expression == entry.activation.expression
    assert 1960 <= entry.year <= 2026
    assert len(entry.source) > 5
    assert entry.activation.inputs == ("x",)


def test_parameters_have_the_initial_values_of_their_papers():
    found = {
        name: [(spec.name, spec.initial, spec.granularity) for spec in entry.activation.parameters]
        for name, entry in catalog().items()
        if entry.activation.parameters
    }
    assert found == {
        "swish": [("beta", 1.0, "channel")],
        "prelu": [("a", 0.25, "channel")],
        "snake": [("a", 1.0, "channel")],
        "crrelu": [("eps", 0.01, "layer")],
    }


def test_no_two_entries_are_the_same_function():
    hashes = {name: entry.activation.hash for name, entry in catalog().items()}
    assert len(set(hashes.values())) == len(hashes)


def test_an_alias_is_found_as_the_entry():
    assert find("swish1") is find("silu")
    assert functions["logistic"] == functions["sigmoid"]
    known = names()
    assert known["swish1"] == "silu"
    assert all(known[name] == name for name in catalog())
    aliases = [alias for entry in catalog().values() for alias in entry.aliases]
    assert len(set(aliases)) == len(aliases)
    assert not set(aliases) & set(catalog())


def test_functions_are_a_mapping_by_name():
    assert list(functions) == list(catalog())
    assert len(functions) == len(catalog())
    assert functions["relu"].text == "relu(x)"
    assert "relu" in functions


@pytest.mark.parametrize(
    ("name", "nearest"), [("gleu", "gelu"), ("Swish", "swish"), ("leakyrelu", "leaky_relu"), ("GELU", "gelu")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError) as refused:
        find(name)
    sentence = str(refused.value)
    assert sentence.startswith(f"unknown catalog function {name!r}: did you mean ")
    named = sentence.partition("did you mean ")[2].rstrip("?").split(", ")
    assert nearest in named
    assert len(named) <= 3
    assert set(named) <= set(names())
