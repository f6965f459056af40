"""Gradient: a slope that dies or explodes on N(0, 1) stops a network from learning."""

from __future__ import annotations

import math
from dataclasses import dataclass

from actsearch.analysis.moments import moments
from actsearch.analysis.probe import Probe
from actsearch.outcome import Rejected

STAGE = "gradient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradient:
    """Rejects by E[(g f'(z))^2], z ~ N(0, 1), with the output gain g: how much a layer scales squared gradients.

    The notion is the edge of chaos (Schoenholz et al. 2017, arXiv:1611.01232), where the product over layers must
    neither vanish nor explode. ReLU has 1.47, tanh 1.19, sin 1.31; the bounds are wide on purpose.
    """

    smallest: float = 1e-2
    largest: float = 1e3

    def check(self, probe: Probe) -> Rejected | None:
        """The rejection, measured as E[(g f'(z))^2], or None."""
        slope_gain = moments(probe).slope_gain
        if math.isfinite(slope_gain) and self.smallest <= slope_gain <= self.largest:
            return None
        reason = "dead: " if slope_gain < self.smallest else "exploding: "
        reason += f"a layer scales squared gradients by {slope_gain:.3g} (bounds {self.smallest:g} to {self.largest:g})"
        return Rejected(stage=STAGE, reason=reason, measured=slope_gain)
