"""Novelty: which catalog function is nearest, up to output scaling and shift.

Input scaling and shift, fitted parameters and limits are not searched yet: a function that is new here may still be a
catalog function in another variable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from actsearch.analysis.catalog import Entry, catalog
from actsearch.analysis.probe import Probe
from actsearch.grammar.activation import Activation

KNOWN, CLOSE = 1e-5, 0.01
"""Largest difference on [-5, 5] of a function that counts as known, as close (of its range, if that is below 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A catalog function g with `f(x) = output_scale * g(input_scale * x + input_shift) + output_shift` at best."""

    name: str
    distance: float
    """Largest difference on [-5, 5]."""
    input_scale: float = 1.0
    input_shift: float = 0.0
    output_scale: float = 1.0
    output_shift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """The verdict and the nearest functions, identities first."""

    verdict: Literal["known", "close", "new"]
    matches: tuple[Match, ...]

    def sentence(self) -> str:
        """The verdict in words."""
        if not self.matches:
            return "new: it has no value on [-5, 5] to compare"
        nearest = self.matches[0]
        steps = [f"times {nearest.output_scale:.4g}"] * (nearest.output_scale != 1)
        steps += [f"plus {nearest.output_shift:.4g}"] * (nearest.output_shift != 0)
        fit = f" ({', '.join(steps)})" if steps else ""
        if self.verdict == "known":
            return f"is {nearest.name}{fit}"
        if self.verdict == "close":
            return f"within {nearest.distance:.2g} of {nearest.name}{fit} on [-5, 5]"
        return f"new: nearest is {nearest.name}{fit}, {nearest.distance:.2g} away on [-5, 5]"


def novelty(activation: Activation, *, most: int = 5) -> Novelty:
    """Compare a function, parameters at their initial values, with the whole catalog where it has a value.

    One that has none on more than one percent of [-5, 5] is no catalog function.
    """
    grid = torch.arange(-500, 501, dtype=torch.float64) / 100
    values = Probe(activation).response(grid).values
    has_value = values.isfinite()
    x, values = grid[has_value], values[has_value]
    if not len(x):
        return Novelty(verdict="new", matches=())
    family = {name for name, entry in catalog().items() if _same_family(activation, entry)}
    matches = [_match(values, entry, x, same_parameters=entry.name in family) for entry in catalog().values()]
    # Anything is within 1e-5 of a function smaller than that, so a small one is held to its own size.
    unit = min(float(values.max() - values.min()), 1.0)
    same = {entry.name for entry in catalog().values() if entry.activation.hash == activation.hash}
    # Identities first, the same formula before the same values, then the fewest transformations, then by distance.
    matches.sort(
        key=lambda m: (
            max(m.distance, KNOWN * unit),
            m.name not in same,
            m.output_scale != 1,
            m.output_shift != 0,
            m.name not in family,
            m.distance,
            m.name,
        )
    )
    nearest = matches[0].distance if len(x) >= 0.99 * len(grid) else math.inf
    is_known, is_close = nearest <= KNOWN * unit, nearest <= CLOSE * unit
    verdict: Literal["known", "close", "new"] = "known" if is_known else "close" if is_close else "new"
    return Novelty(verdict=verdict, matches=tuple(matches[:most]))


def _same_family(activation: Activation, entry: Entry) -> bool:
    return len(activation.parameters) == len(entry.activation.parameters)


def _match(values: Tensor, entry: Entry, x: Tensor, *, same_parameters: bool) -> Match:
    other = Probe(entry.activation).response(x).values
    bare = float((values - other).abs().max())
    # Every constant is 0 times any function, and that says nothing.
    is_constant = float(values.max() - values.min()) <= 1e-12 * float(values.abs().max())
    if is_constant or (bare <= KNOWN and same_parameters):
        return Match(name=entry.name, distance=bare)
    columns = torch.stack([other, torch.ones_like(other)], dim=1)
    solution = torch.linalg.lstsq(columns, values.unsqueeze(1)).solution.flatten().tolist()
    # Without the noise of the fit, so that a scale of 1 and a shift of 0 are seen as such.
    scale, shift = (float(f"{part:.12g}") for part in solution)
    if abs(shift) <= 1e-12 * float(values.abs().max()):
        shift = 0.0
    fitted = float((values - scale * other - shift).abs().max())
    return Match(name=entry.name, distance=fitted, output_scale=scale, output_shift=shift)
