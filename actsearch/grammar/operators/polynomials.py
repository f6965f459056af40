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
# asin(s) = s + s*t*P(t), t = s*s, |s| <= 1/2: error of P 3.9e-7, of asin at most 2e-8.
ASIN = (0.16666673, 0.07498787, 0.045013, 0.026486991, 0.03821148)
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
# exp(-a)*I0(a) = P(a)/Q(a), 0 <= a <= 7: error 2.9e-8; sqrt(r)*P(r), r = 1/a <= 1/7: error 4.6e-8.
BESSEL_SPLIT = 7.0
I0E_NEAR_ABOVE = (1.0, 0.08833117, 0.21202703, 0.016335517, 0.0068926783, 0.00013185579)
I0E_NEAR_BELOW = (1.0, 1.088332, 0.5503456, 0.16717342, 0.032273404, 0.003938686)
I0E_FAR = (0.39894226, 0.049874526, 0.0276196, 0.039575905, -0.064103, 0.54273)
# exp(-a)*I1(a) = a*P(a)/Q(a), 0 <= a <= 7: error 6.1e-8; sqrt(r)*P(r), r = 1/a <= 1/7: error 2.8e-8.
I1E_NEAR_ABOVE = (0.5, 0.06761019, 0.04110875, 0.0047167125, 0.000299549, -4.0191917e-06)
I1E_NEAR_BELOW = (1.0, 1.1352223, 0.5924139, 0.1841212, 0.035902537, 0.004242018)
I1E_FAR = (0.3989423, -0.1496085, -0.046374913, -0.050757434, 0.05248919, -0.5910401)
# exp(-a)*(I0(a) - I1(a)) = P(a)/Q(a), 0 <= a <= 7: error 2.7e-8; r*sqrt(r)*P(r), r = 1/a <= 1/7: error 5.8e-8.
I0E_SLOPE_NEAR_ABOVE = (1.0, -0.30502525, 0.13332413, -0.011981674, 0.002343137, -5.389325e-05, 1.631403e-06)
I0E_SLOPE_NEAR_BELOW = (1.0, 1.194974, 0.6757982, 0.23708785, 0.05667269, 0.009133111, 0.0010895538)
I0E_SLOPE_FAR = (0.19947113, 0.074805714, 0.069903955, 0.10404053, 0.28582442, -1.2241944, 11.244936)


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
