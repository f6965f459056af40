"""What makes runners of sweeps: one kernel at a time, or all passes of a schedule together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actsearch.compile.backend import sibling
from actsearch.compile.statistics.schedule import Schedule
from actsearch.compile.sweep import Sweep

KERNELS = sibling(__file__, "kernels")
LAUNCH = sibling(__file__, "launch")
TOGETHER = sibling(__file__, "together")


@dataclass(slots=True)
class Compiler:
    """See `actsearch.compile.autograd.Compiler`; `cache` is the folder where object files are kept."""

    cache: Path
    _kernels: dict[Sweep, Any] = field(default_factory=dict)
    """Those of a forward and of all its derivatives, by the forward."""

    def __call__(self, sweep: Sweep, constants: tuple[float, ...]) -> Any:
        """A launcher."""
        forward = sweep.origin or sweep
        if forward not in self._kernels:
            self._kernels[forward] = KERNELS.Kernels(self.cache)
        return LAUNCH.Launcher(sweep, constants, self._kernels[forward], with_derivatives=not sweep.is_part)

    def together(self, schedule: Schedule, constants: tuple[float, ...]) -> Any:
        """All passes of a schedule, chunk by chunk."""
        return TOGETHER.Together(schedule, [self(sweep, constants) for sweep in schedule.sweeps])
