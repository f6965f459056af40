"""Products and sums as rules see them: whether written with quotients, differences and squares or in normal form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from actsearch.compile.derive import product_of, sum_of
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Constant, Expression

LARGEST_EXPONENT = 64
"""What text can say."""


@dataclass(slots=True)
class Product:
    """`coefficient` times the powers of `factors`; exponents are integers other than 0."""

    coefficient: float = 1.0
    factors: dict[Expression, int] = field(default_factory=dict)

    @classmethod
    def of(cls, expression: Expression) -> Product:
        """The factors of an expression; a factor that is no product is one to itself."""
        found = cls()
        _collect(expression, 1, found)
        return found

    @property
    def key(self) -> frozenset[tuple[Expression, int]]:
        """The factors without the coefficient."""
        return frozenset(self.factors.items())

    def times(self, base: Expression, exponent: int = 1) -> None:
        """Multiply by a power, which meets the power of the same base."""
        total = self.factors.pop(base, 0) + exponent
        if total:
            self.factors[base] = total

    def include(self, expression: Expression, exponent: int = 1) -> None:
        """Multiply by a power of an expression, factor by factor."""
        _collect(expression, exponent, self)

    def without(self, base: Expression, exponent: int = 1) -> Product:
        """The product with so many factors `base` less."""
        rest = Product(self.coefficient, dict(self.factors))
        rest.times(base, -exponent)
        return rest

    @property
    def is_sound(self) -> bool:
        """Whether it can be written: finite, with exponents that text can say."""
        return math.isfinite(self.coefficient) and all(abs(n) <= LARGEST_EXPONENT for n in self.factors.values())

    def expression(self) -> Expression:
        """The product as an expression, negative powers below one fraction bar."""
        above = [_power(base, n) for base, n in self.factors.items() if n > 0]
        below = [_power(base, -n) for base, n in self.factors.items() if n < 0]
        if self.coefficient != 1:
            above.insert(0, Constant(self.coefficient))
        return product_of(above) if not below else Apply("divide", (product_of(above), product_of(below)))


def terms(expression: Expression) -> list[Product]:
    """The terms of a sum or difference; of anything else, itself."""
    if isinstance(expression, Apply) and expression.operator in ("add", "subtract"):
        first, *others = expression.arguments
        found = terms(first)
        for other in others:
            added = terms(other)
            if expression.operator == "subtract":
                added = [Product(-term.coefficient, term.factors) for term in added]
            found += added
        return found
    return [Product.of(expression)]


def total(products: Iterable[Product]) -> Expression:
    """The sum of terms."""
    return sum_of(term.expression() for term in products)


def scaled(coefficient: float, expression: Expression) -> Expression:
    """`coefficient * expression`, the two constants in one."""
    product = Product.of(expression)
    product.coefficient *= coefficient
    return product.expression()


def is_applied(expression: Expression, operator: str) -> bool:
    """Whether that operator stands at the root."""
    return isinstance(expression, Apply) and expression.operator == operator


def argument(expression: Expression) -> Expression:
    """The argument of an applied unary operator."""
    assert isinstance(expression, Apply)  # noqa: S101 - `is_applied` said so
    return expression.arguments[0]


def weighted_sum(weights: Mapping[Expression, float]) -> Expression:
    """The sum of expressions with coefficients, in normal form: opposites cancel."""
    return canonical(sum_of(scaled(weight, expression) for expression, weight in weights.items()))


def number_of_constants(expression: Expression) -> int:
    """How many numbers stand among the factors of an expression."""
    if isinstance(expression, Constant):
        return 1
    parts = _parts(expression) if isinstance(expression, Apply) else None
    return sum(number_of_constants(part) for part, _ in parts or ())


def constant_difference(a: Expression, b: Expression, factor: float = 1.0) -> float | None:
    """The number that `a - factor*b` is; None if it is none."""
    if a == b and factor == 1:
        return 0.0
    difference = canonical(Apply("subtract", (a, scaled(factor, b))))
    return difference.value if isinstance(difference, Constant) else None


def _power(base: Expression, exponent: int) -> Expression:
    return base if exponent == 1 else Apply("power", (base, Constant(float(exponent))))


def _collect(expression: Expression, exponent: int, into: Product) -> None:
    if isinstance(expression, Constant) and (expression.value != 0 or exponent > 0):
        try:
            into.coefficient *= expression.value**exponent
        except OverflowError:
            into.coefficient = math.inf
        return
    if isinstance(expression, Apply):
        parts = _parts(expression)
        # A power of a scaled factor, u times a detached scale, overflows when taken apart.
        whole = exponent != 1 and parts is not None and any(is_applied(part, "detach") for part, _ in parts)
        if parts is not None and not whole:
            for part, n in parts:
                _collect(part, exponent * n, into)
            return
    into.times(expression, exponent)


def _parts(node: Apply) -> list[tuple[Expression, int]] | None:
    """What a node is the product of, with exponents; None if it is no product."""
    if node.operator == "multiply":
        return [(factor, 1) for factor in node.arguments]
    if node.operator == "divide":
        return [(node.arguments[0], 1), (node.arguments[1], -1)]
    if node.operator == "negative":
        return [(Constant(-1.0), 1), (node.arguments[0], 1)]
    if node.operator == "reciprocal":
        return [(node.arguments[0], -1)]
    if node.operator == "square":
        return [(node.arguments[0], 2)]
    if node.operator == "power":
        base, exponent = node.arguments
        if isinstance(exponent, Constant) and exponent.value == int(exponent.value) and exponent.value != 0:
            return [(base, int(exponent.value))]
    if node.operator == "sqrt" and isinstance(node.arguments[0], Constant) and node.arguments[0].value > 0:
        return [(Constant(math.sqrt(node.arguments[0].value)), 1)]
    return None
