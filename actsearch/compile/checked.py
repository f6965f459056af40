"""The first use of a kernel on a device and dtype is checked against eager torch, which steps in with one warning."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from actsearch.compile.fused import Fused
from actsearch.compile.noise import drawn_alike
from actsearch.compile.parameters import swept
from actsearch.compile.reference import Eager, Estimates
from actsearch.grammar.activation import Activation

_ROWS, _SAMPLES, _LARGEST = 257, 5, 1 << 20
# Kernels and eager both compute in float32 and differ by roundings and by the hardware's exp and log (2e-6 relative);
# what the check is for, a wrong kernel or a broken driver, is off by far more.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-4
_HALF_RELATIVE = 2e-2


@dataclass(slots=True)
class Checked:
    """A fused function that is trusted on a device and dtype once it agreed with the reference there."""

    fused: Fused
    eager: Eager
    trusted: dict[tuple[torch.device, torch.dtype], bool] = field(default_factory=dict)

    def __call__(
        self,
        inputs: Sequence[Tensor],
        parameters: Sequence[Tensor],
        channel_dim: int,
        estimates: Estimates | None = None,
    ) -> Tensor:
        """The activation of `inputs`; see `actsearch.compile.backend.Function`."""
        x = inputs[0]
        if not x.numel():
            return self.eager(inputs, parameters, channel_dim, estimates)
        key = (x.device, x.dtype)
        if key not in self.trusted:
            self.trusted[key] = self._agrees(inputs, parameters, channel_dim)
        chosen = self.fused if self.trusted[key] else self.eager
        return chosen(inputs, parameters, channel_dim, estimates)

    def _agrees(self, inputs: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int) -> bool:
        x = inputs[0]
        shape, channel_dim = _sample_shape(self.fused.activation, x, channel_dim)
        sample = torch.linspace(-4, 4, math.prod(shape), device=x.device).reshape(shape).to(x.dtype)
        samples = [sample, sample.flip(0)][: len(inputs)]
        try:
            found, expected = (_run(f, samples, parameters, channel_dim) for f in (self.fused, self.eager))
        except Exception as error:  # noqa: BLE001 - whatever a compiler or driver raises, training must go on
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            if all(_close(a, b) for a, b in zip(found, expected, strict=True)):
                return True
            reason = "its results differ from eager torch"
        warnings.warn(
            f"the kernel for {x.dtype} on {x.device} is not used, eager torch is: {reason}.",
            RuntimeWarning,
            stacklevel=3,
        )
        return False


def _sample_shape(activation: Activation, x: Tensor, channel_dim: int) -> tuple[tuple[int, ...], int]:
    """The shape of a small tensor that fits the parameters as `x` does, and its channel dimension."""
    granularities = {swept(spec.granularity) for spec in activation.parameters}
    if activation.statistics:
        each = math.prod(x.shape[1:])
        return (
            max(2, min(_SAMPLES, _LARGEST // max(each, 1))) if x.dim() > 1 else x.shape[0],
            *x.shape[1:],
        ), channel_dim
    if "element" in granularities:
        each = math.prod(x.shape[1:])
        samples_are_channels = "channel" in granularities and channel_dim % x.dim() == 0
        rows = x.shape[0] if samples_are_channels else max(2, min(_ROWS, _LARGEST // max(each, 1)))
        return (rows, *x.shape[1:]), channel_dim
    return (_ROWS, x.shape[channel_dim] if "channel" in granularities else 3), 1


def _run(
    function: Fused | Eager, samples: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
) -> list[Tensor]:
    """Output and gradients of `function` on `samples`, away from the caller's graph."""
    with torch.enable_grad(), drawn_alike():
        tensors = [tensor.detach().clone().requires_grad_() for tensor in (*samples, *parameters)]
        y = function(tensors[: len(samples)], tensors[len(samples) :], channel_dim)
        gradients = torch.autograd.grad(y, tensors, torch.ones_like(y), allow_unused=True, materialize_grads=True)
    return [y.detach(), *gradients]


def _close(found: Tensor, expected: Tensor) -> bool:
    relative = _RELATIVE if found.dtype == torch.float32 else _HALF_RELATIVE
    scale = float(expected.float().nan_to_num(0.0, 0.0, 0.0).abs().max())
    return torch.allclose(
        found.float(), expected.float(), rtol=relative, atol=max(_ABSOLUTE, relative * scale), equal_nan=True
    )
