"""Fair comparison: which of several functions is better, and how surely, from scores on common seeds.

`judge` is the whole of it: scores of one task in, a `Verdict` out. It chooses every function's learning rate without
looking at what it reports, pairs the scores by seed, and corrects for all comparisons that it makes. `Plan` is what is
laid down before the scores exist. `docs/fairness.md` says in plain words what is compared how.
"""

from __future__ import annotations

from actsearch.evaluate.fairness.claim import claim
from actsearch.evaluate.fairness.difference import Difference
from actsearch.evaluate.fairness.plan import Plan, PlannedTask
from actsearch.evaluate.fairness.verdict import LEVEL, Judgement, Verdict, judge

__all__ = ["LEVEL", "Difference", "Judgement", "Plan", "PlannedTask", "Verdict", "claim", "judge"]
