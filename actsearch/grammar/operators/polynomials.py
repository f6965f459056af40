"""Polynomials and rationals for what has no accurate float32 instruction; `benchmarks/fit_polynomials.py` fits them.

Errors are relative, in exact arithmetic with these coefficients; float32 itself rounds by up to 6e-8. What stands
behind `r + r*t*` counts in proportion to its share of the sum, so that the result is exact to the last place near 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.grammar.expression import Constant, Expression

# sin(r) = r + r*t*P(t), t = r*r, |r| <= pi/2: error of P 6.0e-8.
SIN = (-0.16666666, 0.00833322, -0.00019820515, 2.6290293e-06)
# sin(pi*r)/pi = r*P(r*r), |r| <= 1/2: error 6.3e-9.
SIN_PI = (1.0, -1.6449333, 0.81171584, -0.19044323, 0.02471593)
# atan(r) = r + r*t*P(t), t = r*r, |r| <= 1: error of P 2.9e-7, of atan at most 8e-8.
ATAN = (-0.33333325, 0.19998814, -0.14258838, 0.1087555, -0.08035978, 0.049283177, -0.02028603, 0.0039388463)
# atanh(s) = s + s*t*P(t), t = s*s, |s| <= 1/3: error of P 4.2e-7, of atanh at most 2e-8.
ATANH = (0.3333332, 0.2000386, 0.1411665, 0.1343515)
# sinh(u) = u + u*t*P(t), t = u*u, |u| <= 0.8: error of P 1.4e-7, of sinh at most 2e-8.
SINH = (0.16666669, 0.0083327135, 0.0002010486)
# asinh(u) = u + u*t*P(t), t = u*u, |u| <= 0.75: error of P 3.7e-7, of asinh at most 3e-8.
ASINH = (-0.16666661, 0.07499214, -0.044468753, 0.028942583, -0.016691452, 0.005529871)
# expm1(u) = u + u*u*P(u), |u| <= 0.6: error of P 1.2e-7, of expm1 at most 4e-8.
EXPM1 = (0.50000006, 0.16666669, 0.041664355, 0.008332667, 0.0014036641, 0.00020119113)
# log1p(e) = e*P(e), 0 <= e <= 1: error 3.3e-8.
LOG1P = (1.0, -0.49999648, 0.3332133, -0.24857217, 0.19153848, -0.13754188, 0.07920883, -0.0300683, 0.0053654225)
# tanh(u) = u*P(t)/Q(t), t = u*u <= 8.6^2, where 1 - tanh(u) is 7e-8: error 2.5e-8.
TANH_RANGE = 8.6**2
TANH_ABOVE = (1.0, 0.13409565, 0.0035295358, 2.1171682e-05, 1.4146787e-08)
TANH_BELOW = (1.0, 0.46742892, 0.026005974, 0.00033412979, 8.097772e-07)
# erf(u) = u*P(t)/Q(t), t = u*u <= 3.85^2, where 1 - erf(u) is 5e-8: error 5.4e-8.
ERF_RANGE = 3.85**2
ERF_ABOVE = (1.1283791, 0.1957994, 0.053564247, 0.0040154415, 0.00029380101, 2.058033e-06)
ERF_BELOW = (1.0, 0.50685453, 0.11642861, 0.015479084, 0.0012285172, 3.8627408e-05)
# Phi(-a) = exp(-a*a/2)*P(a)/Q(a), Phi the normal distribution, 0 <= a <= 13.25, where exp(-a*a/2) leaves float32's
# normal numbers: error 1.2e-8.
NORMAL_TAIL_RANGE = 13.25
NORMAL_TAIL_ABOVE = (0.5, 0.43489185, 0.18069695, 0.039772395, 0.0039868937)
NORMAL_TAIL_BELOW = (1.0, 1.6676685, 1.1919976, 0.4627647, 0.09970221, 0.009993511)


def horner(coefficients: Sequence[float], variable: Expression) -> Expression:
    """The polynomial with `coefficients` from the constant up, in Horner's form."""
    result: Expression = Constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = result * variable + coefficient
    return result


def beyond_slope(coefficients: Sequence[float], variable: Expression) -> Expression:
    """`r + r*t*P(t)` with `t = r*r`: an odd function of slope 1 at 0, whose last rounding is that of the sum."""
    t = variable * variable
    return variable + variable * t * horner(coefficients, t)
