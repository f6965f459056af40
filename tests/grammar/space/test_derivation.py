from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actsearch.compile.eager import evaluate
from actsearch.errors import SpaceError
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import parameter_names
from actsearch.grammar.text import write
from tests.grammar.conftest import SMALL
from tests.grammar.strategies import quick

SUM = '["add",[["scale",[],[0.5,1.0]],["leaf",[["scale",[],[2.5,-1.0]]],[]]],[]]'


@quick(60)
@given(seed=st.integers(0, 10**6))
def test_a_genome_is_read_back_as_it_was_written(swish, seed):
    rng = random.Random(seed)
    genome = swish.sample(rng)
    # Initial values that the space does not give must survive too.
    genome = swish.moves["parameter"](genome, rng) or genome
    again = swish.decode(genome.encode())
    assert again == genome
    assert hash(again) == hash(genome)
    assert again.encode() == genome.encode()
    assert swish.activation(again).hash == swish.activation(genome).hash


def test_the_text_of_a_genome_is_json_of_names_children_and_values(small):
    genome = small.decode(SUM)
    assert genome.encode() == SUM
    assert [node.production.name for _, node in genome.nodes()] == ["add", "scale", "leaf", "scale"]
    assert [path for path, _ in genome.nodes()] == [(), (0,), (1,), (1, 0)]
    assert [spec.initial for spec in genome.at((1, 0)).parameters] == [2.5, -1.0]


def test_each_use_of_a_production_has_parameters_of_its_own(small):
    expression, specs = small.decode(SUM).express()
    assert write(expression) == "beta * x + gamma + beta_2 * x + gamma_2"
    assert {name: spec.initial for name, spec in specs.items()} == {
        "beta": 0.5,
        "gamma": 1.0,
        "beta_2": 2.5,
        "gamma_2": -1.0,
    }
    assert parameter_names(expression) == tuple(specs)


def test_the_activation_has_the_values_and_granularities_of_the_genome(small):
    activation = small.activation(small.decode(SUM))
    found = {(spec.name.partition("_")[0], spec.initial, spec.granularity) for spec in activation.parameters}
    assert found == {
        ("beta", 0.5, "channel"), ("gamma", 1.0, "layer"), ("beta", 2.5, "channel"), ("gamma", -1.0, "layer"),
    }  # fmt: skip


def test_parameters_are_numbered_in_order_of_appearance(small):
    activation = small.activation(small.decode(SUM))
    for stem in ("beta", "gamma"):
        names = [spec.name for spec in activation.parameters if spec.name.startswith(stem)]
        assert names == [stem, f"{stem}_2"]
    assert parse(activation.text).text == activation.text


def test_the_activation_computes_what_the_genome_says(write_space):
    space = write_space(SMALL.replace("unit: 2", "unit: 5"))
    rng = random.Random(4)
    for _ in range(40):
        genome = space.sample(rng)
        for _ in range(6):
            # Values that tell the parameters apart, so that a mix-up of names shows.
            genome = space.moves["parameter"](genome, rng) or genome
        expression, specs = genome.express()
        values = {name: spec.initial for name, spec in specs.items()}
        activation = space.activation(genome)
        initial = {spec.name: spec.initial for spec in activation.parameters}
        assert sorted(initial.values()) == sorted(values.values())
        torch.testing.assert_close(at(activation.expression, initial), at(expression, values), rtol=1e-11, atol=1e-11)


def at(expression, parameters):
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in parameters.items()}
    return evaluate(expression, {"x": torch.linspace(-2.9, 3.1, 19, dtype=torch.float64), **tensors})


def test_a_node_is_replaced_at_its_path_only(small):
    genome = small.decode(SUM)
    leaf = small.decode('["leaf",[["x",[],[]]],[]]')
    replaced = genome.replaced((1,), leaf)
    assert replaced.at((1,)) == leaf
    assert replaced.at((0,)) == genome.at((0,))
    assert genome.encode() == SUM
    assert genome.replaced((), leaf) == leaf


def test_depths_count_the_symbols_on_the_way(small):
    genome = small.decode(SUM)
    assert genome.depths() == {"unit": 1}
    assert genome.depths((0,)) == {"unit": 1, "leaf": 1}
    assert genome.depths((1, 0)) == {"unit": 2, "leaf": 1}


FOREIGN = {
    "another production": ('["cos",[],[]]', "no longer has the production 'cos' of 'unit'"),
    "a production of another symbol": ('["scale",[],[0.5,1.0]]', "no longer has the production 'scale' of 'unit'"),
    "a child too few": ('["wrap",[],[]]', "'wrap' of 'unit' has other holes or parameters"),
    "a child too many": ('["leaf",[["x",[],[]],["x",[],[]]],[]]', "'leaf' of 'unit' has other holes or parameters"),
    "a value too few": ('["leaf",[["scale",[],[1.0]]],[]]', "'scale' of 'leaf' has other holes or parameters"),
    "a value too many": ('["leaf",[["x",[],[1.0]]],[]]', "'x' of 'leaf' has other holes or parameters"),
    "text for a value": ('["leaf",[["scale",[],[1.0,"2"]]],[]]', "is no genome"),
    "no number": ('["leaf",[["scale",[],[1.0,NaN]]],[]]', "is no genome"),
    "an infinite number": ('["leaf",[["scale",[],[1.0,1e999]]],[]]', "is no genome"),
    "a number for a node": ('["leaf",[3],[]]', "is no genome"),
    "a list for a name": ('[["leaf"],[],[]]', "is no genome"),
    "two parts": ('["leaf",[]]', "is no genome"),
    "keys": ('{"leaf": []}', "is no genome"),
    "null": ("null", "is no genome"),
    "an expression": ("x * sigmoid(x)", "is no genome: expected JSON"),
    "nothing": ("", "is no genome: expected JSON"),
    "half": (SUM[:-3], "is no genome: expected JSON"),
    "brackets without end": ("[" * 100_000, "is no genome: expected JSON"),
}


@pytest.mark.parametrize(("text", "reason"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_genome_of_the_space_is_refused_in_one_sentence(small, text, reason):
    with pytest.raises(SpaceError) as refused:
        small.decode(text)
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)


def test_a_genome_is_refused_once_its_production_is_gone_from_the_file(small, write_space):
    genome = small.decode('["wrap",[["leaf",[["x",[],[]]],[]]],[]]')
    changed = write_space(SMALL.replace("wrap: sin(unit)", "wrapped: sin(unit)"))
    with pytest.raises(SpaceError, match="was its file changed"):
        changed.decode(genome.encode())


def test_a_space_does_not_contain_what_breaks_its_rules(small, write_space):
    deep = '["wrap",[["wrap",[["leaf",[["x",[],[]]],[]]],[]]],[]]'
    deeper = write_space(SMALL.replace("unit: 2", "unit: 3"))
    assert deeper.contains(deeper.decode(deep))
    assert not small.contains(small.decode(deep))
    genome = small.decode(SUM)
    assert small.contains(genome)
    assert not small.contains(genome.at((0,))), "a leaf is no unit"
    assert not small.contains(genome.replaced((0,), genome.at((1,)))), "a unit is no leaf"
    changed = write_space(SMALL.replace("beta * x + gamma", "gamma * x + beta"))
    assert not changed.contains(genome)
