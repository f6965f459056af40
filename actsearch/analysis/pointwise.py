"""A function of x alone at its initial parameters, in float64: its values and its slopes, at any points."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from actsearch.analysis.enclosure.interval import Array
from actsearch.compile.eager import compile_eager
from actsearch.compile.stability import stabilise
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Parameter


class Pointwise:
    """Looks at one activation point by point; arrays of coefficients stand at their initial entries.

    Raises `UnsupportedError` for one that reads `gate`, takes statistics or draws at random.
    """

    def __init__(self, activation: Activation) -> None:
        reason = not_pointwise(activation)
        if reason is not None:
            raise UnsupportedError(f"only functions of x alone can be looked at point by point: {reason}.")
        self.activation = activation
        self._function = compile_eager(stabilise(activation.expression))

    @cached_property
    def parameters(self) -> Mapping[Parameter, float]:
        """The initial value of each parameter, and of each entry of an array."""
        found: dict[Parameter, float] = {}
        for spec in self.activation.parameters:
            if isinstance(spec.initial, tuple):
                found |= {Parameter(spec.name, index): entry for index, entry in enumerate(spec.initial)}
            else:
                found[Parameter(spec.name)] = spec.initial
        return found

    @torch.no_grad()
    def values(self, x: Array, changed: Mapping[str, float | tuple[float, ...]] | None = None) -> Array:
        """Values at `x`, any shape, with the parameters in `changed` at the values given there."""
        point = torch.tensor(x, dtype=torch.float64)
        return np.array(self._function({"x": point, **self._settings(changed or {})}).expand_as(point).numpy())

    def response(self, x: Array) -> tuple[Array, Array]:
        """Values and slopes at `x`, any shape; slopes at kinks are torch's.

        Where overflow on the way makes NaN of a slope though the value is finite, it is a difference quotient.
        """
        point = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        values = self._function({"x": point, **self._settings({})}).expand_as(point)
        slopes: Tensor | None = None
        if values.requires_grad:
            (slopes,) = torch.autograd.grad(values.sum(), point, allow_unused=True)
        found = torch.zeros_like(point) if slopes is None else slopes
        at, slope = np.array(values.detach().numpy()), np.array(found.detach().numpy())
        lost = np.isnan(slope) & np.isfinite(at)
        if lost.any():
            step = 1e-6 * np.maximum(1, np.abs(x[lost]))
            slope[lost] = (self.values(x[lost] + step) - self.values(x[lost] - step)) / (2 * step)
        return at, slope

    def _settings(self, changed: Mapping[str, float | tuple[float, ...]]) -> dict[str, Tensor]:
        settings = {spec.name: changed.get(spec.name, spec.initial) for spec in self.activation.parameters}
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in settings.items()}


def not_pointwise(activation: Activation) -> str | None:
    """Why an activation is no function of x alone, as the end of a sentence; None if it is one."""
    if "gate" in activation.inputs:
        return "it reads gate"
    for statistic in activation.statistics:
        return f"it takes the statistic {statistic.operator}"
    if activation.is_stochastic:
        return "it draws at random in training"
    return None
