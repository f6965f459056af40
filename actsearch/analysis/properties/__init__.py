"""Properties of a function at its initial parameters, sampled on |x| <= 20; nothing here is proven."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from actsearch.analysis.moments import moments
from actsearch.analysis.probe import Probe
from actsearch.grammar.activation import Activation


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """What 16,001 samples in float64 show."""

    minimum: float
    maximum: float
    smallest_slope: float
    largest_slope: float
    parity: Literal["even", "odd", "none"]
    monotone: bool
    gaussian_mean: float
    gaussian_std: float
    output_gain: float
    slope_gain: float
    sampled: bool = True

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def properties(activation: Activation) -> Properties:
    """Sampled properties of `activation`."""
    probe = Probe(activation)
    x = torch.arange(-8000, 8001, dtype=torch.float64) / 400
    response = probe.response(x)
    mirrored = response.values.flip(0)
    size = max(float(response.values.nan_to_num(posinf=0.0, neginf=0.0).abs().max()), 1e-300)
    is_even = float((response.values - mirrored).abs().max()) <= 1e-9 * size
    is_odd = float((response.values + mirrored).abs().max()) <= 1e-9 * size
    gaussian = moments(probe)
    steps = response.values.diff()
    # What rounding alone may do: sigmoid(x) + sigmoid(-x) is 1, give or take a digit.
    slack = 1e-15 * torch.minimum(response.values[1:].abs(), response.values[:-1].abs())
    return Properties(
        minimum=float(response.values.min()),
        maximum=float(response.values.max()),
        smallest_slope=float(response.slopes.min()),
        largest_slope=float(response.slopes.max()),
        parity="even" if is_even else "odd" if is_odd else "none",
        monotone=bool((steps >= -slack).all() or (steps <= slack).all()),
        gaussian_mean=gaussian.mean,
        gaussian_std=gaussian.std,
        output_gain=gaussian.gain,
        slope_gain=gaussian.slope_gain,
    )
