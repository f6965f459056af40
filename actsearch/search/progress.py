"""What a running search shows: a frozen snapshot after every change."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from actsearch.outcome import Failed, Outcome, Rejected, Scored
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import Standing

Phase = Literal["starting", "baselines", "searching", "shortlist", "checking the best", "tuning", "finals", "done"]
_RATE_WINDOW_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of a search at one moment."""

    phase: Phase
    generation: int
    generated: int
    evaluated: int
    failed: int
    rejected: Mapping[str, int]
    candidates_per_second: float
    """Candidates that left training in the last 20 seconds."""
    budget_seconds: float
    best: CandidateRecord | None
    best_score: float | None
    baselines: Mapping[str, float]
    """Search scores by name."""
    finals_done: int = 0
    """Subjects of the shortlist or the finals; on a real task trials of the tuning, then trainings of the finals."""
    finals_total: int = 0


@dataclass(slots=True, kw_only=True)
class Progress:
    """Counts events and tells `show` of every change."""

    show: Callable[[Snapshot], None]
    phase: Phase = "starting"
    generation: int = 0
    generated: int = 0
    evaluated: int = 0
    failed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    best: CandidateRecord | None = None
    best_score: float | None = None
    baselines: dict[str, float] = field(default_factory=dict)
    finals_done: int = 0
    finals_total: int = 0
    started: float | None = None
    """Monotonic time at which the budget began to run, moved back by what earlier sessions used."""
    _recent: deque[float] = field(default_factory=deque)

    @property
    def seconds(self) -> float:
        """Budget seconds used."""
        return 0.0 if self.started is None else time.monotonic() - self.started

    def begin(self, used_seconds: float) -> None:
        """Let the budget run, if it does not yet."""
        if self.started is None:
            self.started = time.monotonic() - used_seconds

    def count(self, record: CandidateRecord, outcome: Outcome, *, trained_now: bool) -> None:
        """Take note of an outcome; `trained_now` if it has just come out of training."""
        self.generated += 1
        if isinstance(outcome, Rejected):
            self.rejected[outcome.stage] += 1
        elif isinstance(outcome, Failed):
            self.failed += 1
        elif isinstance(outcome, Scored):
            self.evaluated += 1
            if self.best_score is None or outcome.score > self.best_score:
                self.best, self.best_score = record, outcome.score
        if trained_now:
            self._recent.append(time.monotonic())

    def reject_scored(self, stage: str, best: Standing | None) -> None:
        """Take note that a candidate which was scored is rejected after all, and which one is now the best."""
        self.evaluated -= 1
        self.rejected[stage] += 1
        self.best, self.best_score = (None, None) if best is None else (best.record, best.score)

    def changed(self) -> None:
        """Show the present state."""
        self.show(self.snapshot())

    def snapshot(self) -> Snapshot:
        """The present state as a value."""
        now = time.monotonic()
        while self._recent and now - self._recent[0] > _RATE_WINDOW_SECONDS:
            self._recent.popleft()
        window = max(min(_RATE_WINDOW_SECONDS, self.seconds), 1.0)
        return Snapshot(
            phase=self.phase,
            generation=self.generation,
            generated=self.generated,
            evaluated=self.evaluated,
            failed=self.failed,
            rejected=dict(self.rejected),
            candidates_per_second=len(self._recent) / window,
            budget_seconds=self.seconds,
            best=self.best,
            best_score=self.best_score,
            baselines=dict(self.baselines),
            finals_done=self.finals_done,
            finals_total=self.finals_total,
        )
