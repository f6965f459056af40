"""What holds for every space: it samples, enumerates, mutates and crosses over without leaving itself."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter

import pytest

from actsearch import plugins
from actsearch.errors import SpaceError
from actsearch.grammar.activation import parse
from actsearch.grammar.space import open_space
from actsearch.grammar.space.graph import GraphSpace
from tests.search_spaces.conftest import MOST_ENUMERATED, NAMES, activations, samples_of, space_called

# The spaces whose size is a small number are enumerated whole; one of them stays out, for the time it takes.
ENUMERATED = 300


def test_the_folder_has_the_spaces_of_the_field():
    expected = {
        "swish", "pangaea", "rational", "polycom", "gated", "expanded", "smooth", "hysteresis", "stochastic", "unified",
        "basis", "series", "topk", "lanes", "evonorm", "normact", "row", "sparse", "placement", "private", "periodic",
        "free",
    }  # fmt: skip
    assert expected <= set(NAMES)


def test_a_file_begins_with_its_paper(name, space):
    first, *_ = plugins.find("search_spaces", name).read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    assert space.title
    identifiers = re.findall(r"arXiv:(\d{4}\.\d{4,5})", first)
    assert all(identifier in space.paper for identifier in identifiers)
    assert identifiers or space.paper.startswith("none")


def test_samples_stay_inside_and_are_read_back(name, space):
    for genome in samples_of(name):
        assert space.contains(genome)
        again = space.decode(genome.encode())
        assert again == genome
        assert space.candidate(again) == space.candidate(genome)
        assert tuple(selector for selector, _ in space.candidate(genome).assignment) == space.selectors


def test_the_text_of_a_sample_says_the_same_activation(name):
    for activation in activations(name):
        again = parse(activation.text, **{spec.name: spec for spec in activation.parameters})
        assert again.text == activation.text
        assert again.hash == activation.hash


def test_inputs_are_those_that_samples_read(name, space):
    read = {i for genome in samples_of(name) for _, f in space.candidate(genome).assignment for i in f.inputs}
    assert read == space.inputs


def test_samples_reach_everything(name, space):
    rng = random.Random(1)
    used: Counter[object] = Counter()
    if isinstance(space, GraphSpace):
        used.update(node.primitive for _ in range(100) for node in space.sample(rng).nodes)
        assert set(used) == set(space.primitives)
        return
    known = {(p.symbol, p.name) for p in space.all_productions()}
    for _ in range(6000):
        used.update((node.symbol, node.production.name) for _, node in space.sample(rng).nodes())
        if set(used) == known:
            return
    raise AssertionError(f"never sampled: {known - set(used)}")


def test_every_move_stays_inside_and_changes_something(name, space):
    for move_name, move in space.moves.items():
        rng = random.Random(f"{name} {move_name}")
        made = changed = 0
        for genome in samples_of(name)[:60]:
            child = move(genome, rng)
            if child is None:
                continue
            assert space.contains(child)
            assert space.decode(child.encode()) == child
            space.candidate(child)
            made += 1
            changed += child != genome
        assert made, move_name
        assert changed >= 0.9 * made, move_name


def test_a_long_walk_stays_inside(name, space):
    rng = random.Random(f"walk in {name}")
    genome = space.sample(rng)
    for _ in range(60):
        genome = rng.choice(list(space.moves.values()))(genome, rng) or genome
        assert space.contains(genome)
    assert space.decode(genome.encode()) == genome


def test_crossover_stays_inside_and_changes_something(name, space):
    rng = random.Random(f"crossover in {name}")
    made = new = 0
    for pair in itertools.pairwise(samples_of(name)[:80]):
        children = space.crossover(*pair, rng)
        if children is not None:
            assert all(space.contains(child) for child in children)
            assert children != pair
            made += 1
            new += any(child not in pair for child in children)
            if made < 20:
                assert [space.decode(child.encode()) for child in children] == list(children)
                assert all(space.candidate(child) for child in children)
    # Where a derivation is a choice and nothing below it, only whole genomes could be swapped: that is no crossover.
    holes = isinstance(space, GraphSpace) or any(production.holes for production in space.all_productions())
    assert (made > 3) == bool(new) == holes


def test_the_same_seed_gives_the_same_genomes(name, space):
    def walk(seed):
        rng = random.Random(seed)
        first, second = space.sample(rng), space.sample(rng)
        moved = [move(first, rng) for move in space.moves.values()]
        return [first, second, *moved, space.crossover(first, second, rng)]

    assert walk(3) == walk(3)
    assert any(walk(3) != walk(seed) for seed in range(4, 8))


def test_enumeration_gives_each_genome_once(name, space):
    size = space.size()
    is_whole = size.exact and size.count < MOST_ENUMERATED
    found = list(space.enumerate() if is_whole else itertools.islice(space.enumerate(), ENUMERATED))
    assert len(found) == (size.count if is_whole else ENUMERATED)
    assert len(set(found)) == len(found)
    assert all(space.contains(genome) for genome in found)
    for genome in found[:: max(1, len(found) // 100)]:
        assert space.decode(genome.encode()) == genome
        space.candidate(genome)


def test_every_genome_of_a_small_space_is_an_activation():
    # Combinators refuse what they cannot take only once a whole expression stands.
    for genome in itertools.islice(space_called("smooth").enumerate(), 0, None, 97):
        assert space_called("smooth").candidate(genome).activation.inputs in ((), ("x",))


def test_a_search_mixes_spaces_and_moves_between_them():
    everywhere = [name for name in NAMES if space_called(name).selectors == ("*",)]
    mixture = open_space(",".join(everywhere))
    rng = random.Random(5)
    genome = mixture.sample(rng)
    visited = set()
    for step in range(400):
        move = mixture.moves["switch"] if step % 4 == 0 else rng.choice(list(mixture.moves.values()))
        genome = move(genome, rng) or genome
        visited.add(genome.space)
        assert mixture.contains(genome)
        assert mixture.decode(genome.encode()) == genome
    assert visited == set(everywhere)


def test_spaces_of_other_sites_do_not_mix():
    with pytest.raises(SpaceError, match="assign functions to different sites"):
        open_space("swish,sparse")
