"""The agenda of the finals: tuned subjects, each with its own setting, on the same fresh seeds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from actsearch.evaluate.ladder.training import Curve, Trained, Training


class Finals:
    """Trains everything to its end; `keep` is told of each training."""

    def __init__(self, trainings: Iterable[Training], keep: Callable[[Training, Trained], None]) -> None:
        self._waiting = deque(trainings)
        self._under_way = 0
        self._keep = keep

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way and nothing left."""
        return not self._waiting and not self._under_way

    def take(self) -> Training | None:
        """The next training."""
        if not self._waiting:
            return None
        self._under_way += 1
        return self._waiting.popleft()

    def goes_on(self, training: Training, curve: Curve) -> bool:
        """Always: a score of the finals is that of a whole training."""
        del training, curve
        return True

    def end(self, training: Training, trained: Trained) -> None:
        """Take note of the end of a training."""
        self._under_way -= 1
        self._keep(training, trained)
