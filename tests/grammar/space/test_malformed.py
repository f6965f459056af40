"""Mistakes in what says more than rules alone: assignments, starts, settings, operators, combinators, graphs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actsearch.errors import SpaceError
from actsearch.grammar.space import read_space

RULES = """\
title: Sums
paper: "none: a test"
start: unit
rules:
  unit:
    sum: a * x + c[0] * x
    wrap: sin(leaf)
  leaf:
    x: x
starts:
  unit:
    sum:
      far: {a: 2, c: [3]}
parameters:
  a:
    initial: 0.5
    granularity: layer
    shared: false
"""
GRAPH = """\
title: Graphs
paper: "none: a test"
graph:
  inputs:
    x: x
    one: "1"
  nodes: 3
  primitives:
    add: a + b
    mean: mean[batch](a)
  output: gamma * node
parameters:
  gamma:
    initial: 1.0
"""
START, WRAP, FAR, INITIAL, SETTING = (
    "start: unit\n",
    "sin(leaf)",
    "far: {a: 2, c: [3]}",
    "initial: 0.5",
    "shared: false",
)
LAYER = "granularity: layer"
SELECTOR = "expected layer:N or layer:N..M up to 64, or lane:1 and lane:2"
GRANULARITY = "input should be layer, channel, group:N or element, or a list of these to choose from"
SHARED = "shared: input should be true, false, or a list of both to choose from"
NUMBERS = "input should be a finite number, or a list of such numbers"

IN_RULES = {
    "most of an unknown symbol": (START, START + "most:\n  lef: 2\n", 5, "unknown symbol in most 'lef': did you mean"),
    "most 0": (START, START + "most:\n  leaf: 0\n", 5, "most.leaf: input should be greater than or equal to 1"),
    "a list for most": (START, START + "most: [leaf]\n", 4, "most: expected keys and values"),
    "most that leaves nothing": (
        "start: unit\nrules:\n", "start: pair\nmost:\n  leaf: 1\nrules:\n  pair:\n    two: leaf_1 + leaf_2 + unit\n", 7,
        "the rules derive nothing from 'pair': raise depth or most",
    ),
    "neither start nor assign": (START, "", 1, "give either start (one activation) or assign (one for each site)"),
    "start and assign": (START, START + "assign:\n  layer:1: unit\n", 4, "give either start (one activation) or assig"),
    "an unknown protocol": (START, START + "protocols: [escpe]\n", 4, "protocols.0: input should be 'escape'"),
    "a protocol without a list": (START, START + "protocols: escape\n", 4, "protocols: input should be a valid list"),
    "a selector of nothing": (START, "assign:\n  site:1: unit\n", 4, f"assign: 'site:1': {SELECTOR}"),
    "everywhere as a selector": (START, 'assign:\n  "*": unit\n', 4, f"assign: '*': {SELECTOR}"),
    "layer 0": (START, "assign:\n  layer:0: unit\n", 4, f"assign: 'layer:0': {SELECTOR}"),
    "layers backwards": (START, "assign:\n  layer:5..2: unit\n", 4, f"assign: 'layer:5..2': {SELECTOR}"),
    "layers without end": (START, "assign:\n  layer:1..: unit\n", 4, f"assign: 'layer:1..': {SELECTOR}"),
    "too many layers": (START, "assign:\n  layer:1..65: unit\n", 4, f"assign: 'layer:1..65': {SELECTOR}"),
    "a layer twice": (START, "assign:\n  layer:1..3: unit\n  layer:3: leaf\n", 5, "assign: layer:3 stands twice"),
    "a selector twice": (START, "assign:\n  lane:1: unit\n  lane:1: leaf\n", 5, "the key 'lane:1' stands twice"),
    "lanes and layers": (
        START, "assign:\n  lane:1: unit\n  lane:2: unit\n  layer:1: unit\n", 3, "give layers, or both lane:1",
    ),
    "one lane": (START, "assign:\n  lane:2: unit\n", 3, "assign: give layers, or both lane:1 and lane:2"),
    "a third lane": (START, "assign:\n  lane:3: unit\n", 4, f"assign: 'lane:3': {SELECTOR}"),
    "an unknown symbol assigned": (START, "assign:\n  layer:1: unti\n", 4, "symbol in assign.layer:1 'unti': did you"),
    "nothing assigned": (START, "assign: {}\n", 3, "assign: expected at least one entry"),
    "a list assigned": (START, "assign: [unit]\n", 3, "assign: expected keys and values"),
    "starts of an unknown symbol": ("starts:\n  unit:", "starts:\n  unti:", 11, "symbol in starts 'unti': did you mea"),
    "starts of an unknown production": ("    sum:\n      far", "    sun:\n      far", 12, "production in starts.unit"),
    "start of an unknown parameter": (FAR, "far: {b: 2}", 13, "unknown parameter in starts.unit.sum 'b'"),
    "start of another length": (FAR, "far: {c: [1, 2]}", 13, "starts.unit.sum.far.c: c has 2 entries, but 1 are used"),
    "an array for a number": (FAR, "far: {a: [1, 2]}", 13, "starts.unit.sum.far.a: a has 2 entries, but one number is"),
    "an empty start": (FAR, "far: {c: []}", 13, "starts.unit.sum.far.c: a list of initial values has 1 to 256 entries"),
    "a start that is no number": (FAR, "far: {a: .nan}", 13, f"starts.unit.sum.far.a: {NUMBERS}"),
    "a start in words": (FAR, "far: {a: one}", 13, f"starts.unit.sum.far.a: {NUMBERS}"),
    "a start without a name": (FAR, "a: 2", 13, "starts.unit.sum.a: expected keys and values"),
    "an empty array": (INITIAL, "initial: []", 16, "parameters.a.initial: a list of initial values has 1 to 256 entri"),
    "an array in an array": (INITIAL, "initial: [[1]]", 16, f"parameters.a.initial: {NUMBERS}"),
    "true as a number": (INITIAL, "initial: true", 16, f"parameters.a.initial: {NUMBERS}"),
    "a number beyond float64": (INITIAL, f"initial: 1{'0' * 400}", 16, f"parameters.a.initial: {NUMBERS}"),
    "a number of too many digits": (INITIAL, f"initial: {'1' * 5000}", 16, "is not what its tag or its digits say"),
    "an array that is too long": (INITIAL, f"initial: [{', '.join('1' * 257)}]", 16, "has 1 to 256 entries"),
    "an array where a number is used": (INITIAL, "initial: [1, 2]", 6, "rules.unit.sum: a has 2 entries, but one numb"),
    "no granularity": (LAYER, "granularity: []", 17, f"parameters.a.granularity: {GRANULARITY}"),
    "an unknown granularity": (LAYER, "granularity: [layer, chanel]", 17, f"parameters.a.granularity: {GRANULARITY}"),
    "a granularity that is a number": (LAYER, "granularity: [8]", 17, f"parameters.a.granularity: {GRANULARITY}"),
    "no groups": (LAYER, "granularity: group:0", 17, f"parameters.a.granularity: {GRANULARITY}"),
    "sharing in words": (SETTING, "shared: perhaps", 18, SHARED),
    "sharing by number": (SETTING, "shared: 1", 18, SHARED),
    "no sharing at all": (SETTING, "shared: []", 18, SHARED),
    "sharing in a list of other things": (SETTING, "shared: [true, layer]", 18, SHARED),
    "without an unknown operator": (
        "starts:", "operators:\n  leaf:\n    arguments: unit\n    without: [sinn]\nstarts:", 13,
        "unknown operator in operators.leaf.without 'sinn': did you mean sin",
    ),
    "operators on an unknown symbol": (
        "starts:", "operators:\n  leaf:\n    arguments: unti\nstarts:", 12, "symbol in operators.leaf 'unti': did you",
    ),
    "operators of an unknown symbol": (
        "starts:", "operators:\n  laef:\n    arguments: unit\nstarts:", 11, "symbol in operators 'laef': did you mean",
    ),
    "operators on nothing": ("starts:", "operators:\n  leaf: {}\nstarts:", 11, "'operators.leaf.arguments' is missing"),
    "an operator that is no list": (
        "starts:", "operators:\n  leaf:\n    arguments: unit\n    without: sin\nstarts:", 13, "should be a valid list",
    ),
    "operators without end": (
        "starts:", "operators:\n  leaf:\n    arguments: unit\nstarts:", 5, "without end (unit -> leaf -> unit)",
    ),
    "an argument too many": (WRAP, "sin(leaf, leaf)", 7, "sin takes 1 argument(s), not 2"),
    "a symbol for an exponent": (WRAP, "x**leaf", 7, "an exponent is a literal number"),
    "a symbol for an order": (WRAP, "mittag_leffler(x, leaf, 1)", 7, "the order a is a literal number"),
    "a parameter that is an array at one place": (WRAP, "sin(leaf + d + d[0])", 7, "d is indexed at one place and not"),
    "an index that is too large": (WRAP, "sin(leaf + d[256])", 7, "named by a literal integer from 0 to 255"),
    "a statistic of three levels": (
        WRAP, "mean[last](mean[last](mean[last](leaf)))", 7, "statistics stand at most 2 deep in each other",
    ),
    "statistics that meet": (
        f"{WRAP}\n  leaf:\n    x: x", "mean[last](mean[last](leaf))\n  leaf:\n    x: x\n    mean: max[last](x)", 7,
        "rules.unit.wrap: a sample is no activation: statistics stand at most 2 deep",
    ),
    "an unknown axis": (WRAP, "mean[rows](leaf)", 7, "unknown axis of mean 'rows'"),
    "an unknown statistic": (WRAP, "median[last](leaf)", 7, "unknown statistic 'median': did you mean mean"),
    "a box around a sine": (WRAP, "box_smoothed(sin(leaf), 1)", 7, "a sample is no activation: box_smoothed takes a p"),
    "a box around a rare sine": (
        f"{WRAP}\n  leaf:\n    x: x", "box_smoothed(leaf, 1)\n  leaf:\n    x: x\n    sine: sin(x)", 7,
        "rules.unit.wrap: a sample is no activation: box_smoothed takes a piecewise linear function of x",
    ),
    "a box of moving width": (WRAP, "box_smoothed(relu(x), leaf)", 7, "second argument of box_smoothed is a number or"),
    "a box without a width": (WRAP, "box_smoothed(leaf)", 7, "box_smoothed takes 2 argument(s), not 1"),
    "a box around a gate": (WRAP, "box_smoothed(relu(gate), 1)", 7, "box_smoothed takes a function of x alone"),
    "a graph beside rules": (START, START + "graph:\n  inputs: {x: x}\n  nodes: 1\n  primitives: {neg: -a}\n", 4,
                             "a space has either rules or a graph"),
}  # fmt: skip

A_OR_B = "a primitive is an expression of a, or of a and b, and of nothing else that has a name"
IN_GRAPHS = {
    "no nodes": ("nodes: 3", "nodes: 0", 7, "graph.nodes: input should be greater than or equal to 1"),
    "a billion nodes": ("nodes: 3", "nodes: 1000000000", 7, "graph.nodes: input should be less than or equal to 32"),
    "part of a node": ("nodes: 3", "nodes: 2.5", 7, "graph.nodes: input should be a valid integer"),
    "nodes in words": ("nodes: 3", "nodes: three", 7, "graph.nodes: input should be a valid integer"),
    "nodes left out": ("  nodes: 3\n", "", 3, "the key 'graph.nodes' is missing"),
    "an unknown key": ("nodes: 3", "nodez: 3", 7, "unknown key in graph 'nodez': did you mean nodes"),
    "a primitive of a third value": ("a + b", "a + c", 9, f"graph.primitives.add: {A_OR_B}"),
    "a primitive without a": ("a + b", "b + 1", 9, f"graph.primitives.add: {A_OR_B}"),
    "a primitive of nothing": ("a + b", '"1"', 9, f"graph.primitives.add: {A_OR_B}"),
    "a primitive of entries": ("a + b", "a[0] + b", 9, f"graph.primitives.add: {A_OR_B}"),
    "an unknown operator": ("a + b", "addd(a, b)", 9, "unknown operator 'addd': did you mean add"),
    "a primitive of three levels": ("mean[batch](a)", "mean[last](mean[last](mean[last](a)))", 10, "at most 2 deep"),
    "no primitives": ("    add: a + b\n    mean: mean[batch](a)\n", "    {}\n", 8, "primitives: expected at least one"),
    "no inputs": ('    x: x\n    one: "1"\n', "    {}\n", 4, "graph.inputs: expected at least one entry"),
    "a list of inputs": ('    x: x\n    one: "1"\n', "    [x]\n", 4, "graph.inputs: expected keys and values"),
    "an input called a": ("x: x", "x: a * x", 5, "graph.inputs.x: a stands for a value of the graph"),
    "an input called node": ("x: x", "x: node", 5, "graph.inputs.x: node stands for a value of the graph"),
    "an output without node": ("gamma * node", "gamma * x", 11, "graph.output: expected an expression of node"),
    "an output of an entry": ("gamma * node", "gamma * node[0]", 11, "graph.output: expected an expression of node"),
    "an unused parameter": ("  gamma:", "  gama:", 13, "(neither the inputs nor the output have it) 'gama': did you m"),
    "an array for a number": ("initial: 1.0", "initial: [1, 2]", 11, "graph.output: gamma has 2 entries, but one numb"),
    "a granularity to choose": ("initial: 1.0", "granularity: [layer, channel]", 12, "are had in one way only"),
    "start": ("graph:", "start: x\ngraph:", 3, "start belongs to rules: a space with a graph has none"),
    "depth": ("graph:", "depth: {x: 2}\ngraph:", 3, "depth belongs to rules: a space with a graph has none"),
    "most": ("graph:", "most: {x: 2}\ngraph:", 3, "most belongs to rules: a space with a graph has none"),
    "starts": ("graph:", "starts: {x: {y: {z: {gamma: 2}}}}\ngraph:", 3, "starts belongs to rules"),
    "assign": ("graph:", "assign: {layer:1: x}\ngraph:", 3, "assign belongs to rules"),
    "neither rules nor graph": (GRAPH[GRAPH.index("graph:") :], "", 1, "a space has either rules or a graph"),
    "an empty graph": (GRAPH[GRAPH.index("graph:") :], "graph: {}\n", 3, "the key 'graph.inputs' is missing"),
    "a list for a graph": (GRAPH[GRAPH.index("graph:") :], "graph: [x]\n", 3, "graph: expected keys and values"),
    "only what cannot be nested": (
        "    add: a + b\n    mean: mean[batch](a)\n  output: gamma * node",
        "    mean: mean[batch](mean[last](a))\n  output: gamma * max[last](node)", 3,
        "graph: a sample is no activation: the space 'space': none of 1000 random graphs is an activation",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "reason"), IN_RULES.values(), ids=IN_RULES)
def test_a_mistake_in_rules_is_one_sentence(tmp_path, old, new, line, reason):
    assert_refused(tmp_path, RULES, (old, new), line, reason)


@pytest.mark.parametrize(("old", "new", "line", "reason"), IN_GRAPHS.values(), ids=IN_GRAPHS)
def test_a_mistake_in_a_graph_is_one_sentence(tmp_path, old, new, line, reason):
    assert_refused(tmp_path, GRAPH, (old, new), line, reason)


def test_the_files_without_mistakes_are_read(tmp_path):
    for text, count in ((RULES, 2), (GRAPH, (2**2 + 2) * (3**2 + 3) * (4**2 + 4))):
        path = tmp_path / "space.yaml"
        path.write_text(text, encoding="utf-8")
        assert read_space(path).size().count == count


@pytest.mark.parametrize(
    "text",
    ["a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + RULES, "title: &t [*t]\n" + RULES],
    ids=["bomb", "cycle"],
)
def test_aliases_are_not_followed(tmp_path, text):
    assert_refused(tmp_path, text, ("title", "title"), 1, "anchors and aliases (& and *) are not read")


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(RULES, encoding="utf-8")
    os.truncate(path, 100_000_000)
    with pytest.raises(SpaceError, match="the file is larger than 256000 bytes"):
        read_space(path)


def assert_refused(folder: Path, text: str, change: tuple[str, str], line: int, reason: str) -> None:
    assert text.count(change[0]) >= 1
    path = folder / "space.yaml"
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(SpaceError) as refused:
        read_space(path)
    sentence = str(refused.value)
    assert sentence.startswith(f"{path}:{line}: "), sentence
    assert reason in sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    assert len(sentence) < 320 + len(str(path))
