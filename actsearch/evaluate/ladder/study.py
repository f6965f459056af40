"""The tuning of one subject: an Optuna study whose trials are trainings that may be stopped early.

The study is rebuilt before each round from the results so far, with a sampler (TPE: Bergstra, Bardenet, Bengio and
Kégl, 2011) seeded by the search's seed and the round. So nothing but results has to be kept, and a tuning that was
interrupted proposes what an unbroken one proposes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from actsearch.evaluate.ladder.halving import Halving
from actsearch.evaluate.ladder.ranges import RATE, Values, defaults, ranges, tuned
from actsearch.evaluate.ladder.settings import LadderSettings
from actsearch.evaluate.ladder.training import Curve, Trained, Training
from actsearch.evaluate.task import Subject, Task

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A setting of a subject and what came of it."""

    number: int
    values: Values
    trained: Trained


@dataclass(slots=True, kw_only=True)
class Study:
    """Trials of one subject, on one seed, in rounds; `keep` is told of each that has ended, with what was trained."""

    name: str
    subject: Subject
    task: Task
    settings: LadderSettings
    seed: int
    """Of the trainings, shared by all subjects; the sampler's is drawn from it."""
    limit: int
    """How many trials there will be; may grow."""
    keep: Callable[[str, Trial, Subject], None]
    trials: dict[int, Trial] = field(default_factory=dict)
    """Those that have ended, by number; some may be there from the start."""
    _proposed: list[Values] = field(default_factory=list)
    _started: int = 0

    @property
    def is_done(self) -> bool:
        """Whether all of its trials have ended."""
        return all(number in self.trials for number in range(self.limit))

    @property
    def best(self) -> Trial | None:
        """The best trial that ran to its end, the first of equals; None if none did."""
        complete = [trial for _, trial in sorted(self.trials.items()) if trial.trained.score is not None]
        return max(complete, key=lambda trial: trial.trained.score or 0.0, default=None)

    def take(self) -> tuple[int, Training] | None:
        """Number and training of the next trial to start; None while there is none.

        There is none while the results of others are awaited, and when all have been started.
        """
        while self._started < self.limit:
            number = self._started
            if number >= len(self._proposed):
                if any(earlier not in self.trials for earlier in range(number)):
                    return None
                self._proposed += self._propose(number)
            self._started += 1
            if number in self.trials:
                continue
            values = self._proposed[number]
            subject = tuned(self.subject, values)
            training = Training(
                key=f"{self.name} {number}", subject=subject, learning_rate=values[RATE], seed=self.seed
            )
            if all(map(math.isfinite, subject.gains)):
                return number, training
            reason = "constant, or not finite under N(0, 1), with these initial values"
            self.end(number, training, Trained(ending="failed", curve=(), seconds=0.0, reason=reason))
        return None

    def goes_on(self, number: int, curve: Curve) -> bool:
        """Whether trial `number`, which has told `curve`, is worth more time."""
        first = number - number % self.settings.together
        earlier = [self.trials[other].trained for other in range(first)]
        rule = Halving(grace=self.settings.grace, reduction=self.settings.reduction)
        return rule.goes_on(curve, [trained.curve for trained in earlier if trained.ending != "failed"])

    def end(self, number: int, training: Training, trained: Trained) -> None:
        """Take note of what became of trial `number`."""
        trial = Trial(number=number, values=self._proposed[number], trained=trained)
        self.trials[number] = trial
        self.keep(self.name, trial, training.subject)

    def _propose(self, first: int) -> list[Values]:
        """The settings of the round that begins with trial `first`."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        seed = int(np.random.SeedSequence((self.seed, first)).generate_state(1)[0])
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=self.settings.together)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        found = ranges(self.subject, self.task, self.settings)
        for number in range(first):
            study.add_trial(_as_optuna(self.trials[number], found))
        if first == 0:
            study.enqueue_trial(dict(defaults(self.subject, self.task)))
        count = min(self.settings.together, self.settings.trials - first)
        asked = {first + index: study.ask(found).params for index in range(count)}
        # What is there already was tried with the settings that stand there.
        known: Mapping[int, Values] = {number: trial.values for number, trial in self.trials.items()}
        return [known.get(number, values) for number, values in asked.items()]


def _as_optuna(trial: Trial, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    """The trial as Optuna remembers one: complete, or pruned where it was stopped; without a score it ranks last."""
    import optuna

    trained = trial.trained
    told = trained.curve if trained.ending == "stopped" else ()
    complete = trained.score is not None
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.PRUNED,
        value=trained.score,
        params=dict(trial.values),
        distributions=distributions,
        intermediate_values={step: score for step, (_, score) in enumerate(told, 1)},
    )
