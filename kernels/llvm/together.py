"""All passes of a schedule over one chunk after the other, so that a chunk is read from memory once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.nest import Nest, nest
from actsearch.compile.statistics import cells
from actsearch.compile.statistics.schedule import Schedule

GEOMETRY = sibling(__file__, "geometry")
PROGRAM = sibling(__file__, "program")
TYPES = sibling(__file__, "types")
_CHUNK = 1 << 14
"""Elements of a chunk: what a forward and its backward read and write of that many float32 stays in a core's cache."""
_LARGEST_CELL = 1 << 18
"""Elements of a cell above which its chunk would not be cached, and too few threads would have work."""
_MOST_PROGRAMS = 64


@dataclass(slots=True)
class Together:
    """See `actsearch.compile.statistics.scheduled.Together`; `launchers` are those of the schedule's sweeps."""

    schedule: Schedule
    launchers: Sequence[Any]
    programs: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __call__(
        self, elements: Sequence[Tensor], values: Mapping[str, Tensor], channel_dim: int
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]] | None:
        """The results and the values of the statistics by name; None where passes had better go one by one."""
        x = elements[0]
        key = (x.shape, x.dtype, channel_dim)
        if any([launcher.is_to_be_better(x.numel()) for launcher in self.launchers]):  # noqa: C419 - each is to count
            self.programs.clear()
        if key not in self.programs:
            if len(self.programs) >= _MOST_PROGRAMS:
                self.programs.clear()
            self.programs[key] = self._program(x, channel_dim)
        program = self.programs[key]
        return None if program is None else self._run(program, elements, values)

    def _program(self, x: Tensor, channel_dim: int) -> Any:
        """All sweeps over the same chunks; None if values cannot be placed or cells are too large."""
        granularities = {g for sweep in self.schedule.sweeps for g in sweep.granularities.values()}
        walked = nest(x.shape, channel_dim, granularities)
        if walked.cannot_place:
            return None
        rows = [walked.placement(reduced.granularity).across[2] for reduced in self.schedule.reduced]
        cell = math.lcm(*rows)
        if cell * walked.columns > _LARGEST_CELL:
            return None
        geometry = GEOMETRY.Geometry(walked, self._tiles_a_chunk(walked, cell))
        over = {
            reduced.name: cells.size_of(reduced.granularity, x.shape, channel_dim) if reduced.is_mean else 1
            for reduced in self.schedule.reduced
        }
        return PROGRAM.Program(self.schedule, [launcher.plan_of(x, geometry) for launcher in self.launchers], over)

    def _tiles_a_chunk(self, walked: Nest, cell: int) -> int:
        """Tiles of whole cells, `cell` rows of which are the least."""
        last = self.schedule.last
        has_column_sums = any(walked.along(last.granularities[of]) == "columns" for _, of, _ in last.sums)
        parts: int = GEOMETRY.parts_of(walked)
        least: int = GEOMETRY.tiles_a_chunk(walked, has_column_sums=has_column_sums)
        wanted = max(least, math.ceil(_CHUNK / walked.columns) * parts)
        return math.ceil(wanted / (cell * parts)) * cell * parts

    def _run(
        self, program: Any, elements: Sequence[Tensor], values: Mapping[str, Tensor]
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        x, last, plan = elements[0], self.schedule.last, program.plans[-1]
        tensors = dict(zip(self.schedule.elements, elements, strict=True))
        tensors |= {name: tensors[name].to(plan.computed) for name in last.fixed if name in tensors}
        outputs: list[Tensor] = []
        for sweep, launcher in zip(self.schedule.sweeps, self.launchers, strict=True):
            outputs = launcher.room(x)
            tensors |= dict(zip((name for name, _ in sweep.outputs), outputs, strict=True))
        read: dict[str, Tensor] = {}
        for sweep, own in zip(self.schedule.sweeps, program.plans, strict=True):
            for index, (name, _) in enumerate(sweep.parameters):
                if name in values and name not in read:
                    read[name] = own.spread(index, values[name])
        sums, found = program.run(tensors, read)
        parameters = [values[of] for _, of, _ in last.sums]
        like = (total.to(own.dtype).reshape(own.shape) for total, own in zip(sums, parameters, strict=True))
        return (*outputs, *like), found
