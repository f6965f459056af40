"""Plans that keep the output: the derivative as a function of it, and of a bit or two where branches overlap."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from actsearch.compile.derive import sum_of
from actsearch.compile.saving.branches import Branch, branches_of, colours
from actsearch.compile.saving.fit import TOLERANCE, fitted_slope
from actsearch.compile.saving.function import Array, Function, evaluator
from actsearch.compile.saving.inverse import slope_of_output
from actsearch.compile.saving.pieces import inside
from actsearch.compile.saving.plan import CODE, Plan, Y
from actsearch.grammar.expression import Constant, Expression, X, call

MOST_BITS = 2
_FORMULA_TOLERANCE = 1e-9
"""Largest error of a formula in float64, relative to the largest derivative."""
_FAR_OUT = 1e4
_CHECKED = 20.0
"""How far out a formula is verified: the domain on which candidates must be defined."""


def output_plan(function: Function) -> Plan | None:
    """The plan that keeps the output and at most two bits; None where there is none."""
    branches = branches_of(function)
    if branches is None:
        return None
    scale = _largest_slope(function)
    if not 0 < scale < math.inf:
        return None
    slopes: list[Expression] = []
    is_exact = True
    for branch in branches:
        found = _slope(function, branch, scale)
        if found is None:
            return None
        slopes.append(found[0])
        is_exact &= found[1]
    numbers = colours(branches, function)
    bits = max(numbers).bit_length()
    if bits > MOST_BITS:
        return None
    plan = Plan(
        kind="output",
        slope=_by_colour(function, branches, numbers, slopes),
        code=_code(function, branches, numbers) if bits else None,
        code_bits=bits,
        is_exact=is_exact,
    )
    return plan if _holds(function, plan, scale) else None


def _largest_slope(function: Function) -> float:
    with np.errstate(all="ignore"):
        return float(np.abs(function.slope(np.linspace(-_CHECKED, _CHECKED, 4001))).max())


def _slope(function: Function, branch: Branch, scale: float) -> tuple[Expression, bool] | None:
    """The derivative on one branch as a formula in the output, and whether it is exact."""
    if branch.is_flat:
        return Constant(0.0), True
    formula = slope_of_output(branch.expression, Y, inside(branch.low, branch.high))
    if formula is not None:
        formula = _with_limits(function, branch, formula)
        x = _points(branch)
        with np.errstate(all="ignore"):
            found, expected = evaluator(formula, "y")(function.value(x)), function.slope(x)
        if _agree(found, expected, _FORMULA_TOLERANCE * scale):
            return formula, True
    fitted = fitted_slope(function, branch, Y, scale)
    return None if fitted is None else (fitted, False)


def _with_limits(function: Function, branch: Branch, formula: Expression) -> Expression:
    """`formula`, which may be 0 times infinity there, with the derivative far out where the output is a limit."""
    for end, limit, outwards in ((branch.low, branch.start, -1.0), (branch.high, branch.end, 1.0)):
        if math.isfinite(end) or math.isinf(limit):
            continue
        with np.errstate(all="ignore"):
            there = float(evaluator(formula, "y")(np.array([limit]))[0])
            far = float(function.slope(np.array([outwards * _FAR_OUT]))[0])
        if math.isnan(there) and math.isfinite(far):
            formula = call.where(call.equal(Y, limit), far, formula)
    return formula


def _points(branch: Branch) -> Array:
    """Points of a branch at which its formula is verified."""
    low, high = max(branch.low, -_CHECKED), min(branch.high, _CHECKED)
    margin = 1e-6 * max(1.0, high - low)
    return np.linspace(low + margin, high - margin, 2001)


def _agree(found: Array, expected: Array, tolerance: float) -> bool:
    known = np.isfinite(expected)
    # A root near a turn has the error of the root of the rounding of float64.
    allowed = np.maximum(tolerance, 1e-7 * np.abs(expected))
    return bool(known.all() and (np.abs(found - expected) <= allowed).all())


def _belongs_right(function: Function, border: float) -> bool:
    """Whether the derivative at a point between two branches is that on its right."""
    left, here, right = _around(function, border)
    return abs(here - right) < 1e-5 * max(1.0, abs(right)) and abs(here - right) < abs(here - left)


def _around(function: Function, border: float) -> tuple[float, float, float]:
    """The derivative left of a point, at it, and right of it."""
    near = 1e-6 * max(1.0, abs(border))
    left, here, right = map(float, function.slope(np.array([border - near, border, border + near])))
    return left, here, right


def _code(function: Function, branches: Sequence[Branch], numbers: Sequence[int]) -> Expression:
    """The branch's number as an expression of x."""
    terms: list[Expression] = [Constant(float(numbers[0]))]
    for (branch, number), (_, following) in itertools.pairwise(zip(branches, numbers, strict=True)):
        if following != number:
            # The derivative at the very border is that of one side.
            is_right = _belongs_right(function, branch.high)
            beyond = 1 - call.greater(branch.high, X) if is_right else call.greater(X, branch.high)
            terms.append(float(following - number) * beyond)
    return sum_of(terms)


def _by_colour(
    function: Function, branches: Sequence[Branch], numbers: Sequence[int], slopes: Sequence[Expression]
) -> Expression:
    result: Expression | None = None
    for colour in sorted(set(numbers), reverse=True):
        own = [index for index, number in enumerate(numbers) if number == colour]
        slope = _by_output(function, [branches[index] for index in own], [slopes[index] for index in own])
        slope = _with_kinks(function, branches, own, slope)
        result = slope if result is None else call.where(call.greater(colour + 0.5, CODE), slope, result)
    assert result is not None  # noqa: S101 - there is one colour at least
    return result


def _with_kinks(function: Function, branches: Sequence[Branch], own: Sequence[int], slope: Expression) -> Expression:
    """`slope`, for the branches `own`, with the derivatives of kinks that have one of their own, where the output is 0.

    No other output is that of the kink alone, as others are rounded.
    """
    touching = [index for index in own if 0 in {branches[index].start, branches[index].end}]
    for index in own[: len(branches) - 1]:
        border = branches[index].high
        if branches[index].end != 0 or math.isinf(border) or not set(touching) <= {index, index + 1}:
            continue
        left, here, right = _around(function, border)
        if min(abs(here - left), abs(here - right)) > 1e-5 and not any(branches[at].is_flat for at in touching):
            return call.where(call.equal(Y, 0), here, slope)
    return slope


def _by_output(function: Function, branches: Sequence[Branch], slopes: Sequence[Expression]) -> Expression:
    """The derivative by the branch that an output lies on."""
    order = sorted(range(len(branches)), key=lambda index: (branches[index].bottom, branches[index].top))
    result = slopes[order[0]]
    for lower, upper in itertools.pairwise(order):
        above = slopes[upper]
        if above == result:
            continue
        first, second = branches[lower], branches[upper]
        if first.top < second.bottom:
            border = 0.5 * (first.top + second.bottom)
            result = call.where(call.greater(Y, border), above, result)
        elif second.is_flat or _has_border(function, first, second):
            result = call.where(call.greater(second.bottom, Y), result, above)
        else:
            result = call.where(call.greater(Y, second.bottom), above, result)
    return result


def _has_border(function: Function, first: Branch, second: Branch) -> bool:
    """Whether the derivative where two branches meet is that of the second one."""
    if first.high == second.low:
        return _belongs_right(function, second.low)
    return second.high == first.low and not _belongs_right(function, second.high)


def _holds(function: Function, plan: Plan, scale: float) -> bool:
    """Whether the whole plan gives the derivative, in float64."""
    x = np.random.default_rng(0).uniform(-_CHECKED, _CHECKED, 8192)
    x = np.r_[x, np.random.default_rng(1).normal(size=8192)]
    with np.errstate(all="ignore"):
        found = slopes_of(plan, x, function.value(x))
    expected = function.slope(x)
    tolerance = 1e-8 if plan.is_exact else 2 * TOLERANCE
    return _agree(found, expected, max(tolerance, 1e-6 if not plan.is_exact else tolerance) * scale)


def slopes_of(plan: Plan, x: Array, y: Array) -> Array:
    """The derivative as a backward finds it from what `plan` keeps of x and y, in float64."""
    codes = np.zeros_like(x) if plan.code is None else evaluator(plan.code)(x)
    return evaluator(plan.slope, "x", "y", "code")(x, y, codes)
