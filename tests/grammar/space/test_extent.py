from __future__ import annotations

import random

import pytest

from actsearch.errors import ParseError, SpaceError
from actsearch.grammar.expression import fold
from actsearch.grammar.space.derivation import Derivation
from actsearch.grammar.space.extent import SURELY_WRITTEN, Extent, extent
from actsearch.grammar.text import read

DEEP = """\
title: Too deep
paper: "none: a test"
start: u
depth:
  u: 16
rules:
  u:
    x: x
    sum: sin(u_1) * cos(u_2) + u_1 * tanh(beta * u_2)
    wrap: sin(cos(tanh(sin(cos(u)))))
weights:
  u:
    wrap: 3
"""


def measured(genome):
    expression, _ = genome.express()
    size, depth = fold(
        expression,
        lambda _: (1, 1),
        lambda _, inner: (1 + sum(n for n, _ in inner), 1 + max(d for _, d in inner)),
    )
    return Extent(size, depth)


def test_the_extent_is_that_of_the_expression(swish, small, write_space):
    rng = random.Random(1)
    genomes = [*small.enumerate(), *(swish.sample(rng) for _ in range(200))]
    deep = write_space(DEEP)
    genomes += [deep.sample(rng) for _ in range(50)]
    for genome in genomes:
        assert extent(genome) == measured(genome)
    assert any(extent(genome).size > 60 for genome in genomes)


def test_what_cannot_be_written_is_outside(write_space):
    space = write_space(DEEP)
    assert not space.size().exact
    rng = random.Random(2)
    genomes = [space.sample(rng) for _ in range(100)]
    assert max(extent(genome).depth for genome in genomes) > SURELY_WRITTEN.depth
    for genome in genomes:
        read(space.activation(genome).text)
        for move in space.moves.values():
            child = move(genome, rng)
            if child is not None:
                assert space.contains(child)
                read(space.activation(child).text)
    leaf = next(genome for genome in genomes if genome.production.name == "x")
    wrap = next(g for g in genomes if g.production.name == "wrap" and g.children == (leaf,))
    total = next(production for production in space.all_productions() if production.name == "sum")
    wide, depth = leaf, 0
    while space.contains(wide):
        wide = Derivation(production=total, children=(wide, wide), parameters=total.alternatives[0])
        depth += 1
    assert 4 < depth < 10, "the symbol may stand 16 deep: it is the text that is too long"
    with pytest.raises(ParseError, match=r"at most 4096 are read|nested deeper"):
        read(space.activation(wide).text)
    tall = leaf
    for _ in range(11):
        tall = wrap.replaced((0,), tall)
    assert not space.contains(tall)


def test_a_space_of_what_is_small_is_counted_exactly(swish, small):
    assert swish.size().exact
    assert small.size().exact


def test_a_size_beyond_every_float_is_shown(write_space):
    assert str(write_space(DEEP).size()).startswith("at most ")


def test_a_space_of_nothing_that_can_be_written_is_refused(write_space):
    always = DEEP.replace("    x: x\n", "    x: end\n").replace("weights:", "  end:\n    long: LONG\nweights:")
    text = always.replace("LONG", "sin(" * 47 + "x" + ")" * 47).replace("x: end", "x: sin(cos(end))")
    with pytest.raises(SpaceError, match=r"space\.yaml:6: .* short enough to be written: lower depth or most"):
        write_space(text)
