"""Named activation functions and guarded forms that are operators of their own."""

from __future__ import annotations

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.gaussian import DENSITY, gauss, lower_gelu
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.polynomials import LOG1P, horner

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
"""Those of which means of 0 and variances of 1 are a fixed point (Klambauer et al., 2017, arXiv:1706.02515)."""
EPSILON = 1e-7
"""Guard of `log_abs`."""
DIVIDE_EPSILON = 1e-6
"""Guard of `safe_divide`."""


def _lower_sigmoid(u: Expression) -> Expression:
    # By exp(-|u|) and not exp(-u), because the derivative needs that: a backward has one exp and one division for both.
    e = call.exp(-call.abs(u))
    r = 1 / (1 + e)
    return call.where(call.greater(u, 0), r, e * r)


def _sigmoid_derivative(u: Expression) -> tuple[Expression, ...]:
    e = call.exp(-call.abs(u))
    r = 1 / (1 + e)
    return (e * r * r,)


def _lower_softplus(u: Expression) -> Expression:
    e = call.exp(-call.abs(u))
    return call.maximum(u, 0) + e * horner(LOG1P, e)


def _silu_derivative(u: Expression) -> tuple[Expression, ...]:
    return (call.sigmoid(u) * (1 + u * call.sigmoid(-u)),)


def _lower_silu(u: Expression) -> Expression:
    # exp(-u) may overflow to infinity, whose reciprocal is the right 0.
    return u / (1 + call.exp(-u))


def _gelu_derivative(u: Expression) -> tuple[Expression, ...]:
    return (call.normal_cdf(u) + DENSITY * u * gauss(u),)


def _mish_parts(u: Expression) -> tuple[Expression, Expression, Expression]:
    """With `e = exp(v)`: v, e and n, where tanh(softplus(v)) = n/(n + 2), n = e*e + 2*e.

    v is u up to 20, where that quotient is 1 to 17 digits and the square of n does not overflow.
    """
    v = call.minimum(u, 20)
    e = call.exp(v)
    return v, e, e * (e + 2)


def _lower_mish(u: Expression) -> Expression:
    _, _, n = _mish_parts(u)
    return u * (n / (n + 2))


def _mish_derivative(u: Expression) -> tuple[Expression, ...]:
    # n/(n+2) + v * 2*n'/(n+2)^2 with n' = 2*e*(e+1), over one denominator. v*e first: e is 0 where 4*v overflows.
    v, e, n = _mish_parts(u)
    return ((n * (n + 2) + v * e * (4 * e + 4)) / (n + 2) ** 2,)


def _safe_divide_derivative(a: Expression, b: Expression) -> tuple[Expression, ...]:
    # By b the derivative of b/d, (eps - b^2)/d^2 with d = b^2 + eps, in parts that do not overflow.
    r = 1 / (b * b + DIVIDE_EPSILON)
    w = b * r
    return (w, a * (DIVIDE_EPSILON * r * r - w * w))


UNITS = (
    Operator(
        name="sigmoid", torch="sigmoid", lower=_lower_sigmoid,
        closed=lambda s, u: 1 / (1 + s.exp(-u)),
        derivative=_sigmoid_derivative,
    ),
    Operator(
        name="logsigmoid", torch="nn.functional.logsigmoid", lower=lambda u: -call.softplus(-u),
        closed=lambda s, u: -s.log(1 + s.exp(-u)),
        derivative=lambda u: (call.sigmoid(-u),),
    ),
    Operator(
        # The definition is what a C library computes in float64.
        name="softplus", torch="nn.functional.softplus", lower=_lower_softplus,
        definition=lambda u: call.maximum(u, 0) + call.log1p(call.exp(-call.abs(u))),
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
        name="selu", torch="nn.functional.selu", kinks=(0.0,),
        lower=lambda u: call.where(call.greater(u, 0), SELU_SCALE * u, (SELU_SCALE * SELU_ALPHA) * call.expm1(u)),
        closed=lambda s, u: SELU_SCALE * s.Piecewise((u, u > 0), (SELU_ALPHA * (s.exp(u) - 1), True)),
        derivative=lambda u: (
            call.where(call.greater(u, 0), SELU_SCALE, (SELU_SCALE * SELU_ALPHA) * call.exp(u)),
        ),
    ),
    Operator(
        name="silu", torch="nn.functional.silu", lower=_lower_silu,
        closed=lambda s, u: u / (1 + s.exp(-u)),
        derivative=_silu_derivative,
    ),
    Operator(
        name="gelu", torch="nn.functional.gelu", lower=lower_gelu,
        definition=lambda u: u * call.normal_cdf(u),
        closed=lambda s, u: u * (1 + s.erf(u / s.sqrt(2))) / 2,
        derivative=_gelu_derivative,
    ),
    Operator(
        name="mish", torch="nn.functional.mish", lower=_lower_mish,
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
        name="safe_divide", arity=2, definition=lambda a, b: a * (b / (b * b + DIVIDE_EPSILON)),
        closed=lambda _, a, b: a * b / (b**2 + DIVIDE_EPSILON),
        derivative=_safe_divide_derivative,
    ),
)  # fmt: skip
