"""Moves between derivations of one space: mutation and crossover that never leave it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from actsearch.grammar.derivation import Derivation, Path
from actsearch.grammar.space import Depths, Space

Move = Callable[[Space, Derivation, random.Random], Derivation | None]


def point(space: Space, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Replace one production by another of the same symbol; children whose symbols still fit stay."""
    path, node = rng.choice(list(genome.nodes()))
    room = _room(space, genome, path)
    others = [p for p in space.productions[node.symbol].values() if p != node.production]
    rng.shuffle(others)
    for production in others:
        spare = list(node.children)
        children = []
        for _, symbol in production.holes:
            kept = next((child for child in spare if child.symbol == symbol), None)
            if kept is None:
                kept = _sampled(space, symbol, room, rng)
            else:
                spare.remove(kept)
            children.append(kept)
        if None not in children:
            values = space.initial_values(production)
            new = Derivation(production=production, children=tuple(filter(None, children)), values=values)
            return _checked(space, genome.replaced(path, new))
    return None


def insert(space: Space, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Put a new node of the same symbol above one, with the old one somewhere below it."""
    path, node = rng.choice(list(genome.nodes()))
    grown = _sampled(space, node.symbol, _outside(space, genome, path), rng)
    if grown is None:
        return None
    places = [place for place, below in grown.nodes() if place and below.symbol == node.symbol]
    if places:
        return _checked(space, genome.replaced(path, grown.replaced(rng.choice(places), node)))
    return None


def remove(space: Space, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Replace one node by a node of the same symbol from below it."""
    pairs = [
        (path, below)
        for path, node in genome.nodes()
        for deeper, below in node.nodes()
        if deeper and below.symbol == node.symbol
    ]
    if not pairs:
        return None
    path, below = rng.choice(pairs)
    return _checked(space, genome.replaced(path, below))


def regenerate(space: Space, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Replace one node by a fresh random one of its symbol."""
    path, node = rng.choice(list(genome.nodes()))
    fresh = _sampled(space, node.symbol, _outside(space, genome, path), rng)
    return None if fresh is None else _checked(space, genome.replaced(path, fresh))


def parameter(space: Space, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Change the initial value of one parameter: scaled by a log-normal factor, its sign turned one time in ten."""
    del space  # Initial values are not bound by the space.
    holders = [(path, node) for path, node in genome.nodes() if node.values]
    if not holders:
        return None
    path, node = rng.choice(holders)
    index = rng.randrange(len(node.values))
    value = node.values[index]
    moved = (value or 0.1) * rng.lognormvariate(0.0, 0.5) * (-1.0 if rng.random() < 0.1 else 1.0)
    # Three digits: enough to differ, short enough to read.
    rounded = float(f"{min(max(moved, -100.0), 100.0):.3g}")
    values = (*node.values[:index], rounded, *node.values[index + 1 :])
    return genome.replaced(path, replace(node, values=values))


MOVES: Mapping[str, Move] = {
    "point": point,
    "insert": insert,
    "remove": remove,
    "regenerate": regenerate,
    "parameter": parameter,
}


def crossover(
    space: Space, first: Derivation, second: Derivation, rng: random.Random
) -> tuple[Derivation, Derivation] | None:
    """Swap two subtrees of the same symbol; None if no pair drawn keeps both within the space."""
    by_symbol: dict[str, list[Path]] = {}
    for path, node in second.nodes():
        by_symbol.setdefault(node.symbol, []).append(path)
    places = [path for path, node in first.nodes() if node.symbol in by_symbol]
    for _ in range(8):
        here = rng.choice(places)
        mine = first.at(here)
        there = rng.choice(by_symbol[mine.symbol])
        children = first.replaced(here, second.at(there)), second.replaced(there, mine)
        if children != (first, second) and all(space.contains(child) for child in children):
            return children
    return None


def _room(space: Space, genome: Derivation, path: Path) -> Depths:
    """Room below the node at `path`."""
    used = genome.depths(path)
    return {symbol: bound - used.get(symbol, 0) for symbol, bound in space.depth.items()}


def _outside(space: Space, genome: Derivation, path: Path) -> Depths:
    """Room in which the node at `path` itself stands."""
    inside = _room(space, genome, path)
    symbol = genome.at(path).symbol
    return {**inside, symbol: inside[symbol] + 1} if symbol in inside else inside


def _sampled(space: Space, symbol: str, room: Depths, rng: random.Random) -> Derivation | None:
    return space.sample_symbol(symbol, room, rng) if space.derives(symbol, room) else None


def _checked(space: Space, genome: Derivation) -> Derivation | None:
    return genome if space.contains(genome) else None
