"""Products with negative powers as quotients: one division instead of a reciprocal and a product."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.compile.derive import product_of
from actsearch.grammar.expression import Apply, Constant, Expression, fold


def with_fractions(expression: Expression) -> Expression:
    """`expression` with `u * v**-2` written as `u / v**2`."""
    return fold(expression, lambda leaf: leaf, _apply)  # type: ignore[no-any-return]


def _apply(operator: str, arguments: Sequence[Expression]) -> Expression:
    if operator == "power" and (base := _below(node := Apply(operator, tuple(arguments)))) != node:
        return Apply("divide", (Constant(1.0), base))
    if operator != "multiply":
        return Apply(operator, tuple(arguments))
    above = [argument for argument in arguments if not _is_reciprocal(argument)]
    below = [
        argument.arguments[1] for argument in arguments if isinstance(argument, Apply) and _is_reciprocal(argument)
    ]
    if not below:
        return Apply("multiply", tuple(arguments))
    return Apply("divide", (product_of(above), product_of(below)))


def _below(power: Apply) -> Expression:
    """What stands below the fraction bar of a power with a negative exponent; any other power itself."""
    base, exponent = power.arguments
    if not isinstance(exponent, Constant) or exponent.value >= 0:
        return power
    return base if exponent.value == -1 else Apply("power", (base, Constant(-exponent.value)))


def _is_reciprocal(node: Expression) -> bool:
    return isinstance(node, Apply) and node.operator == "divide" and node.arguments[0] == Constant(1.0)
