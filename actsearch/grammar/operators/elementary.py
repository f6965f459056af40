"""Elementary and special functions."""

from __future__ import annotations

import math

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.polynomials import ATAN, ATANH, EXPM1, SIN, horner

_PI = math.pi
# pi in three float32 parts, so that x - k*pi keeps its digits while k*PI_1 is exact (Cody and Waite), |k| < 2^15.
_PI_1, _PI_2, _PI_3 = 3.140625, 0.0009670257568359375, 6.2771141529083251953e-07


def _lower_sin_of(u: Expression, k: Expression) -> Expression:
    """(-1)^floor(k) * sin(u - k*pi) with the reduced argument within pi/2."""
    r = u - k * _PI_1 - k * _PI_2 - k * _PI_3
    t = r * r
    return r + r * t * horner(SIN, t)


def _lower_sin(u: Expression) -> Expression:
    k = call.floor(u * (1 / _PI) + 0.5)
    odd = k - 2 * call.floor(0.5 * k)
    return (1 - 2 * odd) * _lower_sin_of(u, k)


def _lower_cos(u: Expression) -> Expression:
    # cos(u) = (-1)^(n+1) sin(u - (n + 1/2) pi)
    n = call.floor(u * (1 / _PI))
    odd = n - 2 * call.floor(0.5 * n)
    return (2 * odd - 1) * _lower_sin_of(u, n + 0.5)


def _lower_expm1(u: Expression) -> Expression:
    near = u + u * u * horner(EXPM1, u)
    return call.where(call.greater(0.75, call.abs(u)), near, call.exp(u) - 1)


def _lower_log1p(u: Expression) -> Expression:
    # log(1+u) = 2 atanh(u/(2+u)) near 0, where a GPU's logarithm near 1 has no relative accuracy.
    s = u / (2 + u)
    near = 2 * s * horner(ATANH, s * s)
    return call.where(call.greater(0.5, call.abs(u)), near, call.log(1 + u))


def _lower_tanh(u: Expression) -> Expression:
    t = _lower_expm1(-2 * call.abs(u))
    return call.sign(u) * (-t / (t + 2))


def _lower_sinh(u: Expression) -> Expression:
    t = _lower_expm1(call.abs(u))
    far = 0.5 * call.exp(call.abs(u))
    return call.sign(u) * call.where(call.greater(call.abs(u), 16), far, 0.5 * (t + t / (t + 1)))


def _lower_cosh(u: Expression) -> Expression:
    t = call.exp(call.abs(u))
    return 0.5 * t + 0.5 / t


def _lower_asinh(u: Expression) -> Expression:
    a = call.abs(u)
    far = call.log(a) + math.log(2)
    near = _lower_log1p(a + a * a / (1 + call.sqrt(1 + a * a)))
    return call.sign(u) * call.where(call.greater(a, 1e9), far, near)


def _lower_atan(u: Expression) -> Expression:
    a = call.abs(u)
    r = call.where(call.greater(a, 1), 1 / a, a)
    inner = r * horner(ATAN, r * r)
    return call.sign(u) * call.where(call.greater(a, 1), _PI / 2 - inner, inner)


def _sinc_derivative(u: Expression) -> tuple[Expression, ...]:
    # (cos(pi u) - sinc(u))/u cancels near 0; its series there is exact to 1e-12 for |u| < 0.1.
    t = (_PI * u) ** 2
    series = -(_PI**2) * u * (1 / 3 - t * (1 / 30 - t * (1 / 840 - t * (1 / 45360 - t / 3991680))))
    return (call.where(call.greater(0.1, call.abs(u)), series, (call.cos(_PI * u) - call.sinc(u)) / u),)


def _lower_sinc(u: Expression) -> Expression:
    v = _PI * u
    return call.where(call.equal(u, 0), 1, _lower_sin(v) / v)


ELEMENTARY = (
    Operator(
        name="exp", torch="exp", primitive=True,
        closed=lambda s, u: s.exp(u),
        derivative=lambda u: (call.exp(u),),
    ),
    Operator(
        name="expm1", torch="expm1", lower=_lower_expm1,
        closed=lambda s, u: s.exp(u) - 1,
        derivative=lambda u: (call.exp(u),),
    ),
    Operator(
        name="log", torch="log", primitive=True,
        closed=lambda s, u: s.log(u),
        derivative=lambda u: (1 / u,),
        test_range=(0.1, 9.0),
    ),
    Operator(
        name="log1p", torch="log1p", lower=_lower_log1p,
        closed=lambda s, u: s.log(1 + u),
        derivative=lambda u: (1 / (1 + u),),
        test_range=(-0.9, 9.0),
    ),
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
        name="sinh", torch="sinh", parity="odd", lower=_lower_sinh,
        closed=lambda s, u: s.sinh(u),
        derivative=lambda u: (call.cosh(u),),
    ),
    Operator(
        name="cosh", torch="cosh", parity="even", lower=_lower_cosh,
        closed=lambda s, u: s.cosh(u),
        derivative=lambda u: (call.sinh(u),),
    ),
    Operator(
        name="tanh", torch="tanh", parity="odd", lower=_lower_tanh,
        closed=lambda s, u: s.tanh(u),
        # 1 - tanh^2 cancels where tanh saturates.
        derivative=lambda u: (4 * call.sigmoid(2 * u) * call.sigmoid(-2 * u),),
    ),
    Operator(
        name="asinh", torch="asinh", parity="odd", lower=_lower_asinh,
        closed=lambda s, u: s.asinh(u),
        derivative=lambda u: (1 / call.sqrt(1 + u * u),),
    ),
    Operator(
        name="atan", torch="atan", parity="odd", lower=_lower_atan,
        closed=lambda s, u: s.atan(u),
        derivative=lambda u: (1 / (1 + u * u),),
    ),
    Operator(
        name="sinc", torch="sinc", parity="even", lower=_lower_sinc,
        closed=lambda s, u: s.sin(s.pi * u) / (s.pi * u),
        derivative=_sinc_derivative,
    ),
    Operator(
        name="erf", torch="erf", primitive=True, parity="odd",
        closed=lambda s, u: s.erf(u),
        derivative=lambda u: (2 / math.sqrt(_PI) * call.exp(-u * u),),
    ),
    Operator(
        name="erfc", torch="erfc", lower=lambda u: 1 - call.erf(u),
        closed=lambda s, u: s.erfc(u),
        derivative=lambda u: (-2 / math.sqrt(_PI) * call.exp(-u * u),),
        test_range=(-3.0, 1.5),
    ),
)  # fmt: skip
