"""The verdict on one task: every function against every baseline, corrected for all of these comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.evaluate.fairness.difference import Difference, difference, half_width, interval, standard_error
from actsearch.evaluate.fairness.permutation import corrected
from actsearch.evaluate.fairness.reported import Reported, reported
from actsearch.outcome import Scores

LEVEL = 0.05
"""How often at most a comparison of equals may end in any claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is known of one function or baseline."""

    name: str
    learning_rate: float
    """The best over all seeds, on data that are not reported where there is a test split."""
    mean: float
    standard_error: float | None
    half_width: float | None
    """The 95 % interval of the mean is `mean` plus and minus this; None on one seed."""
    to_best: Difference | None
    """To the baseline with the best mean; None if no baseline has a score."""
    differences: tuple[Difference, ...]
    """To every baseline, in the order planned; none for a baseline."""

    @property
    def p_value(self) -> float | None:
        """The largest corrected p value over the baselines: that of being different from all of them."""
        return max((d.p_value for d in self.differences if d.p_value is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """What is known beside the mean and its error, as part of a JSON document."""
        return {
            "interval": interval(self.mean, self.half_width),
            "learning_rate": self.learning_rate,
            "p_value": self.p_value,
            "comparisons": [d.to_json() for d in self.differences],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Judgements by name, and what they rest on."""

    judgements: Mapping[str, Judgement]
    seeds: int
    comparisons: int
    """How many were made on this task."""
    tasks: int
    """On how many tasks the same was done; p values are corrected for all of it."""
    best_baseline: str | None
    missing: tuple[str, ...]
    """Baselines that were planned and have no score on all seeds."""


def judge(
    scores: Mapping[str, Scores], *, functions: Sequence[str], baselines: Sequence[str], tasks: int = 1
) -> Verdict:
    """Compare each of `functions` with each of `baselines`, all names in `scores`; those without a score are left out.

    A name may be both; it is not compared with itself. `tasks` is how many tasks are compared at once, this one
    included: p values are multiplied by it (Bonferroni), which holds whatever the tasks have in common. All scores
    must be on the same seeds; raises `ValueError` if they are not.
    """
    if len({value.seeds for value in scores.values()}) > 1:
        raise ValueError("scores on different seeds cannot be compared")
    known = {name: found for name, value in scores.items() if (found := reported(value)) is not None}
    values = {name: np.array(found.values) for name, found in known.items()}
    rivals = [name for name in baselines if name in known]
    best = max(rivals, key=lambda name: values[name].mean(), default=None)
    pairs = [(name, rival) for name in functions if name in known for rival in rivals if name != rival]
    family: dict[str, list[Difference]] = {}
    if pairs:
        correction = corrected(np.array([values[name] - values[rival] for name, rival in pairs]), LEVEL / tasks)
        for at, (name, rival) in enumerate(pairs):
            p_value, p_alone = min(float(correction.p_values[at]) * tasks, 1.0), float(correction.alone[at])
            family.setdefault(name, []).append(
                difference(
                    rival, values[name], values[rival], p_value=p_value, p_alone=p_alone, critical=correction.critical
                )
            )
    return Verdict(
        judgements={
            name: _judgement(name, known[name], family.get(name, []), best, values.get(best or "")) for name in known
        },
        seeds=len(next(iter(scores.values())).seeds) if scores else 0,
        comparisons=len(pairs),
        tasks=tasks,
        best_baseline=best,
        missing=tuple(name for name in baselines if name not in known),
    )


def _judgement(
    name: str, found: Reported, differences: Sequence[Difference], best: str | None, of_best: NDArray[np.float64] | None
) -> Judgement:
    values = np.array(found.values)
    error = standard_error(values)
    to_best = next((d for d in differences if d.baseline == best), None)
    if to_best is None and best is not None and of_best is not None:
        to_best = difference(best, values, of_best)
    return Judgement(
        name=name,
        learning_rate=found.learning_rate,
        mean=float(values.mean()),
        standard_error=error,
        half_width=half_width(error, len(values)),
        to_best=to_best,
        differences=tuple(differences),
    )
