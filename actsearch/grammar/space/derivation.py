"""A derivation: the genome of spaces that are written as typed rules, a tree of productions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from actsearch.errors import ActsearchError, SpaceError
from actsearch.grammar.expression import Expression, Parameter
from actsearch.grammar.parameter import ParameterSpec
from actsearch.grammar.space.production import Production, Specs, nodes_of, settings_of
from actsearch.grammar.space.template import Fill, filled, filled_normal

Path = tuple[int, ...]
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A production, what fills its holes, and how its own parameters start and are had."""

    production: Production
    children: tuple[Derivation, ...] = ()
    parameters: Specs = ()

    @property
    def symbol(self) -> str:
        """Symbol that it derives."""
        return self.production.symbol

    def express(self) -> tuple[Expression, dict[str, ParameterSpec]]:
        """Its expression, and the parameters in it, named apart in order of appearance."""
        specs: dict[str, ParameterSpec] = {}
        return _express(self, specs, filled), specs

    def express_normal(self) -> tuple[Expression, dict[str, ParameterSpec]]:
        """As `express`, in normal form: quicker than what brings the whole expression there afterwards."""
        specs: dict[str, ParameterSpec] = {}
        return _express(self, specs, filled_normal), specs

    def nodes(self, path: Path = ()) -> Iterator[tuple[Path, Derivation]]:
        """Every node with the path to it, from the root down."""
        yield path, self
        for index, child in enumerate(self.children):
            yield from child.nodes((*path, index))

    def at(self, path: Path) -> Derivation:
        """The node at `path`."""
        node = self
        for index in path:
            node = node.children[index]
        return node

    def replaced(self, path: Path, node: Derivation) -> Derivation:
        """This derivation with `node` at `path`."""
        if not path:
            return node
        index, *rest = path
        child = self.children[index].replaced(tuple(rest), node)
        return replace(self, children=(*self.children[:index], child, *self.children[index + 1 :]))

    def depths(self, path: Path = ()) -> Mapping[str, int]:
        """How often each symbol stands on the way from the root to the node at `path`, itself included."""
        counts: dict[str, int] = {}
        node = self
        for index in (*path, None):
            counts[node.symbol] = counts.get(node.symbol, 0) + 1
            if index is not None:
                node = node.children[index]
        return counts

    def count(self, symbol: str) -> int:
        """How many nodes derive `symbol`."""
        return (self.symbol == symbol) + sum(child.count(symbol) for child in self.children)

    def encode(self) -> str:
        """JSON text, which `decode` reads back."""
        return _ENCODER.encode(_encode(self))


def decode(text: str, productions: Mapping[str, Mapping[str, Production]], symbol: str) -> Derivation:
    """The derivation of `symbol` that `encode` wrote, over the given productions by symbol and name.

    Raises `SpaceError` for any other text.
    """
    try:
        document = json.loads(text)
        return _decode(document, productions, symbol)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ActsearchError):
            raise
        raise SpaceError(f"{text[:60]!r} is no genome: expected JSON.") from None


def _express(node: Derivation, specs: dict[str, ParameterSpec], fill: Fill) -> Expression:
    fillings = [_express(child, specs, fill) for child in node.children]
    for spec in node.parameters:
        fresh = _fresh(spec.name, specs)
        specs[fresh] = spec if fresh == spec.name else replace(spec, name=fresh)
        fillings += [Parameter(fresh, own.index) for own in nodes_of(spec)]
    return fill(node.production, fillings)


def _fresh(name: str, taken: Mapping[str, ParameterSpec]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _encode(node: Derivation) -> list[Any]:
    if not node.parameters:
        return [node.production.name, [_encode(child) for child in node.children], []]
    usual = settings_of(node.production.alternatives[0])
    values: list[Any] = [
        spec.initial if (spec.granularity, spec.shared) == setting else spec.to_json()
        for spec, setting in zip(node.parameters, usual, strict=True)
    ]
    return [node.production.name, [_encode(child) for child in node.children], values]


def _decode(document: Any, productions: Mapping[str, Mapping[str, Production]], symbol: str) -> Derivation:
    if not isinstance(document, list) or [type(part) for part in document] != [str, list, list]:
        raise SpaceError(f"{str(document)[:60]!r} is no genome: expected [production, [children], [values]].")
    name, children, values = document
    production = productions.get(symbol, {}).get(name)
    if production is None:
        raise SpaceError(f"the space no longer has the production {name!r} of {symbol!r}: was its file changed?")
    if len(children) != len(production.holes) or len(values) != len(production.parameters):
        raise SpaceError(f"the production {name!r} of {symbol!r} has other holes or parameters: was its file changed?")
    decoded = (
        _decode(child, productions, inner)
        for child, (_, inner) in zip(children, production.holes, strict=True)
    )  # fmt: skip
    specs = tuple(_spec(value, usual) for value, usual in zip(values, production.alternatives[0], strict=True))
    if not production.allows(specs):
        raise SpaceError(f"the production {name!r} of {symbol!r} has no such parameters: was its file changed?")
    return Derivation(production=production, children=tuple(decoded), parameters=specs)


def _spec(value: Any, usual: ParameterSpec) -> ParameterSpec:
    """A parameter as `_encode` wrote it: its initial value alone where it is had as usual, else an object."""
    fields = value if isinstance(value, dict) else {"initial": value}
    initial = fields.get("initial")
    entries: list[Any] = initial if isinstance(initial, list) else [initial]
    numbers = all(isinstance(entry, float) and math.isfinite(entry) for entry in entries)
    setting = (fields.get("granularity", usual.granularity), fields.get("shared", usual.shared and fields is not value))
    if not numbers or not entries or [type(part) for part in setting] != [str, bool]:
        raise SpaceError(f"{str(value)[:60]!r} is no genome's parameter: expected a finite number or a list of them.")
    granularity, shared = setting
    start = tuple(entries) if isinstance(initial, list) else entries[0]
    return replace(usual, initial=start, granularity=granularity, shared=shared)
