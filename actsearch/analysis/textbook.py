"""Derivatives as a textbook writes them: for reading, and for telling signs, where `compile.derive` is for computing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actsearch.compile.derive import product_of, sum_of
from actsearch.grammar.expression import Apply, Constant, Expression, X, call, fold
from actsearch.grammar.operators import OPERATORS

Rules = Mapping[str, Callable[[Expression], Expression]]
_ZERO, _ONE = Constant(0.0), Constant(1.0)

SIGNED: Rules = {
    # With the function itself as a factor, which others may share.
    "sigmoid": lambda u: call.sigmoid(u) * call.sigmoid(-u),
}
READABLE: Rules = {
    "sigmoid": lambda u: call.sigmoid(u) * (1 - call.sigmoid(u)),
    "tanh": lambda u: 1 - call.tanh(u) ** 2,
    "silu": lambda u: call.sigmoid(u) * (1 + u * (1 - call.sigmoid(u))),
    "mish": lambda u: (
        call.tanh(call.softplus(u)) + u * call.sigmoid(u) * (1 - call.tanh(call.softplus(u)) ** 2)
    ),
    "softsign": lambda u: (1 + call.abs(u)) ** -2,
    "sinc": lambda u: (call.cos(3.141592653589793 * u) - call.sinc(u)) / u,
    "elu": lambda u: call.exp(call.minimum(u, 0)),
}  # fmt: skip


def derivative(expression: Expression, rules: Rules) -> Expression:
    """The derivative of `expression` by x, by `rules` where they say one for an operator of one argument.

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
        partials = (rules[name](inner[0]),) if name in rules else OPERATORS[name].derivative(*inner)
        return node, sum_of(product_of(pair) for pair in zip(partials, slopes, strict=True))

    return fold(expression, leaf, apply)[1]  # type: ignore[no-any-return]
