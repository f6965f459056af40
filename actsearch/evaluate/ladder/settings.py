"""What the upper rungs of a search are asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderSettings:
    """Settings of the rungs after the search's own task; the same for candidates and baselines."""

    task: str = ""
    """The real task, a name or a path (`--then`); empty ends the search with finals on its own task."""
    survivors: int = 8
    """Candidates, best first, that are tuned on the real task."""
    baselines: int = 3
    """Named functions that are tuned with the same budget: those that do best there as they are."""
    trials: int = 16
    """Settings tried for each of them, the first as it is given and at the task's middle learning rate."""
    together: int = 4
    """Trials of one function that are proposed at a time, knowing the results of those before."""
    grace: float = 0.1
    """Share of a training before the first decision whether it goes on."""
    reduction: float = 3.0
    """Of the trials that reach a decision, one in so many goes on; the shares of decisions grow by this factor."""
    rates: float = 10.0
    """Learning rates are tried from the task's middle one divided by this to that times this."""
    spread: float = 1.0
    """Initial values v are tried in v ± spread * |v|, or ± spread where v is 0."""
    time_limit: float = 0.0
    """Seconds a training may tell no score before it counts as hung and fails; 0 leaves it to profile and task.

    Held with Ray only: a process cannot end what it trains itself.
    """


def tuning_rule(settings: LadderSettings) -> str:
    """How functions are tuned before they are compared, in words, for the analysis plan."""
    return (
        f"each function at the best of {settings.trials} settings tried on a seed of the search (learning rate within a"
        f" factor of {settings.rates:g} of the middle one, initial values within {settings.spread:g} of their size), of"
        f" which one in {settings.reduction:g} goes on at each decision from {settings.grace:g} of a training;"
        f" the {settings.baselines} best baselines at their defaults"
    )
