"""Trivial: a constant or affine function is no nonlinearity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.moments import spread
from actsearch.analysis.probe import Probe
from actsearch.analysis.tensor_probe import TensorProbe
from actsearch.outcome import Rejected

STAGE = "trivial"
_LEAST = 1e-280
"""What squares may be without losing digits to underflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trivial:
    """Rejects a function that a straight line fits, or with a gate a plane, for every setting of its parameters."""

    smallest_residual: float = 1e-4
    """Least standard deviation, under N(0, 1), of what the best line leaves, relative to the function's own."""

    def check(self, probe: Probe | TensorProbe) -> Rejected | None:
        """The rejection, measured as the largest relative residual over the parameter settings, or None."""
        if self._is_plainly_curved(probe):
            return None
        residuals, is_constant = _residuals(probe.gaussian_family, *probe.grid)
        residual = float(residuals.max())
        if residual >= self.smallest_residual:
            return None
        return Rejected(stage=STAGE, reason="constant" if is_constant.all() else "affine", measured=residual)

    def _is_plainly_curved(self, probe: Probe | TensorProbe) -> bool:
        """Whether the initial setting alone has more than twice the least residual, and enough not to be rounding."""
        found, (z, weights) = spread(probe), probe.grid
        total = found.std * found.std
        with np.errstate(all="ignore"):
            # The grid is symmetric, so that the mean has no part in it; a gate has a slope of its own.
            slopes = (weights * z) @ probe.gaussian_values
        # What is less than this of the function's size may be rounding; the squares cancel to 1e-16 of the total.
        least = max(1e-22 * found.mean * found.mean, _LEAST)
        left = total - float(np.sum(slopes * slopes))
        return left > max(2 * self.smallest_residual, 1e-5) ** 2 * total and total > least


def _residuals(
    family: NDArray[np.floating[Any]], z: NDArray[np.floating[Any]], weights: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """For every row what its best line leaves, relative to its own deviation, and whether it has none."""
    inputs = np.atleast_2d(z)
    with np.errstate(all="ignore"):
        centred = family - (family @ weights)[:, np.newaxis]
        slopes = centred @ (weights * inputs).T
        total = np.sqrt(np.square(centred) @ weights)
        left = np.sqrt(np.square(centred - slopes @ inputs) @ weights)
        # Rounding alone leaves about 1e-16 of the function's size; a constant has nothing else.
        is_constant = total <= 1e-12 * np.sqrt(np.square(family) @ weights)
        return np.where(is_constant, 0.0, left / total), is_constant
