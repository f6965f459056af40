"""The function asked about, as values, and what says whether a fit to it means anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from actsearch.analysis.novelty.match import DOMAIN, KNOWN, Match
from actsearch.analysis.novelty.points import GRID, POINTS, Array

_DEGREES = 9
_EXPLAINED = 0.5
_ZOOM = 16.0
_ROUNDING = 1e-12


def _basis(x: Array) -> Array:
    return np.linalg.qr(np.polynomial.legendre.legvander(x / DOMAIN, _DEGREES))[0]


_BASIS = _basis(GRID)
"""Orthonormal polynomials on the points of [-5, 5]: (points, degrees)."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Values of the function where it has any."""

    x: Array
    values: Array

    @cached_property
    def unit(self) -> float:
        """What distances are relative to: the range, where that is below 1."""
        # Anything is within 1e-5 of a function smaller than that, so a small one is held to its own size.
        return min(float(self.values.max() - self.values.min()), 1.0)

    @property
    def known(self) -> float:
        """The largest distance at which it is known."""
        return KNOWN * self.unit

    @cached_property
    def at_points(self) -> Array:
        """Values at `POINTS`, between neighbours where there is none."""
        return np.interp(POINTS, self.x, self.values)

    @cached_property
    def sparse(self) -> Target:
        """The function at those of `POINTS` where it has a value."""
        few = POINTS[np.isin(POINTS, self.x)]
        return Target(x=few, values=self.values[np.searchsorted(self.x, few)])

    @cached_property
    def is_constant(self) -> bool:
        """Whether its values do not vary."""
        return bool(self.values.max() - self.values.min() <= _ROUNDING * np.abs(self.values).max())

    @cached_property
    def is_linear(self) -> bool:
        """Whether its values lie on a straight line."""
        return bool(self.beyond[1] <= 1e-9 * np.abs(self.values).max())

    @cached_property
    def beyond(self) -> Array:
        """Largest difference from the polynomial of least squares of each degree from 0, shape (10,)."""
        basis = _BASIS if len(self.x) == len(GRID) else _basis(self.x)
        parts = basis * (self.values @ basis)
        rest = self.values[:, None] - np.cumsum(parts, axis=1)
        largest: Array = np.abs(rest).max(axis=0)
        return largest

    def explained_by(self, match: Match) -> bool:
        """Whether a match says more of the function than a polynomial with as many fitted numbers would.

        Every smooth function looks linear, and with two numbers more cubic, from near enough. So a match whose input
        or parameters were moved must leave at most half of what such a polynomial leaves; but for a polynomial from
        the catalog, which leaves nothing without a zoom.
        """
        if not match.moved and not match.limits:
            unmoved = match.input_scale == 1 and match.input_shift == 0
            rounding = 1e-9 * float(np.abs(self.values).max())
            if unmoved or (match.distance <= rounding and 1 / _ZOOM <= abs(match.input_scale) <= _ZOOM):
                return True
        # Output scale and shift are there for the polynomial too, whether the match needs them or not.
        touched = match.numbers - (match.output_scale != 1) - (match.output_shift != 0)
        degree = min(1 + touched, _DEGREES)
        return bool(match.distance <= _EXPLAINED * self.beyond[degree])
