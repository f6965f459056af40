"""How a nest is cut into tiles and chunks."""

from __future__ import annotations

import math

from actsearch.compile.nest import Nest, Placement

TILE = 8192
"""Columns of a tile: its partial sums are added to others' afterwards, so rounding errors stay small."""
_MOST_CHUNKS = 16
"""Buffers for sums over rows; they are as long as a row, and there are as many on every machine, so that sums repeat
bit for bit whatever the number of threads."""


class Geometry:
    """A nest in tiles, `parts` to a row; `per_chunk` of them are worked on by one thread, one after the other.

    Rows come in kinds again after `modulus` rows: those of the nest, or channels that are rows.
    """

    def __init__(self, nest: Nest, per_chunk: int) -> None:
        self.nest, self.per_chunk = nest, per_chunk
        self.parts = parts_of(nest)
        self.tiles = nest.rows * self.parts
        self.chunks = math.ceil(self.tiles / per_chunk)
        # Columns from one kind of rows to the next, where columns have kinds.
        self.columns_of_a_kind = nest.columns if nest.kinds > 1 else 0
        rows = [p.across for p in nest.placements.values() if p is not None and p.along == "rows"]
        counts = [count for outer, count, inner in rows if outer > 1 and inner == 1]
        self.modulus = nest.kinds if nest.kinds > 1 or not counts else counts[0]

    def is_by_kind(self, placement: Placement) -> bool:
        """Whether rows find their values by their kind."""
        return placement.along == "rows" and placement.across[1:] == (self.modulus, 1)


def parts_of(nest: Nest) -> int:
    """Tiles to a row."""
    return math.ceil(nest.columns / TILE)


def tiles_a_chunk(nest: Nest, *, has_column_sums: bool) -> int:
    """So many that handing out a chunk costs little, and sums over rows need few buffers."""
    per_chunk = max(1, TILE // nest.columns)
    return max(per_chunk, math.ceil(nest.rows * parts_of(nest) / _MOST_CHUNKS)) if has_column_sums else per_chunk
