"""The derivative of a chain of invertible operators as a formula in its output.

With y = g(u) and u = h(x) the derivative is g'(u) h'(x). Where g can be solved for u, both u and g'(u) are formulas in
y, and what is left is the same question for h with the output u. So each operator says two formulas, and functions are
derived. Sources of the idea: Rota Bulo, Porzi, Kontschieder (2018), arXiv:1712.02616, who keep the output of batch
normalisation and an invertible activation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from actsearch.compile.derive import product_of
from actsearch.compile.saving.function import evaluator
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, X, call, input_names

_ONE = Constant(1.0)
Formulas = tuple[Callable[[Expression], Expression], Callable[[Expression], Expression]]
"""The argument and the derivative of an operator as formulas in its value."""

INVERSES: Mapping[str, Formulas] = {
    "exp": (call.log, lambda v: v),
    "expm1": (call.log1p, lambda v: v + 1),
    "log": (call.exp, lambda v: call.exp(-v)),
    "log1p": (call.expm1, lambda v: call.exp(-v)),
    "sigmoid": (lambda v: call.log(v) - call.log1p(-v), lambda v: v * (1 - v)),
    "logsigmoid": (lambda v: v - call.log(-call.expm1(v)), lambda v: -call.expm1(v)),
    "softplus": (lambda v: v + call.log(-call.expm1(-v)), lambda v: -call.expm1(-v)),
    "tanh": (call.atanh, lambda v: (1 - v) * (1 + v)),
    "atanh": (call.tanh, lambda v: call.cosh(v) ** 2),
    "sinh": (call.asinh, lambda v: call.sqrt(1 + v * v)),
    "asinh": (call.sinh, lambda v: 1 / call.cosh(v)),
    "atan": (call.tan, lambda v: call.cos(v) ** 2),
    "sqrt": (lambda v: v * v, lambda v: 0.5 / v),
    "negative": (lambda v: -v, lambda _: Constant(-1.0)),
    "reciprocal": (lambda v: 1 / v, lambda v: -(v * v)),
}  # fmt: skip
"""Operators of one argument that are one-to-one where they are defined."""


def slope_of_output(expression: Expression, output: Expression, at: float) -> Expression | None:
    """The derivative of `expression`, a function of x, as a formula in what stands for its value.

    It holds for the branch that the point `at` lies on, where an even power has two. None where x occurs more than
    once, or below what cannot be solved for it. A formula may be wrong where it is not defined: verify it.
    """
    factors: list[Expression] = []
    value, node = output, expression
    while node != X:
        if not isinstance(node, Apply):
            return None
        places = [index for index, argument in enumerate(node.arguments) if _reads_x(argument)]
        if len(places) != 1:
            return None
        found = _solved(node, places[0], value, at)
        if found is None:
            return None
        value, factor = found
        factors.append(factor)
        node = node.arguments[places[0]]
    return product_of(factors)


def _reads_x(expression: Expression) -> bool:
    return "x" in input_names(expression)


def _solved(node: Apply, place: int, value: Expression, at: float) -> tuple[Expression, Expression] | None:
    """The argument of `node` that depends on x, and the derivative by it, as formulas in the node's `value`."""
    if node.operator in INVERSES:
        inverse, slope = INVERSES[node.operator]
        return inverse(value), slope(value)
    others = [argument for index, argument in enumerate(node.arguments) if index != place]
    if any(isinstance(other, Parameter) for other in others):
        return None
    if node.operator == "add":
        return value - _together("add", others), _ONE
    if node.operator == "multiply":
        factor = _together("multiply", others)
        return value / factor, factor
    if node.operator == "power" and place == 0 and isinstance(others[0], Constant):
        return _root(node.arguments[0], others[0].value, value, at)
    return None


def _together(operator: str, arguments: list[Expression]) -> Expression:
    return arguments[0] if len(arguments) == 1 else Apply(operator, tuple(arguments))


def _root(base: Expression, exponent: float, value: Expression, at: float) -> tuple[Expression, Expression] | None:
    """The base of a power, which has at the point `at` the sign that it has on the whole branch."""
    sign = math.copysign(1.0, float(evaluator(base)(np.array([at]))[0]))
    if exponent == 0 or (sign < 0 and exponent != int(exponent)):
        return None
    magnitude = _power(call.abs(value), 1 / exponent)
    # The derivative n u^(n-1), whose sign for negative u is that of (-1)^(n-1).
    is_turned = sign < 0 and exponent % 2 == 0
    slope = _power(magnitude, exponent - 1)
    return sign * magnitude, (-exponent if is_turned else exponent) * slope


def _power(base: Expression, exponent: float) -> Expression:
    if exponent == 1:
        return base
    if exponent == 0:
        return _ONE
    if exponent == 0.5:
        return call.sqrt(base)
    if exponent == -1:
        return 1 / base
    return base**exponent if exponent == int(exponent) else call.exp(exponent * call.log(base))
