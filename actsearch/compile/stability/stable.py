"""Rewrites to forms that neither overflow nor cancel, whatever computes them.

The rules know expressions as written and in normal form. They change no value where the original is finite, apart
from rounding, for any values of the parameters; where it is not, the result may be. Operators that no rule knows stay
as they are, with their arguments rewritten; what stands in `detach` meets nothing outside of it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from actsearch.compile.stability.cancellation import stable_sum
from actsearch.compile.stability.factors import (
    LARGEST_EXPONENT,
    Product,
    argument,
    is_applied,
    scaled,
    terms,
    total,
)
from actsearch.compile.stability.homogeneous import stable_quotient
from actsearch.compile.stability.quotients import stable_product, without_cosh_below
from actsearch.grammar.expression import Apply, Constant, Expression, call, fold

_MOST_PASSES = 8
_ROOT_HALF = math.sqrt(0.5)


@functools.lru_cache(maxsize=256)
def stabilise(expression: Expression) -> Expression:
    """`expression` in forms that are stable in floating point; applying it twice changes nothing more."""
    for _ in range(_MOST_PASSES):
        rewritten = _scaled_quotients(fold(expression, lambda leaf: leaf, _rewritten))
        if rewritten == expression:
            break
        expression = rewritten
    return expression


def _rewritten(operator: str, arguments: list[Expression]) -> Expression:
    return _rule(Apply(operator, tuple(arguments)))


@functools.lru_cache(maxsize=1 << 14)
def _rule(node: Apply) -> Expression:
    rule = _RULES.get(node.operator)
    return rule(node) if rule else node


def _scaled_quotients(expression: Expression) -> Expression:
    """Quotients scaled from the root down: whole ones, before their parts."""
    memo: dict[Expression, Expression] = {}

    def visit(node: Expression) -> Expression:
        if not isinstance(node, Apply):
            return node
        if node not in memo:
            found = stable_quotient(without_cosh_below(node)) if node.operator in _PRODUCTS else node
            if found == node:
                parts = tuple(visit(part) for part in node.arguments)
                found = node if parts == node.arguments else Apply(node.operator, parts)
            memo[node] = found
        return memo[node]

    return visit(expression)


def _log(node: Apply) -> Expression:
    (u,) = node.arguments
    product = Product.of(u)
    if not product.is_sound:
        return node
    if len(product.factors) == 1 and product.coefficient == 1:
        (base, n), = product.factors.items()  # fmt: skip
        if n not in (-1, 1):
            # log(u**n): the power overflows first.
            return scaled(float(n), call.log(call.abs(base) if n % 2 == 0 else base))
    positive = {base: n for base, n in product.factors.items() if _log_of(base) is not None}
    if positive:
        rest = Product(product.coefficient, {b: n for b, n in product.factors.items() if b not in positive})
        parts = [Product.of(scaled(float(n), _log_of(base) or base)) for base, n in positive.items()]
        if rest.factors or rest.coefficient <= 0:
            parts.append(Product.of(call.log(rest.expression())))
        elif rest.coefficient != 1:
            parts.append(Product(math.log(rest.coefficient)))
        return total(parts)
    return _log_of_sum(node, u)


def _log_of(base: Expression) -> Expression | None:
    """The logarithm of a function whose values are positive, if it has a form of its own."""
    if is_applied(base, "exp"):
        return argument(base)
    if is_applied(base, "sigmoid"):
        return call.logsigmoid(argument(base))
    if is_applied(base, "cosh"):
        return call.softplus(scaled(2.0, argument(base))) - argument(base) - math.log(2)
    return None


def _log_of_sum(node: Apply, u: Expression) -> Expression:
    found = terms(u)
    if len(found) < 2:
        return node
    if len(found) == 2 and (merged := _log_of_exponentials(found)) is not None:
        return merged
    constant = next((term for term in found if not term.factors), None)
    if constant is not None and constant.coefficient == 1:
        return call.log1p(total(term for term in found if term is not constant))
    return node


def _log_of_exponentials(found: list[Product]) -> Expression | None:
    """log(a*exp(u) + b*exp(v)) with positive numbers a and b, either of which may stand alone."""
    logs = [_log_of_term(term) for term in found]
    one, other = sorted(logs, key=lambda e: not isinstance(e, Constant))
    if one is None or other is None or isinstance(other, Constant):
        return None
    if one == Constant(0.0):
        return call.softplus(other)
    return one + call.softplus(other - one)


def _log_of_term(term: Product) -> Expression | None:
    """The logarithm of a term: u + log(c) of c*exp(u), log(c) of c; None of anything else."""
    if term.coefficient <= 0 or not term.is_sound:
        return None
    shift = math.log(term.coefficient)
    if not term.factors:
        return Constant(shift)
    if len(term.factors) > 1:
        return None
    (base, n), = term.factors.items()  # fmt: skip
    if n != 1 or not is_applied(base, "exp"):
        return None
    return argument(base) if shift == 0 else argument(base) + shift


def _log1p(node: Apply) -> Expression:
    (u,) = node.arguments
    if is_applied(u, "expm1"):
        return argument(u)
    logarithm = _log_of_term(Product.of(u))
    return node if logarithm is None or isinstance(logarithm, Constant) else call.softplus(logarithm)


def _exp(node: Apply) -> Expression:
    # exp(log(u)) stays: it has no value where u is negative, and a candidate that needs one there is to be rejected.
    product = Product.of(node.arguments[0])
    if len(product.factors) != 1:
        return node
    (base, n), = product.factors.items()  # fmt: skip
    if n == 1 and is_applied(base, "logsigmoid") and product.coefficient == 1:
        return call.sigmoid(argument(base))
    if n == 1 and is_applied(base, "softplus") and product.coefficient == -1:
        return call.sigmoid(scaled(-1.0, argument(base)))
    return node


def _root(node: Apply) -> Expression:
    return _raised(node, node.arguments[0], 0.5)


def _power(node: Apply) -> Expression:
    base, exponent = node.arguments
    if not isinstance(exponent, Constant):
        return node
    if exponent.value == int(exponent.value):
        return stable_product(node)
    return _raised(node, base, exponent.value)


def _raised(node: Apply, base: Expression, exponent: float) -> Expression:
    """`node = base**exponent` with a fractional exponent, by one power: (u**2n)**p is |u|**2np."""
    product = Product.of(base)
    if len(product.factors) != 1 or product.coefficient != 1:
        return node
    (inner, n), = product.factors.items()  # fmt: skip
    if is_applied(inner, "exp"):
        return call.exp(scaled(n * exponent, argument(inner)))
    if n % 2 or not 0 < n * exponent <= LARGEST_EXPONENT:
        return node
    whole = n * exponent
    is_even = whole % 2 == 0
    size = inner if is_even else call.abs(inner)
    return size if whole == 1 else Apply("power", (size, Constant(whole)))


def _erfc(node: Apply) -> Expression:
    (u,) = node.arguments
    product = Product.of(u)
    if abs(product.coefficient + _ROOT_HALF) < 1e-15:
        return 2 * call.normal_cdf(Product(1.0, product.factors).expression())
    return node


_PRODUCTS = frozenset({"multiply", "divide", "negative", "reciprocal", "power"})
_RULES: dict[str, Callable[[Apply], Expression]] = {
    "add": stable_sum,
    "subtract": stable_sum,
    "multiply": stable_product,
    "divide": stable_product,
    "negative": stable_product,
    "reciprocal": stable_product,
    "square": stable_product,
    "power": _power,
    "sqrt": _root,
    "log": _log,
    "log1p": _log1p,
    "exp": _exp,
    "erfc": _erfc,
}
