"""Moves between derivations of one space: mutation and crossover that never leave it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from actsearch.grammar.parameter import ParameterSpec
from actsearch.grammar.space.derivation import Derivation, Path
from actsearch.grammar.space.production import settings_of
from actsearch.grammar.space.room import Room

if TYPE_CHECKING:
    from actsearch.grammar.space.rules import RuleSpace

_Move = Callable[["RuleSpace", Derivation, random.Random], Derivation | None]
_ATTEMPTS = 8


def point(space: RuleSpace, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Replace one production by another of the same symbol; children whose symbols still fit stay."""
    path, node = rng.choice(list(genome.nodes()))
    room = _outside(space, genome, path).enter(node.symbol)
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
            specs = rng.choice(production.alternatives)
            new = Derivation(production=production, children=tuple(filter(None, children)), parameters=specs)
            return _checked(space, genome.replaced(path, new))
    return None


def insert(space: RuleSpace, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Put a new node of the same symbol above one, with the old one somewhere below it."""
    places = [(path, node) for path, node in genome.nodes() if node.symbol in space.recursive]
    for _ in range(_ATTEMPTS if places else 0):
        path, node = rng.choice(places)
        grown = _sampled(space, node.symbol, _outside(space, genome, path), rng)
        below = [place for place, inner in grown.nodes() if place and inner.symbol == node.symbol] if grown else []
        if grown and below:
            found = _checked(space, genome.replaced(path, grown.replaced(rng.choice(below), node)))
            if found is not None:
                return found
    return None


def remove(space: RuleSpace, genome: Derivation, rng: random.Random) -> Derivation | None:
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


def regenerate(space: RuleSpace, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Replace one node by a fresh random one of its symbol."""
    for _ in range(_ATTEMPTS):
        path, node = rng.choice(list(genome.nodes()))
        fresh = _sampled(space, node.symbol, _outside(space, genome, path), rng)
        if fresh is not None and fresh != node:
            return _checked(space, genome.replaced(path, fresh))
    return None


def parameter(space: RuleSpace, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Change one initial value: scaled by a log-normal factor, its sign turned one time in ten."""
    del space  # Initial values are not bound by the space.
    holders = [(path, node) for path, node in genome.nodes() if node.parameters]
    if not holders:
        return None
    path, node = rng.choice(holders)
    index = rng.randrange(len(node.parameters))
    changed = moved(node.parameters[index], rng)
    return genome.replaced(path, replace(node, parameters=_with(node.parameters, index, changed)))


def start(space: RuleSpace, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Let the parameters of one node start, and be had, as another alternative of its production says."""
    del space
    holders = [(path, node) for path, node in genome.nodes() if len(node.production.alternatives) > 1]
    if not holders:
        return None
    path, node = rng.choice(holders)
    others = [specs for specs in node.production.alternatives if specs != node.parameters]
    return genome.replaced(path, replace(node, parameters=rng.choice(others)))


def setting(space: RuleSpace, genome: Derivation, rng: random.Random) -> Derivation | None:
    """Have the parameters of one node by another granularity, or shared otherwise; initial values stay."""
    del space
    holders = [(path, node) for path, node in genome.nodes() if len(node.production.settings()) > 1]
    if not holders:
        return None
    path, node = rng.choice(holders)
    others = [chosen for chosen in node.production.settings() if chosen != settings_of(node.parameters)]
    specs = tuple(
        replace(spec, granularity=granularity, shared=shared)
        for spec, (granularity, shared) in zip(node.parameters, rng.choice(others), strict=True)
    )
    return genome.replaced(path, replace(node, parameters=specs))


def useful(space: RuleSpace) -> Mapping[str, _Move]:
    """The moves that can do something in `space`, by name."""
    productions = list(space.all_productions())
    found: dict[str, _Move] = {}
    if any(len(by_name) > 1 for by_name in space.productions.values()):
        found["point"] = point
    if space.recursive:
        found |= {"insert": insert, "remove": remove}
    found["regenerate"] = regenerate
    if any(production.parameters for production in productions):
        found["parameter"] = parameter
    if any(len(production.alternatives) > 1 for production in productions):
        found["start"] = start
    if any(len(production.settings()) > 1 for production in productions):
        found["setting"] = setting
    return found


def crossover(
    space: RuleSpace, first: Derivation, second: Derivation, rng: random.Random
) -> tuple[Derivation, Derivation] | None:
    """Swap two subtrees of the same symbol; None if no pair drawn keeps both within the space and makes them new."""
    by_symbol: dict[str, list[Path]] = {}
    for path, node in second.nodes():
        by_symbol.setdefault(node.symbol, []).append(path)
    places = [path for path, node in first.nodes() if node.symbol in by_symbol]
    for _ in range(_ATTEMPTS):
        here = rng.choice(places)
        mine = first.at(here)
        there = rng.choice(by_symbol[mine.symbol])
        children = first.replaced(here, second.at(there)), second.replaced(there, mine)
        # To swap the roots is to give the parents back: a quarter of the crossovers of swish did so, half of actbench.
        if not {first, second} & set(children) and all(space.contains(child) for child in children):
            return children
    return None


def moved(spec: ParameterSpec, rng: random.Random) -> ParameterSpec:
    """`spec` with one of its initial values changed, three digits of it: enough to differ, short enough to read."""
    entry = rng.randrange(len(spec.entries)) if spec.length else 0
    value = spec.entries[entry]
    changed = (value or 0.1) * rng.lognormvariate(0.0, 0.5) * (-1.0 if rng.random() < 0.1 else 1.0)
    rounded = float(f"{min(max(changed, -100.0), 100.0):.3g}")
    if spec.length is None:
        return replace(spec, initial=rounded)
    return replace(spec, initial=(*spec.entries[:entry], rounded, *spec.entries[entry + 1 :]))


def _with(specs: tuple[ParameterSpec, ...], index: int, spec: ParameterSpec) -> tuple[ParameterSpec, ...]:
    return (*specs[:index], spec, *specs[index + 1 :])


def _outside(space: RuleSpace, genome: Derivation, path: Path) -> Room:
    """Room in which the node at `path` stands."""
    used = genome.depths(path)
    node = genome.at(path)
    depth = {s: bound - used.get(s, 0) + (s == node.symbol) for s, bound in space.depth.items()}
    return Room(depth, {s: most - genome.count(s) + node.count(s) for s, most in space.most.items()})


def _sampled(space: RuleSpace, symbol: str, room: Room, rng: random.Random) -> Derivation | None:
    return space.sample_symbol(symbol, room, rng) if space.derives(symbol, room) else None


def _checked(space: RuleSpace, genome: Derivation) -> Derivation | None:
    return genome if space.contains(genome) else None
