"""The table by which the native driver walks tensors of one layout and calls a kernel; see README.md."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.nest import Placement
from actsearch.compile.statistics.cells import once
from actsearch.compile.sweep import Sweep

DRIVER = sibling(__file__, "driver")
GEOMETRY = sibling(__file__, "geometry")
TYPES = sibling(__file__, "types")
_Operand = tuple[int, int, int, int, int, int, int]
"""Address; bytes from one row, kind of rows, chunk and column to the next; whether it is read and written."""
OPERAND, OPERANDS = 7, 13
"""Numbers of an operand, and those before the first one, of which the last is the address of the tiles' sums."""
_PROGRAM = 5
_ALONE = (1, 1, 1)
_FEW = 1 << 14
"""Elements below which handing out work costs more than it brings."""


class Plan:
    """A kernel on tensors of one layout; `constants` are the sweep's, `lanes` those of the kernel's vectors.

    `tile_sums` and `column_sums` are the places of sums among the sweep's; `code` is what has the kernel in memory.
    """

    code: Any = None

    def __init__(
        self, sweep: Sweep, geometry: Any, element: Any, *, kernel: int, constants: tuple[float, ...], lanes: int
    ) -> None:
        nest, granularities = geometry.nest, sweep.granularities
        self.geometry, self.element, self.computed = geometry, element, TYPES.COMPUTED[element.computed]
        self.read = [nest.placement(granularity) for _, granularity in sweep.parameters]
        self.owners: list[Placement] = [nest.placement(granularities[of]) for _, of, _ in sweep.sums]
        self.operations: list[Any] = ["max" if name in sweep.maxima else "sum" for name, _, _ in sweep.sums]
        self.column_sums = [index for index, owner in enumerate(self.owners) if owner.along == "columns"]
        self.tile_sums = [index for index in range(len(self.owners)) if index not in self.column_sums]
        maxima = sum(1 << at for at, index in enumerate(self.tile_sums) if self.operations[index] == "max")
        self._is_plain = not maxima and all(self.owners[index].along == "one" for index in self.tile_sums)
        kind: Callable[..., Any] = ctypes.c_float if element.computed == "float" else ctypes.c_double
        self._constants = (kind * len(constants))(*constants) if constants else None  # type: ignore[operator]
        operands = (*self._elements(sweep), *self._parameters(), *self._columns())
        self.operands = len(operands)
        # All but the addresses, which are those of a call.
        self.numbers = (
            kernel, geometry.tiles, geometry.parts, nest.columns, GEOMETRY.TILE, geometry.modulus, geometry.per_chunk,
            geometry.chunks, lanes, self.operands, len(self.tile_sums), maxima, 0,
            *itertools.chain.from_iterable(operands),
        )  # fmt: skip
        self._driver = DRIVER.driver(element.computed)
        self._is_small = nest.rows * nest.columns < _FEW
        # A program of one stage: chunks, stages, where the plan is, no folds.
        table = (geometry.chunks, 1, 0, 0, 0, *self.numbers)
        self._array = ctypes.c_int64 * len(table)
        self._template = bytes(self._array(*table))

    def spread(self, index: int, values: Tensor) -> Tensor:
        """Values of a parameter as the kernel reads them, 1-D; those of cells may be there for each row already."""
        placement = self.read[index]
        if values.dtype != self.computed:
            values = values.to(self.computed)
        is_by_row = placement.along == "rows" and values.numel() == self.geometry.nest.rows
        if is_by_row or placement.across == _ALONE or self.geometry.is_by_kind(placement):
            return values.contiguous()
        if placement.along == "rows":
            values = once(values, placement.across[1])
        spread: Tensor = placement.spread(values)
        return spread.contiguous()

    def run(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
        """Compute the outputs; the sums, 1-D. `parameters` are as `spread` gives them."""
        table = self._array.from_buffer_copy(self._template)
        place = ctypes.addressof(table)
        table[2] = place + 8 * _PROGRAM
        tile_sums = None
        if self.tile_sums:
            tile_sums = torch.empty((self.geometry.tiles, len(self.tile_sums)), dtype=self.computed)
            table[_PROGRAM + OPERANDS - 1] = tile_sums.data_ptr()
        at = _PROGRAM + OPERANDS
        for tensor in (*inputs, *outputs, *parameters):
            table[at] = tensor.data_ptr()
            at += OPERAND
        at = _PROGRAM + OPERANDS + OPERAND * (self.operands - len(self.column_sums))
        column_sums = self.room_for_column_sums(table, at)
        self.drive(place)
        return self.gathered(tile_sums, column_sums) if self.owners else []

    def drive(self, place: int) -> None:
        """Run the program at an address, whose first plan this is, on torch's threads."""
        chunks = self.geometry.chunks
        self._driver.run(place, chunks, 1 if self._is_small else min(torch.get_num_threads(), chunks))

    def gathered(self, tile_sums: Tensor | None, column_sums: Tensor | None) -> list[Tensor]:
        """The sums in the sweep's order, 1-D."""
        found: dict[int, Tensor] = {}
        if tile_sums is not None and self._is_plain:
            found |= dict(zip(self.tile_sums, tile_sums.sum(0).unbind(), strict=True))
        elif tile_sums is not None:
            parts = tile_sums.view(self.geometry.nest.rows, self.geometry.parts, -1).unbind(2)
            found |= {index: self._total(index, part, 1) for index, part in zip(self.tile_sums, parts, strict=True)}
        if column_sums is not None:
            parts = column_sums.unbind(1)
            found |= {index: self._total(index, part, 0) for index, part in zip(self.column_sums, parts, strict=True)}
        return [found[index].reshape(-1) for index in range(len(self.owners))]

    def _total(self, index: int, parts: Tensor, along: int) -> Tensor:
        """A sum of the sweep's, or largest value, of what was found along a dimension of parts."""
        owner, operation = self.owners[index], self.operations[index]
        dimensions = (0, 1) if owner.along == "one" else (along,)
        total = parts.sum(dimensions) if operation == "sum" else parts.amax(dimensions)
        return total if owner.along == "one" else owner.gather(total, operation)

    def room_for_column_sums(self, table: Any, at: int) -> Tensor | None:
        """Room for the sums over columns, if there are any; its addresses go into a table from a position on."""
        if not self.column_sums:
            return None
        nest = self.geometry.nest
        shape = (self.geometry.chunks, len(self.column_sums), nest.kinds * nest.columns)
        room = torch.zeros(shape, dtype=self.computed)
        for place, index in enumerate(self.column_sums):
            if self.operations[index] == "max":
                room[:, place] = -math.inf
            table[at + place * OPERAND] = room.data_ptr() + place * room.stride(1) * room.element_size()
        return room

    def _elements(self, sweep: Sweep) -> Iterator[_Operand]:
        columns, inside = self.geometry.nest.columns, self.computed.itemsize
        read, written = sweep.elements, (name for name, _ in sweep.outputs)
        for name, is_read in (*((name, 1) for name in read), *((name, 0) for name in written)):
            size = inside if name in sweep.fixed else self.element.bytes
            yield (0, columns * size, 0, 0, size, is_read, 1 - is_read)

    def _parameters(self) -> Iterator[_Operand]:
        size = self.computed.itemsize
        for placement in self.read:
            if placement.along == "columns":
                yield (0, 0, size * self.geometry.columns_of_a_kind, 0, size, 1, 0)
            else:
                by_kind = size * self.geometry.is_by_kind(placement)
                yield (0, size * (placement.along == "rows") - by_kind, by_kind, 0, 0, 1, 0)
        if self._constants is not None:
            yield (ctypes.addressof(self._constants), 0, 0, 0, 0, 1, 0)

    def _columns(self) -> Iterator[_Operand]:
        size, nest = self.computed.itemsize, self.geometry.nest
        by_chunk = len(self.column_sums) * nest.kinds * nest.columns * size
        for _ in self.column_sums:
            yield (0, 0, self.geometry.columns_of_a_kind * size, by_chunk, size, 1, 1)
