"""Where a function is 0 between -20 and 20."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actsearch.analysis.enclosure.interval import Array
from actsearch.analysis.properties.enclosed import EDGE, EDGES, Enclosed
from actsearch.analysis.properties.signs import NARROW, Partition, partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Zero:
    """A zero to within `NARROW`, or a whole interval of zeros."""

    start: float
    end: float
    proven: bool
    """Whether it is certain that there is one, and on an interval that there is nothing else."""

    @property
    def is_point(self) -> bool:
        """Whether it is one point and no interval."""
        return self.start == self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Zeros:
    """The zeros from left to right, and whether it is proven that they are these and no others."""

    found: tuple[Zero, ...]
    proven: bool


def zeros(enclosed: Enclosed) -> Zeros:
    """The zeros on [-20, 20], each isolated by boxes without zeros on both sides where that is proven."""
    if not enclosed.is_known:
        return Zeros(found=tuple(_sampled(enclosed, -EDGE, EDGE)), proven=False)
    boxes = partition(enclosed, 0, strict=True, core=True)
    found: list[Zero] = []
    is_proven = True
    for start, end in _clusters(boxes):
        low, high = float(boxes.lower[start]), float(boxes.upper[end])
        all_zero = (boxes.enclosure.lower[start : end + 1] == 0) & (boxes.enclosure.upper[start : end + 1] == 0)
        if all_zero.any():
            # What is 0 on a whole box; the narrow boxes beside it are where that begins and ends.
            inner = np.flatnonzero(all_zero)
            clean = bool(boxes.narrow[start : end + 1][~all_zero].all())
            first, last = float(boxes.lower[start + inner[0]]), float(boxes.upper[start + inner[-1]])
            found.append(Zero(start=first, end=last, proven=clean))
            is_proven &= clean
            continue
        if high - low > 1e3 * NARROW * max(1.0, abs(low)):
            is_proven = False
            found += _sampled(enclosed, low, high)
            continue
        point, certain = _located(enclosed, boxes, start, end)
        # A narrow box whose slope has one sign holds one zero at most.
        if certain or abs(enclosed.function.values(np.array([point]))[0]) <= 1e-9:
            found.append(Zero(start=point, end=point, proven=certain))
        is_proven &= certain
    return Zeros(found=tuple(found), proven=is_proven and enclosed.is_defined)


def _clusters(boxes: Partition) -> list[tuple[int, int]]:
    """First and last index of each run of boxes that may hold a zero."""
    may = boxes.enclosure.contains(0.0)
    starts = np.flatnonzero(may & ~np.r_[False, may[:-1]])
    ends = np.flatnonzero(may & ~np.r_[may[1:], False])
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _located(enclosed: Enclosed, boxes: Partition, start: int, end: int) -> tuple[float, bool]:
    """The zero in a narrow run of boxes, and whether there is one for certain."""
    ends = np.append(boxes.lower[start : end + 1], boxes.upper[end])
    inner = np.unique(np.concatenate([ends, np.round(ends, 6)]))
    inner = inner[(inner >= ends[0]) & (inner <= ends[-1])]
    exact = enclosed.over(0, inner, inner)
    hits = np.flatnonzero((exact.lower == 0) & (exact.upper == 0))
    if hits.size:
        return float(inner[hits[0]]) + 0.0, True
    low, high = float(ends[0]), float(ends[-1])
    jumps = ~enclosed.over(1, np.array([low]), np.array([high])).is_finite
    signs = np.sign(exact.lower) * (np.sign(exact.lower) == np.sign(exact.upper))
    return _bisected(enclosed, low, high) + 0.0, bool(signs[0] * signs[-1] < 0 and not jumps[0])


def _bisected(enclosed: Enclosed, low: float, high: float) -> float:
    below = np.sign(enclosed.function.values(np.array([low]))[0])
    for _ in range(60):
        middle = low + 0.5 * (high - low)
        if np.sign(enclosed.function.values(np.array([middle]))[0]) == below:
            low = middle
        else:
            high = middle
    return low + 0.5 * (high - low)


def _sampled(enclosed: Enclosed, low: float, high: float) -> list[Zero]:
    """Zeros among the samples, those that follow each other as an interval, and changes of sign between samples."""
    x: Array = np.unique(np.clip(EDGES, low, high))
    values = enclosed.function.values(x)
    is_zero = values == 0
    starts = np.flatnonzero(is_zero & ~np.r_[False, is_zero[:-1]])
    ends = np.flatnonzero(is_zero & ~np.r_[is_zero[1:], False])
    found = [Zero(start=float(x[i]), end=float(x[j]), proven=False) for i, j in zip(starts, ends, strict=True)]
    with np.errstate(all="ignore"):
        changes = np.flatnonzero(values[1:] * values[:-1] < 0)
    for index in changes:
        point = _bisected(enclosed, float(x[index]), float(x[index + 1]))
        found.append(Zero(start=point, end=point, proven=False))
    return sorted(found, key=lambda zero: zero.start)
