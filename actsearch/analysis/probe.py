"""A probe: a function and its slope where rejection, gain and fingerprint look at it, computed once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from actsearch.compile.eager import compile_eager
from actsearch.compile.stability import stabilise
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation

WIDEST = 20.0
"""The domain that a candidate must bear: |x| <= 20."""
_GAUSSIAN_EDGE = 8.0
_PERTURBED, _SHIFTED = 1.37, 0.11


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Values and slopes of a function at points `x`, 1-D tensors of one dtype."""

    x: Tensor
    values: Tensor
    slopes: Tensor


class Probe:
    """Looks at one activation of a single input `x`, point by point.

    Raises `UnsupportedError` for one that reads `gate`, takes statistics or has array parameters.
    """

    def __init__(self, activation: Activation) -> None:
        if "gate" in activation.inputs:
            shown = activation.text[:60]
            raise UnsupportedError(f"only functions of x alone can be analysed by this version: {shown!r} reads gate.")
        unsupported = activation.unsupported_by_pointwise()
        if unsupported:
            raise UnsupportedError(f"only pointwise functions are analysed by this version, not {unsupported}.")
        self.activation = activation
        self._function = compile_eager(stabilise(activation.expression))

    @cached_property
    def wide(self) -> Response:
        """The response in float32, as in training, on 1601 points of [-20, 20], 0 among them."""
        # Not linspace, whose middle is 3e-7 and lets 1/x pass.
        return self.response(torch.arange(-800, 801, dtype=torch.float32) * (WIDEST / 800))

    @cached_property
    def gaussian(self) -> Response:
        """The response in float64 on the points of `gaussian_grid`."""
        return self.response(gaussian_grid()[0])

    def response(self, x: Tensor) -> Response:
        """Values and slopes at `x`, parameters at their initial values."""
        point = x.clone().requires_grad_()
        values = self._function({"x": point, **self._settings(x)[0]})
        if not values.requires_grad:
            return Response(x=x, values=values, slopes=torch.zeros_like(x))
        (slopes,) = torch.autograd.grad(values.sum(), point, allow_unused=True)
        return Response(x=x, values=values.detach(), slopes=torch.zeros_like(x) if slopes is None else slopes)

    @torch.no_grad()
    def family(self, x: Tensor) -> Tensor:
        """Values at `x` with the parameters at their initial values, then with one after the other moved.

        Shape (1 + parameters, points): what a change of each parameter does belongs to what a function is.
        """
        return torch.stack([self._function({"x": x, **setting}) for setting in self._settings(x)])

    def _settings(self, x: Tensor) -> list[Mapping[str, Tensor]]:
        initial = {spec.name: spec.scalar for spec in self.activation.parameters}
        settings = [initial]
        settings += [{**initial, name: value * _PERTURBED + _SHIFTED} for name, value in initial.items()]
        return [{name: x.new_tensor(value) for name, value in setting.items()} for setting in settings]


def gaussian_grid() -> tuple[Tensor, Tensor]:
    """Points z of [-8, 8] and weights w, float64, with sum(w * h(z)) = E[h(z)], z ~ N(0, 1).

    The midpoint rule, since kinks spoil the accuracy of Gauss-Hermite; error about 2e-6 for an h with a kink at 0,
    1e-8 with a jump there, which lies between two points.
    """
    return _GRID


def _make_grid(points: int = 2000) -> tuple[Tensor, Tensor]:
    steps = torch.arange(points, dtype=torch.float64) - (points - 1) / 2
    z = steps * (2 * _GAUSSIAN_EDGE / points)
    density = torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return z, density / density.sum()


_GRID = _make_grid()
