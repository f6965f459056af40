"""What the tuning on a real task has found, as the journal has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.store.record import TrialRecord

TUNE = "tune"
"""Rung under which the journal keeps the trials of the tuning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """The trials of one subject."""

    name: str
    """A candidate's id, or `baseline:NAME`."""
    best: TrialRecord | None
    """The best trial that ran to its end, the first of equals; None if none did."""
    endings: Mapping[str, int]
    """How many trials ended how."""
    trials: tuple[TrialRecord, ...]
    """By number."""

    @property
    def score(self) -> float | None:
        """Score of the best trial."""
        return None if self.best is None else self.best.score


def tuned(trials: Sequence[TrialRecord]) -> dict[str, Tuned]:
    """Trials by subject, the best subject first, those without a score last."""
    by_name: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        by_name.setdefault(trial.subject, []).append(trial)
    found = [_tuned(name, sorted(rows, key=lambda row: row.number)) for name, rows in by_name.items()]
    found.sort(key=lambda subject: (subject.score is None, -(subject.score or 0.0), subject.name))
    return {subject.name: subject for subject in found}


def said(values: Mapping[str, float]) -> str:
    """A setting in words, e.g. `learning rate 0.0123, beta 1.5`."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def tuned_json(subject: Tuned, *, whole: bool) -> dict[str, Any]:
    """What is said of a tuned subject in JSON; with every trial if it is to be `whole`."""
    best = None
    if subject.best is not None:
        best = {key: getattr(subject.best, key) for key in ("number", "values", "gains")}
    document: dict[str, Any] = {
        "name": subject.name,
        "score": subject.score,
        "trials": sum(subject.endings.values()),
        **dict(subject.endings),
        "best": best,
    }
    if whole:
        keys = ("number", "seed", "ending", "seconds")
        document["history"] = [
            {**{key: getattr(trial, key) for key in keys}, "values": dict(trial.values), "curve": trial.curve}
            for trial in subject.trials
        ]
    return document


def _tuned(name: str, trials: Sequence[TrialRecord]) -> Tuned:
    complete = [trial for trial in trials if trial.score is not None]
    return Tuned(
        name=name,
        best=max(complete, key=lambda trial: trial.score or 0.0, default=None),
        endings=dict(sorted(Counter(trial.ending for trial in trials).items())),
        trials=tuple(trials),
    )
