"""The dual activation, and what it says of infinitely wide and deep classifiers.

`dual(rho) = E[f(u) f(v)] / E[f(u)^2]` for standard normal u, v of correlation rho. With the coefficients a_k of f in
normalised Hermite polynomials it is the sum of `a_k^2 rho^k` over that of `a_k^2`. Its values decide what kernel a
network of infinite width and depth classifies by. Source: Radhakrishnan, Belkin, Uhler (2023), PNAS 120, Wide and deep
neural networks achieve consistency for classification; Daniely, Frostig, Singer (2016), arXiv:1602.05897.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from actsearch.analysis.enclosure.interval import Array
from actsearch.analysis.gaussian import normal_rule, normal_square
from actsearch.analysis.pointwise import Pointwise

_DEGREE = 200
_NOTHING = 1e-10
"""A share of E[f^2] below this is 0 but for the quadrature."""

Kind = Literal["1-nearest-neighbour", "singular kernel", "majority vote"]


@dataclass(frozen=True, kw_only=True)
class Dual:
    """The dual activation of one function."""

    shares: Array
    """`a_k^2 / E[f^2]` for k = 0, 1, ..., float64."""
    slope_at_one: float
    """B' = dual'(1) = E[f'^2] / E[f^2]; infinite for a function that jumps."""

    @property
    def at_zero(self) -> float:
        """A = dual(0)."""
        return float(self.shares[0]) if self.shares[0] > _NOTHING else 0.0

    @property
    def slope_at_zero(self) -> float:
        """A' = dual'(0)."""
        return float(self.shares[1]) if self.shares[1] > _NOTHING else 0.0

    @cached_property
    def kind(self) -> Kind:
        """What an infinitely deep network classifies by."""
        if self.at_zero > 0:
            return "majority vote"
        return "singular kernel" if self.slope_at_zero > 0 else "1-nearest-neighbour"

    @property
    def exponent(self) -> float | None:
        """The singular kernel grows like `norm(x - z)` to this power; None for another kind.

        It is 2 ln A' / ln B', which is -infinity for the identity and 0 where B' is infinite.
        """
        if self.kind != "singular kernel" or self.slope_at_one <= 0:
            return None
        if math.isinf(self.slope_at_one):
            return 0.0
        above, below = math.log(self.slope_at_zero), math.log(self.slope_at_one)
        return 2 * above / below if abs(below) > 1e-9 else None

    def __call__(self, rho: Array | float) -> Array:
        """dual(rho), any shape; what the highest Hermite polynomials hold counts as one more of them."""
        x = np.asarray(rho, dtype=np.float64)
        rest = max(1.0 - float(self.shares.sum()), 0.0)
        value: Array = np.polynomial.polynomial.polyval(x, self.shares) + rest * x ** len(self.shares)
        return value


def dual(function: Pointwise, *, jumps: bool = False) -> Dual | None:
    """The dual activation of a function; None for 0 and for what is not square integrable. `jumps`: f has jumps."""
    z, weights = normal_rule()
    values, slopes = function.response(z)
    square = normal_square(values, weights)
    if not (math.isfinite(square) and square > 0):
        return None
    shares = hermite_coefficients(values, z, weights, _DEGREE) ** 2 / square
    slope = math.inf if jumps else float(weights @ slopes**2) / square
    return Dual(shares=shares, slope_at_one=slope)


def hermite_coefficients(values: Array, z: Array, weights: Array, degree: int) -> Array:
    """E[f(z) h_k(z)] for k below `degree`, h_k the Hermite polynomials normalised to E[h_k^2] = 1.

    `values` are f at the points `z`, and `weights` those of N(0, 1), all of shape (points,).
    """
    weighted = weights * values
    before, now = np.zeros_like(z), np.ones_like(z)
    found = np.empty(degree)
    for k in range(degree):
        found[k] = weighted @ now
        before, now = now, (z * now - math.sqrt(k) * before) / math.sqrt(k + 1)
    return found
