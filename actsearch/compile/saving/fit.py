"""The derivative on a branch fitted as a function of the output, where there is no formula for it.

The output is stretched first so that the derivative is smooth in the stretched one: near a turn the derivative goes as
the root of the output's distance from its extreme value, and towards a limit about as the output's distance from that,
times a power of its logarithm. Then come polynomials on intervals that are halved until the error is small: unlike a
table, they need no gathered loads, and every backend can print them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial

from actsearch.compile.saving.branches import Branch
from actsearch.compile.saving.function import Array, Function, evaluator
from actsearch.grammar.expression import Constant, Expression, Input, call
from actsearch.grammar.operators.polynomials import horner

TOLERANCE = 2.0**-17
"""Largest error of a fitted derivative, in units of the largest one; float32 outputs near a turn give no more."""
_DEGREE, _MOST_INTERVALS, _SMALLEST = 12, 24, 2.0**-9
_POINTS = 40
_LARGEST = 1e30
_U = Input("u")


@dataclass(frozen=True, slots=True)
class _Interval:
    low: float
    high: float
    coefficients: tuple[float, ...]
    """Of the powers of the variable that runs from -1 to 1 over the interval, the constant first."""


def fitted_slope(function: Function, branch: Branch, output: Expression, scale: float) -> Expression | None:
    """The derivative on a branch as a formula in `output`, to TOLERANCE times `scale`; None if that takes too much."""
    stretch = _stretched(branch)
    if stretch is None:
        return None
    x = _samples(branch)
    with np.errstate(all="ignore"):
        y, slope = function.value(x), function.slope(x)
        u = evaluator(stretch(_U), "u")(y)
    # Where float64 has only the limit itself, samples far apart in x and in u look like neighbours: a polynomial would
    # cross the gap between them unseen, and outputs of kernels that do not cancel there lie in it.
    known = np.isfinite(y) & np.isfinite(slope) & np.isfinite(u) & ~np.isin(y, _limits(branch))
    u, unique = np.unique(u[known], return_index=True)
    if u.size < _POINTS:
        return None
    slopes = slope[known][unique]
    intervals = _intervals(u, slopes, float(u[0]), float(u[-1]), TOLERANCE * scale)
    if intervals is None:
        return None
    # Beyond the samples the derivative stands still.
    return _chosen(intervals, _between(stretch(output), float(u[0]), float(u[-1])))


def _samples(branch: Branch) -> Array:
    """Points of a branch, dense at its ends."""
    if math.isfinite(branch.low) and math.isfinite(branch.high):
        width = branch.high - branch.low
        near = np.geomspace(1e-9, 0.25, 3000)
        shares = np.r_[1e-12, near, np.linspace(0.25, 0.75, 4000), 1 - near[::-1], 1 - 1e-12]
        return np.asarray(branch.low + width * shares)
    steps = np.r_[np.geomspace(1e-9, 1, 4000), np.linspace(1, 40, 8000), np.geomspace(40, 1e6, 3000)]
    if math.isfinite(branch.low):
        return np.asarray(branch.low + steps)
    return np.asarray(branch.high - steps if math.isfinite(branch.high) else np.r_[-steps[::-1], steps])


def _stretched(branch: Branch) -> Callable[[Expression], Expression] | None:
    """How outputs of a branch are mapped to an interval of finite length."""
    bottom, top = branch.bottom, branch.top
    if math.isinf(bottom) and math.isinf(top):
        return lambda y: _between(y, -_LARGEST, _LARGEST) / (1 + call.abs(_between(y, -_LARGEST, _LARGEST)))
    if math.isinf(bottom) or math.isinf(top):
        near = top if math.isinf(bottom) else bottom
        sign = -1.0 if math.isinf(bottom) else 1.0
        return lambda y: _compact(call.sqrt(call.maximum(sign * (y - near), 0)))
    if (math.isfinite(branch.low) and math.isfinite(branch.high)) or not _has_corner(branch):
        return lambda y: call.asin(call.sqrt(_between((y - bottom) * (1 / (top - bottom)), 0, 1)))
    corner, limit = (branch.start, branch.end) if math.isfinite(branch.low) else (branch.end, branch.start)
    span = abs(corner - limit)
    return lambda y: _compact(call.sqrt(call.maximum(call.log(span / call.abs(y - limit)), 0)))


def _limits(branch: Branch) -> list[float]:
    """The outputs that a branch approaches and does not reach."""
    return [limit for end, limit in ((branch.low, branch.start), (branch.high, branch.end)) if math.isinf(end)]


def _has_corner(branch: Branch) -> bool:
    """Whether one end of the branch is at a finite x."""
    return math.isfinite(branch.low) or math.isfinite(branch.high)


def _between(value: Expression, low: float, high: float) -> Expression:
    return call.maximum(call.minimum(value, high), low)


def _compact(w: Expression) -> Expression:
    """Numbers from 0 to infinity mapped to 0 to 1: w / (2 + w), in a form that is 1 at infinity."""
    return 1 - 2 / (2 + w)


def _intervals(u: Array, slopes: Array, low: float, high: float, tolerance: float) -> list[_Interval] | None:
    inside = (u >= low) & (u <= high)
    own, values = u[inside], slopes[inside]
    found = _fit(own, values, low, high, tolerance)
    if found is not None:
        return [found]
    if high - low < _SMALLEST:
        return None
    middle = 0.5 * (low + high)
    halves = [_intervals(u, slopes, a, b, tolerance) for a, b in ((low, middle), (middle, high))]
    if halves[0] is None or halves[1] is None:
        return None
    together = [*halves[0], *halves[1]]
    return together if len(together) <= _MOST_INTERVALS else None


def _fit(u: Array, slopes: Array, low: float, high: float, tolerance: float) -> _Interval | None:
    """The polynomial of least degree that is good enough, if there is one."""
    if u.size < 2:
        return _Interval(low, high, (float(slopes[0]),)) if u.size else _Interval(low, high, (0.0,))
    v = (2 * u - (low + high)) / (high - low)
    nodes = np.cos(np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    chosen = np.unique(np.clip(np.searchsorted(v, nodes), 0, v.size - 1))
    for degree in range(min(_DEGREE, chosen.size - 1) + 1):
        coefficients = np.polynomial.chebyshev.chebfit(v[chosen], slopes[chosen], degree)
        powers = np.polynomial.chebyshev.cheb2poly(coefficients)
        if np.abs(Polynomial(powers)(v) - slopes).max() <= tolerance:
            return _Interval(low, high, tuple(map(float, powers)))
    return None


def _chosen(intervals: list[_Interval], u: Expression) -> Expression:
    result: Expression | None = None
    for interval in reversed(intervals):
        middle, half = 0.5 * (interval.low + interval.high), 0.5 * (interval.high - interval.low)
        v = (u - middle) * (1 / half) if half else Constant(0.0)
        own = horner(interval.coefficients, v)
        result = own if result is None else call.where(call.greater(interval.high, u), own, result)
    assert result is not None  # noqa: S101 - there is one interval at least
    return result
