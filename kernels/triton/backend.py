"""Triton: one fused kernel forward, one backward, for NVIDIA and AMD GPUs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
import triton
from torch import Tensor

from actsearch.compile.artifact import install
from actsearch.compile.autograd import Eager, Fused
from actsearch.compile.backend import check_kind, sibling
from actsearch.compile.checked import Checked
from actsearch.compile.stages import compile_embedded, compile_stages
from actsearch.grammar.activation import Activation

SOURCE = sibling(__file__, "source")
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True)
class Launchers:
    """The launchers of a generated module, with the constants they take after the parameters."""

    module: ModuleType
    constants: tuple[float, ...]

    def forward(self, x: Tensor, parameters: tuple[Tensor, ...], channel_dim: int) -> Tensor:
        """y, of the shape, dtype and device of x."""
        result: Tensor = self.module._launch_forward(x, *_dense(parameters), *self.constants, channel_dim)  # noqa: SLF001
        return result

    def backward(
        self, x: Tensor, upstream: Tensor, parameters: tuple[Tensor, ...], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """The gradients by x and by each parameter."""
        gradients: tuple[Tensor, ...] = self.module._launch_backward(  # noqa: SLF001
            x, upstream, *_dense(parameters), *self.constants, channel_dim
        )
        return gradients


class TritonBackend:
    """The backend protocol over Triton; see `actsearch.compile.backend`."""

    name = "triton"
    devices: tuple[str, ...] = ("cuda",)
    emits: tuple[str, ...] = ("source", "ptx", "sass")

    def unavailable(self, device: torch.device) -> str | None:
        """Why it cannot compute on tensors of `device`."""
        if device.type == "cuda":
            return None
        if device.type == "cpu" and interpreted():
            return None
        if device.type == "cpu":
            return "the triton backend takes CPU tensors only under its interpreter: set TRITON_INTERPRET=1."
        return f"the triton backend cannot compute on the device {device.type}: use the backend torch."

    def compile(self, activation: Activation, *, gain: float = 1.0, cache: Path | None = None) -> Checked | Fused:
        """`gain` times the activation; float64 and double backward go through eager torch."""
        module, constants = load(activation, gain=gain, cache=cache)
        eager = Eager.of(activation, gain)
        fused = Fused(Launchers(module, constants), eager, _DTYPES)
        return fused if interpreted() else Checked(fused, eager)

    def emit(self, activation: Activation, kind: str, *, target: str | None = None, dtype: str = "fp32") -> str:
        """Python source, or PTX or SASS of forward and backward for `target` (default sm_90)."""
        check_kind(self, kind)
        if kind == "source":
            text: str = SOURCE.artifact(compile_stages(activation)).text
            return text
        made = sibling(__file__, "offline").compile_offline(activation, target=target or "sm_90", dtype=dtype)
        return "\n\n".join(f"// {direction}\n{getattr(binary, kind)}" for direction, binary in made.items())

    def embedded(self, activation: Activation, *, gain: float = 1.0) -> str:
        """The kernels without imports, the activation's constants written into them, the gain an argument."""
        text: str = SOURCE.generate(compile_embedded(activation, gain=gain)).text
        return text


def _dense(parameters: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Parameters whose elements are neighbours in memory, as kernels expect."""
    return tuple(parameter.contiguous() for parameter in parameters)


def interpreted() -> bool:
    """Whether Triton interprets kernels instead of compiling them, which it decides as a kernel is decorated."""
    return bool(triton.knobs.runtime.interpret)


def load(
    activation: Activation, *, gain: float = 1.0, cache: Path | None = None
) -> tuple[ModuleType, tuple[float, ...]]:
    """The module with the kernels of `gain` times the activation, and the constants that its launchers take."""
    source = SOURCE.artifact(compile_stages(activation, gain=gain))
    return install(source.text, cache), source.constants


BACKEND = TritonBackend()
