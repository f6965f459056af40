"""Domain: a candidate must be finite, with a finite slope, wherever a network may ask it to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actsearch.analysis.probe import WIDEST, Probe
from actsearch.analysis.tensor_probe import TensorProbe
from actsearch.outcome import Rejected

STAGE = "domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Rejects a function that is NaN or infinite in float32, or whose slope is, somewhere in |x| <= 20."""

    largest_share: float = 0.0
    """Share of the probed points that may be non-finite."""

    def check(self, probe: Probe | TensorProbe) -> Rejected | None:
        """The rejection, measured as the share of non-finite points, or None."""
        samples = probe.wide_samples
        if samples.as_written:
            return None
        finite = samples.finite
        share = 1.0 - float(finite.mean())
        if share <= self.largest_share:
            return None
        where = float(np.abs(samples.x[~finite]).min())
        reason = f"not finite at {share:.1%} of |x| <= {WIDEST:g} (nearest to 0: |x| = {where:g})"
        return Rejected(stage=STAGE, reason=reason, measured=share)
