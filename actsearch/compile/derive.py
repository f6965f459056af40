"""Derivatives by our own rules: the chain rule over the operators' partial derivatives, in microseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actsearch.grammar.expression import Apply, Constant, Expression, call, fold
from actsearch.grammar.operators import OPERATORS

_ZERO, _ONE = Constant(0.0), Constant(1.0)
_Dual = tuple[Expression, Expression]


def derive(expression: Expression, wrt: Expression) -> Expression:
    """The derivative of `expression` by the input or parameter `wrt`, as an expression.

    Terms that are 0 and factors that are 1 are left out; nothing else is simplified. At a kink it is torch's.
    """

    def leaf(node: Any) -> _Dual:
        return node, _ONE if node == wrt else _ZERO

    def apply(operator: str, duals: list[_Dual]) -> _Dual:
        arguments = tuple(value for value, _ in duals)
        return Apply(operator, arguments), _chain(operator, arguments, tuple(derivative for _, derivative in duals))

    return fold(expression, leaf, apply)[1]  # type: ignore[no-any-return]


def _chain(operator: str, arguments: tuple[Expression, ...], inner: tuple[Expression, ...]) -> Expression:
    """Derivative of an applied operator whose arguments have the derivatives `inner`."""
    if all(derivative == _ZERO for derivative in inner):
        return _ZERO
    if operator == "where":
        # The choice of the derivatives, not their weighted sum: 0 times the infinite slope of the piece that is not
        # chosen would be NaN.
        condition, (_, chosen, otherwise) = arguments[0], inner
        return chosen if chosen == otherwise else call.where(condition, chosen, otherwise)
    partials = OPERATORS[operator].derivative(*arguments)
    return sum_of(
        product_of((partial, derivative))
        for partial, derivative in zip(partials, inner, strict=True)
        if derivative != _ZERO
    )


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
