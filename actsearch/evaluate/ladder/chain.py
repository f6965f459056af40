"""Two agendas as one: what is trained after the first depends on its results."""

from __future__ import annotations

from collections.abc import Callable

from actsearch.evaluate.ladder.training import Agenda, Curve, Trained, Training


class Chain:
    """An agenda that goes on with the agenda `then` makes once `first` is done; workers stay as they are."""

    def __init__(self, first: Agenda, then: Callable[[], Agenda]) -> None:
        self._agenda = first
        self._then: Callable[[], Agenda] | None = then

    @property
    def is_done(self) -> bool:
        """Whether both are done."""
        return self._now().is_done

    def take(self) -> Training | None:
        """The next training of the agenda that is on."""
        return self._now().take()

    def goes_on(self, training: Training, curve: Curve) -> bool:
        """As the agenda says that the training is of."""
        return self._agenda.goes_on(training, curve)

    def end(self, training: Training, trained: Trained) -> None:
        """Tell the agenda that the training is of."""
        self._agenda.end(training, trained)

    def _now(self) -> Agenda:
        if self._then is not None and self._agenda.is_done:
            then, self._then = self._then, None
            self._agenda = then()
        return self._agenda
