"""Two plans as one: what is trained after the first depends on its results."""

from __future__ import annotations

from collections.abc import Callable

from actsearch.evaluate.ladder.training import Curve, Plan, Trained, Training


class Chain:
    """A plan that goes on with the plan `then` makes once `first` is done; workers stay as they are."""

    def __init__(self, first: Plan, then: Callable[[], Plan]) -> None:
        self._plan = first
        self._then: Callable[[], Plan] | None = then

    @property
    def is_done(self) -> bool:
        """Whether both are done."""
        return self._now().is_done

    def take(self) -> Training | None:
        """The next training of the plan that is on."""
        return self._now().take()

    def goes_on(self, training: Training, curve: Curve) -> bool:
        """As the plan says that the training is of."""
        return self._plan.goes_on(training, curve)

    def end(self, training: Training, trained: Trained) -> None:
        """Tell the plan that the training is of."""
        self._plan.end(training, trained)

    def _now(self) -> Plan:
        if self._then is not None and self._plan.is_done:
            then, self._then = self._then, None
            self._plan = then()
        return self._plan
