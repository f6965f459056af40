"""Templates of productions, filled: as they are written, or in normal form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from actsearch.grammar.canonical import build, canonical
from actsearch.grammar.expression import Apply, Expression, Parameter, substitute, walk
from actsearch.grammar.space.production import Production, nodes_of

Fill = Callable[[Production, Sequence[Expression]], Expression]
"""From a production and what fills its holes and stands for its parameters, in order, to an expression."""
_Filler = Callable[[Sequence[Expression]], Expression]


def filled(production: Production, fillings: Sequence[Expression]) -> Expression:
    """The template as it is written."""
    return substitute(production.template, dict(zip(_places(production), fillings, strict=True)))


def filled_normal(production: Production, fillings: Sequence[Expression]) -> Expression:
    """The template in normal form, given fillings in normal form."""
    # By identity: a hash of a production walks its whole template.
    filler = _FILLERS.get(id(production))
    if filler is None or filler[0] is not production:
        places = {node: index for index, node in enumerate(_places(production))}
        filler = _FILLERS[id(production)] = production, _filler(production.template, places)
    return filler[1](fillings)


_FILLERS: dict[int, tuple[Production, _Filler]] = {}
"""What fills each production, which it keeps alive so that its identity stays its own."""


def _places(production: Production) -> list[Expression]:
    own = (node for spec in production.alternatives[0] for node in nodes_of(spec))
    return [*(Parameter(hole) for hole, _ in production.holes), *own]


def _filler(node: Expression, places: Mapping[Expression, int]) -> _Filler:
    """The function that builds the normal form of `node` from fillings at their places."""
    if node in places:
        index = places[node]
        return lambda fillings: fillings[index]
    if not isinstance(node, Apply) or not any(inner in places for inner in walk(node)):
        normal = canonical(node)
        return lambda _: normal
    operator, parts = node.operator, [_filler(argument, places) for argument in node.arguments]
    if [places.get(argument) for argument in node.arguments] == list(range(len(places))):
        return lambda fillings: build(operator, fillings)
    return functools.partial(_build, operator, parts)


def _build(operator: str, parts: Sequence[_Filler], fillings: Sequence[Expression]) -> Expression:
    return build(operator, [part(fillings) for part in parts])
