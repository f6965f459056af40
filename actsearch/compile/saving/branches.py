"""The monotone branches of a function: where they lie, which outputs they have, and how to tell them apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actsearch.compile.saving.function import Array, Function, evaluator
from actsearch.compile.saving.pieces import Piece, bisected, inside, pieces_of
from actsearch.grammar.expression import Constant, Expression, X, distinct

_EDGE, _STEP = 40.0, 2.0**-7
"""How far out turns are looked for, and how far apart they are at least."""
_FLAT = 1e-13
"""Slopes below that are those of a saturated tail, whose sign is a matter of rounding."""
_FAR = (1e3, 1e4, 1e5)
_MOST_BRANCHES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A stretch low < x <= high on which the function does not turn; `start` and `end` are the limits at its ends."""

    low: float
    high: float
    start: float
    end: float
    expression: Expression

    @property
    def is_flat(self) -> bool:
        """Whether the function is a constant there."""
        return self.start == self.end

    @property
    def bottom(self) -> float:
        """The least output."""
        return min(self.start, self.end)

    @property
    def top(self) -> float:
        """The largest output."""
        return max(self.start, self.end)


def branches_of(function: Function) -> list[Branch] | None:
    """The branches from left to right; None where there are no such, too many, or one is not finite."""
    pieces = pieces_of(function.expression)
    if pieces is None:
        return None
    found: list[Branch] = []
    with np.errstate(all="ignore"):
        for piece in pieces:
            if piece.low == piece.high:
                continue
            split = _split(function, piece)
            if split is None:
                return None
            found += split
            if len(found) > _MOST_BRANCHES:
                return None
    return found


def colours(branches: Sequence[Branch], function: Function) -> list[int]:
    """For each branch a number; branches of one number are told apart by their outputs."""
    found: list[int] = []
    for index, branch in enumerate(branches):
        taken = {
            colour
            for other, colour in zip(branches[:index], found, strict=True)
            if not _told_apart(other, branch, function)
        }
        found.append(next(colour for colour in itertools.count() if colour not in taken))
    return found


def _told_apart(first: Branch, second: Branch, function: Function) -> bool:
    """Whether the rounded output says on which of two branches, from left to right, it lies."""
    lower, upper = sorted((first, second), key=lambda branch: (branch.bottom, branch.top))
    gap = upper.bottom - lower.top
    scale = max(1.0, *(abs(value) for value in (lower.top, upper.bottom) if math.isfinite(value)))
    if gap < -1e-12 * scale or (lower.is_flat and upper.is_flat and gap < 1e-2 * scale):
        return lower.is_flat and upper.is_flat and abs(gap) <= 1e-12 * scale
    if gap > 1e-2 * scale:
        return True
    # Their outputs meet. Only at 0, or where the derivative does not jump, does rounding do no harm.
    if lower.top == 0 and upper.bottom == 0:
        return True
    meets = first.high == second.low and math.isfinite(first.high)
    if not meets or lower.is_flat or upper.is_flat:
        return False
    near = 1e-6 * max(1.0, abs(first.high))
    left, right = function.slope(np.array([first.high - near, first.high + near]))
    return bool(abs(left - right) <= 1e-3)


def _split(function: Function, piece: Piece) -> list[Branch] | None:
    """The branches of one piece."""
    value = evaluator(piece.expression)
    if X not in distinct([piece.expression]):
        at = float(value(np.array([inside(piece.low, piece.high)]))[0])
        return [Branch(low=piece.low, high=piece.high, start=at, end=at, expression=Constant(at))]
    turns = _turns(function, piece)
    if len(turns) >= _MOST_BRANCHES:
        return None
    ends = [piece.low, *turns, piece.high]
    limits = [_limit(value, ends[0], ends[1]), *value(np.array(turns)), _limit(value, ends[-1], ends[-2])]
    if any(math.isnan(limit) for limit in limits):
        return None
    return [
        Branch(low=low, high=high, start=float(start) + 0.0, end=float(end) + 0.0, expression=piece.expression)
        for (low, high), (start, end) in zip(itertools.pairwise(ends), itertools.pairwise(limits), strict=True)
    ]


def _turns(function: Function, piece: Piece) -> list[float]:
    """Points inside a piece at which the derivative changes its sign."""
    low, high = max(piece.low, -_EDGE), min(piece.high, _EDGE)
    if low >= high:
        return []
    near = 1e-9 * max(1.0, abs(low), abs(high))
    x = np.linspace(low + near, high - near, max(64, int((high - low) / _STEP)))
    slopes = function.slope(x)
    known = np.abs(slopes) > _FLAT
    x, slopes = x[known], slopes[known]
    places = np.flatnonzero(slopes[:-1] * slopes[1:] < 0)[:_MOST_BRANCHES]
    return list(map(float, bisected(function.slope, x[places], x[places + 1])))


def _limit(value: object, end: float, other: float) -> float:
    """The limit of the function towards an end of a branch, which may be infinite; NaN where it has none."""
    assert callable(value)  # noqa: S101 - a function of arrays
    if math.isfinite(end):
        return float(value(np.array([end]))[0])
    outwards = math.copysign(1.0, end)
    start = abs(other) if math.isfinite(other) else 0.0
    at: Array = value(outwards * (start + np.array(_FAR)))
    if np.isnan(at).any():
        return math.nan
    if np.isinf(at[-1]):
        return float(at[-1])
    if (
        abs(at[-1] - at[-2]) <= 1e-3 * max(1.0, abs(at[-1]))
        and abs(at[-1] - at[-2]) < 0.5 * abs(at[-2] - at[-3]) + 1e-12
    ):
        return _settled(at)
    return math.copysign(math.inf, at[-1] - at[-2])


def _settled(at: Array) -> float:
    """The limit, to 9 digits, of values that approach it as 1/x or quicker, at points each ten times as far out."""
    first, second, third = (float(value) for value in at)
    if third == second:
        return third
    ratio = (third - second) / (second - first)
    limit = third + (third - second) * ratio / (1 - ratio)
    return 0.0 if abs(limit) < 1e-3 * abs(third) else round(limit, 9)
