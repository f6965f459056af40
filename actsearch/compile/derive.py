"""Derivatives by our own rules: one reverse sweep over an expression."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actsearch.compile.statistics.adjoints import statistic_adjoint
from actsearch.grammar.expression import Apply, Constant, Expression, call
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import statistic_of, statistics

_ZERO, _ONE = Constant(0.0), Constant(1.0)
_Adjoints = dict[Expression, list[Expression]]


def derive(expression: Expression, wrt: Expression) -> Expression:
    """The derivative of `expression` by the input or parameter `wrt`, as an expression; see `gradients`."""
    return gradients([(expression, _ONE)], [wrt])[0]


def gradients(seeds: Sequence[tuple[Expression, Expression]], wrt: Sequence[Expression]) -> list[Expression]:
    """The derivative of the sum of `value * weight` over the pairs `seeds`, by each leaf in `wrt`.

    Weights are taken for constants. Statistics are those that others are said by (`with_primitives`).

    Terms that are 0 and factors that are 1 are left out; nothing else is simplified. At a kink it is torch's.
    """
    order = _dependents([value for value, _ in seeds], frozenset(wrt))
    adjoints: _Adjoints = {node: [] for node in (*order, *wrt)}
    for value, weight in seeds:
        if value in adjoints:
            adjoints[value].append(weight)
    for node in reversed(order):
        if adjoints[node]:
            _spread(node, sum_of(adjoints[node]), adjoints, wrt)
    return [sum_of(adjoints[leaf]) for leaf in wrt]


def _dependents(roots: Iterable[Expression], leaves: frozenset[Expression]) -> list[Apply]:
    """The applied operators below `roots` that depend on a leaf, arguments before what they are arguments of."""
    depends: dict[Expression, bool] = dict.fromkeys(leaves, True)
    order: list[Apply] = []

    def visit(node: Expression) -> bool:
        if node not in depends:
            # A list, because every argument is to be visited, whatever the others say.
            below = [visit(argument) for argument in node.arguments] if isinstance(node, Apply) else []
            depends[node] = any(below)
            if depends[node] and isinstance(node, Apply):
                order.append(node)
        return depends[node]

    for root in roots:
        visit(root)
    return order


def _spread(node: Apply, adjoint: Expression, adjoints: _Adjoints, wrt: Sequence[Expression]) -> None:
    """Hand the derivative `adjoint` of a node on to its arguments."""
    if statistic_of(node.operator):
        handed_on = statistic_adjoint(node, adjoint)
        if handed_on is not None and node.arguments[0] in adjoints:
            adjoints[node.arguments[0]].append(handed_on)
        return
    if node.operator == "where" and any(statistics(piece) for piece in node.arguments[1:]):
        # What a statistic hands on depends on where it is used, so the choice is part of the adjoint.
        condition, first, second = node.arguments
        for piece, weights in ((first, (adjoint, _ZERO)), (second, (_ZERO, adjoint))):
            if piece in adjoints:
                adjoints[piece].append(call.where(condition, *weights))
        return
    if node.operator == "where":
        # The choice of the derivatives, not their weighted sum: 0 times the infinite slope of the piece that is not
        # chosen would be NaN.
        condition, *pieces = node.arguments
        chosen, otherwise = (gradients([(piece, _ONE)], wrt) for piece in pieces)
        for leaf, a, b in zip(wrt, chosen, otherwise, strict=True):
            _add(adjoints[leaf], adjoint, a if a == b else call.where(condition, a, b))
        return
    partials = OPERATORS[node.operator].derivative(*node.arguments)
    for argument, partial in zip(node.arguments, partials, strict=True):
        if argument in adjoints:
            _add(adjoints[argument], adjoint, partial)


def _add(parts: list[Expression], adjoint: Expression, partial: Expression) -> None:
    if (part := product_of((adjoint, partial))) != _ZERO:
        parts.append(part)


def sum_of(terms: Iterable[Expression]) -> Expression:
    """The sum of `terms` without those that are 0."""
    kept = tuple(term for term in terms if term != _ZERO)
    if len(kept) < 2:
        return kept[0] if kept else _ZERO
    return Apply("add", kept)


def product_of(factors: Iterable[Expression]) -> Expression:
    """The product of `factors` without those that are 1; 0 if one of them is 0."""
    kept = tuple(_plain_power(factor) for factor in factors)
    if _ZERO in kept:
        return _ZERO
    kept = tuple(factor for factor in kept if factor != _ONE)
    if len(kept) < 2:
        return kept[0] if kept else _ONE
    return Apply("multiply", kept)


def _plain_power(factor: Expression) -> Expression:
    """`factor` without the exponents 1 and 0 that the power rule leaves."""
    if isinstance(factor, Apply) and factor.operator == "multiply":
        return product_of(factor.arguments)
    if isinstance(factor, Apply) and factor.operator == "power":
        base, exponent = factor.arguments
        return {_ONE: base, _ZERO: _ONE}.get(exponent, factor)  # type: ignore[call-overload, no-any-return]
    return factor
