"""Named activation functions and guarded forms that are operators of their own."""

from __future__ import annotations

import math

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.operator import Operator

EPSILON = 1e-7
"""Guard of `log_abs`."""
DIVIDE_EPSILON = 1e-6
"""Guard of `safe_divide`."""


def _lower_sigmoid(u: Expression) -> Expression:
    # exp(-u) may overflow to infinity, whose reciprocal is the right 0.
    return 1 / (1 + call.exp(-u))


def _lower_softplus(u: Expression) -> Expression:
    return call.maximum(u, 0) + call.log1p(call.exp(-call.abs(u)))


def _normal_cdf(u: Expression) -> Expression:
    return 0.5 * (1 + call.erf(math.sqrt(0.5) * u))


def _gelu_derivative(u: Expression) -> tuple[Expression, ...]:
    return (_normal_cdf(u) + u * (1 / math.sqrt(2 * math.pi)) * call.exp(-0.5 * u * u),)


def _silu_derivative(u: Expression) -> tuple[Expression, ...]:
    return (call.sigmoid(u) * (1 + u * call.sigmoid(-u)),)


def _mish_derivative(u: Expression) -> tuple[Expression, ...]:
    t = call.softplus(u)
    return (call.tanh(t) + u * call.sigmoid(u) * 4 * call.sigmoid(2 * t) * call.sigmoid(-2 * t),)


def _safe_divide_derivative(a: Expression, b: Expression) -> tuple[Expression, ...]:
    d = b * b + DIVIDE_EPSILON
    return (b / d, a * (DIVIDE_EPSILON - b * b) / (d * d))


UNITS = (
    Operator(
        name="sigmoid", torch="sigmoid", lower=_lower_sigmoid,
        closed=lambda s, u: 1 / (1 + s.exp(-u)),
        derivative=lambda u: (call.sigmoid(u) * call.sigmoid(-u),),
    ),
    Operator(
        name="logsigmoid", torch="nn.functional.logsigmoid", lower=lambda u: -call.softplus(-u),
        closed=lambda s, u: -s.log(1 + s.exp(-u)),
        derivative=lambda u: (call.sigmoid(-u),),
    ),
    Operator(
        name="softplus", torch="nn.functional.softplus", lower=_lower_softplus,
        closed=lambda s, u: s.log(1 + s.exp(u)),
        derivative=lambda u: (call.sigmoid(u),),
    ),
    Operator(
        name="relu", torch="relu", kinks=(0.0,), lower=lambda u: call.maximum(u, 0),
        closed=lambda s, u: s.Piecewise((u, u > 0), (0, True)),
        derivative=lambda u: (call.greater(u, 0),),
    ),
    Operator(
        name="elu", torch="nn.functional.elu",
        lower=lambda u: call.where(call.greater(u, 0), u, call.expm1(u)),
        closed=lambda s, u: s.Piecewise((u, u > 0), (s.exp(u) - 1, True)),
        derivative=lambda u: (call.where(call.greater(u, 0), 1, call.exp(u)),),
    ),
    Operator(
        name="silu", torch="nn.functional.silu", lower=lambda u: u * call.sigmoid(u),
        closed=lambda s, u: u / (1 + s.exp(-u)),
        derivative=_silu_derivative,
    ),
    Operator(
        name="gelu", torch="nn.functional.gelu", lower=lambda u: u * _normal_cdf(u),
        closed=lambda s, u: u * (1 + s.erf(u / s.sqrt(2))) / 2,
        derivative=_gelu_derivative,
    ),
    Operator(
        name="mish", torch="nn.functional.mish", lower=lambda u: u * call.tanh(call.softplus(u)),
        closed=lambda s, u: u * s.tanh(s.log(1 + s.exp(u))),
        derivative=_mish_derivative,
    ),
    Operator(
        name="softsign", torch="nn.functional.softsign", parity="odd", lower=lambda u: u / (1 + call.abs(u)),
        closed=lambda s, u: u / (1 + s.Abs(u)),
        derivative=lambda u: ((1 + call.abs(u)) ** -2,),
    ),
    Operator(
        name="log_abs", parity="even", definition=lambda u: call.log(call.abs(u) + EPSILON), kinks=(0.0,),
        closed=lambda s, u: s.log(s.Abs(u) + EPSILON),
        derivative=lambda u: (call.sign(u) / (call.abs(u) + EPSILON),),
    ),
    Operator(
        # a/b with no pole: a*b/(b^2 + 1e-6), 0 where b is 0.
        name="safe_divide", arity=2, definition=lambda a, b: a * b / (b * b + DIVIDE_EPSILON),
        closed=lambda _, a, b: a * b / (b**2 + DIVIDE_EPSILON),
        derivative=_safe_divide_derivative,
    ),
)  # fmt: skip
