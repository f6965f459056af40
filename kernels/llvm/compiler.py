"""What makes runners of sweeps: one kernel at a time, or all passes of a schedule together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actsearch.compile.backend import sibling
from actsearch.compile.schedule import Schedule
from actsearch.compile.sweep import Sweep

KERNELS = sibling(__file__, "kernels")
LAUNCH = sibling(__file__, "launch")
TOGETHER = sibling(__file__, "together")


@dataclass(slots=True)
class Compiler:
    """See `actsearch.compile.autograd.Compiler`; `cache` is the folder where object files are kept."""

    cache: Path
    kernels: Any = field(init=False)
    """Those of the activation's own sweeps; a pass of a schedule has its own."""

    def __post_init__(self) -> None:
        self.kernels = KERNELS.Kernels(self.cache)

    def __call__(self, sweep: Sweep, constants: tuple[float, ...]) -> Any:
        """A launcher."""
        if sweep.is_part:
            return LAUNCH.Launcher(sweep, constants, KERNELS.Kernels(self.cache), with_derivatives=False)
        return LAUNCH.Launcher(sweep, constants, self.kernels)

    def together(self, schedule: Schedule, constants: tuple[float, ...]) -> Any:
        """All passes of a schedule, chunk by chunk."""
        return TOGETHER.Together(schedule, [self(sweep, constants) for sweep in schedule.sweeps])
