"""The Mittag-Leffler function E_{a,b}(z), the sum of z^k / Gamma(a*k + b), and its derivatives, for literal orders.

Where |z| is small it is a polynomial on pieces. Beyond, it is what grows or swings by exponentials of w = |z|^(1/a),

    z > 0:          w^(1-b) exp(w) / a
    z < 0, a > 1:   the real part of 2 v^(1-b) exp(v) / a,   v = w exp(i*pi/a)

and a rest that decays like a power of 1/|z|, a polynomial of that on pieces. The pieces are fitted when orders are met
first, by the power series in integers of many bits, and for large w by the asymptotic series, whose error is exp(-w).

Source: Gorenflo, Kilbas, Mainardi and Rogosin (2020), Mittag-Leffler Functions, Related Topics and Applications,
chapter 4, for both series.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actsearch.grammar.expression import Constant, Expression, call
from actsearch.grammar.operators.operator import Operator, Order
from actsearch.grammar.operators.pieces import Piece, chosen, fit
from actsearch.grammar.operators.polynomials import horner

_ASYMPTOTIC = 36.0
"""From this w on the asymptotic series of the function is right to float64's last place."""
_NEAR = 1.5
"""Up to about this w the function itself is a polynomial on pieces."""
_BITS = 90
"""Of the numbers that series are summed in, beside those that cancel."""
_LARGEST = 1500.0
"""A w whose exponential overflows in float64, and the square root of it in float32, whatever it is multiplied by."""
_FARTHEST = 1e12
"""A |z| from which on a swing is not followed: float64 has few digits left of its angle, and infinity has none."""
_MOST_DERIVATIVES = 16
_FITS = {True: ((24,), 1e-16), False: ((8, 12, 17), 3e-8)}
"""Degrees and tolerance of pieces for float64 and for float32."""


@dataclass(frozen=True)
class _Function:
    """The n-th derivative of E_{a,b}."""

    a: float
    b: float
    n: int

    @functools.cached_property
    def near(self) -> float:
        """The |z| up to which the function itself is fitted: a number of few digits, so that halves are exact."""
        return max(round(float(_NEAR**self.a * 16)), 8) / 16

    @functools.cached_property
    def _reach(self) -> float:
        """The w up to which the power series is summed: beyond, the asymptotic one is right.

        Each derivative multiplies the terms of that by their number.
        """
        return _ASYMPTOTIC + self.n * math.log(_ASYMPTOTIC / self.a)

    @functools.cached_property
    def numbers(self) -> Any:
        """mpmath, which is slow to import, with a precision of its own."""
        import mpmath

        context = mpmath.MPContext()
        # Terms of up to exp(w) cancel.
        context.prec = _BITS + math.ceil(self._reach / math.log(2))
        return context

    @functools.cached_property
    def _largest(self) -> Any:
        """The |z| up to which the power series is summed."""
        return self.numbers.mpf(self._reach) ** self.a

    @functools.cached_property
    def _power_series(self) -> list[int]:
        """Its terms at the largest z, in units of the last bit, until they vanish."""
        m, terms, k = self.numbers, [], self.n
        scale = m.mpf(1)
        while True:
            term = scale * math.perm(k, self.n) * m.rgamma(m.mpf(self.a) * k + self.b)
            terms.append(int(m.ldexp(term, m.prec)))
            if self.a * k > self._reach and abs(terms[-1]) < 2:
                return terms
            scale, k = scale * self._largest, k + 1

    @functools.cached_property
    def _asymptotic_series(self) -> list[int]:
        """Its terms at the largest z, from that of z^-1 on, while they become smaller."""
        m, scale, terms = self.numbers, self._largest**-self.n, []
        for k in range(1, math.ceil(self._reach / self.a) + 1):
            scale /= self._largest
            rising = math.perm(k + self.n - 1, self.n) * (-1) ** self.n
            terms.append(int(m.ldexp(-scale * rising * m.rgamma(self.b - m.mpf(self.a) * k), m.prec)))
        return terms

    @functools.cached_property
    def slopes(self) -> list[Any]:
        """Q_n from the constant up: the n-th derivative by z of f = w^(1-b) exp(w) is f Q_n(w) / z^n."""
        m, found = self.numbers, [self.numbers.mpf(1)]
        for order in range(self.n):
            constant = (1 - m.mpf(self.b)) / self.a - order
            raised = [m.mpf(0), *(c / self.a for c in found)]
            plain = [(constant + m.mpf(power) / self.a) * c for power, c in enumerate(found)] + [m.mpf(0)]
            found = [x + y for x, y in zip(raised, plain, strict=True)]
        return found

    def _summed(self, terms: list[int], ratio: Any) -> Any:
        m, bits, total = self.numbers, self.numbers.prec, 0
        factor = int(m.ldexp(ratio, bits))
        for term in reversed(terms):
            total = (total * factor >> bits) + term
        return m.ldexp(m.mpf(total), -bits)

    def itself(self, z: Any) -> Any:
        """The function for |z| within the reach of its power series."""
        return self._summed(self._power_series, z / self._largest)

    def rest(self, sign: int, t: Any) -> Any:
        """The rest at z = sign*near/t, 0 <= t <= 1."""
        m, a = self.numbers, self.numbers.mpf(self.a)
        ratio = sign * self._largest * t / self.near
        if abs(ratio) <= 1:
            return self._summed(self._asymptotic_series, ratio) * ratio ** (self.n + 1)
        z = sign * self.near / t
        whole = self.itself(z)
        if sign < 0 and self.a <= 1:
            return whole
        v = abs(z) ** (1 / a) * (1 if sign > 0 else m.expjpi(1 / a))
        grown = m.polyval(self.slopes[::-1], v) * v ** (1 - m.mpf(self.b)) * m.exp(v) / a
        return whole - (1 if sign > 0 else 2) * m.re(grown) / z**self.n

    def pieces(self, *, exact: bool) -> tuple[tuple[Piece, ...], ...]:
        """Those of the function near 0, and of the rest for negative and for positive z."""
        return _pieces(self, exact)


@functools.lru_cache(maxsize=256)
def _pieces(function: _Function, exact: bool) -> tuple[tuple[Piece, ...], ...]:  # noqa: FBT001 - a key of the cache
    degrees, tolerance = _FITS[exact]

    def of(target: Callable[[Any], Any], low: float, high: float) -> tuple[Piece, ...]:
        return fit(target, low, high, degrees=degrees, tolerance=tolerance, numbers=function.numbers)

    near = function.near
    return (
        of(function.itself, -near, near),
        of(lambda t: function.rest(-1, t), 0.0, 1.0),
        of(lambda t: function.rest(1, t), 0.0, 1.0),
    )


def _derivative(z: Expression, a: Expression, b: Expression, n: Expression, *, exact: bool) -> Expression:
    return _value(_Function(_number(a), _number(b), int(_number(n))), z, exact=exact)


def _number(order: Expression) -> float:
    if not isinstance(order, Constant):
        raise TypeError("the orders of a Mittag-Leffler function are literal numbers")
    return order.value


def _value(function: _Function, z: Expression, *, exact: bool) -> Expression:
    near, (inner, below, above) = function.near, function.pieces(exact=exact)
    y, u = call.maximum(-z, near), call.maximum(z, near)
    left = chosen(below, near / y)
    if function.a > 1:
        left = left + _swinging(function, call.minimum(y, _FARTHEST))
    right = chosen(above, near / u) + _growing(function, call.minimum(u, _LARGEST**function.a))
    return call.where(call.greater(z, near), right, call.where(call.greater(-near, z), left, chosen(inner, z)))


def _growing(function: _Function, u: Expression) -> Expression:
    """The n-th derivative of w^(1-b) exp(w) / a, w = u^(1/a)."""
    w = _root(u, function.a)
    # In two halves: the exponential may overflow where its product with the power does not.
    half = call.exp(0.5 * w)
    factor = horner([float(c) / function.a for c in function.slopes], w)
    return _powers(function, factor, w, u) * half * half


def _swinging(function: _Function, y: Expression) -> Expression:
    """The n-th derivative by -y of the real part of 2 v^(1-b) exp(v) / a, v = y^(1/a) exp(i*pi/a)."""
    a, angle = function.a, math.pi / function.a
    w, first = _root(y, a), angle * (1 - function.b)
    slopes = [2 * (-1) ** function.n / a * float(c) for c in function.slopes]
    phases = [first + angle * power for power in range(len(slopes))]
    real = horner([c * math.cos(phase) for c, phase in zip(slopes, phases, strict=True)], w)
    imaginary = horner([c * math.sin(phase) for c, phase in zip(slopes, phases, strict=True)], w)
    turned = w * math.sin(angle)
    result = _powers(function, real * call.cos(turned) - imaginary * call.sin(turned), w, y)
    return result if a == 2 else result * call.exp(w * math.cos(angle))


def _root(u: Expression, a: float) -> Expression:
    """u^(1/a): what is left beside an exact power is small, and with it the error that its logarithm makes."""
    whole = round(2 / a) / 2
    rest = 1 / a - whole
    return u**whole * u**rest if rest else u**whole


def _powers(function: _Function, factor: Expression, w: Expression, u: Expression) -> Expression:
    """`factor` times w^(1-b) u^-n."""
    if function.b != 1:
        factor = factor * w ** (1 - function.b)
    return factor * u**-function.n if function.n else factor


def _sum(s: Any, z: Any, a: Any, b: Any, n: Any) -> Any:
    k = s.Symbol("k", integer=True)
    return s.Sum(s.ff(k, n) * z ** (k - n) / s.gamma(a * k + b), (k, n, s.oo))


_A, _B = Order(name="a", low=0.05, high=2.0), Order(name="b", low=0.0, high=4.0)
_ZERO = Constant(0.0)

MITTAG_LEFFLER = (
    Operator(
        name="mittag_leffler", arity=3, orders={1: _A, 2: _B},
        definition=lambda z, a, b: _derivative(z, a, b, _ZERO, exact=True),
        lower=lambda z, a, b: _derivative(z, a, b, _ZERO, exact=False),
        closed=lambda s, z, a, b: _sum(s, z, a, b, 0),
        derivative=lambda z, a, b: (call.mittag_leffler_derivative(z, a, b, 1), _ZERO, _ZERO),
        test_range=(-6.0, 3.0),
    ),
    Operator(
        # The n-th by z. It is entire, too, and nothing cancels, as it would in what it is by functions of other orders.
        name="mittag_leffler_derivative", arity=4,
        orders={1: _A, 2: _B, 3: Order(name="n", low=1, high=_MOST_DERIVATIVES, is_whole=True)},
        definition=lambda z, a, b, n: _derivative(z, a, b, n, exact=True),
        lower=lambda z, a, b, n: _derivative(z, a, b, n, exact=False),
        closed=_sum,
        derivative=lambda z, a, b, n: (
            call.mittag_leffler_derivative(z, a, b, _number(n) + 1), _ZERO, _ZERO, _ZERO,
        ),
        test_range=(-6.0, 3.0),
    ),
)  # fmt: skip
