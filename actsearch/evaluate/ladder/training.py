"""One training of the upper rungs, what became of it, and what decides over many of them."""

from __future__ import annotations

import math
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Literal, Protocol

from actsearch.evaluate.task import Subject, Task

_SECONDS_APART = 1.0
"""Of two checks, each of which reads the journal and draws the live view."""
Curve = tuple[tuple[float, float], ...]
"""Scores on the way of a training: (share that is done, score), the last at 1.0 if it ran to its end."""
Ending = Literal["complete", "stopped", "diverged", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A subject to train on a seed with a learning rate."""

    key: str
    """Its name among those under way."""
    subject: Subject
    learning_rate: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What became of a training: `stopped` by the agenda, `diverged` to no finite score, or `failed` for a reason."""

    ending: Ending
    curve: Curve
    seconds: float
    """Wall time."""
    reason: str | None = None
    """Traceback or sentence of a failure."""

    @property
    def score(self) -> float | None:
        """Score of the whole training; None if it did not run to its end."""
        return self.curve[-1][1] if self.ending == "complete" else None

    @classmethod
    def of(cls, curve: Curve, failure: str | None, seconds: float) -> Trained:
        """The end of a training that has told `curve`, and then has failed, or has ended or been stopped."""
        if failure is not None:
            return cls(ending="failed", curve=finite(curve), seconds=seconds, reason=failure)
        if curve and not math.isfinite(curve[-1][1]):
            return cls(ending="diverged", curve=finite(curve), seconds=seconds)
        if curve and curve[-1][0] == 1.0:
            return cls(ending="complete", curve=curve, seconds=seconds)
        return cls(ending="stopped", curve=curve, seconds=seconds)


Check = Callable[[], None]
"""Looks whether somebody wants a run to stop."""


class Agenda(Protocol):
    """What is to be trained and which trainings go on. Its answers depend on results, never on when they come."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to start and nothing under way."""
        ...

    def take(self) -> Training | None:
        """A training to start now; None while there is none until others have ended."""
        ...

    def goes_on(self, training: Training, curve: Curve) -> bool:
        """Whether a training that has told `curve` is worth more time."""
        ...

    def end(self, training: Training, trained: Trained) -> None:
        """Take note of what became of a training."""
        ...


class Runner(Protocol):
    """Trains what an agenda asks for, here or elsewhere."""

    def run(self, agenda: Agenda, check: Check) -> None:
        """Return when `agenda` is done; a training that breaks is `failed` and stops nothing else.

        `check` is called about once a second, where trainings run here at their points: what it raises, such as
        `KeyboardInterrupt`, ends the run at once.
        """
        ...


class Sometimes:
    """Calls `check`, but only if `_SECONDS_APART` have passed since it did."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._checked = time.monotonic()

    def __call__(self) -> None:
        """Perhaps check."""
        if time.monotonic() - self._checked >= _SECONDS_APART:
            self._check()
            self._checked = time.monotonic()


def finite(curve: Curve) -> Curve:
    """The curve up to its first score that is not finite."""
    whole = [math.isfinite(score) for _, score in curve]
    return curve if all(whole) else curve[: whole.index(False)]


def steps(task: Task, training: Training) -> Generator[tuple[float, float] | str]:
    """The points of a training's curve as they come; a text is why it failed, and the last.

    What a task raises is data. What it prints goes to standard error.
    """
    told = _told(task, training)
    reached = 0.0
    while reached < 1.0:
        point: tuple[float, float] | str
        with redirect_stdout(sys.stderr):
            try:
                point = _point(next(told), reached)
                reached = point[0]
            except StopIteration:
                point = f"{type(task).__name__}.curve ended at the share {reached:g}, not at 1.0"
            except (Exception, SystemExit):  # noqa: BLE001 - whatever a task raises is a failure of the training, and data
                point = traceback.format_exc()
        yield point
        if isinstance(point, str):
            return


def _told(task: Task, training: Training) -> Iterator[object]:
    # Here, so that what a task raises before its first point comes out with it.
    yield from task.curve(training.subject.module, training.seed, training.learning_rate)


def _point(value: object, reached: float) -> tuple[float, float]:
    """A point of a curve, checked."""
    if not isinstance(value, tuple) or len(value) != 2 or not all(isinstance(part, float | int) for part in value):
        raise TypeError(f"a curve tells (share, score) as two numbers, not {str(value)[:60]}")
    share, score = value
    if not reached < share <= 1.0:
        raise ValueError(f"a curve's shares grow to 1.0: {share:g} came after {reached:g}")
    return float(share), float(score)
