"""A derivation: the genome of spaces that are written as typed rules, a tree of productions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from actsearch.errors import SpaceError
from actsearch.grammar.expression import Expression, Parameter, parameter_names, substitute

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """One way to write a symbol: a template whose holes are symbols and whose parameters are fresh at each use."""

    name: str
    symbol: str
    template: Expression
    holes: tuple[tuple[str, str], ...]
    """(name in the template, symbol that fills it), in order of appearance."""
    weight: float = 1.0

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the template's own parameters."""
        holes = {name for name, _ in self.holes}
        return tuple(name for name in parameter_names(self.template) if name not in holes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A production, what fills its holes, and the initial values of its own parameters."""

    production: Production
    children: tuple[Derivation, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def symbol(self) -> str:
        """Symbol that it derives."""
        return self.production.symbol

    def express(self) -> tuple[Expression, dict[str, float]]:
        """Its expression, and the initial values of the parameters, named apart in order of appearance."""
        values: dict[str, float] = {}
        return _express(self, values), values

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

    def encode(self) -> str:
        """JSON text, which `decode` reads back."""
        return json.dumps(_encode(self), separators=(",", ":"))


def decode(text: str, productions: Mapping[str, Mapping[str, Production]], symbol: str) -> Derivation:
    """The derivation of `symbol` that `encode` wrote, over the given productions by symbol and name.

    Raises `SpaceError` for any other text.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise SpaceError(f"{text[:60]!r} is no genome: expected JSON.") from None
    return _decode(document, productions, symbol)


def _express(node: Derivation, values: dict[str, float]) -> Expression:
    replacements: dict[Expression, Expression] = {}
    for (hole, _), child in zip(node.production.holes, node.children, strict=True):
        replacements[Parameter(hole)] = _express(child, values)
    for name, value in zip(node.production.parameters, node.values, strict=True):
        fresh = _fresh(name, values)
        values[fresh] = value
        replacements[Parameter(name)] = Parameter(fresh)
    return substitute(node.production.template, replacements)


def _fresh(name: str, taken: Mapping[str, float]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _encode(node: Derivation) -> list[Any]:
    return [node.production.name, [_encode(child) for child in node.children], list(node.values)]


def _decode(document: Any, productions: Mapping[str, Mapping[str, Production]], symbol: str) -> Derivation:
    if not _is_node(document):
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
    return Derivation(production=production, children=tuple(decoded), values=tuple(values))


def _is_node(document: Any) -> bool:
    if not isinstance(document, list) or [type(part) for part in document] != [str, list, list]:
        return False
    return all(isinstance(value, float) and math.isfinite(value) for value in document[2])
