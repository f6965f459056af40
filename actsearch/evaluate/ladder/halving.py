"""Asynchronous successive halving: which trainings are worth more time.

A training that has done a share s = grace * reduction^k goes on if its score there is among the best 1/reduction of
those that came to s before it (Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar, 2020,
arXiv:1810.05934, as Ray Tune's `ASHAScheduler` decides it). "Before it" is here a matter of numbers and not of time:
the trials of one function are proposed in rounds, and a trial is compared with those of earlier rounds. So the
decisions are the same whatever the number of workers and however fast they are; the price is that the trials of the
first round all run to their end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actsearch.evaluate.ladder.training import Curve

_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Halving:
    """The rule. `grace` is the share of the first decision, 0 to 1; `reduction` is more than 1."""

    grace: float
    reduction: float

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares after which it is decided, growing, all below 1."""
        found = []
        share = self.grace
        while share < 1.0:
            # A little less: three tenths are to be there at 3 * 0.1, which is a little more.
            found.append(share - _TINY)
            share *= self.reduction
        return tuple(found)

    def goes_on(self, curve: Curve, earlier: Sequence[Curve]) -> bool:
        """Whether a training that has come to the end of `curve` goes on, after trainings with the curves `earlier`."""
        share, score = curve[-1]
        before = curve[-2][0] if len(curve) > 1 else 0.0
        crossed = [milestone for milestone in self.shares if before < milestone <= share]
        if not crossed or share >= 1.0:
            return True
        reached = [at for at in (_score_at(other, crossed[-1]) for other in earlier) if at is not None]
        if not reached:
            return True
        return score >= float(np.percentile(reached, (1 - 1 / self.reduction) * 100))


def _score_at(curve: Curve, share: float) -> float | None:
    """The first score of `curve` at that share or after it; None if it ended before."""
    return next((score for done, score in curve if done >= share), None)
