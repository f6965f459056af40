"""Elementary and special functions."""

from __future__ import annotations

import math

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.circular import CIRCULAR
from actsearch.grammar.operators.gaussian import GAUSSIAN
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.polynomials import (
    ASINH,
    ATANH,
    EXPM1,
    SINH,
    TANH_ABOVE,
    TANH_BELOW,
    TANH_RANGE,
    beyond_slope,
    horner,
)


def _lower_expm1(u: Expression) -> Expression:
    near = u + u * u * horner(EXPM1, u)
    return call.where(call.greater(0.6, call.abs(u)), near, call.exp(u) - 1)


def _lower_log1p(u: Expression) -> Expression:
    # log(1+u) = 2 atanh(u/(2+u)) near 0, where a GPU's logarithm near 1 has no relative accuracy.
    near = 2 * beyond_slope(ATANH, u / (2 + u))
    return call.where(call.greater(0.5, call.abs(u)), near, call.log(1 + u))


def _lower_tanh(u: Expression) -> Expression:
    # Beyond the range the rational stands still and its product with u grows beyond 1, where it is cut off.
    t = call.minimum(u * u, TANH_RANGE)
    return call.maximum(call.minimum(u * horner(TANH_ABOVE, t) / horner(TANH_BELOW, t), 1), -1)


def _tanh_derivative(u: Expression) -> tuple[Expression, ...]:
    # 1 - tanh^2 cancels where tanh saturates. This is the square of 1/cosh(u) = 2e/(1 + e^2).
    e = call.exp(-call.abs(u))
    return (4 * (e / (1 + e * e)) ** 2,)


def _lower_sinh(u: Expression) -> Expression:
    e = call.exp(u)
    return call.where(call.greater(0.8, call.abs(u)), beyond_slope(SINH, u), 0.5 * e - 0.5 / e)


def _lower_cosh(u: Expression) -> Expression:
    e = call.exp(u)
    return 0.5 * e + 0.5 / e


def _lower_asinh(u: Expression) -> Expression:
    # log(a + sqrt(1 + a^2)), halved so that the sum does not overflow; 1 + a^2 is a^2 long before it would.
    a = call.abs(u)
    root = call.where(call.greater(a, 1e9), a, call.sqrt(1 + u * u))
    far = call.log(0.5 * a + 0.5 * root) + math.log(2)
    far = call.where(call.greater(0, u), -far, far)
    return call.where(call.greater(0.75, a), beyond_slope(ASINH, u), far)


def _acosh_root(u: Expression) -> Expression:
    # Of two roots, because the square of u overflows, and is positive below -1, where the function is not defined.
    return call.sqrt(u - 1) * call.sqrt(u + 1)


def _lower_acosh(u: Expression) -> Expression:
    root = _acosh_root(u)
    # Near 1 the logarithm by what is above 1; far from it halved, so that the sum does not overflow.
    far = call.log(0.5 * u + 0.5 * root) + math.log(2)
    return call.where(call.greater(2, u), call.log1p((u - 1) + root), far)


def _lower_atanh(u: Expression) -> Expression:
    far = 0.5 * call.log((1 + u) / (1 - u))
    return call.where(call.greater(1 / 3, call.abs(u)), beyond_slope(ATANH, u), far)


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
        derivative=_tanh_derivative,
    ),
    Operator(
        name="asinh", torch="asinh", parity="odd", lower=_lower_asinh,
        closed=lambda s, u: s.asinh(u),
        # The square overflows beyond 1e19, where the result is the right 0 but for its last digits.
        derivative=lambda u: (1 / call.sqrt(1 + u * u),),
    ),
    Operator(
        name="acosh", torch="acosh", lower=_lower_acosh,
        closed=lambda s, u: s.acosh(u),
        derivative=lambda u: (1 / _acosh_root(u),),
        test_range=(1.01, 9.0),
    ),
    Operator(
        name="atanh", torch="atanh", parity="odd", lower=_lower_atanh,
        closed=lambda s, u: s.atanh(u),
        derivative=lambda u: (1 / ((1 - u) * (1 + u)),),
        test_range=(-0.98, 0.98),
    ),
    *CIRCULAR,
    *GAUSSIAN,
)  # fmt: skip
