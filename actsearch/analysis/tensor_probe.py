"""A probe of what is no function of one number: gates, statistics and draws, looked at on tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from actsearch.analysis.probe import PERTURBED, SHIFTED, WIDEST, Array, Probe, Samples
from actsearch.compile import parameters
from actsearch.compile.noise import drawn_alike
from actsearch.compile.reference import Eager, Estimates
from actsearch.compile.stages import inputs_of
from actsearch.grammar.activation import Activation, ParameterSpec
from actsearch.grammar.statistic import statistic_of

_ROWS, _FEW_ROWS = (64, 32), (4, 32)
_IMAGES, _FEW_IMAGES = (8, 32, 4, 4), (2, 32, 2, 2)
"""Shapes of the tensors: samples and channels, and images where a statistic is one of an image."""
_EDGE, _LINES = 8.0, 256
"""What a function of x and gate alone is averaged over: this many midpoints of [-8, 8] for each of the two."""
_APART = 10
"""Distance between the seeds of x and gate."""


class TensorProbe:
    """Looks at one activation on tensors, in training, with the same draws each time.

    It has the surface of a `Probe` that protocols use, the tensors' elements standing for points. A slope is what comes
    back where a standard normal gradient arrives from above: for a pointwise function its mean square is E[f'(z)^2].
    A gate is a second tensor, independent of x; the slope is then the root of the sum of both squares, and a point's x
    the larger of the two in size.
    """

    def __init__(self, activation: Activation) -> None:
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
        inputs = [one.float() for one in self._drawn(self._shape, seed=1, uniform=True)]
        for place, one in enumerate(inputs):
            one[0] = 0.0
            if len(inputs) > 1:
                # Beside the sample in which both are zero, a gate meets zeros of x, and x zeros of the gate.
                one[1 + place] = 0.0
        samples = self._samples(inputs)
        return replace(samples, as_written=bool(samples.finite.all()))

    @cached_property
    def gaussian_samples(self) -> Samples:
        """The response in float64 to the points of `grid`."""
        return self._samples(self._gaussian[0])

    @property
    def gaussian_values(self) -> Array:
        """The values of `gaussian_samples`."""
        return self.gaussian_samples.values

    @cached_property
    def grid(self) -> tuple[Array, Array]:
        """Standard normal numbers, float64, and weights that average over them.

        Of shape (elements,); with a gate the numbers are those of x and those of the gate, (2, elements).
        """
        inputs, weights = self._gaussian
        z = torch.stack([one.flatten() for one in inputs]).numpy()
        return z if len(z) > 1 else z[0], weights.flatten().numpy()

    @property
    def gaussian_family(self) -> Array:
        """Values at the points of `grid`, parameters at their initial values, then one after the other moved.

        Shape (1 + parameters, elements).
        """
        return self._family(self._gaussian[0])

    @cached_property
    def few_values(self) -> Array:
        """The same of one small tensor, for the fingerprint."""
        return self._family(self._drawn(self._few, seed=4))

    @cached_property
    def few_slopes(self) -> Array:
        """Slopes in that small tensor."""
        return self._samples(self._drawn(self._few, seed=4)).slopes

    @property
    def _is_function(self) -> bool:
        """Whether it is a function of x and gate, point by point."""
        return self.activation.is_pointwise and "gate" in self.activation.inputs

    @cached_property
    def _gaussian(self) -> tuple[list[Tensor], Tensor]:
        """Standard normal inputs and weights of their elements: so chosen that a best line has no part of the mean.

        A function of x and gate is integrated on a grid, by the midpoint rule since kinks spoil that of Gauss-Hermite;
        what needs tensors sees random numbers and their negatives, of mean square 1 and without correlation.
        """
        if self._is_function:
            return _plane()
        halves = self._drawn((self._shape[0] // 2, *self._shape[1:]), seed=2)
        if len(halves) > 1:
            x, gate = halves
            gate -= x * ((x * gate).sum() / x.square().sum())
        inputs = [torch.cat([half, -half]) for half in (each / each.square().mean().sqrt() for each in halves)]
        return inputs, torch.full(self._shape, 1 / inputs[0].numel(), dtype=torch.float64)

    def _drawn(self, shape: tuple[int, ...], *, seed: int, uniform: bool = False) -> list[Tensor]:
        """Numbers for each input."""
        return [
            _numbers(shape, seed=seed + _APART * place, uniform=uniform)
            for place, _ in enumerate(inputs_of(self.activation))
        ]

    def _samples(self, inputs: Sequence[Tensor]) -> Samples:
        points = [one.clone().requires_grad_() for one in inputs]
        values, slopes = self._values(points, {}), torch.zeros_like(inputs[0])
        if values.requires_grad:
            upstream = torch.ones_like(values) if self._is_function else _numbers(values.shape, seed=3).to(values.dtype)
            found = torch.autograd.grad(values, points, upstream, allow_unused=True)
            # None at all where only parameters are read: such a layer is constant.
            each = [slope for slope in found if slope is not None]
            if each:
                slopes = each[0] if len(each) == 1 else torch.stack(each).square().sum(0).sqrt()
        x = inputs[0] if len(inputs) == 1 else torch.stack(list(inputs)).abs().amax(0)
        arrays = [tensor.detach().flatten().numpy() for tensor in (x, values, slopes)]
        return Samples(x=arrays[0], values=arrays[1], slopes=arrays[2])

    @torch.no_grad()
    def _family(self, inputs: Sequence[Tensor]) -> Array:
        moved: list[Mapping[str, ParameterSpec]] = [{}]
        for spec in self.activation.parameters:
            entries = tuple(value * PERTURBED + SHIFTED for value in spec.entries)
            moved.append({spec.name: replace(spec, initial=entries if spec.length else entries[0])})
        return torch.stack([self._values(inputs, changed).flatten() for changed in moved]).numpy()

    def _values(self, inputs: Sequence[Tensor], changed: Mapping[str, ParameterSpec]) -> Tensor:
        x = inputs[0]
        specs = [changed.get(spec.name, spec) for spec in self.activation.parameters]
        own = [parameters.make(spec, None, None, x.dtype) for spec in specs]
        for parameter, spec in zip(own, specs, strict=True):
            parameters.fit(parameter, spec, x, 1)
        with drawn_alike():
            values = self._function(inputs, own, 1, Estimates(training=True, running={}))
        # What reads only one of two inputs, or none, has no reason to have their shape.
        return values.expand(x.shape)


def probe_of(activation: Activation) -> Probe | TensorProbe:
    """What looks at `activation`: point by point where it is a function of x alone."""
    is_function_of_x = activation.is_pointwise and "gate" not in activation.inputs
    return Probe(activation) if is_function_of_x else TensorProbe(activation)


@lru_cache(maxsize=1)
def _plane() -> tuple[list[Tensor], Tensor]:
    """The grid of x and gate, and the weights of its points; nothing may change them."""
    z = (torch.arange(_LINES, dtype=torch.float64) - (_LINES - 1) / 2) * (2 * _EDGE / _LINES)
    density = torch.exp(-0.5 * z * z)
    density /= density.sum()
    return [each.contiguous() for each in torch.meshgrid(z, z, indexing="ij")], torch.outer(density, density)


def _numbers(shape: Sequence[int], *, seed: int, uniform: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if uniform:
        return (2 * torch.rand(tuple(shape), generator=generator, dtype=torch.float64) - 1) * WIDEST
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float64)
