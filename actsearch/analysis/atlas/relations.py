"""What the functions of the catalog are to each other, as `novelty` finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from actsearch.analysis.catalog import Entry
from actsearch.analysis.novelty import Match, novelty
from actsearch.analysis.novelty.family import activations, is_comparable
from actsearch.grammar.activation import Activation

Kind = Literal["same", "member", "limit"]
_MOST = 32
"""Matches that are looked at for each function."""
_PERTURBED, _SHIFTED = 1.37, 0.11


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """The function `name`, at its initial parameters, is the function `of`, up to the scaling and shifts of `label`."""

    name: str
    of: str
    kind: Kind
    """`same`: with its initial parameters; `member`: with those of the label; `limit`: where they tend to an end."""
    label: str
    """`of` with its parameters and transformations."""
    whole: bool
    """Whether it has parameters and stays such a function when they are moved: then one family contains the other."""


def relations(entries: Mapping[str, Entry]) -> list[Relation]:
    """Every relation of two comparable entries; some hundredths of a second for each entry and setting."""
    return [
        relation
        for entry, activation in activations(entries.values()).values()
        if is_comparable(activation)
        for relation in _relations(entry.name, activation, entries)
    ]


def _relations(name: str, activation: Activation, entries: Mapping[str, Entry]) -> Iterator[Relation]:
    found = _exact(name, activation, entries)
    moved = _exact(name, _moved(activation), entries) if activation.parameters and found else {}
    for match in found.values():
        kind: Kind = "limit" if match.limits else "member" if match.moved else "same"
        yield Relation(name=name, of=match.name, kind=kind, label=match.label(digits=4), whole=match.name in moved)


def _exact(name: str, activation: Activation, entries: Mapping[str, Entry]) -> dict[str, Match]:
    found = novelty(activation, most=_MOST, entries=entries)
    return {match.name: match for match in found.matches[: found.exact] if match.name != name}


def _moved(activation: Activation) -> Activation:
    specs = (replace(spec, initial=spec.scalar * _PERTURBED + _SHIFTED) for spec in activation.parameters)
    return replace(activation, parameters=tuple(specs))
