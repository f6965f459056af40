"""Plans that keep a few bits: which of a few values the derivative has, or is nearest to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from actsearch.compile.derive import derive, sum_of
from actsearch.compile.saving.function import Array, Function
from actsearch.compile.saving.plan import CODE, Plan
from actsearch.compile.saving.quantise import levels_of
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Constant, Expression, X, call

MOST_BITS = 4
_EDGE, _STEP = 32.0, 2.0**-10


def piecewise_linear_plan(function: Function) -> Plan | None:
    """The plan for a function of straight pieces: a code for the value of its derivative; None for any other function.

    That takes no bit where there is one value, one where there are two, and so on; pieces with the same slope need
    not be told apart. At a kink the derivative may have a value of its own, which counts as the others do.
    """
    if canonical(derive(function.derivative, X)) != Constant(0.0):
        return None
    found = _values(function)
    return None if found is None else _coded(function.derivative, found, is_exact=True)


def quantised_plan(function: Function, bits: int) -> Plan | None:
    """The plan that keeps which of 2**`bits` levels the derivative is nearest to; None if it is not finite.

    The levels have the least mean square error for inputs from N(0, 1); see `quantise`.
    """
    found = levels_of(function.slope, 2**bits)
    return None if found is None else _coded(function.derivative, found, is_exact=False)


def _coded(derivative: Expression, levels: Sequence[float], *, is_exact: bool) -> Plan:
    borders = [0.5 * (low + high) for low, high in itertools.pairwise(levels)]
    slope: Expression = Constant(levels[-1])
    for index in range(len(levels) - 2, -1, -1):
        slope = call.where(call.greater(index + 0.5, CODE), levels[index], slope)
    return Plan(
        kind="bits",
        slope=slope,
        code=sum_of(call.greater(derivative, border) for border in borders) if borders else None,
        code_bits=(len(levels) - 1).bit_length(),
        is_exact=is_exact,
    )


def _values(function: Function) -> tuple[float, ...] | None:
    """The values that the derivative of a piecewise linear function has; None if there are too many."""
    x = np.arange(-_EDGE, _EDGE + _STEP, _STEP)
    x = np.r_[-1e4, -1e3, -100.0, x, 100.0, 1e3, 1e4]
    slopes = function.slope(x)
    values = [slopes]
    for place in np.flatnonzero(slopes[:-1] != slopes[1:]):
        kink = _kink(function, x[place], x[place + 1])
        values.append(function.slope(np.array([kink, np.nextafter(kink, -math.inf), np.nextafter(kink, math.inf)])))
        if len(values) > 2**MOST_BITS * 8:
            return None
    found = _distinct(np.concatenate(values))
    return found if found and len(found) <= 2**MOST_BITS else None


def _kink(function: Function, low: float, high: float) -> float:
    """Where between two points the derivative changes."""
    below = function.slope(np.array([low]))[0]
    while low < (middle := 0.5 * (low + high)) < high:
        if function.slope(np.array([middle]))[0] == below:
            low = middle
        else:
            high = middle
    return high


def _distinct(values: Array) -> tuple[float, ...]:
    """The distinct ones among finite values, sorted; empty if some are not finite."""
    if not np.isfinite(values).all():
        return ()
    ordered = np.unique(values)
    is_new = np.r_[True, np.diff(ordered) > 1e-12 * np.maximum(1, np.abs(ordered[1:]))]
    return tuple(map(float, ordered[is_new]))
