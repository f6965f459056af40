"""The question which catalog function a function is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from actsearch.analysis.catalog import Entry
from actsearch.analysis.novelty.family import Array, family_of, form, is_comparable
from actsearch.analysis.novelty.fit import fit
from actsearch.analysis.novelty.match import CLOSE, KNOWN, Match, Novelty
from actsearch.analysis.novelty.points import GRID, POINTS
from actsearch.analysis.novelty.screen import promising
from actsearch.analysis.novelty.simplify import settled, simplified
from actsearch.analysis.novelty.table import Table, table_of
from actsearch.analysis.novelty.target import Target
from actsearch.analysis.novelty.warp import Warp, by_output, responses
from actsearch.grammar.activation import Activation

_ITERATIONS = 12
_COMPARED = 32
"""How many fits, the best ones, are compared with the function on all points."""
_SETTLED = 12
"""How many inexact matches are worth having their numbers made simple."""
_PRICE = 1.15
"""What one more transformation must divide the distance by, to be worth it."""
_WHOLE = 0.99
"""Share of [-5, 5] on which a function that is known by its values has one."""


def novelty(activation: Activation, *, most: int = 5, entries: Mapping[str, Entry] | None = None) -> Novelty:
    """Compare a function, parameters at their initial values, with the catalog, or with the given entries.

    A function that has no value on more than one percent of [-5, 5] is known by its form only, and so is one that is
    not pointwise. `most` bounds the matches. The first call of a process makes a table of the catalog.
    """
    table = table_of(entries)
    same = _of_same_form(activation, table)
    if not is_comparable(activation):
        return Novelty(verdict="known" if same else "new", matches=tuple(same[:most]), by_form=True)
    values = family_of(activation).values(GRID[None], np.array([[spec.scalar for spec in activation.parameters]]))[0]
    has_value = np.isfinite(values)
    if not has_value.any():
        return Novelty(verdict="known" if same else "new", matches=tuple(same[:most]))
    target = Target(x=GRID[has_value], values=values[has_value])
    matches = _ordered(activation, table, same, _matches(table, target), target.unit)
    exact = bool(same) or (has_value.mean() >= _WHOLE and bool(matches) and matches[0].distance <= KNOWN * target.unit)
    close = has_value.mean() >= _WHOLE and bool(matches) and matches[0].distance <= CLOSE * target.unit
    verdict: Literal["known", "close", "new"] = "known" if exact else "close" if close else "new"
    return Novelty(verdict=verdict, matches=tuple(matches[:most]))


def _of_same_form(activation: Activation, table: Table) -> list[Match]:
    """The entries whose normal form is the same, whatever their parameters are called and had by."""
    asked = form(activation)
    names = [name for name, known in table.forms.items() if known == asked]
    names.sort(key=lambda name: (table.hashes[name] != activation.hash, table.years[name], name))
    return [Match(name=name, distance=0.0, parameters=_initial(table.activations[name])) for name in names]


def _initial(activation: Activation) -> dict[str, float]:
    return {spec.name: spec.scalar for spec in activation.parameters if spec.length is None}


def _matches(table: Table, target: Target) -> list[Match]:
    """The best match of every comparable entry, in no order."""
    here = np.searchsorted(GRID, target.x)
    values = table.values if len(here) == len(GRID) else table.values[:, here]
    warps = [Warp.unmoved(family) for family in table.families]
    if target.is_constant:
        # Every constant is 0 times any function, and that says nothing.
        bare = np.abs(target.values - values).max(axis=1).tolist()
        return [warp.match(1.0, 0.0, distance) for warp, distance in zip(warps, bare, strict=True)]
    drafts = _drafts(warps, target, values)
    best = {match.name: match for match, _ in drafts}
    drafts += [] if target.is_linear else _fitted(table, target)
    drafts.sort(key=lambda draft: _worth(draft[0]))
    exact: dict[str, tuple[Match, Warp]] = {}
    for number, (draft, warp) in enumerate(drafts):
        is_exact = draft.distance <= KNOWN * target.unit
        if not is_exact and number >= _SETTLED:
            continue
        match, simple = settled(target, warp)
        if not target.explained_by(match):
            continue
        if is_exact and (match.name not in exact or match.effort < exact[match.name][0].effort):
            exact[match.name] = (match, simple)
        if _worth(match) < _worth(best[match.name]):
            best[match.name] = match
    return list((best | {match.name: match for match, _ in simplified(target, list(exact.values()))}).values())


def _fitted(table: Table, target: Target) -> list[tuple[Match, Warp]]:
    """Drafts of matches whose input or parameters were fitted."""
    problems, costs = fit(promising(table, target.at_points), target.at_points, POINTS, iterations=_ITERATIONS)
    first = [problems[index] for index in np.argsort(costs)[:_COMPARED] if np.isfinite(costs[index])]
    if not first:
        return []
    warps = [Warp.of(problem) for problem in first]
    values = np.concatenate([responses(warp.family, warp.numbers[None], target.x) for warp in warps])
    return [draft for draft in _drafts(warps, target, values) if target.explained_by(draft[0])]


def _drafts(warps: Sequence[Warp], target: Target, values: Array) -> list[tuple[Match, Warp]]:
    """Matches of warps that have the given values at the target's points, numbers as they are."""
    outputs = (part.tolist() for part in by_output(target, values))
    return [(warp.match(*output), warp) for warp, *output in zip(warps, *outputs, strict=True)]


def _worth(match: Match) -> float:
    return match.distance * _PRICE ** match.effort[0]


def _ordered(
    activation: Activation, table: Table, same: Sequence[Match], matches: Iterable[Match], unit: float
) -> list[Match]:
    """Entries of the same form, then exact matches by their transformations, then what is close, then the rest."""
    count = len(activation.parameters)

    def key(match: Match) -> tuple[object, ...]:
        is_exact = match.distance <= KNOWN * unit
        effort = match.effort if is_exact else ()
        worth = 0.0 if is_exact else _worth(match)
        alike = abs(len(match.parameters) - count)
        return (not is_exact, match.distance > CLOSE * unit, effort, worth, alike, table.years[match.name], match.name)

    named = {match.name for match in same}
    return [*same, *sorted((match for match in matches if match.name not in named), key=key)]
