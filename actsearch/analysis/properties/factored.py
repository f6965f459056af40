"""Sums whose terms have factors in common, written as products: the signs of factors say the sign of a product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actsearch.compile.derive import product_of
from actsearch.grammar.canonical import split_coefficient
from actsearch.grammar.expression import Apply, Constant, Expression, fold

_Factors = dict[Expression, float]
"""Exponents by base."""


def factored(expression: Expression) -> Expression:
    """`expression` with what all terms of a sum have as a factor taken out of the sum, from the leaves up."""
    return fold(expression, lambda leaf: leaf, _apply)  # type: ignore[no-any-return]


def _apply(operator: str, arguments: Sequence[Expression]) -> Expression:
    if operator != "add":
        return Apply(operator, tuple(arguments))
    terms = [split_coefficient(argument) for argument in arguments]
    factors = [_factors(rest) for _, rest in terms]
    common = _common(factors)
    if not common:
        return Apply("add", tuple(arguments))
    rests = [
        product_of((Constant(coefficient), _product({base: e - common.get(base, 0.0) for base, e in own.items()})))
        for (coefficient, _), own in zip(terms, factors, strict=True)
    ]
    return product_of((_product(common), Apply("add", tuple(rests))))


def _common(factors: Sequence[_Factors]) -> _Factors:
    found: _Factors = {}
    for base in factors[0]:
        exponents = [other.get(base, 0.0) for other in factors]
        if all(exponent > 0 for exponent in exponents) or all(exponent < 0 for exponent in exponents):
            found[base] = min(exponents, key=abs)
    return found


def _factors(term: Expression) -> _Factors:
    found: _Factors = {}
    for part in _flat(term):
        base, exponent = part, 1.0
        if isinstance(part, Apply) and part.operator == "power" and isinstance(part.arguments[1], Constant):
            base, exponent = part.arguments[0], part.arguments[1].value
        found[base] = found.get(base, 0.0) + exponent
    return found


def _flat(term: Expression) -> Iterator[Expression]:
    if isinstance(term, Apply) and term.operator == "multiply":
        for argument in term.arguments:
            yield from _flat(argument)
    else:
        yield term


def _product(factors: _Factors) -> Expression:
    powers = (base if e == 1 else Apply("power", (base, Constant(e))) for base, e in factors.items() if e)
    return product_of(powers)
