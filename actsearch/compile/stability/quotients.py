"""Products and quotients of exponentials and their kin, by functions that neither overflow nor cancel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from actsearch.compile.stability.factors import (
    Product,
    argument,
    constant_difference,
    is_applied,
    number_of_constants,
    scaled,
    terms,
    weighted_sum,
)
from actsearch.grammar.expression import Apply, Constant, Expression, call
from actsearch.grammar.operators import OPERATORS

# Not u*normal_cdf(u): torch's gelu is (1 + erf)/2, which has no digits left at -6, and kernels compute both alike.
_UNITS = {"sigmoid": "silu"}


def stable_product(node: Expression) -> Expression:
    """The product, quotient or power `node` with better forms in it; `node` itself where there are none."""
    product = Product.of(node)
    # Numbers that earlier rewrites left beside each other become one.
    is_reciprocal = is_applied(node, "divide") and argument(node) == Constant(1.0)
    changed = number_of_constants(node) - is_reciprocal > 1 and product.is_sound
    while product.is_sound:
        found = next((new for rule in _RULES if (new := rule(product)) is not None and new.is_sound), None)
        if found is None:
            break
        product, changed = found, True
    return product.expression() if changed else node


def without_cosh_below(node: Expression) -> Expression:
    """The quotient `node` with no cosh below its bar, whose overflow would make derivatives NaN."""
    product = Product.of(node)
    found = _one_over_cosh(product) if product.is_sound else None
    return found.expression() if found is not None and found.is_sound else node


def _applied(product: Product, operator: str) -> Iterator[tuple[Expression, Expression, int]]:
    """The factors with that operator at the root: base, its argument, exponent."""
    for base, exponent in product.factors.items():
        if is_applied(base, operator):
            yield base, argument(base), exponent


def _one_exponential(product: Product) -> Product | None:
    """exp(a)**m * exp(b)**n as one exponential."""
    found = list(_applied(product, "exp"))
    if not found or (len(found) == 1 and found[0][2] == 1):
        return None
    rest = product
    for base, _, exponent in found:
        rest = rest.without(base, exponent)
    if len(found) == 1:
        ((_, u, exponent),) = found
        rest.times(call.exp(scaled(float(exponent), u)))
        return rest
    together = weighted_sum({u: float(exponent) for _, u, exponent in found})
    if isinstance(together, Constant):
        if abs(together.value) > 700:
            return None
        rest.coefficient *= math.exp(together.value)
    else:
        rest.times(call.exp(together))
    return rest


def _sigmoid_denominator(product: Product) -> Product | None:
    """1/(k + c*exp(u)) = sigmoid(-u - log(c/k))/k, and 1/(k*exp(v) + c*exp(u)), with positive numbers."""
    for base, exponent in product.factors.items():
        if exponent > 0 or not isinstance(base, Apply) or base.operator not in ("add", "subtract"):
            continue
        found = terms(base)
        if len(found) != 2 or any(term.coefficient <= 0 or not term.is_sound for term in found):
            continue
        found.sort(key=lambda term: bool(term.factors))
        one, other = (_exponent(term) for term in found)
        if one is None or other is None or other == Constant(0.0):
            continue
        shift = math.log(found[1].coefficient / found[0].coefficient)
        difference = one if other == Constant(0.0) else scaled(-1.0, other) if one == Constant(0.0) else one - other
        rest = product.without(base, exponent)
        rest.coefficient *= found[0].coefficient ** exponent
        if one != Constant(0.0):
            rest.times(call.exp(one), exponent)
        rest.times(call.sigmoid(difference - shift if shift else difference), -exponent)
        return rest
    return None


def _exponent(term: Product) -> Expression | None:
    """The exponent u of c*exp(u), 0 of c; None of anything else."""
    if not term.factors:
        return Constant(0.0)
    (base, n), *others = term.factors.items()
    return argument(base) if not others and n == 1 and is_applied(base, "exp") else None


def _exponential_times_sigmoid(product: Product) -> Product | None:
    """exp(-n*w) * sigmoid(w)**n = sigmoid(-w)**n, up to a constant."""
    for exponential, a, one in _applied(product, "exp"):
        for base, w, exponent in _applied(product, "sigmoid"):
            for n in sorted({1, exponent}, reverse=True):
                shift = constant_difference(a, w, float(-n)) if one == 1 and 0 < n <= exponent else None
                if shift is not None and abs(shift) < 80:
                    rest = product.without(exponential).without(base, n)
                    rest.times(call.sigmoid(scaled(-1.0, w)), n)
                    rest.coefficient *= math.exp(shift)
                    return rest
    return None


def _exponential_times_expm1(product: Product) -> Product | None:
    """exp(-w) * expm1(w) = -expm1(-w), up to a constant."""
    for exponential, a, one in _applied(product, "exp"):
        for base, w, exponent in _applied(product, "expm1"):
            shift = constant_difference(a, w, -1.0) if one == 1 and exponent > 0 else None
            if shift is not None and abs(shift) < 80:
                rest = product.without(exponential).without(base)
                rest.times(call.expm1(scaled(-1.0, w)))
                rest.coefficient *= -math.exp(shift)
                return rest
    return None


def _expm1_times_sigmoid(product: Product) -> Product | None:
    """expm1(w) * sigmoid(-w) = tanh(w/2)."""
    for base, w, exponent in _applied(product, "expm1"):
        for other, v, n in _applied(product, "sigmoid"):
            if exponent > 0 and n > 0 and constant_difference(w, v, -1.0) == 0:
                rest = product.without(base).without(other)
                sign = math.copysign(1.0, Product.of(w).coefficient)
                rest.coefficient *= sign
                rest.times(call.tanh(scaled(0.5 * sign, w)))
                return rest
    return None


def _sum_over_expm1(product: Product) -> Product | None:
    """(exp(w) + 1)/expm1(w) = 1/tanh(w/2)."""
    for base, w, exponent in _applied(product, "expm1"):
        for other, n in product.factors.items():
            found = terms(other) if exponent < 0 < n else []
            if len(found) == 2 and found[0].coefficient == found[1].coefficient:
                one, two = sorted(
                    (_exponent(term) or Constant(1.0) for term in found), key=lambda e: e != Constant(0.0)
                )
                if one == Constant(0.0) and two == w:
                    rest = product.without(base, -1).without(other)
                    rest.coefficient *= found[0].coefficient
                    rest.times(call.tanh(scaled(0.5, w)), -1)
                    return rest
    return None


def _hyperbolic_times_sigmoid(product: Product) -> Product | None:
    """sinh(w) * sigmoid(w) = expm1(w)/2, cosh(w) * sigmoid(2*w) = exp(w)/2.

    Where w is large and negative the product tends to a number, and the two terms of its derivative cancel.
    """
    for name, step, whole in (("sinh", 1.0, call.expm1), ("cosh", 2.0, call.exp)):
        for base, w, exponent in _applied(product, name):
            for other, v, n in _applied(product, "sigmoid"):
                for sign in (1.0, -1.0):
                    if exponent > 0 and n > 0 and constant_difference(v, w, sign * step) == 0:
                        rest = product.without(base).without(other)
                        rest.coefficient *= 0.5 * _parity(name, sign)
                        rest.times(whole(scaled(sign, w)))
                        return rest
    return None


def _hyperbolic_times_exponential(product: Product) -> Product | None:
    """sinh(w) * exp(w) = expm1(2*w)/2, cosh(w) * exp(w) = (exp(2*w) + 1)/2, up to a constant; for the same reason."""
    for exponential, a, one in _applied(product, "exp"):
        for name in ("sinh", "cosh"):
            for base, w, exponent in _applied(product, name):
                for sign in (1.0, -1.0):
                    shift = constant_difference(a, w, sign) if one == 1 and exponent > 0 else None
                    if shift is not None and abs(shift) < 80:
                        rest = product.without(exponential).without(base)
                        rest.coefficient *= 0.5 * _parity(name, sign) * math.exp(shift)
                        doubled = scaled(2 * sign, w)
                        rest.times(call.expm1(doubled) if name == "sinh" else call.exp(doubled) + 1)
                        return rest
    return None


def _parity(name: str, sign: float) -> float:
    """The sign that comes out of sinh or cosh with the argument's."""
    return sign if OPERATORS[name].parity == "odd" else 1.0


def _sinh_over_cosh(product: Product) -> Product | None:
    for base, u, exponent in _applied(product, "sinh"):
        below = call.cosh(u)
        if product.factors.get(below, 0) * exponent < 0:
            n = min(abs(exponent), abs(product.factors[below])) * (1 if exponent > 0 else -1)
            rest = product.without(base, n).without(below, -n)
            rest.times(call.tanh(u), n)
            return rest
    return None


def _one_over_cosh(product: Product) -> Product | None:
    """1/cosh(u) = 2*exp(-|u|)*sigmoid(2*|u|), and exp(u)/cosh(u) = 2*sigmoid(2*u)."""
    for base, u, exponent in _applied(product, "cosh"):
        if exponent > 0:
            continue
        for exponential, a, one in _applied(product, "exp"):
            for sign in (1.0, -1.0):
                shift = constant_difference(a, u, sign) if one == 1 else None
                if shift is not None and abs(shift) < 80:
                    rest = product.without(exponential).without(base, -1)
                    rest.coefficient *= 2 * math.exp(shift)
                    rest.times(call.sigmoid(scaled(2 * sign, u)))
                    return rest
        size = call.abs(u)
        rest = product.without(base, exponent)
        rest.coefficient *= 2.0**-exponent
        rest.times(call.exp(scaled(float(exponent), size)))
        rest.times(call.sigmoid(2 * size), -exponent)
        return rest
    return None


def _named_unit(product: Product) -> Product | None:
    """u*sigmoid(u) and u*tanh(softplus(u)) by their names."""
    for gate in product.factors:
        if not isinstance(gate, Apply) or product.factors[gate] < 1:
            continue
        (u, *_), name = gate.arguments, _UNITS.get(gate.operator)
        if gate.operator == "tanh" and is_applied(u, "softplus"):
            u, name = argument(u), "mish"
        own = Product.of(u)
        if name is None or not own.is_sound or abs(own.coefficient) != 1 or not own.factors:
            continue
        if any(product.factors.get(base, 0) < n or n < 0 for base, n in own.factors.items()):
            continue
        rest = product.without(gate)
        for base, n in own.factors.items():
            rest.times(base, -n)
        rest.coefficient *= own.coefficient
        rest.times(Apply(name, (u,)))
        return rest
    return None


def _minus_softplus(product: Product) -> Product | None:
    """-softplus(-u) = logsigmoid(u)."""
    if product.coefficient == -1 and len(product.factors) == 1:
        for _, v, exponent in _applied(product, "softplus"):
            if exponent == 1 and (Product.of(v).coefficient < 0):
                return Product(1.0, {call.logsigmoid(scaled(-1.0, v)): 1})
    return None


_RULES: tuple[Callable[[Product], Product | None], ...] = (
    _sigmoid_denominator,
    _one_exponential,
    _exponential_times_sigmoid,
    _exponential_times_expm1,
    _expm1_times_sigmoid,
    _hyperbolic_times_sigmoid,
    _hyperbolic_times_exponential,
    _sinh_over_cosh,
    _sum_over_expm1,
    _named_unit,
    _minus_softplus,
)
