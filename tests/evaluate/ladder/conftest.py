"""Tasks that tell a curve of their own making, and agendas that note what they are told."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

import pytest

from actsearch.evaluate.ladder.training import Curve, Trained, Training
from actsearch.evaluate.task import Subject, Task, subject_of
from actsearch.grammar.activation import parse


class Told(Task):
    """Tells a score that depends on the setting alone, in ten steps."""

    learning_rates = (0.01, 0.1, 1.0)

    def curve(self, make_activation, seed, learning_rate):
        beta = next((spec.scalar for spec in make_activation(1).activation.parameters), 0.0)
        best = -abs(math.log10(learning_rate) + 0.7) - abs(beta - 1.4) - 0.01 * seed
        for step in range(1, 11):
            yield step / 10, best - (10 - step) * (0.1 + 0.05 * learning_rate)


class Noting:
    """An agenda that gives trainings, stops those whose key says so after its second point, and notes every end."""

    def __init__(self, trainings: Iterable[Training]) -> None:
        self._waiting = deque(trainings)
        self._count = len(self._waiting)
        self.ends: dict[str, Trained] = {}

    @property
    def is_done(self) -> bool:
        return len(self.ends) == self._count

    def take(self) -> Training | None:
        return self._waiting.popleft() if self._waiting else None

    def goes_on(self, training: Training, curve: Curve) -> bool:
        return not (training.key.startswith("stop") and len(curve) == 2)

    def end(self, training: Training, trained: Trained) -> None:
        self.ends[training.key] = trained


@pytest.fixture
def told() -> Task:
    """A task whose scores need no training."""
    return Told()


@pytest.fixture
def swish() -> Subject:
    """`x * sigmoid(beta * x)`."""
    return subject_of(parse("x * sigmoid(beta * x)"))


@pytest.fixture
def training() -> Callable[..., Training]:
    """Maker of trainings from a key and an expression."""

    def make(key: str, text: str = "tanh(x)", *, learning_rate: float = 0.1, seed: int = 0) -> Training:
        return Training(key=key, subject=subject_of(parse(text)), learning_rate=learning_rate, seed=seed)

    return make


@pytest.fixture
def noting() -> Callable[[Iterable[Training]], Noting]:
    """Maker of agendas."""
    return Noting
