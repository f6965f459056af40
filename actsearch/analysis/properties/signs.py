"""Where a derivative is positive and where it is negative: boxes whose enclosures say so, halved until they do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.enclosure.interval import Array, Interval
from actsearch.analysis.properties.enclosed import EDGE, EDGES, REACH, Enclosed

Sign = Literal[-1, 0, 1]
NARROW = 1e-9
"""Boxes are not halved below this width, in proportion to x where that is more than 1."""
_MOST_BOXES = 12_000
_UNDERFLOW = 1e-300
_TAIL_ROUNDS, _TAIL_BOXES, _ROUNDS = 6, 1500, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """An interval on which a derivative has one sign, or is 0; the ends are infinite for the first and last one."""

    start: float
    end: float
    sign: Sign
    proven: bool
    glued: bool = True
    """Whether nothing uncertain lies between it and the piece before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Boxes that cover the line, ascending, and the derivative over each."""

    lower: Array
    upper: Array
    enclosure: Interval

    @property
    def signs(self) -> NDArray[np.int8]:
        """1 where it is certain that nothing is negative, -1 where nothing is positive, 0 where all is 0; else 2."""
        never_negative, never_positive = self.enclosure.lower >= 0, self.enclosure.upper <= 0
        signs = np.where(never_negative, 1, np.where(never_positive, -1, 2))
        return np.where(never_negative & never_positive, 0, signs).astype(np.int8)

    @property
    def narrow(self) -> NDArray[np.bool_]:
        """Which boxes are too narrow to be halved."""
        middle = np.maximum(np.abs(self.lower), np.abs(self.upper))
        return self.upper - self.lower <= NARROW * np.maximum(1, middle)


def partition(enclosed: Enclosed, order: int, *, strict: bool = False, core: bool = False) -> Partition:
    """Boxes over which the derivative of that order has a sign, but for narrow ones, and those beyond the budget.

    With `strict` boxes are halved until 0 is not in their enclosure, unless nothing else is. With `core` they cover
    [-20, 20] only. What was found once is kept.
    """
    key = (order, strict, core)
    if key not in enclosed.partitions:
        enclosed.partitions[key] = _partition(enclosed, order, strict=strict, core=core)
    found: Partition = enclosed.partitions[key]
    return found


def _partition(enclosed: Enclosed, order: int, *, strict: bool, core: bool) -> Partition:
    lower, upper, found = EDGES[:-1], EDGES[1:], enclosed.initial(order)
    if core:
        lower, upper, found = _select((np.abs(lower) <= EDGE) & (np.abs(upper) <= EDGE), lower, upper, found)
    done: list[tuple[Array, Array, Interval]] = []
    spent = 0
    for round_ in range(_ROUNDS):
        boxes = Partition(lower=lower, upper=upper, enclosure=found)
        # Kinks and jumps have a sign in every box, and are looked for all the same.
        inside = (np.abs(lower) <= EDGE) & (np.abs(upper) <= EDGE)
        is_open = (boxes.signs == 2) | (inside & ~found.is_finite)
        if strict:
            is_open |= found.contains(0.0) & (found.width > 0)
        # Halving shows no sign of what is too small for float64.
        is_open &= ~boxes.narrow & ~(found.width < _UNDERFLOW)
        if round_ >= _TAIL_ROUNDS or int((is_open & ~inside).sum()) > _TAIL_BOXES:
            is_open &= inside
        spent += 2 * int(is_open.sum())
        if not is_open.any() or spent > _MOST_BOXES:
            break
        done.append(_select(~is_open, lower, upper, found))
        lower, upper, _ = _select(is_open, lower, upper, found)
        middle = halfway(lower, upper)
        lower, upper = np.concatenate([lower, middle]), np.concatenate([middle, upper])
        found = enclosed.over(order, lower, upper)
    done.append((lower, upper, found))
    lower, upper, low, high = (
        np.concatenate(parts)
        for parts in zip(*((a, b, i.lower, i.upper) for a, b, i in done), strict=True)
    )  # fmt: skip
    ascending = np.argsort(lower)
    return Partition(
        lower=lower[ascending], upper=upper[ascending], enclosure=Interval(low[ascending], high[ascending])
    )


def pieces(enclosed: Enclosed, order: int, *, core: bool = False) -> tuple[Piece, ...]:
    """The intervals on which the derivative of that order, 1 or 2, has one sign, from left to right.

    A change of sign is located to within `NARROW`. Where no sign is certain, the function is sampled. With `core` they
    cover [-20, 20] only.
    """
    boxes = partition(enclosed, order, core=core)
    signs = boxes.signs
    certain = signs != 2
    return _merged(_runs(boxes, np.where(certain, signs, _sampled_signs(enclosed, order, boxes)), certain))


def halfway(lower: Array, upper: Array) -> Array:
    """The middle of each box; far out the geometric one."""
    middle = lower + 0.5 * (upper - lower)
    far = (np.minimum(np.abs(lower), np.abs(upper)) >= EDGE) & (np.sign(lower) == np.sign(upper))
    geometric = np.sign(lower) * np.sqrt(np.abs(lower)) * np.sqrt(np.abs(upper))
    return np.where(far, geometric, middle)


def _select(which: NDArray[np.bool_], lower: Array, upper: Array, found: Interval) -> tuple[Array, Array, Interval]:
    return lower[which], upper[which], Interval(found.lower[which], found.upper[which])


def _sampled_signs(enclosed: Enclosed, order: int, boxes: Partition) -> NDArray[np.int8]:
    """The sign of the difference of the next lower derivative between the ends of each box."""
    lower, upper = _whole_clusters(boxes)
    left, right = (enclosed.function.response(end)[order - 1] for end in (lower, upper))
    with np.errstate(all="ignore"):
        difference = right - left
        size = np.maximum(np.abs(left), np.abs(right))
        # Between the ends of a narrow box only a kink or a jump makes a difference that counts.
        noise = np.where(boxes.narrow, 1e-6 * np.maximum(1, size), 1e-14 * size)
        return np.where(np.abs(difference) <= noise, 0, np.sign(np.nan_to_num(difference))).astype(np.int8)


def _whole_clusters(boxes: Partition) -> tuple[Array, Array]:
    """The ends of each box; for narrow ones without a sign those of all such that touch, at which there is no kink."""
    unsure = boxes.narrow & (boxes.signs == 2)
    index = np.arange(len(unsure))
    first = np.maximum.accumulate(np.where(unsure & np.r_[False, unsure[:-1]], 0, index))
    last = np.minimum.accumulate(np.where(unsure & np.r_[unsure[1:], False], len(unsure), index)[::-1])[::-1]
    return boxes.lower[first], boxes.upper[last]


def _runs(boxes: Partition, signs: NDArray[np.int8], certain: NDArray[np.bool_]) -> list[Piece]:
    starts = np.flatnonzero(np.r_[True, (signs[1:] != signs[:-1]) | (certain[1:] != certain[:-1])])
    ends = np.r_[starts[1:], len(signs)] - 1
    return [
        Piece(
            start=_end(boxes.lower[i]), end=_end(boxes.upper[j]), sign=cast("Sign", int(signs[i])),
            proven=bool(certain[i]),
        )
        for i, j in zip(starts, ends, strict=True)
    ]  # fmt: skip


def _end(x: float) -> float:
    return float(x) if abs(x) < REACH else math.copysign(math.inf, x)


def _is_narrow(piece: Piece) -> bool:
    return piece.end - piece.start <= 1e3 * NARROW * max(1.0, abs(piece.start))


def _merged(runs: list[Piece]) -> tuple[Piece, ...]:
    """Neighbours of one sign become one piece.

    A narrow box without a certain sign is where the sign changes, or where there is a kink or a jump of the other sign:
    it separates its neighbours, or else it joins them, without proof. What has no sign otherwise goes to the piece
    before it, or to the next where it is the first.
    """
    merged: list[Piece] = []
    is_glued = True
    for index, run in enumerate(runs):
        piece = run
        after = next((r for r in runs[index + 1 :] if r.proven or not _is_narrow(r)), None)
        if not merged and not run.proven and run.sign == 0 and after:
            piece = replace(run, sign=after.sign)
        elif merged and not run.proven and (_is_narrow(run) or run.sign == 0):
            before = merged[-1]
            separates = after is not None and (before.sign != after.sign or run.sign not in {0, before.sign})
            if _is_narrow(run) and separates:
                merged[-1] = replace(before, end=0.5 * (run.start + run.end))
                is_glued = False
                continue
            piece = replace(run, sign=before.sign)
        if merged and merged[-1].sign == piece.sign and is_glued:
            last = merged.pop()
            piece = replace(last, end=piece.end, proven=last.proven and piece.proven)
        elif merged:
            piece = replace(piece, start=merged[-1].end, glued=is_glued)
        is_glued = True
        merged.append(piece)
    return tuple(merged)
