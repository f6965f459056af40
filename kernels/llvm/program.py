"""One table of all plans of a schedule, and of what is made of their sums between them; see README.md."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.statistics.schedule import Schedule

PLAN = sibling(__file__, "plan")
_STAGE = 3


class Program:
    """Runs `plans`, those of the schedule's sweeps, over the same chunks; `over` has what each mean is over, else 1.

    Everything but addresses stands in a template. In `scratch`, a tensor made for each call, statistics have a value
    for each row, which later stages read, and tiles have their sums.
    """

    def __init__(self, schedule: Schedule, plans: Sequence[Any], over: Mapping[str, int]) -> None:
        geometry = plans[0].geometry
        self.plans, self._rows = plans, geometry.nest.rows
        self._places = {reduced.name: at * self._rows for at, reduced in enumerate(schedule.reduced)}
        self._size = len(self._places) * self._rows
        self._words = [geometry.chunks, len(plans), *([0] * (_STAGE * len(plans)))]
        # Positions of addresses in the table, and what has that address.
        self._own: list[tuple[int, int]] = []
        self._scratch: list[tuple[int, int]] = []
        self._elements: list[tuple[int, str]] = []
        self._values: list[tuple[int, str]] = []
        for index, (sweep, plan) in enumerate(zip(schedule.sweeps, plans, strict=True)):
            self._add_plan(index, sweep, plan)
        for index, one in enumerate(schedule.passes):
            self._words[2 + _STAGE * index + 1] = len(one.reduced)
            self._own.append((2 + _STAGE * index + 2, len(self._words)))
            for reduced in one.reduced:
                self._scratch.append((len(self._words), self._places[reduced.name]))
                rows_of_a_cell = geometry.nest.placement(reduced.granularity).across[2]
                self._words += [0, rows_of_a_cell, over[reduced.name]]
        self._array = ctypes.c_int64 * len(self._words)
        self._template = bytes(self._array(*self._words))

    def _add_plan(self, index: int, sweep: Any, plan: Any) -> None:
        start = len(self._words)
        self._own.append((2 + _STAGE * index, start))
        self._words += plan.numbers
        at = start + PLAN.OPERANDS
        for name in (*sweep.elements, *(name for name, _ in sweep.outputs)):
            self._elements.append((at, name))
            at += PLAN.OPERAND
        for name, _ in sweep.parameters:
            if name in self._places:
                self._scratch.append((at, self._places[name]))
            else:
                self._values.append((at, name))
            at += PLAN.OPERAND
        if plan.tile_sums:
            self._scratch.append((start + PLAN.OPERANDS - 1, self._size))
            self._tile_sums = (self._size, plan.geometry.tiles, len(plan.tile_sums))
            self._size += plan.geometry.tiles * len(plan.tile_sums)
        self._columns = start + PLAN.OPERANDS + PLAN.OPERAND * (plan.operands - len(plan.column_sums))

    def run(
        self, elements: Mapping[str, Tensor], values: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The last plan's sums, 1-D, and the statistics, by rows; `elements` are read and written, `values` read."""
        last = self.plans[-1]
        table = self._array.from_buffer_copy(self._template)
        place, size = ctypes.addressof(table), last.computed.itemsize
        scratch = torch.empty(self._size, dtype=last.computed)
        beginning = scratch.data_ptr()
        for at, word in self._own:
            table[at] = place + 8 * word
        for at, item in self._scratch:
            table[at] = beginning + size * item
        for at, name in self._elements:
            table[at] = elements[name].data_ptr()
        for at, name in self._values:
            table[at] = values[name].data_ptr()
        column_sums = last.room_for_column_sums(table, self._columns)
        last.drive(place)
        sums = []
        if last.owners:
            tile_sums = None
            if last.tile_sums:
                first, tiles, count = self._tile_sums
                tile_sums = scratch[first : first + tiles * count].view(tiles, count)
            sums = last.gathered(tile_sums, column_sums)
        return sums, {name: scratch[at : at + self._rows] for name, at in self._places.items()}
