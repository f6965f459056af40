"""How large the expression of a derivation is, without making it: what is too large to be written is no genome."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actsearch.grammar.combinators import COMBINATORS
from actsearch.grammar.expression import Apply, Expression, Parameter
from actsearch.grammar.space.derivation import Derivation
from actsearch.grammar.space.production import Production

_COMBINED = 4
"""Times by which a combinator multiplies what it takes, on average over piecewise linear functions of few kinks."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Nodes of an expression, shared parts counted each time, and its levels."""

    size: int
    depth: int

    def within(self, other: Extent) -> bool:
        """Whether neither is larger than in `other`."""
        return self.size <= other.size and self.depth <= other.depth


SURELY_WRITTEN = Extent(200, 36)
"""What has at most 4096 characters and 48 levels in normal form, names of parameters being of ordinary length."""
LARGEST = 4096
"""Nodes of what can be written at all: each takes a character."""


def extent(node: Derivation) -> Extent:
    """The extent of the expression that `node` stands for."""
    return extent_with(node.production, [extent(child) for child in node.children])


def extent_with(production: Production, inner: Sequence[Extent]) -> Extent:
    """The extent of a production whose holes are filled by expressions of the given extents."""
    size, depth, holes = _shape(production.template)
    for (name, _), filling in zip(production.holes, inner, strict=True):
        count, level = holes[name]
        size += count * (filling.size - 1)
        depth = max(depth, level + filling.depth - 1)
    return Extent(size, depth)


@functools.lru_cache(maxsize=4096)
def _shape(template: Expression) -> tuple[int, int, Mapping[str, tuple[int, int]]]:
    """Size and depth of a template, and how often and how deep each of its names stands."""
    size, deepest, names = 0, 0, dict[str, tuple[int, int]]()
    stack = [(template, 1, 1)]
    while stack:
        node, depth, times = stack.pop()
        size, deepest = size + times, max(deepest, depth)
        if isinstance(node, Parameter):
            count, level = names.get(node.name, (0, 0))
            names[node.name] = (count + times, max(level, depth))
        elif isinstance(node, Apply):
            inside = times * (_COMBINED if node.operator in COMBINATORS else 1)
            stack += [(argument, depth + 1, inside) for argument in node.arguments]
    return size, deepest, names
