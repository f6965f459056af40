"""Sines, the tangent and their inverses."""

from __future__ import annotations

import math

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.polynomials import ASIN, ATAN, SIN, SIN_PI, beyond_slope, horner

_PI = math.pi
# pi in three float32 parts, so that x - k*pi keeps its digits while k*PI_1 is exact (Cody and Waite), |k| < 2^15.
_PI_1, _PI_2, _PI_3 = 3.140625, 0.0009670257568359375, 6.2771141529083251953e-07


def _sine_beyond(u: Expression, k: Expression) -> Expression:
    """sin(u - k*pi), where that is within pi/2 of 0."""
    r = u - k * _PI_1 - k * _PI_2 - k * _PI_3
    # Beyond 2^15 periods r is wrong, in the end by powers of ten: a sine at least stays within [-1, 1].
    return beyond_slope(SIN, call.maximum(call.minimum(r, 1.5708), -1.5708))


def _oddness(k: Expression) -> Expression:
    """0 for an even integer, 1 for an odd one."""
    return k - 2 * call.floor(0.5 * k)


def _lower_sin(u: Expression) -> Expression:
    k = call.floor(u * (1 / _PI) + 0.5)
    return (1 - 2 * _oddness(k)) * _sine_beyond(u, k)


def _lower_cos(u: Expression) -> Expression:
    # cos(u) = (-1)^(n+1) sin(u - (n + 1/2) pi)
    n = call.floor(u * (1 / _PI))
    return (2 * _oddness(n) - 1) * _sine_beyond(u, n + 0.5)


def _lower_sinc(u: Expression) -> Expression:
    # The distance r to the next integer is exact, where that of pi*u to the next multiple of pi would not be.
    k = call.floor(u + 0.5)
    r = u - k
    sine = (1 - 2 * _oddness(k)) * r * horner(SIN_PI, r * r)
    return call.where(call.equal(u, 0), 1, sine / u)


def _sinc_derivative(u: Expression) -> tuple[Expression, ...]:
    # cos(pi*u), by the same exact distance as in the lowering.
    k = call.floor(u + 0.5)
    cosine = (1 - 2 * _oddness(k)) * call.cos(_PI * (u - k))
    # (cos(pi*u) - sinc(u))/u cancels near 0. Its series there, sum of (-1)^n 2n pi^2n u^(2n-1) / (2n+1)!, is exact to
    # 1e-12 for |u| < 0.3.
    t = u * u
    series = [(-1.0) ** n * 2 * n * _PI ** (2 * n) / math.factorial(2 * n + 1) for n in range(1, 9)]
    return (call.where(call.greater(0.3, call.abs(u)), u * horner(series, t), (cosine - call.sinc(u)) / u),)


def _lower_atan(u: Expression) -> Expression:
    # atan(a) = pi/2 - atan(1/a)
    a = call.abs(u)
    inner = beyond_slope(ATAN, call.minimum(a, 1 / a))
    outer = call.where(call.greater(a, 1), _PI / 2 - inner, inner)
    return call.where(call.greater(0, u), -outer, outer)


def _near_half(u: Expression) -> tuple[Expression, Expression]:
    """Whether |u| > 1/2, and the arc sine of u or, where it is, of sqrt((1 - |u|)/2)."""
    a = call.abs(u)
    is_outer = call.greater(a, 0.5)
    return is_outer, beyond_slope(ASIN, call.where(is_outer, call.sqrt(0.5 - 0.5 * a), u))


def _lower_asin(u: Expression) -> Expression:
    # asin(a) = pi/2 - 2 asin(sqrt((1 - a)/2))
    is_outer, inner = _near_half(u)
    outer = _PI / 2 - 2 * inner
    return call.where(is_outer, call.where(call.greater(0, u), -outer, outer), inner)


def _lower_acos(u: Expression) -> Expression:
    # acos(a) = 2 asin(sqrt((1 - a)/2)) = pi - acos(-a)
    is_outer, inner = _near_half(u)
    outer = call.where(call.greater(0, u), _PI - 2 * inner, 2 * inner)
    return call.where(is_outer, outer, _PI / 2 - inner)


def _asin_derivative(u: Expression) -> Expression:
    # 1 - u*u would lose the digits of 1 - |u|.
    return 1 / call.sqrt((1 - u) * (1 + u))


CIRCULAR = (
    Operator(
        name="sin", torch="sin", parity="odd", lower=_lower_sin,
        closed=lambda s, u: s.sin(u),
        derivative=lambda u: (call.cos(u),),
    ),
    Operator(
        name="cos", torch="cos", parity="even", lower=_lower_cos,
        closed=lambda s, u: s.cos(u),
        derivative=lambda u: (-call.sin(u),),
    ),
    Operator(
        # The definition is what a C library computes in float64.
        name="sinc", torch="sinc", parity="even", lower=_lower_sinc,
        definition=lambda u: call.where(call.equal(u, 0), 1, call.sin(_PI * u) / (_PI * u)),
        closed=lambda s, u: s.sin(s.pi * u) / (s.pi * u),
        derivative=_sinc_derivative,
    ),
    Operator(
        name="tan", torch="tan", parity="odd", lower=lambda u: call.sin(u) / call.cos(u),
        closed=lambda s, u: s.tan(u),
        derivative=lambda u: ((1 / call.cos(u)) ** 2,),
        test_range=(-1.5, 1.5),
    ),
    Operator(
        name="asin", torch="asin", parity="odd", lower=_lower_asin,
        closed=lambda s, u: s.asin(u),
        derivative=lambda u: (_asin_derivative(u),),
        test_range=(-0.98, 0.98),
    ),
    Operator(
        name="acos", torch="acos", lower=_lower_acos,
        closed=lambda s, u: s.acos(u),
        derivative=lambda u: (-_asin_derivative(u),),
        test_range=(-0.98, 0.98),
    ),
    Operator(
        name="atan", torch="atan", parity="odd", lower=_lower_atan,
        closed=lambda s, u: s.atan(u),
        # The square overflows beyond 1e19, where the reciprocal is the right 0.
        derivative=lambda u: (1 / (1 + u * u),),
    ),
)  # fmt: skip
