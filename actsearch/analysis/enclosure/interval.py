"""Interval arithmetic with outward rounding, over arrays of intervals.

An interval may reach to infinity; what it encloses are real numbers. A bound is moved outwards by one float64 where
its computation may have rounded it inwards and nowhere else, so that 0 and 1 stay 0 and 1.

Source: Moore, Kearfott, Cloud (2009), Introduction to Interval Analysis; Knuth, TAOCP 2, for the error of a sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TINY = 5e-324
"""The smallest positive float64."""
LARGEST = float(np.finfo(np.float64).max)
_RELATIVE = 2.0**-49
"""How far a function of numpy or torch may be off, in proportion: 8 units in the last place."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Real numbers from `lower` to `upper`, arrays of one shape (or of none), float64, with lower <= upper."""

    lower: Array
    upper: Array

    @property
    def width(self) -> Array:
        """Upper minus lower bound."""
        return self.upper - self.lower

    @property
    def is_finite(self) -> NDArray[np.bool_]:
        """Where both bounds are finite."""
        return np.isfinite(self.lower) & np.isfinite(self.upper)

    def contains(self, value: float) -> NDArray[np.bool_]:
        """Where `value` is enclosed."""
        return (self.lower <= value) & (value <= self.upper)

    def hull(self, other: Interval) -> Interval:
        """The smallest interval that encloses both."""
        return Interval(np.minimum(self.lower, other.lower), np.maximum(self.upper, other.upper))

    def meet(self, other: Interval) -> Interval:
        """What both enclose, where both enclose the same numbers."""
        lower, upper = np.maximum(self.lower, other.lower), np.minimum(self.upper, other.upper)
        # Two enclosures of one number meet; where rounding of a sampled bound says otherwise, the first stands.
        apart = lower > upper
        return Interval(np.where(apart, self.lower, lower), np.where(apart, self.upper, upper))

    def where(self, condition: NDArray[np.bool_], other: Interval) -> Interval:
        """This interval where `condition` holds, the other one elsewhere."""
        return Interval(np.where(condition, self.lower, other.lower), np.where(condition, self.upper, other.upper))

    def __neg__(self) -> Interval:
        return Interval(-self.upper, -self.lower)

    def __add__(self, other: Interval) -> Interval:
        lower, error = _sum(self.lower, other.lower)
        upper, excess = _sum(self.upper, other.upper)
        return Interval(
            np.where(error >= 0, lower, np.nextafter(lower, -np.inf)),
            np.where(excess <= 0, upper, np.nextafter(upper, np.inf)),
        )

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def __mul__(self, other: Interval) -> Interval:
        if _scales_exactly(self):
            return _scaled(other, self.lower)
        if _scales_exactly(other):
            return _scaled(self, other.lower)
        a, b = self, other
        products = [_product(p, q) for p in (a.lower, a.upper) for q in (b.lower, b.upper)]
        lower = np.minimum(np.minimum(products[0], products[1]), np.minimum(products[2], products[3]))
        upper = np.maximum(np.maximum(products[0], products[1]), np.maximum(products[2], products[3]))
        # A product that is 0 is exact, or too small for a float64 and of a sign that is known all the same.
        negative = ((a.lower < 0) & (b.upper > 0)) | ((a.upper > 0) & (b.lower < 0))
        positive = ((a.upper > 0) & (b.upper > 0)) | ((a.lower < 0) & (b.lower < 0))
        return Interval(
            np.where((lower == 0) & ~negative, lower, np.nextafter(lower, -np.inf)),
            np.where((upper == 0) & ~positive, upper, np.nextafter(upper, np.inf)),
        )

    def square(self) -> Interval:
        """The squares of its numbers."""
        a, b = np.abs(self.lower), np.abs(self.upper)
        straddles = (self.lower < 0) & (self.upper > 0)
        lower, upper = np.where(straddles, 0.0, np.minimum(a, b)), np.maximum(a, b)
        is_one = (lower == 1) & (upper == 1)
        below = np.where(lower == 0, 0.0, np.maximum(np.nextafter(lower * lower, -np.inf), 0.0))
        above = np.where(upper == 0, 0.0, np.nextafter(upper * upper, np.inf))
        return Interval(np.where(is_one, 1.0, below), np.where(is_one, 1.0, above))

    def abs(self) -> Interval:
        """The sizes of its numbers."""
        a, b = np.abs(self.lower), np.abs(self.upper)
        return Interval(np.where((self.lower < 0) & (self.upper > 0), 0.0, np.minimum(a, b)), np.maximum(a, b))


def thin(value: Array | float) -> Interval:
    """The interval of one number, or of one each."""
    array = np.asarray(value, dtype=np.float64)
    return Interval(array, array)


def between(lower: float, upper: float) -> Interval:
    """One interval, of no shape."""
    return Interval(np.float64(lower), np.float64(upper))  # type: ignore[arg-type]


ZERO, ONE, EVERYTHING = thin(0.0), thin(1.0), between(-np.inf, np.inf)


def widened(values: Array, sizes: Array, *, exact: NDArray[np.bool_] | bool = False) -> Interval:
    """What encloses the true numbers of which `values` are approximations, each by terms of the given `sizes`.

    A value that underflows keeps its sign, that of a zero included.
    """
    margin = sizes * _RELATIVE + 10 * TINY
    lower, upper = np.nextafter(values - margin, -np.inf), np.nextafter(values + margin, np.inf)
    small = (np.abs(values) < 1e-300) & (sizes < 1e-300)
    is_negative = np.signbit(values)
    lower, upper = np.where(small & ~is_negative, 0.0, lower), np.where(small & is_negative, 0.0, upper)
    # What overflowed is finite in truth.
    infinite = np.isinf(values)
    lower = np.where(infinite, np.where(is_negative, -np.inf, LARGEST), np.minimum(lower, LARGEST))
    upper = np.where(infinite, np.where(is_negative, -LARGEST, np.inf), np.maximum(upper, -LARGEST))
    return Interval(np.where(exact, values, lower), np.where(exact, values, upper))


def power(base: Interval, exponent: float) -> tuple[Interval, NDArray[np.bool_] | np.bool_]:
    """`base ** exponent`, and where it is defined for all of the base, 0 ** 0 being 1 and torch deciding the rest."""
    if exponent in (0.0, 1.0, 2.0):
        value = ONE if exponent == 0 else base if exponent == 1 else base.square()
        return value, np.True_
    if exponent != int(exponent):
        lower, upper = np.maximum(base.lower, 0.0), np.maximum(base.upper, 0.0)
        ends = _rounded_power(lower, exponent), _rounded_power(upper, exponent)
        defined = (base.lower >= 0) if exponent > 0 else (base.lower > 0)
    elif exponent % 2 == 0:
        size = base.abs()
        ends = _rounded_power(size.lower, exponent), _rounded_power(size.upper, exponent)
        defined = np.asarray(exponent > 0) | (size.lower > 0)
    else:
        ends = _rounded_power(base.lower, exponent), _rounded_power(base.upper, exponent)
        defined = np.asarray(exponent > 0) | ~base.contains(0.0)
    value = ends[0].hull(ends[1])
    if exponent < 0 and exponent % 2:
        value = value.where(defined, EVERYTHING)
    return value.where(~np.isnan(value.lower) & ~np.isnan(value.upper), EVERYTHING), defined


def reciprocal(base: Interval) -> tuple[Interval, NDArray[np.bool_]]:
    """`1 / base`, and where it is defined for all of the base."""
    defined = ~base.contains(0.0)
    lower, upper = np.nextafter(1 / base.upper, -np.inf), np.nextafter(1 / base.lower, np.inf)
    is_one = (base.lower == base.upper) & (np.abs(base.lower) == 1)
    lower = np.where((base.lower > 0) & (lower < 0), 0.0, np.minimum(lower, LARGEST))
    upper = np.where((base.upper < 0) & (upper > 0), 0.0, np.maximum(upper, -LARGEST))
    value = Interval(np.where(is_one, base.lower, lower), np.where(is_one, base.lower, upper))
    # At one of its ends the base may reach 0: then the reciprocal is unbounded on one side only.
    above = Interval(np.where(base.upper == 0, -np.inf, lower), np.full_like(upper, np.inf))
    touching = above.where((base.lower == 0) & (base.upper > 0), EVERYTHING)
    below = Interval(np.full_like(lower, -np.inf), upper)
    touching = below.where((base.upper == 0) & (base.lower < 0), touching)
    return value.where(defined, touching), defined


def _rounded_power(base: Array, exponent: float) -> Interval:
    values = np.power(base, exponent)
    exact = (base == 0) & (exponent > 0) | (base == 1)
    return widened(values, np.abs(values), exact=exact)


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The sum, and what rounding took from it: NaN where that is not known."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Array, b: Array) -> Array:
    product = a * b
    # 0 times an end at infinity: there is no number infinity to be multiplied.
    return np.where(np.isnan(product), 0.0, product)


def _scales_exactly(factor: Interval) -> bool:
    """Whether it is one number by which nothing needs rounding: 0, 1, -1 or 2."""
    return factor.lower.ndim == 0 and bool(factor.lower == factor.upper) and float(factor.lower) in (0, 1, -1, 2)


def _scaled(interval: Interval, factor: Array) -> Interval:
    if factor == 0:
        return ZERO
    lower, upper = interval.lower * factor, interval.upper * factor
    if factor < 0:
        lower, upper = upper, lower
    return Interval(np.minimum(lower, LARGEST), np.maximum(upper, -LARGEST))
