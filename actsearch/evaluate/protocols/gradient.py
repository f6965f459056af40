"""Gradient: a slope that dies or explodes on N(0, 1) stops a network from learning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from actsearch.analysis.moments import moments, spread
from actsearch.analysis.probe import Probe, gaussian_grid, wide_points
from actsearch.analysis.tensor_probe import TensorProbe
from actsearch.outcome import Rejected

STAGE = "gradient"
_SLACK = 1.5
_Z, _WEIGHTS = gaussian_grid()[0].numpy(), gaussian_grid()[1].numpy()[:-1]
_STEP = float(_Z[1] - _Z[0])
_WIDE_WEIGHTS = np.exp(-0.5 * np.square(wide_points().astype(np.float64))).astype(np.float32)
_WIDE_WEIGHTS /= _WIDE_WEIGHTS.sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradient:
    """Rejects by E[(g f'(z))^2], z ~ N(0, 1), with the output gain g: how much a layer scales squared gradients.

    The notion is the edge of chaos (Schoenholz et al. 2017, arXiv:1611.01232), where the product over layers must
    neither vanish nor explode. ReLU has 1.47, tanh 1.19, sin 1.31; the bounds are wide on purpose.
    """

    smallest: float = 1e-2
    largest: float = 1e3

    def check(self, probe: Probe | TensorProbe) -> Rejected | None:
        """The rejection, measured as E[(g f'(z))^2], or None."""
        if isinstance(probe, Probe) and self._is_plainly_within(probe):
            return None
        slope_gain = moments(probe).slope_gain
        if math.isfinite(slope_gain) and self.smallest <= slope_gain <= self.largest:
            return None
        reason = "dead: " if slope_gain < self.smallest else "exploding: "
        reason += f"a layer scales squared gradients by {slope_gain:.3g} (bounds {self.smallest:g} to {self.largest:g})"
        return Rejected(stage=STAGE, reason=reason, measured=slope_gain)

    def _is_plainly_within(self, probe: Probe) -> bool:
        """Whether two estimates lie well within the bounds and agree: most functions need no more.

        One is of the slopes on the wide points, the other of differences of the values on the Gaussian grid. What is
        too fast for one of them is not so for the other.
        """
        slopes, values = probe.wide_samples.slopes, probe.gaussian_values
        gain = spread(probe).gain
        with np.errstate(all="ignore"):
            steps = values[1:] - values[:-1]
            steps *= steps
            estimates = [float(_WIDE_WEIGHTS.dot(slopes * slopes)), float(_WEIGHTS.dot(steps)) / _STEP**2]
        low, high = (estimate * gain * gain for estimate in sorted(estimates))
        return _SLACK * self.smallest <= low <= high <= self.largest / _SLACK and high <= _SLACK * low
