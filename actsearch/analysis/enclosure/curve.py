"""A curve: a function of one variable that is monotone between known turning points, enclosed over intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from actsearch.analysis.enclosure.interval import Array, Interval, between, thin, widened

Approximation = Callable[[Array], tuple[Array, Array]]
"""From points to values and the sizes of the terms that were added for them: a value may be off by 2^-49 of its size.

A value too small for float64 has the sign of the true one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A function that is monotone between its turning points."""

    function: Approximation
    turns: tuple[float, ...] = ()
    ends: tuple[float, float]
    """Its limits at minus and plus infinity."""
    within: tuple[float, float] = (-math.inf, math.inf)
    """Bounds that hold everywhere."""

    def enclose(self, u: Interval) -> Interval:
        """What encloses its values over `u`."""
        value = self._at(u.lower).hull(self._at(u.upper))
        for turn in self.turns:
            # The function is flat at a turn, so that the turn's own rounding moves its value by nothing.
            slack = 4e-16 * abs(turn)
            inside = (u.lower <= turn + slack) & (u.upper >= turn - slack)
            value = value.hull(self._at(np.float64(turn))).where(inside, value)  # type: ignore[arg-type]
        low, high = self.within
        return Interval(np.clip(value.lower, low, high), np.clip(value.upper, low, high))

    def _at(self, u: Array) -> Interval:
        values, sizes = self.function(u)
        left, right = self.ends
        values = np.where(u == -np.inf, left, np.where(u == np.inf, right, values))
        sizes = np.where(np.isinf(u), np.abs(values), sizes)
        return widened(values, sizes, exact=(u == 0) & (values == 0) & (sizes == 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A function with a break at 0: one curve, or number, below it and one above.

    What it is at the break itself does not count, unless all that is enclosed is the break.
    """

    below: Curve | float
    above: Curve | float

    def enclose(self, u: Interval) -> Interval:
        """What encloses its values over `u`."""
        left = _piece(self.below, Interval(np.minimum(u.lower, 0.0), np.minimum(u.upper, 0.0)))
        right = _piece(self.above, Interval(np.maximum(u.lower, 0.0), np.maximum(u.upper, 0.0)))
        both = left.hull(right)
        is_break = u.lower == u.upper
        value = left.where((u.upper <= 0) & ~(is_break & (u.upper == 0)), both)
        return right.where((u.lower >= 0) & ~(is_break & (u.lower == 0)), value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """A function that needs no rounding, given as a function of intervals."""

    enclose: Callable[[Interval], Interval]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kink:
    """What the derivative of a step is: `rest`, and where the step is, an infinite value of the step's sign."""

    rest: Pieces | float
    rises: bool

    def enclose(self, u: Interval) -> Interval:
        """What encloses its values over `u`."""
        rest = _piece(self.rest, u)
        beyond = between(0.0, math.inf) if self.rises else between(-math.inf, 0.0)
        return rest.hull(beyond).where(u.contains(0.0), rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A sine: 1 at `crest` and every 2*pi from there, -1 half a period off."""

    function: Callable[[Array], Array]
    crest: float

    def enclose(self, u: Interval) -> Interval:
        """What encloses its values over `u`."""
        ends = [widened(values, np.ones_like(values)) for values in (self.function(u.lower), self.function(u.upper))]
        value = ends[0].hull(ends[1])
        # Beyond this the distance to the next crest has no digits that count.
        far = ~(u.abs().upper < 1e6) & (u.lower < u.upper) | ~np.isfinite(u.upper) | ~np.isfinite(u.lower)
        low = np.where(far | _has_multiple(u, self.crest + math.pi), -1.0, value.lower)
        high = np.where(far | _has_multiple(u, self.crest), 1.0, value.upper)
        return Interval(np.clip(low, -1, 1), np.clip(high, -1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ripple:
    """A function that is enclosed by its value at the middle and a bound on its slope."""

    function: Approximation
    largest: float
    """What it nowhere exceeds in size."""
    steepest: float
    """What its slope nowhere exceeds in size."""
    decay: float
    """What it nowhere exceeds in size times |u|."""
    slope_decay: float
    """What its slope nowhere exceeds in size times |u|."""

    def enclose(self, u: Interval) -> Interval:
        """What encloses its values over `u`."""
        far = ~u.is_finite
        ends = Interval(np.where(far, 0.0, u.lower), np.where(far, 0.0, u.upper))
        middle = np.clip(ends.lower + 0.5 * ends.width, ends.lower, ends.upper)
        radius = np.nextafter(np.maximum(middle - ends.lower, ends.upper - middle), np.inf)
        values, sizes = self.function(middle)
        nearest = np.maximum(u.abs().lower, 1e-300)
        steepness = np.minimum(self.steepest, self.slope_decay / nearest) * (1 + 1e-15)
        reach = np.where(ends.lower == ends.upper, 0.0, radius * steepness)
        value = widened(values, sizes + reach * 1e-10, exact=(u.lower == u.upper) & (middle == 0))
        bound = np.minimum(self.largest, self.decay * (1 + 1e-15) / nearest)
        lower, upper = np.maximum(value.lower - reach, -bound), np.minimum(value.upper + reach, bound)
        return Interval(np.where(far, -bound, lower), np.where(far, bound, upper))


Shape = Curve | Exact | Pieces | Kink | Wave | Ripple
"""Whatever encloses a function of one variable over intervals."""


def _piece(piece: Curve | Pieces | float, u: Interval) -> Interval:
    if isinstance(piece, Curve | Pieces):
        return piece.enclose(u)
    return thin(piece)


def _has_multiple(u: Interval, point: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where `u` has `point` plus some multiple of 2*pi in it, or nearly."""
    turns = 2 * math.pi
    return np.floor((u.upper - point) / turns + 1e-9) >= np.ceil((u.lower - point) / turns - 1e-9)
