"""Pace: how long generations and trainings take of late, as the measure of what is still to come."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

_RECENT = 5
"""Generations that are looked back on: expressions grow, and machines get busy and idle."""


@dataclass(slots=True)
class Pace:
    """What recent generations took.

    Medians, so that one candidate which hung says nothing of the others. The first generation, in which workers warm up
    and kernels are compiled for the first time, counts only as long as there is no other.
    """

    _first: tuple[float, int] | None = None
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def add(self, seconds: float, trainings: int) -> None:
        """Take note of a generation: its wall time, and its single trainings run to their last step."""
        if self._first is None:
            self._first = (seconds, trainings)
        else:
            self._recent.append((seconds, trainings))

    @property
    def generation_seconds(self) -> float:
        """Wall time of a generation, the higher of two medians; 0 before the first."""
        return statistics.median_high([seconds for seconds, _ in self._measures]) if self._first else 0.0

    @property
    def training_seconds(self) -> float:
        """Wall time of a single training, workers running side by side; 0 before any."""
        measures = [seconds / trainings for seconds, trainings in self._measures if trainings]
        if not measures and self._first and self._first[1]:
            measures = [self._first[0] / self._first[1]]
        return statistics.median_high(measures) if measures else 0.0

    @property
    def _measures(self) -> list[tuple[float, int]]:
        return list(self._recent) or ([self._first] if self._first else [])
