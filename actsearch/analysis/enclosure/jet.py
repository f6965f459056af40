"""A jet: what encloses the values, slopes and curvatures of an expression over intervals of x.

Slopes and curvatures are those of the function as a distribution: a jump in an interval makes its slope infinite there,
a kink its curvature, each with the sign it has. What a slope is at the kink itself does not count. So a function whose
slope encloses nothing negative never falls, whatever kinks and jumps it has, and one whose slope is bounded by L has
the Lipschitz constant L.

`detach` has the values of what is in it; what its derivative is, training and mathematics disagree on, so anything is
enclosed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.enclosure.interval import (
    EVERYTHING,
    ONE,
    ZERO,
    Array,
    Interval,
    between,
    power,
    reciprocal,
    thin,
    widened,
)
from actsearch.analysis.enclosure.shapes import DOMAINS, SHAPES
from actsearch.errors import UnsupportedError
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, X, call
from actsearch.grammar.operators import OPERATORS

_UP, _DOWN = between(0.0, math.inf), between(-math.inf, 0.0)
_Truth = NDArray[np.bool_] | np.bool_
_ALWAYS = np.True_


@dataclass(frozen=True, slots=True)
class Jet:
    """Enclosures over a box, and whether the function is defined on all of it."""

    value: Interval
    slope: Interval = ZERO
    curvature: Interval = ZERO
    defined: _Truth = _ALWAYS

    def of(self, order: int) -> Interval:
        """The enclosure of the derivative of that order, 0 to 2."""
        return (self.value, self.slope, self.curvature)[order]


def enclose(
    expression: Expression, lower: Array, upper: Array, parameters: Mapping[Parameter, float], *, order: int = 2
) -> Jet:
    """Enclosures over the boxes from `lower` to `upper` of the value and of derivatives up to `order`.

    The ends are float64 arrays of shape (boxes,).

    `parameters` has the value of every parameter, and of every entry of an array. What is not defined on all of a box
    is enclosed by everything. Raises `UnsupportedError` for an operator that nothing is known of.
    """
    memo: dict[Expression, Jet] = {X: Jet(Interval(lower, upper), ONE)}
    sweep = _Sweep(memo, parameters, order)
    with np.errstate(all="ignore"):
        jet = sweep.visit(expression)
        shape = lower.shape
        known = jet.defined & ~(np.isnan(jet.value.lower) | np.isnan(jet.value.upper))

        def spread(part: Interval) -> Interval:
            whole = part.where(known, EVERYTHING)
            return Interval(np.broadcast_to(whole.lower, shape), np.broadcast_to(whole.upper, shape))

        return Jet(spread(jet.value), spread(jet.slope), spread(jet.curvature), np.broadcast_to(known, shape))


@dataclass(frozen=True, slots=True)
class _Sweep:
    memo: dict[Expression, Jet]
    parameters: Mapping[Parameter, float]
    order: int

    def visit(self, node: Expression) -> Jet:
        jet = self.memo.get(node)
        if jet is None:
            jet = self.memo[node] = self._compute(node)
        return jet

    def _compute(self, node: Expression) -> Jet:
        if isinstance(node, Constant):
            return Jet(thin(node.value))
        if isinstance(node, Parameter):
            return Jet(thin(self.parameters[node]))
        if not isinstance(node, Apply):
            raise UnsupportedError(f"no enclosure is known of {node!r}.")
        name, arguments = node.operator, node.arguments
        if name == "power" or (name == "pow" and isinstance(arguments[1], Constant | Parameter)):
            return self._power(*arguments)
        if name in SHAPES:
            u = self.visit(arguments[0])
            value, slope, curvature = (functools.partial(shape.enclose, u.value) for shape in SHAPES[name])
            low, high = DOMAINS.get(name, (-math.inf, math.inf))
            return self._chain(u, value, slope, curvature, (u.value.lower >= low) & (u.value.upper <= high))
        if name == "equal" and arguments[0] == arguments[1]:
            return Jet(ONE, defined=self.visit(arguments[0]).defined)
        if name in {"maximum", "minimum", "greater"}:
            return self._compared(name, *arguments)
        rule = _RULES.get(name)
        if rule is not None:
            return rule(self, *map(self.visit, arguments))
        if name in APPROXIMATE:
            raise UnsupportedError(f"no enclosure is known of the operator {name}.")
        rewritten = _REWRITTEN.get(name) or (OPERATORS[name].definition if name in OPERATORS else None)
        if rewritten is None:
            raise UnsupportedError(f"no enclosure is known of the operator {name}.")
        return self.visit(rewritten(*arguments))

    def _chain(self, u: Jet, value: _Lazy, slope: _Lazy, curvature: _Lazy, defined: _Truth = _ALWAYS) -> Jet:
        """A function of one variable after `u`, by its own value, slope and curvature there."""
        slopes, curvatures = ZERO, ZERO
        if self.order >= 1 and u.slope is not ZERO:
            steepness = slope()
            slopes = steepness * u.slope
            if self.order >= 2:
                curvatures = curvature() * u.slope.square() + steepness * u.curvature
        return Jet(value(), slopes, curvatures, u.defined & defined)

    def _power(self, base: Expression, exponent: Expression) -> Jet:
        n = self.visit(exponent).value.lower.item()
        u = self.visit(base)
        squared = n == 2 and isinstance(base, Apply) and base.operator == "relu"
        if squared and isinstance(base, Apply):
            # As a product of kinks its curvature would be anything; it jumps from 0 to 2.
            u = self.visit(base.arguments[0])
            r = SHAPES["relu"].value.enclose(u.value)
            step = SHAPES["relu"].slope
            return self._chain(u, r.square, lambda: thin(2.0) * r, lambda: thin(2.0) * step.enclose(u.value))
        value, defined = power(u.value, n)

        def derivative(order: int) -> Interval:
            factor = math.prod(n - k for k in range(order))
            return thin(factor) * power(u.value, n - order)[0] if factor else ZERO

        return self._chain(u, lambda: value, lambda: derivative(1), lambda: derivative(2), defined)

    def add(self, *terms: Jet) -> Jet:
        total, *others = terms
        for other in others:
            total = Jet(
                total.value + other.value,
                total.slope + other.slope if self.order >= 1 else ZERO,
                total.curvature + other.curvature if self.order >= 2 else ZERO,
                total.defined & other.defined,
            )
        return total

    def subtract(self, a: Jet, b: Jet) -> Jet:
        return self.add(a, self.negative(b))

    def negative(self, a: Jet) -> Jet:
        return Jet(-a.value, -a.slope, -a.curvature, a.defined)

    def multiply(self, *factors: Jet) -> Jet:
        a, *others = factors
        for b in others:
            slope = a.slope * b.value + a.value * b.slope if self.order >= 1 else ZERO
            curvature = ZERO
            if self.order >= 2:
                curvature = a.curvature * b.value + thin(2.0) * (a.slope * b.slope) + a.value * b.curvature
            a = Jet(a.value * b.value, slope, curvature, a.defined & b.defined)
        return a

    def reciprocal(self, u: Jet) -> Jet:
        value, defined = reciprocal(u.value)
        square = value.square()
        return self._chain(u, lambda: value, lambda: -square, lambda: thin(2.0) * (square * value), defined)

    def divide(self, a: Jet, b: Jet) -> Jet:
        return self.multiply(a, self.reciprocal(b))

    def square(self, u: Jet) -> Jet:
        return self._chain(u, u.value.square, lambda: thin(2.0) * u.value, lambda: thin(2.0))

    def sqrt(self, u: Jet) -> Jet:
        value, defined = power(u.value, 0.5)
        return self._chain(
            u, lambda: value, lambda: thin(0.5) * power(u.value, -0.5)[0],
            lambda: thin(-0.25) * power(u.value, -1.5)[0], defined,
        )  # fmt: skip

    def log(self, u: Jet) -> Jet:
        ends = [_log(np.maximum(end, 0.0)) for end in (u.value.lower, u.value.upper)]
        slope = reciprocal(Interval(np.maximum(u.value.lower, 0.0), np.maximum(u.value.upper, 0.0)))[0]
        value = Interval(ends[0].lower, ends[1].upper)
        return self._chain(u, lambda: value, lambda: slope, lambda: -slope.square(), u.value.lower > 0)

    def log1p(self, u: Jet) -> Jet:
        ends = [_log1p(np.maximum(end, -1.0)) for end in (u.value.lower, u.value.upper)]
        above = u.value + ONE
        slope = reciprocal(Interval(np.maximum(above.lower, 0.0), np.maximum(above.upper, 0.0)))[0]
        value = Interval(ends[0].lower, ends[1].upper)
        return self._chain(u, lambda: value, lambda: slope, lambda: -slope.square(), u.value.lower > -1)

    def floor(self, u: Jet) -> Jet:
        lower, upper = np.floor(u.value.lower), np.floor(u.value.upper)
        # An integer at the lower end is a jump at the end.
        jumps = (lower < upper) | (lower == u.value.lower)
        return self._chain(
            u, lambda: Interval(lower, upper), lambda: _UP.where(jumps, ZERO), lambda: EVERYTHING.where(jumps, ZERO)
        )

    def _compared(self, name: str, first: Expression, second: Expression) -> Jet:
        """A comparison, by the difference in normal form too: `x` is above `x / 2` wherever `0.5 * x` is above 0."""
        if name == "minimum":
            return self.negative(self._compared("maximum", -first, -second))
        a, b = self.visit(first), self.visit(second)
        difference = (a.value - b.value).meet(self.visit(_difference(first, second)).value)
        return self.maximum(a, b, difference) if name == "maximum" else self.greater(a, b, difference)

    def maximum(self, a: Jet, b: Jet, difference: Interval) -> Jet:
        first, second = difference.lower >= 0, difference.upper <= 0
        # Where all that is enclosed is the kink itself, either slope counts.
        first, second = first & ~second, second & ~first
        larger = Interval(np.maximum(a.value.lower, b.value.lower), np.maximum(a.value.upper, b.value.upper))
        value = a.value.where(first, b.value.where(second, larger))
        slope = a.slope.where(first, b.slope.where(second, a.slope.hull(b.slope)))
        bent = a.curvature.hull(b.curvature).hull(_UP)
        curvature = a.curvature.where(difference.lower > 0, b.curvature.where(difference.upper < 0, bent))
        return Jet(value, slope, curvature, a.defined & b.defined)

    def greater(self, a: Jet, b: Jet, difference: Interval) -> Jet:
        above, below = difference.lower > 0, difference.upper <= 0
        one, zero = np.where(above, 1.0, 0.0), np.where(below, 0.0, 1.0)
        # The step's derivative is the slope of a - b times what is infinite and positive where they cross.
        slope = (_UP * (a.slope - b.slope)).where(~(above | below), ZERO)
        curvature = EVERYTHING.where(~(above | below), ZERO)
        return Jet(Interval(one, zero), slope, curvature, a.defined & b.defined)

    def round(self, u: Jet) -> Jet:
        lower, upper = np.round(u.value.lower), np.round(u.value.upper)
        # A half at an end is a jump at the end.
        jumps = (lower < upper) | (np.abs(u.value.lower - lower) == 0.5) | (np.abs(u.value.upper - upper) == 0.5)
        return self._chain(
            u, lambda: Interval(lower, upper), lambda: _UP.where(jumps, ZERO), lambda: EVERYTHING.where(jumps, ZERO)
        )

    def equal(self, a: Jet, b: Jet) -> Jet:
        apart = (a.value.lower > b.value.upper) | (a.value.upper < b.value.lower)
        same = (a.value.width == 0) & (b.value.width == 0) & ~apart
        value = Interval(np.where(same, 1.0, 0.0), np.where(apart, 0.0, 1.0))
        unknown = EVERYTHING.where(~(apart | same), ZERO)
        return Jet(value, unknown, unknown, a.defined & b.defined)

    def choose(self, condition: Jet, a: Jet, b: Jet) -> Jet:
        first = ~condition.value.contains(0.0)
        second = (condition.value.lower == 0) & (condition.value.upper == 0)
        value = a.value.where(first, b.value.where(second, a.value.hull(b.value)))
        slope = a.slope.where(first, b.slope.where(second, EVERYTHING))
        curvature = a.curvature.where(first, b.curvature.where(second, EVERYTHING))
        defined = np.where(first, a.defined, np.where(second, b.defined, a.defined & b.defined))
        return Jet(value, slope, curvature, condition.defined & defined)

    def detach(self, u: Jet) -> Jet:
        return Jet(u.value, EVERYTHING, EVERYTHING, u.defined)


_Lazy = Callable[[], Interval]
_RULES: Mapping[str, Callable[..., Jet]] = {
    "add": _Sweep.add, "subtract": _Sweep.subtract, "multiply": _Sweep.multiply, "divide": _Sweep.divide,
    "negative": _Sweep.negative, "square": _Sweep.square, "reciprocal": _Sweep.reciprocal, "sqrt": _Sweep.sqrt,
    "log": _Sweep.log, "log1p": _Sweep.log1p, "floor": _Sweep.floor, "round": _Sweep.round,
    "equal": _Sweep.equal, "where": _Sweep.choose,
    "detach": _Sweep.detach,
}  # fmt: skip
_REWRITTEN: Mapping[str, Callable[..., Expression]] = {
    "bspline1": lambda u: call.relu(1 - call.abs(u)),
    "ceil": lambda u: -call.floor(-u),
    "tan": lambda u: call.sin(u) / call.cos(u),
    "hardtanh": lambda u: call.maximum(call.minimum(u, 1), -1),
    "relu6": lambda u: call.minimum(call.relu(u), 6),
    "hardswish": lambda u: u * call.hardsigmoid(u),
    # What has a base that may be 0 or below counts as not defined.
    "pow": lambda u, v: call.exp(v * call.log(u)),
}  # fmt: skip
APPROXIMATE = frozenset({"i0e", "i1e", "i0e_slope", "mittag_leffler", "mittag_leffler_derivative"})
"""Operators whose definitions are fits to the function that they stand for, which prove nothing of it."""


@functools.lru_cache(maxsize=256)
def _difference(a: Expression, b: Expression) -> Expression:
    return canonical(a - b)


def _log(u: Array) -> Interval:
    values = np.log(u)
    return widened(values, np.abs(values), exact=(u == 1) | np.isinf(values))


def _log1p(u: Array) -> Interval:
    values = np.log1p(u)
    return widened(values, np.abs(values), exact=(u == 0) | np.isinf(values))
