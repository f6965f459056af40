"""Behaviour at infinity: the few leading powers of a function, by rules that hold exactly.

A `Series` says `f(t) = sum of c * t**p + O(t**error)` as t grows; `error` is minus infinity where what is left out
falls faster than every power. `Beyond` says that a function goes to infinity faster than every power (exp) or slower
(log). Sums in which leading terms cancel but for rounding, and whatever no rule covers, are given up by raising
`Undecided`: then nothing is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from actsearch.analysis.enclosure.jet import APPROXIMATE, enclose
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, X, call
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.operators.units import SELU_ALPHA, SELU_SCALE

_INF = math.inf
_LOWEST = -4.0
"""Powers below this one are left out."""
_SLOW = 1e-9
"""A logarithm grows slower than this power."""


class Undecided(Exception):  # noqa: N818 - no error of a user, and never seen by one
    """No rule says what happens at infinity."""


@dataclass(frozen=True, slots=True)
class Series:
    """Terms by power, none of them 0, and the power of what is left out."""

    terms: Mapping[float, float]
    error: float = -_INF

    @property
    def lead(self) -> float | None:
        """The highest power that is certain; None if there is none."""
        return max(self.terms, default=None)

    @property
    def limit(self) -> float:
        """The limit, infinite or not; raises `Undecided` where it is not certain."""
        lead = self.lead
        if lead is not None and lead > 0:
            return math.copysign(_INF, self.terms[lead])
        if self.error >= 0:
            raise Undecided
        return self.terms.get(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Beyond:
    """What goes to plus or minus infinity, faster than every power or slower than every one."""

    sign: float
    fast: bool

    @property
    def limit(self) -> float:
        """The limit."""
        return math.copysign(_INF, self.sign)


Germ = Series | Beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What a function does at one end of the line: its limit, and its asymptote `slope * x + offset` if it has one."""

    limit: float
    slope: float | None
    offset: float | None


def end_of(expression: Expression, parameters: Mapping[Parameter, float], *, side: Literal[-1, 1]) -> End | None:
    """The behaviour for x to `side` times infinity; None where no rule says it."""
    visited: dict[Expression, Germ] = {X: Series({1.0: float(side)})}
    try:
        germ = _Visit(visited, parameters).visit(expression)
        limit = germ.limit
    except (Undecided, UnsupportedError, OverflowError, ZeroDivisionError):
        return None
    if isinstance(germ, Beyond) or germ.error >= 0 or any(power > 0 and power != 1 for power in germ.terms):
        return End(limit=limit, slope=None, offset=None)
    return End(limit=limit, slope=side * germ.terms.get(1.0, 0.0) + 0.0, offset=germ.terms.get(0.0, 0.0))


def _series(terms: Mapping[float, float], error: float = -_INF) -> Series:
    """Terms that count, those below the error or too low left out."""
    dropped = [power for power, c in terms.items() if c != 0 and power < _LOWEST]
    error = max([error, *dropped])
    return Series({power: c for power, c in terms.items() if c != 0 and power > error}, error)


def _constant(value: float) -> Series:
    return _series({0.0: value})


_SMALL = Series({})
"""What falls faster than every power, 0 included."""


@dataclass(frozen=True, slots=True)
class _Visit:
    memo: dict[Expression, Germ]
    parameters: Mapping[Parameter, float]

    def visit(self, node: Expression) -> Germ:
        if node not in self.memo:
            self.memo[node] = self._germ(node)
        return self.memo[node]

    def _germ(self, node: Expression) -> Germ:
        if isinstance(node, Constant):
            return _constant(node.value)
        if isinstance(node, Parameter):
            return _constant(self.parameters[node])
        if not isinstance(node, Apply):
            raise Undecided
        name, arguments = node.operator, node.arguments
        if name in _REWRITTEN:
            return self.visit(_REWRITTEN[name](*arguments))
        if name == "equal" and arguments[0] == arguments[1]:
            return _constant(1.0)
        if name == "where":
            return self._where(*arguments)
        if name in {"power", "pow"}:
            exponent = self.visit(arguments[1])
            if not isinstance(arguments[1], Constant | Parameter) or not isinstance(exponent, Series):
                raise Undecided
            return _power(self.visit(arguments[0]), exponent.terms.get(0.0, 0.0))
        if name in _ALGEBRA:
            germs = [self.visit(argument) for argument in arguments]
            result = germs[0]
            for other in germs[1:]:
                result = _ALGEBRA[name](result, other)
            return result
        if len(arguments) == 1 and name in _ENDS:
            return self._unary(name, self.visit(arguments[0]))
        definition = OPERATORS[name].definition if name in OPERATORS else None
        if definition is None or name in APPROXIMATE:
            raise Undecided
        return self.visit(definition(*arguments))

    def _where(self, condition: Expression, a: Expression, b: Expression) -> Germ:
        # Only of these is it certain that they are 0 where they have no terms.
        if not isinstance(condition, Apply) or condition.operator not in {"greater", "equal", "bspline0"}:
            raise Undecided
        germ = self.visit(condition)
        assert isinstance(germ, Series)  # noqa: S101 - it is 0 or 1
        return self.visit(a if germ.terms else b)

    def _unary(self, name: str, u: Germ) -> Germ:
        limit = u.limit
        if math.isinf(limit):
            polynomial = isinstance(u, Series) or u.fast
            end = _ENDS[name][0 if limit < 0 else 1]
            if end is None or not polynomial:
                return _slow_end(name, limit)
            return end(u)
        assert isinstance(u, Series)  # noqa: S101 - its limit is finite
        return _near(name, u, limit)


def _near(name: str, u: Series, limit: float) -> Series:
    """A function of what goes to a finite limit: its value there and its slope times the rest."""
    point = np.array([limit])
    jet = enclose(Apply(name, (X,)), point, point, {})
    value, slope = jet.value, jet.slope
    if not (np.all(jet.defined) and value.is_finite[0] and slope.is_finite[0]):
        raise Undecided
    rest = {power: c for power, c in u.terms.items() if power < 0}
    first = max([u.error, *rest])
    middle = 0.5 * float(value.lower[0] + value.upper[0])
    # A value within rounding of 0 might have any sign or be 0.
    if value.lower[0] < 0 < value.upper[0]:
        raise Undecided
    if slope.width[0] > 1e-9 or not jet.curvature.is_finite[0]:
        # A kink: that it moves no more than in proportion is all that is certain.
        return _series({0.0: middle}, first)
    steepness = 0.5 * float(slope.lower[0] + slope.upper[0])
    moved = {power: steepness * c for power, c in rest.items()}
    return _series({0.0: middle, **moved}, max(u.error, 2 * first))


def _slow_end(name: str, limit: float) -> Germ:
    """What an operator makes of a logarithm's slow growth, or where it has no rule."""
    bounds = {"sin": 0.0, "cos": 0.0}
    if name in bounds:
        return Series({}, bounds[name])
    if name in {"abs", "relu", "softplus", "elu", "silu", "gelu", "mish"} and limit > 0:
        # All of these differ from |u| by what goes to 0.
        return Beyond(1.0, fast=False)
    raise Undecided


def _add(a: Germ, b: Germ) -> Germ:
    if isinstance(a, Series) and isinstance(b, Series):
        terms = dict(a.terms)
        error = max(a.error, b.error)
        for power, c in b.terms.items():
            total = terms.get(power, 0.0) + c
            # What is left of two terms that cancel may be rounding alone.
            if total != 0 and power > error and abs(total) <= 1e-12 * abs(c):
                raise Undecided
            terms[power] = total
        return _series(terms, error)
    beyond, other = (a, b) if isinstance(a, Beyond) else (b, a)
    assert isinstance(beyond, Beyond)  # noqa: S101 - one of them is
    if isinstance(other, Beyond):
        if beyond.sign == other.sign:
            return Beyond(beyond.sign, fast=beyond.fast or other.fast)
        if beyond.fast != other.fast:
            return beyond if beyond.fast else other
        raise Undecided
    if beyond.fast:
        return beyond
    if other.lead is not None and other.lead > 0:
        return _series(other.terms, max(other.error, _SLOW))
    if other.error > 0:
        raise Undecided
    return beyond


def _multiply(a: Germ, b: Germ) -> Germ:
    if isinstance(a, Series) and isinstance(b, Series):
        terms: dict[float, float] = {}
        for p, c in a.terms.items():
            for q, d in b.terms.items():
                total = terms.get(p + q, 0.0) + c * d
                if total != 0 and abs(total) <= 1e-12 * abs(c * d):
                    raise Undecided
                terms[p + q] = total
        error = max(_order(a) + b.error, _order(b) + a.error)
        return _series(terms, error)
    beyond, other = (a, b) if isinstance(a, Beyond) else (b, a)
    assert isinstance(beyond, Beyond)  # noqa: S101 - one of them is
    if isinstance(other, Beyond):
        return Beyond(beyond.sign * other.sign, fast=beyond.fast or other.fast)
    if other.lead is None:
        if beyond.fast or other.error > -_INF:
            raise Undecided
        return _SMALL
    sign = beyond.sign * math.copysign(1.0, other.terms[other.lead])
    if beyond.fast or other.lead == 0:
        return Beyond(sign, fast=beyond.fast)
    if other.lead < 0:
        return Series({}, other.lead + _SLOW)
    raise Undecided


def _order(series: Series) -> float:
    """The power that bounds it."""
    return max([series.error, *series.terms])


def _power(u: Germ, n: float) -> Germ:
    if n == 0:
        return _constant(1.0)
    if isinstance(u, Beyond):
        sign = 1.0 if n % 2 == 0 else u.sign
        if u.sign < 0 and n != int(n):
            raise Undecided
        if n > 0:
            return Beyond(sign, fast=u.fast)
        if u.fast:
            return _SMALL
        raise Undecided
    lead = u.lead
    if lead is None or (u.terms[lead] < 0 and n != int(n)):
        if n == int(n) and n > 0:
            return _series({}, n * u.error)
        raise Undecided
    scale = u.terms[lead] ** n if n != int(n) else math.pow(u.terms[lead], int(n))
    # (c t^p)^n (1 + d)^n, d the other terms in proportion: the binomial series as far as powers count.
    small: Germ = _series({p - lead: c / u.terms[lead] for p, c in u.terms.items() if p != lead}, u.error - lead)
    total: Germ = _constant(1.0)
    product: Germ = _constant(1.0)
    coefficient = 1.0
    for k in range(1, 9):
        product = _multiply(product, small)
        coefficient *= (n - k + 1) / k
        if coefficient == 0 or (isinstance(product, Series) and _order(product) == -_INF):
            break
        total = _add(total, _multiply(_constant(coefficient), product))
    else:
        assert isinstance(product, Series)  # noqa: S101 - it is a product of such
        total = _add(total, Series({}, _order(product) + _order(small)))  # type: ignore[arg-type]
    if isinstance(small, Series) and small.error > -_INF:
        total = _add(total, Series({}, small.error))
    return _multiply(_series({n * lead: scale}), total)


def _greater(a: Germ, b: Germ) -> Germ:
    sign = _sign(_add(a, _multiply(_constant(-1.0), b)))
    return _constant(1.0) if sign > 0 else _SMALL


def _equal(a: Germ, b: Germ) -> Germ:
    _sign(_add(a, _multiply(_constant(-1.0), b)))
    return _SMALL


def _maximum(a: Germ, b: Germ) -> Germ:
    difference = _add(a, _multiply(_constant(-1.0), b))
    if isinstance(difference, Series) and not difference.terms:
        # They differ by the error at most, and so does the larger of them from either.
        return _add(a, difference)
    return a if _sign(difference) > 0 else b


def _minimum(a: Germ, b: Germ) -> Germ:
    minus = _constant(-1.0)
    return _multiply(minus, _maximum(_multiply(minus, a), _multiply(minus, b)))


def _sign(germ: Germ) -> float:
    """The sign that it has in the end; raises `Undecided` for what may be 0."""
    if isinstance(germ, Beyond):
        return germ.sign
    if germ.lead is None:
        raise Undecided
    return math.copysign(1.0, germ.terms[germ.lead])


_ALGEBRA: Mapping[str, Callable[[Germ, Germ], Germ]] = {
    "add": _add, "multiply": _multiply, "greater": _greater, "equal": _equal, "maximum": _maximum, "minimum": _minimum,
}  # fmt: skip


def _as(value: float) -> Callable[[Germ], Germ]:
    return lambda _u: _constant(value)


def _itself(u: Germ) -> Germ:
    return u


def _turned(u: Germ) -> Germ:
    return _multiply(_constant(-1.0), u)


def _grows(sign: float, *, fast: bool) -> Callable[[Germ], Germ]:
    return lambda _u: Beyond(sign, fast=fast)


def _bounded(_u: Germ) -> Germ:
    return Series({}, 0.0)


def _arc(u: Germ) -> Germ:
    # atan(u) = +-pi/2 - 1/u + 1/(3 u^3) - ...
    total = _add(_constant(math.copysign(math.pi / 2, u.limit)), _multiply(_constant(-1.0), _power(u, -1.0)))
    total = _add(total, _multiply(_constant(1 / 3), _power(u, -3.0)))
    return total if isinstance(u, Beyond) else _add(total, Series({}, -5 * (u.lead or 0.0)))


def _whole(u: Germ) -> Germ:
    return u if isinstance(u, Beyond) else _series(u.terms, max(u.error, 0.0))


def _wave(u: Germ) -> Germ:
    # A bounded sine over its argument.
    return _multiply(Series({}, 0.0), _power(u, -1.0))


_End = Callable[[Germ], Germ] | None
# Where u goes to minus and to plus infinity like a power of x or faster, so that exp(-|u|) falls faster than every
# power; None where only u itself may decide.
_ENDS: Mapping[str, tuple[_End, _End]] = {
    "exp": (_as(0.0), _grows(1, fast=True)), "expm1": (_as(-1.0), _grows(1, fast=True)),
    "sinh": (_grows(-1, fast=True), _grows(1, fast=True)), "cosh": (_grows(1, fast=True), _grows(1, fast=True)),
    "tanh": (_as(-1.0), _as(1.0)), "erf": (_as(-1.0), _as(1.0)), "erfc": (_as(2.0), _as(0.0)),
    "sigmoid": (_as(0.0), _as(1.0)), "normal_cdf": (_as(0.0), _as(1.0)), "sign": (_as(-1.0), _as(1.0)),
    "softplus": (_as(0.0), _itself), "logsigmoid": (_itself, _as(0.0)), "relu": (_as(0.0), _itself),
    "elu": (_as(-1.0), _itself), "silu": (_as(0.0), _itself), "gelu": (_as(0.0), _itself),
    "mish": (_as(0.0), _itself), "abs": (_turned, _itself), "asinh": (_grows(-1, fast=False), _grows(1, fast=False)),
    "log": (None, _grows(1, fast=False)), "log1p": (None, _grows(1, fast=False)), "atan": (_arc, _arc),
    "floor": (_whole, _whole), "ceil": (_whole, _whole), "round": (_whole, _whole),
    "selu": (_as(-SELU_SCALE * SELU_ALPHA), lambda u: _multiply(_constant(SELU_SCALE), u)),
    "hardtanh": (_as(-1.0), _as(1.0)), "relu6": (_as(0.0), _as(6.0)), "acosh": (None, _grows(1, fast=False)),
    "asin": (None, None), "acos": (None, None), "atanh": (None, None), "tan": (None, None),
    "sin": (_bounded, _bounded), "cos": (_bounded, _bounded), "sinc": (_wave, _wave),
}  # fmt: skip
_REWRITTEN: Mapping[str, Callable[..., Expression]] = {
    "subtract": lambda a, b: a + -1 * b, "divide": lambda a, b: a * b**-1, "negative": lambda u: -1 * u,
    "square": lambda u: u**2, "reciprocal": lambda u: u**-1, "sqrt": lambda u: u**0.5,
    "softsign": lambda u: u * (1 + call.abs(u)) ** -1, "detach": lambda u: u,
    "hardswish": lambda u: u * call.hardsigmoid(u),
}  # fmt: skip
