"""What the journal holds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from actsearch.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecord:
    """One search: what was asked for and how it stands."""

    id: int
    name: str
    created: str
    """UTC, ISO 8601."""
    version: str
    """Version of actsearch that began it."""
    space: str
    task: str
    strategy: str
    workers: str
    budget: str
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    status: str = "running"
    """`running`, `stopped` (can be resumed), `finished`; after a kill it stays `running` (see `Journal.is_running`)."""
    stopped_because: str | None = None
    seconds: float = 0.0
    """Wall time of the whole command, summed over its sessions."""
    budget_seconds: float = 0.0
    """Time that counts against the budget: from the first evaluation on, summed over its sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRecord:
    """One proposal of a search. A duplicate carries the `id` of the candidate it repeats."""

    number: int
    """Order of proposal within the search, from 0."""
    id: str
    """Content hash of the candidate, 12 hex digits."""
    generation: int
    expression: str
    parameters: Mapping[str, Mapping[str, Any]]
    """`{NAME: {"initial": float, "granularity": str}}`; that for each selector where sites or lanes differ."""
    genome: str
    """The space's own encoding (JSON), from which variation starts."""
    parents: tuple[str, ...]
    """Ids of the candidates it was bred from."""
    move: str
    """Operator of variation that made it: `sample`, `crossover`, `point`, ..."""
    gain: float | None = None
    """Output gain 1/std(f(z)), z ~ N(0, 1), with which it is trained and exported; None where there are several."""
    gains: Mapping[str, float] | None = None
    """Output gain of each activation by selector, where sites or lanes differ."""
    fingerprint: str | None = None
    outcome: Outcome | None = None
    """None while it waits for its evaluation."""
    seconds: float | None = None
    """Share of the wall time of the batch it was evaluated in."""

    @property
    def is_measured(self) -> bool:
        """Whether its gain, or its gains, are known."""
        return self.gain is not None or self.gains is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """State of a search right after one ask: the strategy's value, with its random generator in it."""

    generation: int
    state: Mapping[str, Any]
    seconds: float
    """Budget seconds used so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """An analysis plan of the finals, as it was laid down."""

    digest: str
    """SHA-256 of the plan, in hex digits."""
    written: str
    """UTC, ISO 8601."""
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One training of the upper rungs: a trial of the tuning, or one seed of a final."""

    subject: str
    """A candidate's id, or `baseline:NAME`."""
    number: int
    """Of the trial, from 0; in the finals, of the seed."""
    seed: int
    values: Mapping[str, float]
    """What was tuned: `learning rate`, and NAME or NAME[INDEX] for each initial value."""
    parameters: Mapping[str, Mapping[str, Any]]
    """As in `CandidateRecord`, with those initial values."""
    gains: Mapping[str, float | None]
    """Output gain that belongs to them, by selector; `*` is every site. None where it is not finite."""
    ending: str
    """`complete`, `stopped` before its end, `diverged`, or `failed`."""
    curve: tuple[tuple[float, float], ...]
    """(share of the training, score) on the way."""
    seconds: float
    reason: str | None = None
    """Why it failed."""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The record whose fields stand in `document`."""
        return cls(**{**document, "curve": tuple((share, score) for share, score in document["curve"])})

    @property
    def score(self) -> float | None:
        """Score of the whole training; None if it did not run to its end."""
        return self.curve[-1][1] if self.ending == "complete" else None
