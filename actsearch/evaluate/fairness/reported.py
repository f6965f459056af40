"""What is reported of a function: one score a seed, at a learning rate that was chosen without looking at it."""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.outcome import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Scores of one function by seed, and the learning rate that is best over all seeds."""

    learning_rate: float
    values: tuple[float, ...]


def reported(scores: Scores) -> Reported | None:
    """What to report of `scores`; None if every learning rate diverged on some seed.

    With a test split, the learning rate with the best mean on the validation split is chosen for all seeds, and its
    test scores are reported. Without one, the learning rate of each seed is the one with the best mean over the other
    seeds, and its score on this seed is reported: the highest of several means on the same data would flatter whoever
    varies most. A learning rate that diverged on any seed is never chosen.
    """
    best = scores.best
    if best is None:
        return None
    learning_rate = scores.learning_rates[best]
    rows = [[value for value in row if value is not None] for row in scores.values if None not in row]
    if scores.test is not None:
        values = [value for value in scores.test[best] if value is not None]
        if len(values) < len(scores.seeds):
            return None
    elif len(scores.seeds) == 1:
        values = [max(row[0] for row in rows)]
    else:
        values = [max(rows, key=lambda row: sum(row) - row[seed])[seed] for seed in range(len(scores.seeds))]
    return Reported(learning_rate=learning_rate, values=tuple(values))
