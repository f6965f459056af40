"""Turns: the generations of a search take turns on seeds, so that none of them decides alone who is best.

What a seed adds to a function is no noise of the function's own: like functions fare alike under it. A search on one
set of seeds climbs their landscape, and no model of its scores can tell. With other seeds in the next generation what
they add averages out over like functions, at no further training of candidates. Scores of different seeds are made
comparable by the baselines, which are trained with all of them (blocking: Fisher 1935, The Design of Experiments). What
it is worth was played on the table of `actbench`: benchmarks/turns.py, docs/strategies.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from actsearch.outcome import Outcome, Scored, Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Seeds, of which each generation has the next `each`, and after the last the first again."""

    seeds: tuple[int, ...]
    each: int

    def of(self, generation: int) -> tuple[int, ...]:
        """Seeds of a generation; the first one is 1."""
        first = (generation - 1) * self.each
        return tuple(self.seeds[(first + place) % len(self.seeds)] for place in range(self.each))

    def levelled(self, outcome: Outcome, generation: int, baselines: Collection[Scores]) -> Outcome:
        """`outcome` of a generation as if it had been trained with all seeds, as far as `baselines` can say.

        From the score is taken by how much baselines are better with the seeds of the generation than with all.
        """
        if not isinstance(outcome, Scored):
            return outcome
        differences = [
            _mean(scores, self.of(generation)) - _mean(scores, self.seeds)
            for scores in baselines
            if scores.best is not None and set(scores.seeds).issuperset(self.seeds)
        ]
        if not differences:
            return outcome
        return replace(outcome, score=outcome.score - sum(differences) / len(differences))


def _mean(scores: Scores, seeds: Sequence[int]) -> float:
    """Over some of the seeds, at the learning rate that is best over all."""
    by_seed = dict(zip(scores.seeds, scores.per_seed(), strict=True))
    return sum(by_seed[seed] for seed in seeds) / len(seeds)
