"""How the elements of a tensor are walked: rows of columns, and where in them each parameter's value lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

_NARROW = 64
"""Rows of fewer columns are joined: a row's last, incomplete vector costs as much as a whole one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """`rows` times `columns` elements; a row's channel is its number modulo `channels`.

    `placements` says for each parameter whether it has one value ("s"), one for each channel of rows ("r") or one for
    each column: read from a value for each ("e") or for each channel ("c"), which lie along the middle one of the
    sizes `across` whose product are the columns.
    """

    rows: int
    columns: int
    channels: int
    placements: tuple[str, ...]
    across: tuple[int, int, int] = (1, 1, 1)

    @property
    def is_flat(self) -> bool:
        """Whether every parameter has one value."""
        return all(placement == "s" for placement in self.placements)

    @property
    def by_column(self) -> tuple[bool, ...]:
        """For each parameter whether it has a value for each column."""
        return tuple(placement in "ce" for placement in self.placements)

    def spread(self, parameter: Tensor, placement: str) -> Tensor:
        """A parameter's values as the kernel reads them, 1-D."""
        if placement == "c":
            return parameter.reshape(1, -1, 1).expand(self.across).reshape(-1)
        return parameter.reshape(-1)

    def gathered(self, sums: Tensor, placement: str) -> Tensor:
        """The gradient of a parameter, 1-D, from its sums over tiles (rows, parts) or over rows (chunks, columns)."""
        if placement == "s":
            return sums.sum().reshape(1)
        if placement == "r":
            return sums.view(-1, self.channels, sums.shape[-1]).sum((0, 2))
        total = sums.sum(0)
        return total.view(self.across).sum((0, 2)) if placement == "c" else total


def nest(shape: Sequence[int], channel_dim: int, granularities: Sequence[str]) -> Nest:
    """The nest of a contiguous tensor of `shape`."""
    known = set(granularities)
    if not shape or known <= {"layer"}:
        placements = ("s",) * len(granularities)
        return Nest(rows=1, columns=math.prod(shape), channels=1, placements=placements)
    dimension = channel_dim % len(shape) if "channel" in known else 0
    outer, channels, inner = math.prod(shape[:dimension]), shape[dimension], math.prod(shape[dimension + 1 :])
    if "element" not in known and inner >= _NARROW:
        placements = tuple("s" if granularity == "layer" else "r" for granularity in granularities)
        return Nest(rows=outer * channels, columns=inner, channels=channels, placements=placements)
    placements = tuple({"layer": "s", "channel": "c", "element": "e"}[granularity] for granularity in granularities)
    if "element" not in known:
        across = (1, channels, inner)
        return Nest(rows=outer, columns=channels * inner, channels=1, placements=placements, across=across)
    samples, columns = shape[0], math.prod(shape[1:])
    across = (columns // max(channels * inner, 1), channels, inner) if "channel" in known else (1, 1, columns)
    return Nest(rows=samples, columns=columns, channels=1, placements=placements, across=across)
