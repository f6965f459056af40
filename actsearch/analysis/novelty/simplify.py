"""The simplest numbers that a match can do with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from actsearch.analysis.novelty.fit import PARAMETERS, Problem, fit
from actsearch.analysis.novelty.match import Match
from actsearch.analysis.novelty.points import POINTS, Array
from actsearch.analysis.novelty.target import Target
from actsearch.analysis.novelty.warp import VANISHING, Warp, by_output, neutral, responses

_SIMPLE, _ALL = 4, 12
"""Significant digits of a simple number, and of one that is none."""
_WORSE = 1.02
"""How much larger the distance of an inexact match may get for simpler numbers."""
PRICE = 1.15
"""What one more transformation must divide the distance of an inexact match by, to be worth it."""
_NEAR = 2e-3
_MOST, _ROUNDS, _ITERATIONS = 6, 3, 8
"""How many matches are simplified, in how many rounds, with how many iterations of their fits."""


def settled(target: Target, warp: Warp) -> tuple[Match, Warp]:
    """The match of a warp with output scale and shift, all numbers as simple as its distance allows."""
    rows = _candidates(warp)
    (as_is,) = by_output(target, responses(warp.family, rows[:1], target.x))[2]
    is_exact = as_is <= target.known
    allowed = target.known if is_exact else _WORSE * as_is
    # Looked for on few points, as there are many ways to round, and then held against all of them.
    fitting = by_output(target.sparse, responses(warp.family, rows, target.sparse.x))[2] <= allowed
    for chosen in (int(max(np.flatnonzero(fitting), default=0)), 0):
        values = responses(warp.family, rows[chosen][None], target.x)
        if by_output(target, values)[2][0] <= allowed:
            break
    output = _output(target, values[0], allowed, price=1.0 if is_exact else PRICE)
    simple = Warp(family=warp.family, numbers=rows[chosen], limits=warp.limits).at_limits()
    return simple.match(*output), simple


def simplified(target: Target, found: Sequence[tuple[Match, Warp]]) -> list[tuple[Match, Warp]]:
    """Exact matches with as few transformations as an elimination of one after the other leads to."""
    best = sorted(found, key=lambda pair: pair[0].effort)
    for _ in range(_ROUNDS):
        problems = [problem for match, warp in best[:_MOST] for problem in _without_one(match, warp)]
        done, costs = fit(problems, target.at_points, POINTS, iterations=_ITERATIONS)
        exact = [Warp.of(p) for p, cost in zip(done, costs, strict=True) if cost <= len(POINTS) * target.known**2]
        better = [pair for pair in (settled(target, warp) for warp in exact) if pair[0].distance <= target.known]
        simplest = [_simplest(pair, better) for pair in best]
        if [match.effort for match, _ in simplest] == [match.effort for match, _ in best]:
            break
        best = simplest
    return best


def _simplest(pair: tuple[Match, Warp], others: Sequence[tuple[Match, Warp]]) -> tuple[Match, Warp]:
    """The simplest of a match and others of the same entry."""
    return min([pair, *(other for other in others if other[0].name == pair[0].name)], key=lambda one: one[0].effort)


def _without_one(match: Match, warp: Warp) -> list[Problem]:
    """Fits in which one number that is moved goes back to where it is for the catalog function itself."""
    scaled, shifted, moved = match.output_scale != 1, match.output_shift != 0, warp.moved()
    if scaled + shifted + moved.sum() < 2:
        return []
    theta, start, problems = warp.theta(), neutral(warp.family), []
    for index in np.flatnonzero(moved):
        without, free = theta.copy(), moved.copy()
        without[index], free[index] = start[index], False
        problems.append(
            Problem(family=warp.family, theta=without, free=free, scaled=scaled, shifted=shifted, limits=warp.limits)
        )
    for keeps_scale, keeps_shift in ((False, shifted), (scaled, False)):
        if (keeps_scale, keeps_shift) != (scaled, shifted):
            problems.append(
                Problem(
                    family=warp.family, theta=theta.copy(), free=moved, scaled=keeps_scale, shifted=keeps_shift,
                    limits=warp.limits,
                )
            )  # fmt: skip
    return problems


def _candidates(warp: Warp) -> Array:
    """Numbers from as they are to simple ones: (rows, numbers)."""
    start = neutral(warp.family)
    at_limit = np.array([False, False, *(name in warp.limits for name in warp.family.parameters)])
    exact = _rounded(warp.numbers, _ALL)
    rows = [warp.numbers, exact]
    rows += [_rounded(exact, digits) for digits in range(_SIMPLE, 0, -1)]
    near = np.abs(exact - start) <= _NEAR * np.maximum(np.abs(start), 1.0)
    rows += [np.where(near, start, row) for row in rows[1:]]
    table = np.array(rows)
    vanishing = np.abs(warp.numbers) < VANISHING
    vanishing[:PARAMETERS] = False
    if vanishing.any():
        table = np.concatenate([table, np.where(vanishing, 0.0, table)])
    table[:, at_limit] = warp.numbers[at_limit]
    return table


def _output(target: Target, values: Array, allowed: float, *, price: float) -> tuple[float, float, float]:
    """Output scale, output shift and distance, the simplest that come within `allowed`.

    `price` is what may be paid in distance for having one of them less.
    """
    (scale,), (shift,), (distance,) = by_output(target, values[None])
    norm = float(values @ values)
    only = float(values @ target.values) / norm if norm > 0 else 1.0
    between = float((target.values - values).mean())
    digits = (*range(1, _SIMPLE + 1), _ALL)
    options = [
        (1.0, 0.0, price * price * allowed),
        *((_round(only, count), 0.0, price * allowed) for count in digits),
        *((1.0, _round(between, count), price * allowed) for count in digits),
        *((_round(scale, count), _round(shift, count), allowed) for count in digits),
    ]
    for one, other, most in options:
        rest = float(np.abs(target.values - one * values - other).max())
        if rest <= most:
            return one, other, rest
    return float(scale), float(shift), float(distance)


def _rounded(numbers: Array, digits: int) -> Array:
    return np.array([_round(number, digits) for number in numbers])


def _round(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}") + 0.0
