from __future__ import annotations

import pytest

from actsearch.analysis import catalog
from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.probe import Probe
from actsearch.grammar.activation import parse
from actsearch.grammar.space import read_space
from actsearch.grammar.space.express import express


@pytest.fixture(scope="module")
def space(root):
    return lambda name: read_space(root / "search_spaces" / f"{name}.yaml")


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("swish", ["swish", "lisht", "prelu", "tempered_sigmoid", "sincos", "tanhshrink"]),
        ("pangaea", ["relu", "softsign", "elish", "gompertz_3", "relu2", "elliott"]),
        ("actbench", ["lisht", "elish", "rehsec", "tanhshrink", "max_tanh"]),
        ("gated", ["glu", "geglu", "swiglu", "bilinear"]),
        ("rational", ["pau_a", "kat_rational"]),
    ],
)
def test_what_a_space_can_say_is_found(space, name, functions):
    searched = space(name)
    for function in functions:
        wanted = catalog.find(function).activation.without_factor()
        genome = express(searched, wanted)
        assert genome is not None, function
        assert searched.contains(genome)
        assert searched.decode(genome.encode()) == genome
        said = searched.candidate(genome).activation.with_granularity("layer")
        assert said.id == wanted.with_granularity("layer").id
        if "gate" not in wanted.inputs:
            assert fingerprint(Probe(said)) == fingerprint(Probe(wanted.with_granularity("layer")))


def test_parameters_start_as_those_of_the_function(space):
    genome = express(space("swish"), parse("x * sigmoid(beta * x)", beta=1.7))
    (spec,) = space("swish").candidate(genome).activation.parameters
    assert (spec.initial, spec.granularity) == (1.7, "channel")


def test_one_hole_may_take_several_terms(space):
    genome = express(space("pangaea"), parse("exp(x) + sinh(x) + erf(x)"))
    assert genome is not None
    assert space("pangaea").candidate(genome).activation.id == parse("exp(x) + sinh(x) + erf(x)").id


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("actbench", "sin(x)"),
        ("actbench", "x * sigmoid(1.7 * x)"),
        ("swish", "x * gate"),
        ("actbench", "tanh(sinh(exp(x)))"),
        ("pangaea", "a * b * c * d * x * exp(x) * erf(x)"),
        ("evonorm", "relu(x)"),
    ],
)
def test_what_it_cannot_say_is_none(space, name, text):
    assert express(space(name), parse(text)) is None


def test_a_space_of_layers_has_it_at_every_layer(space):
    genome = express(space("placement"), parse("relu(x)"))
    parts = space("placement").candidate(genome).assignment
    assert [activation.text for _, activation in parts] == ["relu(x)"] * 8
