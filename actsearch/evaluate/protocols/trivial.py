"""Trivial: a constant or affine function is no nonlinearity."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from actsearch.analysis.probe import Probe, gaussian_grid
from actsearch.outcome import Rejected

STAGE = "trivial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trivial:
    """Rejects a function that a straight line fits, for every probed setting of its parameters."""

    smallest_residual: float = 1e-4
    """Least standard deviation, under N(0, 1), of what the best line leaves, relative to the function's own."""

    def check(self, probe: Probe) -> Rejected | None:
        """The rejection, measured as the largest relative residual over the parameter settings, or None."""
        z, weights = gaussian_grid()
        residuals, is_constant = _residuals(probe.family(z), z, weights)
        residual = float(residuals.max())
        if residual >= self.smallest_residual:
            return None
        return Rejected(stage=STAGE, reason="constant" if is_constant.all() else "affine", measured=residual)


def _residuals(family: Tensor, z: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """For every row what its best line leaves, relative to its own deviation, and whether it has none."""
    centred = family - (family * weights).sum(dim=1, keepdim=True)
    slope = (centred * z * weights).sum(dim=1, keepdim=True)
    total = (centred.square() * weights).sum(dim=1).sqrt()
    left = ((centred - slope * z).square() * weights).sum(dim=1).sqrt()
    # Rounding alone leaves about 1e-16 of the function's size; a constant has nothing else.
    is_constant = total <= 1e-12 * (family.square() * weights).sum(dim=1).sqrt()
    return torch.where(is_constant, torch.zeros_like(left), left / total), is_constant
