"""Sums that lose their digits where two terms nearly cancel, or overflow, by functions that do not."""

from __future__ import annotations

from collections.abc import Callable

from actsearch.compile.stability.factors import Product, argument, constant_difference, is_applied, scaled, terms, total
from actsearch.grammar.expression import Apply, Expression, call

_Pair = tuple[float, Expression]


def stable_sum(node: Expression) -> Expression:
    """The sum `node` with each pair of terms that has a better form in it; `node` itself where there is none."""
    found = terms(node)
    changed = False
    while len(found) > 1 and (pair := _first_pair(found)):
        one, other, merged = pair
        found = [term for index, term in enumerate(found) if index not in (one, other)] + [merged]
        changed = True
    return total(found) if changed else node


def _first_pair(found: list[Product]) -> tuple[int, int, Product] | None:
    keys = [term.key for term in found]
    for index, term in enumerate(found):
        for base, exponent in term.factors.items():
            if not isinstance(base, Apply) or (base.operator, exponent) not in _WITH_CONSTANT:
                continue
            rest = term.without(base, exponent)
            for partner, key in enumerate(keys):
                if partner == index or not term.is_sound:
                    continue
                merged = None
                if key == rest.key:
                    rule = _WITH_CONSTANT[base.operator, exponent]
                    merged = rule(base.arguments[0], term.coefficient, found[partner].coefficient)
                elif base.operator == "exp":
                    merged = _opposites(base.arguments[0], rest, term.coefficient, found[partner])
                elif base.operator == "softplus":
                    merged = _softplus_less_argument(base.arguments[0], rest, found[partner])
                if merged is not None:
                    coefficient, function = merged
                    result = Product(coefficient, dict(rest.factors))
                    result.include(function)
                    return index, partner, result
    return None


def _opposites(u: Expression, rest: Product, coefficient: float, partner: Product) -> _Pair | None:
    """2c*cosh(u) of c*exp(u) + c*exp(-u), 2c*sinh(u) of their difference."""
    if abs(partner.coefficient) != abs(coefficient):
        return None
    for base, exponent in partner.factors.items():
        if exponent == 1 and is_applied(base, "exp") and partner.without(base).key == rest.key:
            if constant_difference(u, argument(base), -1.0) != 0:
                return None
            even = partner.coefficient == coefficient
            return 2 * coefficient, (call.cosh if even else call.sinh)(u)
    return None


def _softplus_less_argument(u: Expression, rest: Product, partner: Product) -> _Pair | None:
    """c*softplus(-u) of c*softplus(u) - c*u."""
    expected = Product(-rest.coefficient, dict(rest.factors))
    expected.include(u)
    if expected.key == partner.key and expected.coefficient == partner.coefficient:
        return rest.coefficient, call.softplus(scaled(-1.0, u))
    return None


def _exp(u: Expression, c: float, k: float) -> _Pair | None:
    return (c, call.expm1(u)) if k == -c else None


def _sigmoid(u: Expression, c: float, k: float) -> _Pair | None:
    if k == -c:
        return k, call.sigmoid(scaled(-1.0, u))
    return (-k, call.tanh(scaled(0.5, u))) if c == -2 * k else None


def _erf(u: Expression, c: float, k: float) -> _Pair | None:
    return (k, call.erfc(u if k == -c else scaled(-1.0, u))) if abs(k) == abs(c) else None


def _tanh(u: Expression, c: float, k: float) -> _Pair | None:
    return (2 * k, call.sigmoid(scaled(2.0 if k == c else -2.0, u))) if abs(k) == abs(c) else None


def _tanh_squared(u: Expression, c: float, k: float) -> _Pair | None:
    return (4 * k, call.sigmoid(scaled(2.0, u)) * call.sigmoid(scaled(-2.0, u))) if k == -c else None


def _cos(u: Expression, c: float, k: float) -> _Pair | None:
    return (2 * k, call.sin(scaled(0.5, u)) ** 2) if k == -c else None


def _no_constant(_u: Expression, _c: float, _k: float) -> _Pair | None:
    return None


_WITH_CONSTANT: dict[tuple[str, int], Callable[[Expression, float, float], _Pair | None]] = {
    ("exp", 1): _exp,
    ("sigmoid", 1): _sigmoid,
    ("erf", 1): _erf,
    ("tanh", 1): _tanh,
    ("tanh", 2): _tanh_squared,
    ("cos", 1): _cos,
    ("softplus", 1): _no_constant,
}
"""What `c*f(u)**n + k` is, as a coefficient and a function, by f and n."""
