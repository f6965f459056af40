"""Bounds on how often a symbol may stand in all, and assignments, which are derivations with one hole a site."""

from __future__ import annotations

import random
from collections import Counter

import pytest

TREES = """\
title: Binary trees
paper: "none: a test"
start: node
depth:
  node: 4
most:
  node: 7
  scaled: 1
rules:
  node:
    leaf: x
    sum: node_1 + node_2
    factor: scaled
  scaled:
    times: a * node
"""
SITES = """\
title: Sites
paper: "none: a test"
assign:
  layer:1..3: site
  layer:5: last
rules:
  site:
    sin: sin(x)
    identity: x
  last:
    clip: hardtanh(x)
"""


@pytest.fixture
def trees(write_space):
    return write_space(TREES)


def counts(genome):
    return genome.count("node"), genome.count("scaled"), max(genome.depths(path).get("node", 0) for path, _ in
                                                             genome.nodes())  # fmt: skip


def test_the_count_is_the_number_enumerated(trees):
    found = list(trees.enumerate())
    assert trees.size().count == len(found) == len(set(found))
    assert all(nodes <= 7 and scaled <= 1 and depth <= 4 for nodes, scaled, depth in map(counts, found))
    # The bounds are reached, or they would say nothing.
    assert {7} <= {counts(genome)[0] for genome in found}
    assert Counter(counts(genome)[1] for genome in found)[1] > 10


def test_samples_moves_and_crossover_keep_to_the_bounds(trees):
    known, rng, seen = set(trees.enumerate()), random.Random(1), set()
    encoded = {genome.encode() for genome in known}
    for _ in range(300):
        first, second = trees.sample(rng), trees.sample(rng)
        seen |= {first, second}
        assert {first, second} <= known
        for name, move in trees.moves.items():
            child = move(first, rng)
            if child is not None and name != "parameter":
                assert trees.contains(child)
                assert child.encode() in encoded
        children = trees.crossover(first, second, rng)
        assert children is None or all(trees.contains(child) for child in children)
    assert len(seen) > len(known) // 2


def test_what_has_one_node_too_many_is_outside(trees, write_space):
    wider = write_space(TREES.replace("node: 7", "node: 9"))
    outside = [genome for genome in wider.enumerate() if genome.count("node") > 7]
    assert outside
    assert not any(trees.contains(genome) for genome in outside)


def test_an_assignment_has_an_activation_for_each_site(write_space):
    space = write_space(SITES)
    assert space.selectors == ("layer:1", "layer:2", "layer:3", "layer:5")
    assert space.size().count == 2**3
    found = list(space.enumerate())
    assert len({space.candidate(genome).id for genome in found}) == 8
    texts = {tuple(part.text for _, part in space.candidate(genome).assignment) for genome in found}
    assert ("sin(x)", "x", "sin(x)", "hardtanh(x)") in texts
    rng = random.Random(3)
    assert {space.sample(rng) for _ in range(200)} == set(found)
    first, second = found[0], found[-1]
    children = space.crossover(first, second, rng)
    assert children is not None
    assert all(space.contains(child) for child in children)
