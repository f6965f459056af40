from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from actsearch.errors import SpaceError
from actsearch.grammar.space.graph import Graph, Node

TINY = """\
title: Three nodes
paper: "none: a test"
graph:
  inputs:
    x: x
    v: v
  nodes: 3
  primitives:
    add: a + b
    half: 0.5 * a
    mean: mean[last](a)
  output: gamma * node + beta
parameters:
  v:
    initial: 0.25
    granularity: channel
"""
CHAIN = '[[["half",0],["add",2,1],["mean",3]],[0.25,1.0,1.0]]'
SPARE = '[[["mean",0],["mean",1],["half",0]],[0.25,1.0,1.0]]'


@pytest.fixture
def tiny(write_space):
    return write_space(TINY)


def test_nodes_take_inputs_and_earlier_nodes(tiny):
    graph = tiny.decode(CHAIN)
    assert graph.encode() == CHAIN
    assert graph.nodes[1] == Node(primitive="add", predecessors=(2, 1))
    activation = tiny.activation(graph)
    assert activation.text == "beta + gamma * mean[last](v + 0.5 * x)"
    assert {spec.name: (spec.initial, spec.granularity) for spec in activation.parameters} == {
        "v": (0.25, "channel"), "gamma": (1.0, "layer"), "beta": (1.0, "layer"),
    }  # fmt: skip


def test_what_the_last_node_does_not_need_is_not_in_the_activation(tiny):
    activation = tiny.activation(tiny.decode(SPARE))
    assert activation.text == "beta + 0.5 * gamma * x"
    assert [spec.name for spec in activation.parameters] == ["beta", "gamma"]


def test_the_size_bounds_what_is_enumerated(tiny):
    count = (2**2 + 2 * 2) * (3**2 + 2 * 3) * (4**2 + 2 * 4)
    assert (tiny.size().count, tiny.size().exact) == (count, False)
    found = list(tiny.enumerate())
    assert len(set(found)) == len(found)
    # All but those whose three means stand in each other.
    deep = sum(1 for graph in product(tiny) if not tiny.contains(graph))
    assert len(found) == count - deep
    assert deep == 2, "the first node takes either input"


def product(space):
    def nodes(place):
        for name in space.primitives:
            for taken in itertools.product(range(2 + place), repeat=space.arity(name)):
                yield Node(primitive=name, predecessors=taken)

    for chosen in itertools.product(*(list(nodes(place)) for place in range(3))):
        yield Graph(nodes=chosen, parameters=space.parameters)


@pytest.mark.parametrize("move", ["node", "rewire", "primitive"])
def test_a_move_changes_one_node_that_the_output_depends_on(tiny, move):
    rng = random.Random(move)
    for _ in range(100):
        parent = tiny.sample(rng)
        child = tiny.moves[move](parent, rng)
        if child is None:
            continue
        changed = [i for i, (old, new) in enumerate(zip(parent.nodes, child.nodes, strict=True)) if old != new]
        assert len(changed) == 1
        assert child.parameters == parent.parameters
        old, new = parent.nodes[changed[0]], child.nodes[changed[0]]
        assert changed[0] in live(parent)
        if move == "rewire":
            assert old.primitive == new.primitive
        if move == "primitive":
            assert old.predecessors == new.predecessors


def live(graph):
    found, waiting = set(), [len(graph.nodes) - 1]
    while waiting:
        place = waiting.pop()
        found.add(place)
        waiting += [index - 2 for index in graph.nodes[place].predecessors if index >= 2]
    return found


def test_the_move_of_a_parameter_changes_one_initial_value(tiny):
    rng = random.Random(4)
    graph = tiny.sample(rng)
    for _ in range(30):
        child = tiny.moves["parameter"](graph, rng)
        assert child.nodes == graph.nodes
        pairs = zip(graph.parameters, child.parameters, strict=True)
        assert sum(old != new for old, new in pairs) <= 1
        assert tiny.decode(child.encode()) == child
        graph = child


def test_crossover_swaps_what_stands_before_a_place(tiny):
    rng = random.Random(5)
    made = 0
    for _ in range(50):
        parents = tiny.sample(rng), tiny.sample(rng)
        children = tiny.crossover(*parents, rng)
        if children is not None:
            made += 1
            for place in range(3):
                of_parents = Counter(parent.nodes[place] for parent in parents)
                assert Counter(child.nodes[place] for child in children) == of_parents
            assert all(tiny.contains(child) for child in children)
    assert made > 30


def test_crossover_of_one_node_gives_nothing(write_space):
    single = write_space(TINY.replace("nodes: 3", "nodes: 1"))
    rng = random.Random(6)
    assert single.crossover(single.sample(rng), single.sample(rng), rng) is None


def test_samples_depend_on_the_input(tiny):
    rng = random.Random(7)
    assert all("x" in tiny.activation(tiny.sample(rng)).text for _ in range(100))


def test_an_expression_too_large_to_be_written_is_outside(write_space):
    space = write_space(TINY.replace("nodes: 3", "nodes: 12").replace("    half: 0.5 * a\n", ""))
    doubled = tuple(Node(primitive="add", predecessors=(max(0, 1 + i), max(0, 1 + i))) for i in range(12))
    assert not space.contains(Graph(nodes=doubled, parameters=space.parameters))
    chain = (Node(primitive="add", predecessors=(0, 0)), *(Node(primitive="add", predecessors=(0, 1)),) * 11)
    assert space.contains(Graph(nodes=chain, parameters=space.parameters))


FOREIGN = {
    "another primitive": CHAIN.replace("half", "third"),
    "a later node": CHAIN.replace('["half",0]', '["half",2]'),
    "a negative place": CHAIN.replace('["half",0]', '["half",-1]'),
    "a place in words": CHAIN.replace('["half",0]', '["half","x"]'),
    "part of a place": CHAIN.replace('["half",0]', '["half",0.5]'),
    "a place too many": CHAIN.replace('["half",0]', '["half",0,0]'),
    "a node too few": CHAIN.replace('["half",0],', ""),
    "a value too few": CHAIN.replace("[0.25,1.0,1.0]", "[0.25,1.0]"),
    "an array for a value": CHAIN.replace("[0.25,1.0,1.0]", "[[0.25],1.0,1.0]"),
    "no number": CHAIN.replace("0.25", "NaN"),
    "text for a value": CHAIN.replace("0.25", '"much"'),
    "nothing": "",
    "half": CHAIN[:-3],
    "null": "null",
    "keys": "{}",
    "brackets without end": "[" * 100_000,
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_graph_of_the_space_is_refused_in_one_sentence(tiny, text):
    with pytest.raises(SpaceError) as refused:
        tiny.decode(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_graph_without_parameters_has_no_move_for_them(write_space):
    plain = write_space(TINY[: TINY.index("parameters")].replace("gamma * node + beta", "node").replace("v: v", "v: x"))
    assert set(plain.moves) == {"node", "rewire", "primitive"}
    assert plain.inputs == {"x"}
