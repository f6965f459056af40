"""A probe of what is no function of one number: statistics and draws, looked at on tensors of random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from actsearch.analysis.probe import PERTURBED, SHIFTED, WIDEST, Array, Probe, Samples
from actsearch.compile import parameters
from actsearch.compile.noise import drawn_alike
from actsearch.compile.reference import Eager, Estimates
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation, ParameterSpec
from actsearch.grammar.statistic import statistic_of

_ROWS, _FEW_ROWS = (64, 32), (4, 32)
_IMAGES, _FEW_IMAGES = (8, 32, 4, 4), (2, 32, 2, 2)
"""Shapes of the tensors: samples and channels, and images where a statistic is one of an image."""


class TensorProbe:
    """Looks at one activation of a single input on tensors, in training, with the same draws each time.

    It has the surface of a `Probe` that protocols use, the tensors' elements standing for points. A slope is what comes
    back where a standard normal gradient arrives from above: for a pointwise function its mean square is E[f'(z)^2].
    Raises `UnsupportedError` for an activation that reads `gate`.
    """

    def __init__(self, activation: Activation) -> None:
        if "gate" in activation.inputs:
            shown = activation.text[:60]
            raise UnsupportedError(f"only functions of x alone can be analysed by this version: {shown!r} reads gate.")
        self.activation = activation
        found = {statistic_of(node.operator) for node in activation.statistics}
        axes = {statistic.axis for statistic in found if statistic is not None}
        shapes: tuple[tuple[int, ...], tuple[int, ...]] = (_ROWS, _FEW_ROWS)
        # A group of channels may be a single one, which varies over the places of an image only.
        self._shape, self._few = (_IMAGES, _FEW_IMAGES) if axes & {"instance", "group"} else shapes
        self._function = Eager(activation)

    @cached_property
    def wide_samples(self) -> Samples:
        """The response in float32, as in training, to numbers all over [-20, 20], a sample of zeros among them."""
        x = _numbers(self._shape, seed=1, uniform=True).float()
        x[0] = 0.0
        samples = self._samples(x)
        return replace(samples, as_written=bool(samples.finite.all()))

    @cached_property
    def gaussian_samples(self) -> Samples:
        """The response in float64 to the points of `grid`."""
        return self._samples(self._normal)

    @property
    def gaussian_values(self) -> Array:
        """The values of `gaussian_samples`."""
        return self.gaussian_samples.values

    @cached_property
    def grid(self) -> tuple[Array, Array]:
        """Standard normal numbers, float64, and weights that average over them."""
        z = self._normal.flatten().numpy()
        return z, np.full_like(z, 1 / z.size)

    @property
    def gaussian_family(self) -> Array:
        """Values at the points of `grid`, parameters at their initial values, then one after the other moved.

        Shape (1 + parameters, elements).
        """
        return self._family(self._normal)

    @cached_property
    def few_values(self) -> Array:
        """The same of one small tensor, for the fingerprint."""
        return self._family(_numbers(self._few, seed=4))

    @cached_property
    def few_slopes(self) -> Array:
        """Slopes in that small tensor."""
        return self._samples(_numbers(self._few, seed=4)).slopes

    @cached_property
    def _normal(self) -> Tensor:
        """Standard normal numbers and their negatives, of mean square 1: so a best line has no part of the mean."""
        half = _numbers((self._shape[0] // 2, *self._shape[1:]), seed=2)
        half /= half.square().mean().sqrt()
        return torch.cat([half, -half])

    def _samples(self, x: Tensor) -> Samples:
        point = x.clone().requires_grad_()
        values, slopes = self._values(point, {}), torch.zeros_like(x)
        if values.requires_grad:
            upstream = _numbers(tuple(x.shape), seed=3).to(x.dtype)
            (found,) = torch.autograd.grad(values, point, upstream, allow_unused=True)
            slopes = slopes if found is None else found
        arrays = [tensor.detach().flatten().numpy() for tensor in (x, values, slopes)]
        return Samples(x=arrays[0], values=arrays[1], slopes=arrays[2])

    @torch.no_grad()
    def _family(self, x: Tensor) -> Array:
        moved: list[Mapping[str, ParameterSpec]] = [{}]
        for spec in self.activation.parameters:
            entries = tuple(value * PERTURBED + SHIFTED for value in spec.entries)
            moved.append({spec.name: replace(spec, initial=entries if spec.length else entries[0])})
        return torch.stack([self._values(x, changed).flatten() for changed in moved]).numpy()

    def _values(self, x: Tensor, changed: Mapping[str, ParameterSpec]) -> Tensor:
        specs = [changed.get(spec.name, spec) for spec in self.activation.parameters]
        own = [parameters.make(spec, None, None, x.dtype) for spec in specs]
        for parameter, spec in zip(own, specs, strict=True):
            parameters.fit(parameter, spec, x, 1)
        with drawn_alike():
            return self._function([x], own, 1, Estimates(training=True, running={}))


def probe_of(activation: Activation) -> Probe | TensorProbe:
    """What looks at `activation`: point by point where that is possible."""
    return Probe(activation) if activation.is_pointwise else TensorProbe(activation)


def _numbers(shape: tuple[int, ...], *, seed: int, uniform: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if uniform:
        return (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * WIDEST
    return torch.randn(shape, generator=generator, dtype=torch.float64)
