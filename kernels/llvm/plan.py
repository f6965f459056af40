"""The table by which the native driver walks tensors of one layout and calls a kernel; see README.md."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.sweep import Sweep

DRIVER = sibling(__file__, "driver")
TYPES = sibling(__file__, "types")
TILE = 8192
"""Columns of a tile: its partial sums are added to others' afterwards, so rounding errors stay small."""
_Operand = tuple[int, int, int, int, int, int, int]
"""Address; bytes from one row, channel, chunk and column to the next; whether it is read and written."""
_FEW = 1 << 14
"""Elements below which handing out work costs more than it brings."""
_MOST_CHUNKS = 16
"""Buffers for sums over rows; they are as long as a row, and there are as many on every machine, so that sums repeat
bit for bit whatever the number of threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A kernel on tensors of one layout. `tile_sums` and `column_sums` are the places of sums among the sweep's.

    Tiles: `parts` to a row, `per_chunk` of them worked on by one thread, one after the other.
    """

    sweep: Sweep
    nest: Any
    element: Any
    kernel: int
    numbers: Any
    lanes: int
    tile_sums: tuple[int, ...]
    column_sums: tuple[int, ...]
    owners: tuple[int, ...]
    tiles: int
    parts: int
    per_chunk: int
    chunks: int

    @classmethod
    def of(
        cls, sweep: Sweep, nest: Any, element: Any, *, kernel: int, constants: tuple[float, ...], lanes: int
    ) -> Plan:
        """The plan of a sweep on a nest that is not empty."""
        names = [name for name, _ in sweep.parameters]
        owners = tuple(names.index(of) for _, of, _ in sweep.sums)
        in_columns = tuple(index for index, owner in enumerate(owners) if nest.by_column[owner])
        parts = math.ceil(nest.columns / TILE)
        tiles = nest.rows * parts
        per_chunk = max(1, TILE // nest.columns)
        if in_columns:
            per_chunk = max(per_chunk, math.ceil(tiles / _MOST_CHUNKS))
        kind: Callable[..., Any] = ctypes.c_float if element.computed == "float" else ctypes.c_double
        return cls(
            sweep=sweep, nest=nest, element=element, kernel=kernel, lanes=lanes, owners=owners,
            numbers=(kind * len(constants))(*constants) if constants else None,  # type: ignore[operator]
            tile_sums=tuple(index for index in range(len(owners)) if index not in in_columns), column_sums=in_columns,
            tiles=tiles, parts=parts, per_chunk=per_chunk, chunks=math.ceil(tiles / per_chunk),
        )  # fmt: skip

    def run(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
        """Compute the outputs, and return the sums."""
        nest, computed = self.nest, TYPES.COMPUTED[self.element.computed]
        read = [
            nest.spread(parameter.detach().to(computed), placement).contiguous()
            for parameter, placement in zip(parameters, nest.placements, strict=True)
        ]
        tile_sums = torch.empty((self.tiles, len(self.tile_sums)), dtype=computed) if self.tile_sums else None
        shape = (self.chunks, len(self.column_sums), nest.columns)
        column_sums = torch.zeros(shape, dtype=computed) if self.column_sums else None
        operands = [*self._elements(inputs, outputs), *self._parameters(read), *_columns(column_sums)]
        table = [
            self.kernel, self.tiles, self.parts, nest.columns, TILE, nest.channels, self.per_chunk, self.chunks,
            self.lanes, len(operands), len(self.tile_sums), 0 if tile_sums is None else tile_sums.data_ptr(),
            *itertools.chain.from_iterable(operands),
        ]  # fmt: skip
        threads = 1 if inputs[0].numel() < _FEW else min(torch.get_num_threads(), self.chunks)
        DRIVER.driver(self.element.computed).run((ctypes.c_int64 * len(table))(*table), self.chunks, threads)
        return self._gathered(tile_sums, column_sums, parameters)

    def _elements(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Iterator[_Operand]:
        size = self.element.bytes
        for tensors, read in ((inputs, 1), (outputs, 0)):
            for tensor in tensors:
                yield (tensor.data_ptr(), self.nest.columns * size, 0, 0, size, read, 1 - read)

    def _parameters(self, read: Sequence[Tensor]) -> Iterator[_Operand]:
        for values, placement in zip(read, self.nest.placements, strict=True):
            size = values.element_size()
            by_channel, by_column = size * (placement == "r"), size * (placement in "ce")
            yield (values.data_ptr(), 0, by_channel, 0, by_column, 1, 0)
        if self.numbers is not None:
            yield (ctypes.addressof(self.numbers), 0, 0, 0, 0, 1, 0)

    def _gathered(
        self, tile_sums: Tensor | None, column_sums: Tensor | None, parameters: Sequence[Tensor]
    ) -> list[Tensor]:
        """The sums in the sweep's order, each like its parameter."""
        found: dict[int, Tensor] = {}
        if tile_sums is not None:
            if self.nest.is_flat:
                found |= dict(zip(self.tile_sums, tile_sums.sum(0).unbind(), strict=True))
            else:
                parts = tile_sums.view(self.nest.rows, self.parts, -1).unbind(2)
                found |= {index: self._total(index, part) for index, part in zip(self.tile_sums, parts, strict=True)}
        if column_sums is not None:
            parts = column_sums.unbind(1)
            found |= {index: self._total(index, part) for index, part in zip(self.column_sums, parts, strict=True)}
        owners = [parameters[owner] for owner in self.owners]
        return [found[index].to(own.dtype).reshape(own.shape) for index, own in enumerate(owners)]

    def _total(self, index: int, sums: Tensor) -> Tensor:
        total: Tensor = self.nest.gathered(sums, self.nest.placements[self.owners[index]])
        return total


def _columns(sums: Tensor | None) -> Iterator[_Operand]:
    if sums is not None:
        size = sums.element_size()
        for index in range(sums.shape[1]):
            yield (sums[0, index].data_ptr(), 0, 0, sums.stride(0) * size, size, 1, 1)
