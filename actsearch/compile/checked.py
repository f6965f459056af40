"""The first use of a kernel on a device and dtype is checked against eager torch, which steps in with one warning."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from actsearch.compile.autograd import Eager, Fused

_ROWS = 257
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

    def __call__(self, x: Tensor, parameters: Mapping[str, Tensor], channel_dim: int) -> Tensor:
        """The activation of `x`; see `actsearch.compile.backend.Function`."""
        key = (x.device, x.dtype)
        if key not in self.trusted:
            self.trusted[key] = self._agrees(x, parameters)
        chosen = self.fused if self.trusted[key] else self.eager
        return chosen(x, parameters, channel_dim)

    def _agrees(self, x: Tensor, parameters: Mapping[str, Tensor]) -> bool:
        channels = max([1, *(parameter.numel() for parameter in parameters.values())])
        sample = torch.linspace(-4, 4, _ROWS * channels, device=x.device).reshape(_ROWS, channels).to(x.dtype)
        try:
            found, expected = (_run(function, sample, parameters) for function in (self.fused, self.eager))
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


def _run(function: Fused | Eager, sample: Tensor, parameters: Mapping[str, Tensor]) -> list[Tensor]:
    """Output and gradients of `function` on `sample`, away from the caller's graph."""
    with torch.enable_grad():
        x = sample.clone().requires_grad_()
        own = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
        y = function(x, own, 1)
        gradients = torch.autograd.grad(y, [x, *own.values()], torch.ones_like(y), allow_unused=True)
    return [y.detach(), *(torch.zeros_like(x) if gradient is None else gradient for gradient in gradients)]


def _close(found: Tensor, expected: Tensor) -> bool:
    relative = _RELATIVE if found.dtype == torch.float32 else _HALF_RELATIVE
    scale = float(expected.float().nan_to_num(0.0, 0.0, 0.0).abs().max())
    return torch.allclose(
        found.float(), expected.float(), rtol=relative, atol=max(_ABSOLUTE, relative * scale), equal_nan=True
    )
