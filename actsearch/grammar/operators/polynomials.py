"""Polynomials for what a GPU has no accurate float32 instruction for; `benchmarks/fit_polynomials.py` fits them."""

from __future__ import annotations

from actsearch.grammar.expression import Constant, Expression

# sin(r) = r + r*t*P(t), t = r*r, |r| <= pi/2: relative error of P 1.8e-10.
SIN = (-0.16666666663720944, 0.0083333327482207, -0.00019841082429839603, 2.753619681931073e-06, -2.407480069032547e-08)
# atan(r) = r*P(r*r), |r| <= 1: relative error 1.5e-8.
ATAN = (
    0.9999999847646652, -0.33333073330756463, 0.19992619089341473, -0.14203642035052055, 0.10640924432946096,
    -0.07504274005524629, 0.04269127592126305, -0.016068478852795706, 0.0028498520185163967,
)  # fmt: skip
# atanh(s) = s*P(s*s), |s| <= 1/3: relative error 4.1e-9.
ATANH = (1.0000000041309591, 0.3333315124242503, 0.20012782690727116, 0.13974825999093382, 0.1411719310709886)
# expm1(u) = u + u*u*P(u), |u| <= 0.75: relative error of P 1.1e-8.
EXPM1 = (
    0.5000000009981548, 0.16666671969529015, 0.04166663980214812, 0.00833257186522796, 0.001388965828672012,
    0.0002011316087412382, 2.4891506131961838e-05,
)  # fmt: skip


def horner(coefficients: tuple[float, ...], variable: Expression) -> Expression:
    """The polynomial with `coefficients` from the constant up, in Horner's form."""
    result: Expression = Constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = result * variable + coefficient
    return result
