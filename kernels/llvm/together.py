"""All passes of a schedule over one chunk after the other, so that a chunk is read from memory once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from actsearch.compile import cells
from actsearch.compile.backend import sibling
from actsearch.compile.nest import Nest, nest
from actsearch.compile.schedule import Reduced, Schedule

GEOMETRY = sibling(__file__, "geometry")
PROGRAM = sibling(__file__, "program")
TYPES = sibling(__file__, "types")
_CHUNK = 1 << 14
"""Elements of a chunk: what a forward and its backward read and write of that many float32 stays in a core's cache."""
_LARGEST_CELL = 1 << 18
"""Elements of a cell above which its chunk would not be cached, and too few threads would have work."""
_MOST_PLANS = 64


@dataclass(slots=True)
class Together:
    """See `actsearch.compile.scheduled.Together`; `launchers` are those of the schedule's sweeps."""

    schedule: Schedule
    launchers: Sequence[Any]
    plans: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __call__(
        self, elements: Sequence[Tensor], values: Mapping[str, Tensor], channel_dim: int
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]] | None:
        """The results and the values of the statistics by name; None where passes had better go one by one."""
        x = elements[0]
        key = (x.shape, x.dtype, channel_dim)
        if any([launcher.is_to_be_better(x.numel()) for launcher in self.launchers]):  # noqa: C419 - each is to count
            self.plans.clear()
        if key not in self.plans:
            if len(self.plans) >= _MOST_PLANS:
                self.plans.clear()
            self.plans[key] = self._plans(x, channel_dim)
        plans = self.plans[key]
        return None if plans is None else self._run(plans, elements, values, channel_dim)

    def _plans(self, x: Tensor, channel_dim: int) -> Any:
        """A plan for each sweep, all over the same chunks; None if values cannot be placed or cells are too large."""
        granularities = {g for sweep in self.schedule.sweeps for g in sweep.granularities.values()}
        walked = nest(x.shape, channel_dim, granularities)
        if walked.cannot_place:
            return None
        rows = [walked.placement(reduced.granularity).across[2] for reduced in self.schedule.reduced]
        cell = math.lcm(*rows)
        if cell * walked.columns > _LARGEST_CELL:
            return None
        geometry = GEOMETRY.Geometry(walked, self._tiles_a_chunk(walked, cell))
        return [launcher.plan_of(x, geometry) for launcher in self.launchers]

    def _tiles_a_chunk(self, walked: Nest, cell: int) -> int:
        """Tiles of whole cells, `cell` rows of which are the least."""
        last = self.schedule.last
        has_column_sums = any(walked.along(last.granularities[of]) == "columns" for _, of, _ in last.sums)
        parts: int = GEOMETRY.parts_of(walked)
        least: int = GEOMETRY.tiles_a_chunk(walked, has_column_sums=has_column_sums)
        wanted = max(least, math.ceil(_CHUNK / walked.columns) * parts)
        return math.ceil(wanted / (cell * parts)) * cell * parts

    def _run(
        self, plans: Sequence[Any], elements: Sequence[Tensor], values: Mapping[str, Tensor], channel_dim: int
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        x, last, element = elements[0], self.schedule.last, plans[-1].element
        geometry, computed = plans[-1].geometry, TYPES.COMPUTED[element.computed]
        fixed = self.schedule.last.fixed
        tensors = {
            name: tensor.to(computed) if name in fixed else tensor
            for name, tensor in zip(self.schedule.elements, elements, strict=True)
        }
        # Statistics have a value for each row, which a chunk's later passes read.
        by_row = {r.name: torch.empty(geometry.nest.rows, dtype=computed) for r in self.schedule.reduced}
        filled, outputs = [], []
        for sweep, plan, launcher in zip(self.schedule.sweeps, plans, self.launchers, strict=True):
            outputs = launcher.room(x)
            tensors |= dict(zip((name for name, _ in sweep.outputs), outputs, strict=True))
            read = [
                by_row[name] if name in by_row else plan.spread(index, values[name])
                for index, (name, _) in enumerate(sweep.parameters)
            ]
            inputs = [tensors[name] for name in sweep.elements]
            filled.append(plan.fill(inputs, outputs, read))
        folds = [
            [self._fold(reduced, by_row[reduced.name], geometry.nest, x, channel_dim) for reduced in one.reduced]
            for one in self.schedule.passes
        ]
        PROGRAM.run(plans, filled, [*folds, ()])
        own = {name: values[name] for name, _ in last.parameters if name in values}
        sums = [
            total.to(own[of].dtype).reshape(own[of].shape)
            for total, (_, of, _) in zip(plans[-1].gathered(filled[-1]), last.sums, strict=True)
        ]
        found = {r.name: self._of_cells(r, by_row[r.name], geometry.nest) for r in self.schedule.reduced}
        return (*outputs, *sums), found

    @staticmethod
    def _fold(reduced: Reduced, to: Tensor, walked: Nest, x: Tensor, channel_dim: int) -> tuple[int, int, int]:
        over = cells.size_of(reduced.granularity, x.shape, channel_dim) if reduced.is_mean else 1
        return to.data_ptr(), walked.placement(reduced.granularity).across[2], over

    @staticmethod
    def _of_cells(reduced: Reduced, by_row: Tensor, walked: Nest) -> Tensor:
        rows = walked.placement(reduced.granularity).across[2]
        return by_row if rows == 1 else by_row.view(-1, rows)[:, 0].contiguous()
