"""Quality: a candidate that does no better than chance after the first tenth of training will not catch up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from actsearch.outcome import Rejected

STAGE = "quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Rejects by the early score, as EvoNorm rejects below a threshold after 100 steps (arXiv:2004.02967)."""

    margin: float = 0.0
    """By how much the best early score must exceed that of a model that knows nothing."""

    def check(self, early: Sequence[float], chance: float) -> Rejected | None:
        """The rejection, measured as the best of the `early` scores (one per training; NaN if diverged), or None."""
        best = max((score for score in early if not math.isnan(score)), default=-math.inf)
        if best > chance + self.margin:
            return None
        needed = f"chance ({chance:.4g})" + (f" plus {self.margin:g}" if self.margin else "")
        found = f"an early score of {best:.4g}" if best > -math.inf else "every training diverged early"
        reason = f"{found}, no better than {needed}"
        return Rejected(stage=STAGE, reason=reason, measured=best)
