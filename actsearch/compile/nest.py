"""How the elements of a contiguous tensor are walked: rows of columns, and where in them the values of parameters lie.

A parameter or a statistic has one value for all elements, one for each row, or one for each column; with some, columns
of a few kinds of rows differ. What fits none of these is not placed: it has to become elements itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from actsearch.compile.statistics import cells

NARROW = 64
"""Rows of fewer columns are joined where they may be: a row's last, incomplete vector costs as much as a whole one."""
_SHORTEST = 4
"""Cells of fewer elements are not worth rows of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where values lie: `one`, or along the middle one of the sizes `across`, whose product are rows or columns."""

    along: Literal["one", "rows", "columns"]
    across: tuple[int, int, int] = (1, 1, 1)

    def spread(self, values: Tensor) -> Tensor:
        """Values as they are met along the rows or columns, 1-D."""
        outer, _, inner = self.across
        if outer == inner == 1:
            return values.reshape(-1)
        return values.reshape(1, -1, 1).expand(self.across).reshape(-1)

    def gather(self, found: Tensor, operation: cells.Operation = "sum") -> Tensor:
        """The values, 1-D, of what was summed (or is the largest) along the rows or columns."""
        outer, _, inner = self.across
        if outer == inner == 1:
            return found
        parts = found.view(self.across)
        return parts.sum((0, 2)) if operation == "sum" else parts.amax((0, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """`rows` times `columns` elements; row r has the columns of kind r modulo `kinds`.

    `placements` has one for each granularity, None where it cannot be placed.
    """

    rows: int
    columns: int
    kinds: int
    placements: Mapping[str, Placement | None]

    def placement(self, granularity: str) -> Placement:
        """Where the values of a granularity that can be placed lie."""
        found = self.placements[granularity]
        if found is None:
            raise TypeError(f"the granularity {granularity} has no place among these rows and columns")
        return found

    def along(self, granularity: str) -> str:
        """Whether there is one value, or one for each of the `rows` or `columns`."""
        return self.placement(granularity).along

    @property
    def cannot_place(self) -> frozenset[str]:
        """The granularities without a placement."""
        return frozenset(granularity for granularity, placement in self.placements.items() if placement is None)


def nest(shape: Sequence[int], channel_dim: int, granularities: Iterable[str]) -> Nest:
    """The nest of a contiguous tensor of `shape` that is not empty."""
    known = set(granularities)
    if not shape or known <= {"layer"}:
        return Nest(rows=1, columns=math.prod(shape), kinds=1, placements=dict.fromkeys(known, _ONE))
    sizes = _Sizes.of(shape, channel_dim if known - {"layer", "element", "[last]", "[layer]"} else 0)
    block = _block(sizes, known)
    kinds = _kinds(sizes, block, known)
    return Nest(
        rows=math.prod(shape) // block,
        columns=block,
        kinds=kinds,
        placements={granularity: _placed(granularity, sizes, block, kinds) for granularity in known},
    )


_ONE = Placement(along="one")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    """A shape as samples x middle x channels x inner; the channels may be the samples."""

    shape: tuple[int, ...]
    samples: int
    middle: int
    channels: int
    inner: int

    @classmethod
    def of(cls, shape: Sequence[int], channel_dim: int) -> _Sizes:
        dimension = channel_dim % len(shape)
        before = math.prod(shape[:dimension])
        samples = shape[0] if dimension else 1
        return cls(
            shape=tuple(shape), samples=samples, middle=before // max(samples, 1), channels=shape[dimension],
            inner=math.prod(shape[dimension + 1 :]),
        )  # fmt: skip

    @property
    def sample(self) -> int:
        """Elements of a sample."""
        return math.prod(self.shape[1:])

    def cell(self, granularity: str) -> int | None:
        """Elements of a statistic's cell that lie one after the other; None if a cell is not contiguous."""
        if granularity == "[last]":
            return self.shape[-1]
        if granularity == "[layer]":
            return self.sample
        if self.middle > 1:
            # Between samples and channels there are dimensions that a cell reaches across.
            return None
        return self.inner * (self.channels // groups if (groups := cells.groups_in(granularity)) else 1)


def _block(sizes: _Sizes, known: set[str]) -> int:
    """The number of columns."""
    rows = [sizes.cell(granularity) for granularity in known if granularity.startswith("[")]
    lengths = [length for length in rows if length is not None and (length >= _SHORTEST or length == sizes.sample)]
    if lengths:
        block = math.gcd(*lengths)
        whole_channels = math.gcd(block, sizes.inner)
        return whole_channels if "channel" in known and whole_channels >= NARROW else block
    if "element" in known:
        return sizes.sample
    # Channels are the only reason for rows.
    return sizes.inner if sizes.inner >= NARROW else sizes.channels * sizes.inner


def _kinds(sizes: _Sizes, block: int, known: set[str]) -> int:
    """After how many rows the values of columns come again."""
    periods = [sizes.sample] if "element" in known else []
    if "channel" in known and sizes.inner % block:
        periods.append(sizes.channels * sizes.inner)
    return math.lcm(*(period // block for period in periods if period % block == 0))


def _placed(granularity: str, sizes: _Sizes, block: int, kinds: int) -> Placement | None:
    if granularity == "layer":
        return _ONE
    elements = math.prod(sizes.shape)
    if granularity == "element":
        return _along("columns", kinds * block, sizes.sample, 1)
    if granularity == "channel" and sizes.inner % block:
        return _along("columns", kinds * block, sizes.channels, sizes.inner)
    if granularity == "channel":
        return _along("rows", elements // block, sizes.channels, sizes.inner // block)
    length = sizes.cell(granularity)
    if length is None or length % block:
        return None
    return _along("rows", elements // block, elements // length, length // block)


def _along(along: Literal["rows", "columns"], size: int, count: int, inner: int) -> Placement | None:
    """`count` values, each met `inner` times one after the other, over and over; None if that does not come out."""
    period = count * inner
    return None if size % period else Placement(along=along, across=(size // period, count, inner))
