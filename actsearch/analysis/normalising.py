"""Self-normalisation: whether mean 0 and variance 1 are a fixed point of a layer, and whether it attracts.

A layer whose weights sum to 0 and whose squared weights sum to 1 makes of activations with mean mu and variance nu
pre-activations z ~ N(0, nu), and of those activations with the moments of f(z). The Jacobian by (mu, nu) has zeros in
its first column, so the fixed point attracts where its last entry is below 1 in size. Source: Klambauer et al. (2017),
arXiv:1706.02515.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from actsearch.analysis.gaussian import normal_mean, normal_rule, normal_square
from actsearch.analysis.pointwise import Pointwise

_SAME = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPoint:
    """`scale * f + shift` has mean 0 and variance 1 under N(0, 1), so that (0, 1) is its fixed point."""

    scale: float
    shift: float
    mean_by_variance: float
    """Derivative of the new mean by the variance, for `scale * f + shift`."""
    variance_by_variance: float
    """Derivative of the new variance by the variance: the eigenvalue that decides."""

    @property
    def stable(self) -> bool:
        """Whether the fixed point attracts."""
        return abs(self.variance_by_variance) < 1

    @property
    def spectral_norm(self) -> float:
        """The largest singular value of the Jacobian."""
        return math.hypot(self.mean_by_variance, self.variance_by_variance)

    @property
    def is_own(self) -> bool:
        """Whether f itself has the fixed point, as SELU has."""
        return abs(self.scale - 1) < _SAME and abs(self.shift) < _SAME


def fixed_point(function: Pointwise) -> FixedPoint | None:
    """The affine map after f that makes (0, 1) a fixed point; None for a constant and what is not square integrable."""
    z, w = normal_rule()
    values, slopes = function.response(z)
    if math.isinf(normal_square(values, w)):
        return None
    mean = normal_mean(values, w)
    variance = float(w @ (values - mean) ** 2)
    if variance <= 1e-24 * max(mean * mean, 1e-200):
        return None
    scale = 1 / math.sqrt(variance)
    # d/dnu E[h(sqrt(nu) z)] = E[h'(z) z] / 2 at nu = 1, for h = f and for h = f^2.
    mean_slope = 0.5 * float(w @ (slopes * z))
    variance_slope = float(w @ (values * slopes * z)) - 2 * mean * mean_slope
    return FixedPoint(
        scale=scale, shift=-scale * mean + 0.0, mean_by_variance=scale * mean_slope,
        variance_by_variance=scale * scale * variance_slope,
    )  # fmt: skip


def zero_mean_parameter(function: Pointwise, name: str) -> tuple[float, float] | None:
    """The value of a scalar parameter at which f(z) has mean 0 under N(0, 1), and the scale that then gives variance 1.

    It is the nearest change of sign to the initial value, by bisection; None if there is none within a factor of 100.
    For ELU's alpha this gives SELU's two constants.
    """
    z, w = normal_rule()
    initial = next(spec.scalar for spec in function.activation.parameters if spec.name == name)

    def mean(value: float) -> float:
        with np.errstate(all="ignore"):
            return float(w @ function.values(z, {name: value}))

    ends = _bracket(mean, initial)
    if ends is None:
        return None
    low, high = ends
    below = math.copysign(1.0, mean(low))
    for _ in range(80):
        middle = low + 0.5 * (high - low)
        if math.copysign(1.0, mean(middle)) == below:
            low = middle
        else:
            high = middle
    value = low + 0.5 * (high - low)
    variance = normal_square(function.values(z, {name: value}), w)
    # A pole changes the sign too.
    is_zero = abs(mean(value)) <= 1e-6 * math.sqrt(variance)
    return (value, 1 / math.sqrt(variance)) if is_zero and 1e-24 < variance < math.inf else None


def _bracket(mean: Callable[[float], float], initial: float) -> tuple[float, float] | None:
    """Two values near `initial` between which the mean changes its sign."""
    unit = abs(initial) or 1.0
    steps = unit * np.geomspace(0.05, 100, 24)
    for direction in (1, -1):
        points = [initial, *(initial + direction * steps)]
        means = [mean(point) for point in points]
        for (a, low), (b, high) in zip(
            zip(points, means, strict=True), zip(points[1:], means[1:], strict=True), strict=False
        ):
            if math.isfinite(low) and math.isfinite(high) and low * high < 0:
                return a, b
    return None
