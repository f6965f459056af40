"""The least and the greatest value of a function or of its slope, by branch and bound over boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actsearch.analysis.enclosure.interval import Array, Interval, thin
from actsearch.analysis.properties.enclosed import EDGE, EDGES, Enclosed
from actsearch.analysis.properties.signs import Partition, halfway, partition

TOLERANCE = 1e-6
"""How near to a value that is reached a bound must be, in proportion where that is more than 1, to be called proven."""
ENORMOUS = 1e100
"""What reaches this far out is called unbounded."""
_FINE = 1e-3
"""The search goes on to this part of the tolerance where the budget lets it."""
_ROUNDS, _MOST_BOXES = 30, 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is nowhere exceeded, and where it is reached, to within the tolerance where `proven`."""

    lower: float
    upper: float
    lower_at: float
    """Where the least value found is; beyond +-20 it may be approached only."""
    upper_at: float
    lower_proven: bool
    upper_proven: bool

    @property
    def proven(self) -> bool:
        """Whether both ends are proven."""
        return self.lower_proven and self.upper_proven


def bounds(enclosed: Enclosed, order: int, *, core: bool = False) -> Bounds:
    """The bounds of the values (`order` 0) or slopes (1), on [-20, 20] alone with `core`.

    Where the next derivative has a certain sign, they are those at the ends of the box; elsewhere boxes are halved
    until nothing in them can exceed what is reached, or the budget is spent.
    """
    if not enclosed.is_known:
        return _sampled(enclosed, order)
    boxes = partition(enclosed, order + 1, core=core)
    ends = np.append(boxes.lower, boxes.upper[-1])
    at_ends = enclosed.over(order, ends, ends)
    certain = boxes.signs != 2
    left, right = Interval(at_ends.lower[:-1], at_ends.upper[:-1]), Interval(at_ends.lower[1:], at_ends.upper[1:])
    hull = left.hull(right)
    low, high = hull.lower[certain].min(initial=np.inf), hull.upper[certain].max(initial=-np.inf)
    least, greatest = _nearest(at_ends.upper, ends), _nearest(-at_ends.lower, ends)
    reached = float(at_ends.upper.min()), float(at_ends.lower.max())
    rest = Partition(
        lower=boxes.lower[~certain], upper=boxes.upper[~certain],
        enclosure=Interval(boxes.enclosure.lower[~certain], boxes.enclosure.upper[~certain]),
    )  # fmt: skip
    if len(rest.lower):
        *outer, reached = _searched(enclosed, order, rest, reached)
        low, high = min(low, outer[0]), max(high, outer[1])
    return Bounds(
        lower=float(low), upper=float(high), lower_at=float(ends[least]), upper_at=float(ends[greatest]),
        lower_proven=bool(reached[0] - low <= _slack(reached[0]) or (np.isinf(low) and reached[0] < -ENORMOUS)),
        upper_proven=bool(high - reached[1] <= _slack(reached[1]) or (np.isinf(high) and reached[1] > ENORMOUS)),
    )  # fmt: skip


def _nearest(values: Array, places: Array) -> int:
    """Index of the smallest value; of those as small but for rounding, the one nearest to 0."""
    least = values.min()
    ties = np.flatnonzero(values <= least + 1e-14 * max(abs(float(least)), 1e-300))
    return int(ties[np.argmin(np.abs(places[ties]))])


def _searched(
    enclosed: Enclosed, order: int, boxes: Partition, reached: tuple[float, float]
) -> tuple[float, float, tuple[float, float]]:
    """Bounds over boxes in which the next derivative has no certain sign, and what is reached at best."""
    lower, upper, slope = boxes.lower, boxes.upper, boxes.enclosure
    done_low, done_high = np.inf, -np.inf
    for _ in range(_ROUNDS):
        found = _mean_value(enclosed, order, lower, upper, slope)
        middle = enclosed.over(order, *2 * (halfway(lower, upper),))
        reached = min(reached[0], float(middle.upper.min())), max(reached[1], float(middle.lower.max()))
        beyond = (found.lower < reached[0] - _FINE * _slack(reached[0])) | (
            found.upper > reached[1] + _FINE * _slack(reached[1])
        )
        # Halving a box does not help where an end is infinite because the function is.
        beyond &= upper - lower > 1e-13 * np.maximum(1, np.abs(lower))
        done_low = min(done_low, float(found.lower[~beyond].min(initial=np.inf)))
        done_high = max(done_high, float(found.upper[~beyond].max(initial=-np.inf)))
        if not beyond.any():
            return done_low, done_high, reached
        if 2 * int(beyond.sum()) > _MOST_BOXES:
            break
        lower, upper = lower[beyond], upper[beyond]
        cut = halfway(lower, upper)
        lower, upper = np.concatenate([lower, cut]), np.concatenate([cut, upper])
        slope = enclosed.over(order + 1, lower, upper)
    found = _mean_value(enclosed, order, lower, upper, slope)
    return min(done_low, float(found.lower.min())), max(done_high, float(found.upper.max())), reached


def _mean_value(enclosed: Enclosed, order: int, lower: Array, upper: Array, slope: Interval) -> Interval:
    """The enclosure over boxes, and what the mean value theorem says from the middle."""
    middle = halfway(lower, upper)
    with np.errstate(all="ignore"):
        centre = enclosed.over(order, middle, middle)
        radius = thin(upper) + -thin(lower)
        reach = slope * Interval(-radius.upper, radius.upper)
        return enclosed.over(order, lower, upper).meet(centre + reach)


def _slack(value: float) -> float:
    return TOLERANCE * max(1.0, abs(value)) if np.isfinite(value) else 0.0


def _sampled(enclosed: Enclosed, order: int) -> Bounds:
    x = EDGES[np.abs(EDGES) <= EDGE]
    found = enclosed.function.response(x)[order]
    finite = np.isfinite(found)
    if not finite.any():
        return Bounds(
            lower=np.nan, upper=np.nan, lower_at=np.nan, upper_at=np.nan, lower_proven=False, upper_proven=False
        )
    x, found = x[finite], found[finite]
    least, greatest = int(np.argmin(found)), int(np.argmax(found))
    return Bounds(
        lower=float(found[least]), upper=float(found[greatest]), lower_at=float(x[least]),
        upper_at=float(x[greatest]), lower_proven=False, upper_proven=False,
    )  # fmt: skip
