"""Gaussian moments of a function: what a layer with standard normal pre-activations sends on and back.

A gate is as normal as x, and independent of it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from actsearch.analysis.probe import Probe
from actsearch.analysis.tensor_probe import TensorProbe, probe_of
from actsearch.grammar.activation import Activation

_END = 16
"""Points at an end of the grid."""
_UNSETTLED = 0.05
"""Share of a variance that says that there is none; kinks and steps are far below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean and standard deviation under z ~ N(0, 1), parameters at their initial values."""

    mean: float
    std: float

    @property
    def gain(self) -> float:
        """1/std(f(z)), six digits: the output gain of every training; infinite for a constant."""
        return float(f"{1 / self.std:.6g}") if self.std > 0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments(Spread):
    """Moments under z ~ N(0, 1), parameters at their initial values."""

    mean_square: float
    slope_mean_square: float
    """E[f'(z)^2]."""

    @property
    def slope_gain(self) -> float:
        """E[(g f'(z))^2]: by how much a layer scales squared gradients once the output has unit variance."""
        if self.std == 0:
            return 0.0
        return self.slope_mean_square * self.gain**2


def moments(probe: Probe | TensorProbe) -> Moments:
    """Gaussian moments of the probed function, by quadrature in float64, or of the elements of a random tensor."""
    samples, (_, weights) = probe.gaussian_samples, probe.grid
    with np.errstate(all="ignore"):
        return Moments(
            mean=spread(probe).mean,
            std=spread(probe).std,
            mean_square=float((weights * samples.values) @ samples.values),
            slope_mean_square=float(weights @ (samples.slopes * samples.slopes)),
        )


# Several protocols, the fingerprint and the gain of a candidate ask for it one after the other.
@functools.lru_cache(maxsize=4)
def spread(probe: Probe | TensorProbe) -> Spread:
    """What `moments` says of the values alone."""
    values, (_, weights) = probe.gaussian_values, probe.grid
    with np.errstate(all="ignore"):
        mean = float(weights.dot(values))
        centred = values - mean
        centred *= centred
        return Spread(mean=mean, std=math.sqrt(max(float(weights.dot(centred)), 0.0)))


def has_variance(probe: Probe) -> bool:
    """Whether the variance under N(0, 1) is finite, as far as the points of `spread` show it.

    Around a pole, such as that of 1/x, the nearest points have almost all of it, so that every third point says
    something else than the next ones; and what grows faster than the density falls has much of it at the last points.
    """
    values, (_, weights) = probe.gaussian_values, probe.grid
    with np.errstate(all="ignore"):
        parts = weights * np.square(values - spread(probe).mean)
        # Thirds and not halves: a pole in the middle between two points would be the same to both.
        thirds = [float(parts[first::3].sum()) for first in range(3)]
        ends = float(parts[:_END].sum() + parts[-_END:].sum())
    most = _UNSETTLED * sum(thirds)
    return math.isfinite(most) and max(thirds) - min(thirds) <= most and ends <= most


def normalised(activation: Activation) -> tuple[Activation, float]:
    """The activation to train and its output gain g = 1/std(f(z)), z ~ N(0, 1).

    A constant factor in front is taken off first, so that `c*f` and `f`, c > 0, become the same and tie exactly.
    """
    bare = activation.without_factor()
    return bare, spread(probe_of(bare)).gain
