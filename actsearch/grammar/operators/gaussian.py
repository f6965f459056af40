"""The error functions and the normal distribution, with relative accuracy in the tails."""

from __future__ import annotations

import math

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.polynomials import (
    ERF_ABOVE,
    ERF_BELOW,
    ERF_RANGE,
    NORMAL_TAIL_ABOVE,
    NORMAL_TAIL_BELOW,
    NORMAL_TAIL_RANGE,
    horner,
)

ROOT_HALF = math.sqrt(0.5)
DENSITY = 1 / math.sqrt(2 * math.pi)
"""The normal density at 0."""
_ERF_SLOPE = 2 / math.sqrt(math.pi)


def gauss(u: Expression) -> Expression:
    """exp(-u*u/2), written the same way everywhere, so that kernels compute it once.

    The square of a bfloat16 is exact in float32. Of a float32 it is rounded, and the result with it: by 8 ulp at
    most for |u| <= 4, in proportion to u*u.
    """
    return call.exp(-0.5 * (u * u))


def lower_gelu(u: Expression) -> Expression:
    """`u*Phi(u) = max(u, 0) - a*Phi(-a)` with `a = |u|`, in float32."""
    a = call.minimum(call.abs(u), NORMAL_TAIL_RANGE)
    return call.maximum(u, 0) - a * _normal_tail(a) * gauss(u)


def _normal_tail(a: Expression) -> Expression:
    return horner(NORMAL_TAIL_ABOVE, a) / horner(NORMAL_TAIL_BELOW, a)


def _lower_normal_cdf(u: Expression) -> Expression:
    tail = _normal_tail(call.minimum(call.abs(u), NORMAL_TAIL_RANGE)) * gauss(u)
    return call.where(call.greater(u, 0), 1 - tail, tail)


def _lower_erf(u: Expression) -> Expression:
    # Beyond the range the rational stands still and its product with u grows beyond 1, where it is cut off.
    t = call.minimum(u * u, ERF_RANGE)
    return call.maximum(call.minimum(u * horner(ERF_ABOVE, t) / horner(ERF_BELOW, t), 1), -1)


def _lower_erfc(u: Expression) -> Expression:
    # erfc(a) = 2*Phi(-sqrt(2)*a)
    a = call.minimum(call.abs(u), NORMAL_TAIL_RANGE * ROOT_HALF)
    above, below = (
        tuple(coefficient * scale / ROOT_HALF**power for power, coefficient in enumerate(coefficients))
        for coefficients, scale in ((NORMAL_TAIL_ABOVE, 2), (NORMAL_TAIL_BELOW, 1))
    )
    tail = horner(above, a) / horner(below, a) * call.exp(-(u * u))
    return call.where(call.greater(0, u), 2 - tail, tail)


GAUSSIAN = (
    Operator(
        name="erf", torch="erf", parity="odd", lower=_lower_erf,
        closed=lambda s, u: s.erf(u),
        derivative=lambda u: (_ERF_SLOPE * call.exp(-(u * u)),),
    ),
    Operator(
        name="erfc", torch="erfc", lower=_lower_erfc,
        closed=lambda s, u: s.erfc(u),
        derivative=lambda u: (-_ERF_SLOPE * call.exp(-(u * u)),),
    ),
    Operator(
        # torch's own, `special.ndtr`, is (1 + erf)/2 (torch 2.9), which has no digits left at -6.
        name="normal_cdf", lower=_lower_normal_cdf,
        definition=lambda u: 0.5 * call.erfc(-ROOT_HALF * u),
        closed=lambda s, u: s.erfc(-u / s.sqrt(2)) / 2,
        derivative=lambda u: (DENSITY * gauss(u),),
    ),
)  # fmt: skip
