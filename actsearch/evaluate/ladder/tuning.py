"""The agenda of the tuning: studies of candidates and of named baselines, all by one rule and with one budget."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.evaluate.ladder.study import Study
from actsearch.evaluate.ladder.training import Curve, Trained, Training


class Tuning:
    """Every candidate has all its trials; so have the `chosen` baselines that do best with their first, the defaults.

    Baselines come with a limit of one trial, which is raised for those that are chosen.
    """

    def __init__(self, *, candidates: Sequence[Study], baselines: Sequence[Study], chosen: int, trials: int) -> None:
        self.candidates = candidates
        self._baselines = baselines
        self._wanted = chosen
        self._trials = trials
        self._under_way: dict[str, tuple[Study, int]] = {}
        self.chosen: tuple[Study, ...] | None = None
        """Baselines that are tuned; None while it is open."""
        self._choose()

    @property
    def is_broken(self) -> bool:
        """Whether every baseline has failed: then it is the task that is at fault."""
        return bool(self._baselines) and self.chosen == ()

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way and nothing left."""
        is_over = self.is_broken or all(study.is_done for study in (*self.candidates, *self._baselines))
        return not self._under_way and self.chosen is not None and is_over

    @property
    def total(self) -> int:
        """How many trials there are in all, as far as it is known: each chosen baseline has one in the first round."""
        chosen = min(self._wanted, len(self._baselines))
        return (len(self.candidates) + chosen) * self._trials + len(self._baselines) - chosen

    def take(self) -> Training | None:
        """The next trial, of the baselines first."""
        if self.is_broken:
            return None
        for study in (*self._baselines, *self.candidates):
            taken = study.take()
            if taken is not None:
                number, training = taken
                self._under_way[training.key] = (study, number)
                return training
            # A trial may have ended without a training.
            self._choose()
        return None

    def goes_on(self, training: Training, curve: Curve) -> bool:
        """Whether a trial is worth more time, by the results of its own study."""
        study, number = self._under_way[training.key]
        return study.goes_on(number, curve)

    def end(self, training: Training, trained: Trained) -> None:
        """Take note of the end of a trial."""
        study, number = self._under_way.pop(training.key)
        study.end(number, training, trained)
        self._choose()

    def _choose(self) -> None:
        """Raise the limit of the best baselines, once all have had their first trial."""
        if self.chosen is not None or not all(study.trials for study in self._baselines):
            return
        scores = {study.name: study.trials[0].trained.score for study in self._baselines}
        ranked = sorted((-score, name) for name, score in scores.items() if score is not None)
        best = {name for _, name in ranked[: self._wanted]}
        self.chosen = tuple(study for study in self._baselines if study.name in best)
        for study in self.chosen:
            study.limit = self._trials
