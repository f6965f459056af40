"""The question which catalog function a function is."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping

import numpy as np

from actsearch.analysis.catalog import Entry
from actsearch.analysis.novelty.family import aligned, family_of, form, is_comparable, kind, plainly
from actsearch.analysis.novelty.match import CLOSE, KNOWN, Match, Novelty, Verdict
from actsearch.analysis.novelty.points import GRID, Array
from actsearch.analysis.novelty.screen import fitted
from actsearch.analysis.novelty.simplify import PRICE, settled, simplified
from actsearch.analysis.novelty.table import Table, table_of
from actsearch.analysis.novelty.target import Target
from actsearch.analysis.novelty.warp import Warp, by_output, responses
from actsearch.grammar.activation import Activation

_PLAIN = 32
"""How many entries, the nearest by output scale and shift alone, of x and of -x, are considered without a fit."""
_COMPARED = 40
"""How many fits, the best ones, are compared with the function on all points."""
_SETTLED = 8
"""How many inexact matches are worth having their numbers made simple."""
_ENLARGED = 30.0
"""How many times smaller or larger than at first a family may have become at the parameters of a match."""
_WHOLE = 0.99
"""Share of [-5, 5] on which a function that is known by its values has one."""


def novelty(activation: Activation, *, most: int = 5, entries: Mapping[str, Entry] | None = None) -> Novelty:
    """Compare a function, parameters at their initial values, with the catalog, or with the given entries.

    A function that has no value on more than one percent of [-5, 5] is known by its form only, and so is one that is
    not pointwise. `most` bounds the matches, and 1 answers at once for a formula of the catalog. The first call of a
    process makes a table of the catalog, which takes a second or two; another one takes some hundredths.
    """
    with plainly():
        return _compare(activation, table_of(entries), most)


def _compare(activation: Activation, table: Table, most: int) -> Novelty:
    same = _of_same_form(activation, table)
    if len(same) >= most:
        return Novelty(verdict="known", matches=tuple(same[:most]), exact=most)
    kin = _of_same_kind(activation, table)
    is_comparable_by_value = is_comparable(activation)
    values = _values(activation) if is_comparable_by_value else np.full(len(GRID), np.nan)
    has_value = np.isfinite(values)
    if not has_value.any():
        found = [*same, *kin][:most]
        verdict: Verdict = "known" if found else "new"
        return Novelty(verdict=verdict, matches=tuple(found), exact=len(found), by_form=not is_comparable_by_value)
    target = Target(x=GRID[has_value], values=values[has_value])
    named = {match.name for match in (*same, *kin)}
    others = [match for match in _matches(table, target, most) if match.name not in named]
    matches = [*same, *_ordered([*kin, *others], {match.name for match in kin}, activation, table, target.unit)]
    nearest = matches[0].distance if matches and has_value.mean() >= _WHOLE else math.inf
    is_known, is_close = nearest <= target.known, nearest <= CLOSE * target.unit
    verdict = "known" if same or kin or is_known else "close" if is_close else "new"
    shown = tuple(matches[:most])
    exact = sum(match.distance <= target.known for match in shown) if verdict == "known" else 0
    return Novelty(verdict=verdict, matches=shown, exact=exact)


def _values(activation: Activation) -> Array:
    initial = np.array([[spec.scalar for spec in activation.parameters]])
    values: Array = family_of(activation).values(GRID[None], initial)[0]
    return values


def _of_same_form(activation: Activation, table: Table) -> list[Match]:
    """The entries whose formula is the same at the same values, whatever its parameters are called and had by."""
    asked = form(activation)
    names = [name for name, known in table.forms.items() if known == asked]
    names.sort(key=lambda name: (table.hashes[name] != activation.hash, table.years[name], name))
    return [Match(name=name, distance=0.0, parameters=_initial(table.activations[name])) for name in names]


def _of_same_kind(activation: Activation, table: Table) -> list[Match]:
    """The entries whose formula is the same at other values of its parameters, the earliest first."""
    if not activation.parameters:
        return []
    asked, asked_form = kind(activation), form(activation)
    names = [name for name, known in table.kinds.items() if known == asked and table.forms[name] != asked_form]
    matches = []
    for name in sorted(names, key=lambda name: (table.years[name], name)):
        initial, values = _initial(table.activations[name]), aligned(activation, table.activations[name])
        moved = tuple(key for key, value in values.items() if value != initial[key])
        if values:
            matches.append(Match(name=name, distance=0.0, parameters=values, moved=moved))
    return matches


def _initial(activation: Activation) -> dict[str, float]:
    return {spec.name: spec.scalar for spec in activation.parameters if spec.length is None}


def _matches(table: Table, target: Target, most: int) -> list[Match]:
    """The best match of each of the nearest entries, at least `most` of them if there are as many, in no order."""
    if target.is_constant:
        # Every constant is 0 times any function, and that says nothing.
        return []
    drafts = _unfitted(table, target, most)
    best = {match.name: match for match, _ in sorted(drafts, key=lambda draft: -_worth(draft[0]))}
    drafts += [] if target.is_linear else _fitted(table, target)
    drafts.sort(key=lambda draft: _worth(draft[0]))
    exact: dict[str, tuple[Match, Warp]] = {}
    for number, (draft, warp) in enumerate(drafts):
        is_exact = draft.distance <= target.known
        if not is_exact and number >= _SETTLED:
            continue
        match, simple = settled(target, warp)
        if not _is_meant(match, table, target):
            continue
        if is_exact and (match.name not in exact or match.effort < exact[match.name][0].effort):
            exact[match.name] = (match, simple)
        if match.name not in best or _worth(match) < _worth(best[match.name]):
            best[match.name] = match
    return list((best | {match.name: match for match, _ in simplified(target, list(exact.values()))}).values())


def _unfitted(table: Table, target: Target, most: int) -> list[tuple[Match, Warp]]:
    """Drafts of the entries that are nearest by output scale and shift alone, of x and, if they are close, of -x."""
    few, here = np.searchsorted(GRID, target.sparse.x), np.searchsorted(GRID, target.x)
    drafts = []
    for sign, values in ((1.0, table.values), (-1.0, table.values[:, ::-1])):
        likely = np.argsort(by_output(target.sparse, values[:, few])[2], kind="stable")[: max(_PLAIN, most)]
        outputs = by_output(target, values[likely][:, here])
        for index, scale, shift, distance in zip(likely, *outputs, strict=True):
            if sign > 0 or distance <= CLOSE * target.unit:
                drafts.append(_draft(Warp.unmoved(table.families[index], sign), scale, shift, distance))
    return drafts


def _fitted(table: Table, target: Target) -> list[tuple[Match, Warp]]:
    """Drafts of matches whose input or parameters were fitted."""
    first = fitted(table, target.at_points)[:_COMPARED]
    warps = [warp for warp in map(Warp.of, first) if warp.is_centred]
    if not warps:
        return []
    values = np.concatenate([responses(warp.family, warp.numbers[None], target.x) for warp in warps])
    drafts = [_draft(warp, *output) for warp, *output in zip(warps, *by_output(target, values), strict=True)]
    return [draft for draft in drafts if _is_meant(draft[0], table, target)]


def _is_meant(match: Match, table: Table, target: Target) -> bool:
    """Whether a match is one, and no zoom into a corner of a family where it vanishes or grows beyond all others."""
    if not target.explained_by(match):
        return False
    if not match.moved and not match.limits:
        return True
    size = abs(match.output_scale) * table.spans[match.name] / float(np.ptp(target.values))
    return 1 / _ENLARGED <= size <= _ENLARGED


def _draft(warp: Warp, scale: float, shift: float, distance: float) -> tuple[Match, Warp]:
    """The match of a warp, its numbers as they are."""
    return warp.match(float(scale), float(shift), float(distance)), warp


def _worth(match: Match) -> float:
    return match.distance * PRICE ** match.effort[0]


def _ordered(
    matches: Iterable[Match], kin: Container[str], activation: Activation, table: Table, unit: float
) -> list[Match]:
    """Exact matches by their transformations, then what is close, then the rest; `kin` names those of one formula."""
    count = len(activation.parameters)

    def key(match: Match) -> tuple[object, ...]:
        is_exact, is_far = match.distance <= KNOWN * unit, match.distance > CLOSE * unit
        effort = match.effort if is_exact else ()
        worth = 0.0 if is_exact else _worth(match)
        alike = abs(len(match.parameters) - count)
        digits = len(match.label()) - len(match.name)
        ties = (match.name not in kin, alike, digits, table.sizes[match.name], table.years[match.name], match.name)
        return (not is_exact, is_far, effort, worth, *ties)

    return sorted(matches, key=key)
