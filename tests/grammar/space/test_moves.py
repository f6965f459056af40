from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.grammar.conftest import SMALL
from tests.grammar.strategies import quick

MOVES = ("point", "insert", "remove", "regenerate", "parameter")
SEEDS = st.integers(0, 10**6)


def shape(genome):
    return [(path, node.production.name) for path, node in genome.nodes()]


def symbols(genome):
    return [node.symbol for _, node in genome.nodes()]


def moved(space, name, count=150):
    """Samples and what one kind of move made of them, where it could be made."""
    rng = random.Random(name)
    pairs = [(parent := space.sample(rng), space.moves[name](parent, rng)) for _ in range(count)]
    return [(parent, child) for parent, child in pairs if child is not None]


@pytest.mark.parametrize("name", MOVES)
@quick(40)
@given(seed=SEEDS)
def test_a_move_stays_inside_the_space(swish, name, seed):
    rng = random.Random(seed)
    genome = swish.sample(rng)
    before = genome.encode()
    child = swish.moves[name](genome, rng)
    assert genome.encode() == before
    if child is not None:
        assert swish.contains(child)
        assert swish.decode(child.encode()) == child
        assert swish.activation(child).inputs in ((), ("x",))


@quick(60)
@given(seed=SEEDS)
def test_a_long_walk_of_moves_stays_inside_the_space(swish, seed):
    rng = random.Random(seed)
    genome = swish.sample(rng)
    for _ in range(12):
        genome = rng.choice(list(swish.moves.values()))(genome, rng) or genome
    assert swish.contains(genome)
    assert max(genome.depths(path).get("unit", 0) for path, _ in genome.nodes()) <= swish.depth["unit"]


@pytest.mark.parametrize("name", MOVES)
def test_every_kind_of_move_happens_and_changes_something(swish, name):
    pairs = moved(swish, name, 500)
    assert len(pairs) > 40
    # A fresh sample is often what was there; the strategy draws again then.
    assert sum(child != parent for parent, child in pairs) > 0.98 * len(pairs)


@pytest.mark.parametrize("name", MOVES)
def test_a_move_is_the_same_for_the_same_seed(swish, name):
    genomes = [swish.sample(random.Random(seed)) for seed in range(60)]

    def children(offset):
        return [swish.moves[name](genome, random.Random(offset + i)) for i, genome in enumerate(genomes)]

    assert children(5) == children(5)
    assert children(5) != children(500)


def test_point_changes_one_production_and_keeps_the_children_that_fit(swish):
    kept = 0
    for parent, child in moved(swish, "point"):
        path = next(path for path, name in shape(parent) if child.at(path).production.name != name)
        old, new = parent.at(path), child.at(path)
        assert old.symbol == new.symbol
        assert child.replaced(path, old) == parent, "nothing changed elsewhere"
        wanted = Counter(symbol for _, symbol in new.production.holes)
        had = Counter(grandchild.symbol for grandchild in old.children)
        common = (wanted & had).total()
        assert (Counter(new.children) & Counter(old.children)).total() >= common
        kept += common
    assert kept > 50


def test_insert_puts_the_old_node_below_a_new_one_of_its_symbol(swish):
    for parent, child in moved(swish, "insert"):
        assert len(shape(child)) > len(shape(parent))
        path = next(path for path, node in parent.nodes() if child.at(path) != node and is_below(child, path, node))
        assert child.at(path).symbol == parent.at(path).symbol
        assert child.replaced(path, parent.at(path)) == parent


def test_remove_puts_a_node_from_below_in_the_place_of_one(swish):
    for parent, child in moved(swish, "remove", 400):
        assert len(shape(child)) < len(shape(parent))
        assert any(
            node != parent.at(path) and child == parent.replaced(path, node)
            for path, _ in parent.nodes()
            for deeper, node in parent.at(path).nodes()
            if deeper and node.symbol == parent.at(path).symbol
        )


def test_regenerate_replaces_one_node_by_another_of_its_symbol(swish):
    roots = 0
    for parent, child in moved(swish, "regenerate"):
        if child == parent:
            continue
        paths = [path for path, node in parent.nodes() if has(child, path) and child.replaced(path, node) == parent]
        assert paths
        assert child.at(max(paths, key=len)).symbol == parent.at(max(paths, key=len)).symbol
        roots += paths == [()]
    assert roots > 5


def test_parameter_changes_one_initial_value_and_nothing_else(swish):
    ratios = []
    for parent, child in moved(swish, "parameter", 600):
        assert shape(child) == shape(parent)
        old, new = (values_of(genome) for genome in (parent, child))
        changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        assert len(changed) <= 1
        ratios += [b / a for a, b in changed]
    assert len(ratios) > 100
    # The factor is log-normal with median 1; a tenth of them are negative.
    assert 0.4 < sum(abs(ratio) > 1 for ratio in ratios) / len(ratios) < 0.6
    assert 0.03 < sum(ratio < 0 for ratio in ratios) / len(ratios) < 0.2
    assert all(ratio == float(f"{ratio:.3g}") for ratio in ratios), "three digits"


def test_a_parameter_never_leaves_100_and_comes_away_from_0(small):
    rng = random.Random(1)
    for start, limit in ((100.0, 100.0), (0.0, 1.0)):
        genome = small.decode(f'["leaf",[["scale",[],[{start},{start}]]],[]]')
        found = [values_of(small.moves["parameter"](genome, rng)) for _ in range(200)]
        assert all(abs(value) <= limit for values in found for value in values)
        assert any(values != [start, start] for values in found)


def test_moves_that_cannot_be_made_give_nothing(small):
    rng = random.Random(1)
    leaf = small.decode('["leaf",[["x",[],[]]],[]]')
    assert small.moves["remove"](leaf, rng) is None, "no unit below the unit"
    assert small.moves["parameter"](leaf, rng) is None, "no parameter"
    full = small.decode('["wrap",[["leaf",[["x",[],[]]],[]]],[]]')
    inserted = [small.moves["insert"](full, rng) for _ in range(100)]
    assert all(child is None or small.contains(child) for child in inserted)
    assert not any(child for child in inserted), "the depth is used up"


@quick(80)
@given(seed=SEEDS)
def test_crossover_swaps_two_subtrees_of_one_symbol(swish, seed):
    rng = random.Random(seed)
    first, second = swish.sample(rng), swish.sample(rng)
    children = swish.crossover(first, second, rng)
    if children is None:
        return
    assert not set(children) & {first, second}, "parents are known already"
    assert all(swish.contains(child) and swish.decode(child.encode()) == child for child in children)
    # Nothing is lost and nothing is made: the two children together have the nodes of the two parents.
    assert Counter(names(children[0])) + Counter(names(children[1])) == Counter(names(first)) + Counter(names(second))


def test_crossover_happens_and_is_the_same_for_the_same_seed(swish):
    samples = [swish.sample(random.Random(seed)) for seed in range(100)]
    one, other = ([swish.crossover(a, b, random.Random(7)) for a, b in pairwise(samples)] for _ in range(2))
    assert one == other
    assert sum(children is not None for children in one) > 80
    assert any(child not in pair for children, pair in zip(one, pairwise(samples), strict=True) for child in children)


def test_crossover_of_equal_genomes_without_a_difference_to_swap_gives_nothing(small):
    leaf = small.decode('["leaf",[["x",[],[]]],[]]')
    assert small.crossover(leaf, leaf, random.Random(1)) is None


def test_crossover_respects_the_depth(write_space):
    space = write_space(SMALL.replace("unit: 2", "unit: 3"))
    rng = random.Random(2)
    genomes = [genome for genome in space.enumerate() if len(shape(genome)) > 5]
    for _ in range(150):
        children = space.crossover(rng.choice(genomes), rng.choice(genomes), rng)
        assert children is None or all(space.contains(child) for child in children)


def names(genome):
    return [(node.symbol, node.production.name, node.parameters) for _, node in genome.nodes()]


def values_of(genome):
    return [spec.initial for _, node in genome.nodes() for spec in node.parameters]


def has(genome, path):
    for index in path:
        if index >= len(genome.children):
            return False
        genome = genome.children[index]
    return True


def is_below(genome, path, wanted):
    return has(genome, path) and any(deeper and node == wanted for deeper, node in genome.at(path).nodes())
