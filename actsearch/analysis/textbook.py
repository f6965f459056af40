"""Derivatives as a textbook writes them: for reading and for telling signs, as `compile.derive` is for computing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from actsearch.compile.derive import product_of, sum_of
from actsearch.grammar.expression import Apply, Constant, Expression, X, call, fold
from actsearch.grammar.operators import OPERATORS

Rules = Mapping[str, Callable[..., tuple[Expression, ...]]]
"""Partial derivatives by each argument, by the operator's name."""
_ZERO, _ONE = Constant(0.0), Constant(1.0)


def _mish(u: Expression) -> tuple[Expression, ...]:
    t = call.tanh(call.softplus(u))
    return (t + u * call.sigmoid(u) * (1 - t**2),)


SIGNED: Rules = {
    # With the function itself as a factor, which others may share.
    "sigmoid": lambda u: (call.sigmoid(u) * call.sigmoid(-u),),
}
READABLE: Rules = {
    "sigmoid": lambda u: (call.sigmoid(u) * (1 - call.sigmoid(u)),),
    "tanh": lambda u: (1 - call.tanh(u) ** 2,),
    "silu": lambda u: (call.sigmoid(u) * (1 + u * (1 - call.sigmoid(u))),),
    "mish": _mish,
    "sinc": lambda u: ((call.cos(math.pi * u) - call.sinc(u)) / u,),
    "elu": lambda u: (call.where(call.greater(u, 0), 1, call.exp(u)),),
    # Without the ties, at which there is no derivative.
    "maximum": lambda a, b: (call.greater(a, b), call.greater(b, a)),
    "minimum": lambda a, b: (call.greater(b, a), call.greater(a, b)),
}


def derivative(expression: Expression, rules: Rules) -> Expression:
    """The derivative of `expression` by x, by `rules` where they have one, else by the operators' own.

    Terms that are 0 and factors that are 1 are left out; nothing else is simplified.
    """

    def leaf(node: Expression) -> tuple[Expression, Expression]:
        return node, _ONE if node == X else _ZERO

    def apply(name: str, arguments: list[tuple[Expression, Expression]]) -> tuple[Expression, Expression]:
        inner = [value for value, _ in arguments]
        node = Apply(name, tuple(inner))
        slopes = [slope for _, slope in arguments]
        if all(slope == _ZERO for slope in slopes):
            return node, _ZERO
        if name == "where":
            chosen, otherwise = slopes[1:]
            return node, chosen if chosen == otherwise else call.where(inner[0], chosen, otherwise)
        partials = (rules.get(name) or OPERATORS[name].derivative)(*inner)
        return node, sum_of(product_of(pair) for pair in zip(partials, slopes, strict=True))

    return fold(expression, leaf, apply)[1]  # type: ignore[no-any-return]
