"""Triton: one fused kernel for each of forward, backward and the derivatives of that, for NVIDIA and AMD GPUs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import triton
from torch import Tensor

from actsearch.compile.ahead_of_time import KernelBinary
from actsearch.compile.artifact import install
from actsearch.compile.autograd import Runner
from actsearch.compile.backend import check_kind, sibling
from actsearch.compile.checked import Checked
from actsearch.compile.fused import Fused
from actsearch.compile.report.machine_code import MachineCode
from actsearch.compile.stages import stage, stage_embedded
from actsearch.compile.statistics.schedule import Schedule, parts, plans
from actsearch.compile.statistics.scheduled import Together
from actsearch.compile.sweep import Sweep, vjp
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation

ROWS = sibling(__file__, "rows")
SOURCE = sibling(__file__, "source")
TOGETHER = sibling(__file__, "together")
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True)
class Launcher:
    """One launcher of a generated module, with the constants it takes after the parameters."""

    launch: Callable[..., Any]
    constants: tuple[float, ...]

    def __call__(
        self, elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """See `actsearch.compile.autograd.Runner`."""
        dense = (parameter.contiguous() for parameter in parameters)
        found = self.launch(*elements, *dense, *self.constants, channel_dim)
        return found if isinstance(found, tuple) else (found,)


@dataclass(slots=True)
class Kernels:
    """Generated modules, by the order of the sweeps in them, each generated when it is first asked for."""

    cache: Path | None
    merging = True
    """Its passes merge deviations; see `schedule`."""
    modules: dict[int, ModuleType] = field(default_factory=dict)

    def generate(self, *sweeps: Sweep) -> None:
        """One module of all `sweeps`."""
        module = install(SOURCE.artifact(sweeps), self.cache)
        self.modules |= dict.fromkeys((sweep.order for sweep in sweeps), module)

    def __call__(self, sweep: Sweep, constants: tuple[float, ...]) -> Runner:
        """See `actsearch.compile.autograd.Compiler`."""
        # float32 here and not at the launch, where a number beyond its range would be an error.
        numbers = tuple(ctypes.c_float(value).value for value in constants)
        if sweep.is_part:
            joining = ROWS.JOINING.install_joining(self.cache)
            module = install(SOURCE.part(sweep), self.cache)
            runner: Runner = ROWS.Runner(ROWS.Kernel(sweep=sweep), module, joining, numbers)
            return runner
        if sweep.order not in self.modules:
            self.generate(sweep)
        launch = getattr(self.modules[sweep.order], f"_launch_{SOURCE.KERNEL.direction(sweep.order)}")
        return Launcher(launch, numbers)

    def together(self, plan: Schedule, constants: tuple[float, ...]) -> Together:
        """See `actsearch.compile.autograd.Compiler`."""
        numbers = (ctypes.c_float(value).value for value in constants)
        whole: Together = TOGETHER.Together(
            whole=TOGETHER.Whole(schedule=plan),
            module=install(SOURCE.whole(plan), self.cache),
            joining=ROWS.JOINING.install_joining(self.cache),
            constants=dict(zip(plan.last.constants, numbers, strict=True)),
        )
        return whole


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
        """`gain` times the activation; float64 is left to eager torch."""
        kernels = Kernels(cache)
        fused = Fused(activation, kernels, _DTYPES, gain)
        # At once, so that what cannot be written is refused here; in one file, because a first call waits for it.
        if fused.forward.sweep.has_statistics:
            _ = fused.forward.runner, fused.forward.derivative.runner
        else:
            kernels.generate(fused.forward.sweep, fused.forward.derivative.sweep)
        return fused if interpreted() else Checked(fused, fused.eager)

    def emit(self, activation: Activation, kind: str, *, target: str | None = None, dtype: str = "fp32") -> str:
        """Python source, or PTX or machine code of forward and backward for `target` (default sm_90)."""
        check_kind(self, kind)
        if kind == "source":
            forward = stage(activation).sweep
            if forward.has_statistics:
                return "\n\n".join(f"# {name}\n{text}" for name, text in _files(forward).items())
            text: str = SOURCE.artifact((forward, vjp(forward)))
            return text
        offline = sibling(__file__, "offline")
        made = offline.compile_offline(activation, offline.setting(target, dtype))
        if kind == "ptx" and any(binary.ptx is None for binary in made.values()):
            raise UnsupportedError(f"{target} is no GPU of NVIDIA's and has no ptx: emit sass, its machine code.")
        return "\n\n".join(f"// {direction}\n{getattr(binary, kind)}" for direction, binary in made.items())

    def machine_code(
        self, activation: Activation, *, target: str | None, dtype: str, block: int | None, warps: int | None
    ) -> dict[str, tuple[MachineCode, ...]]:
        """See `actsearch.compile.report.machine_code.Disassembled`."""
        offline = sibling(__file__, "offline")
        found: dict[str, tuple[MachineCode, ...]] = {"forward": (), "backward": ()}
        made = offline.compile_offline(activation, offline.setting(target, dtype, block, warps))
        for name, binary in made.items():
            found[name.partition(",")[0]] += (binary.machine_code,)
        return found

    def embedded(self, activation: Activation, *, gain: float = 1.0) -> str:
        """The kernels without imports, the activation's constants written into them, the gain an argument."""
        forward = stage_embedded(activation, gain=gain).sweep
        text: str = SOURCE.generate((forward, vjp(forward)))
        return text

    def ahead_of_time(self, activation: Activation, *, gain: float, targets: Sequence[str]) -> tuple[KernelBinary, ...]:
        """See `actsearch.compile.ahead_of_time.AheadOfTime`."""
        return tuple(sibling(__file__, "ahead_of_time").binaries(activation, gain=gain, targets=targets))


def _files(forward: Sweep) -> dict[str, str]:
    """The files of a forward and backward with statistics: of rows that fit into a program, else of each pass."""
    found = {name: SOURCE.whole(plan) for name, plan in plans(forward).items() if plan.is_local}
    passes = parts(forward, merging=True).items()
    return found | {name: SOURCE.part(part) for name, part in passes if name.partition(",")[0] not in found}


def interpreted() -> bool:
    """Whether Triton interprets kernels instead of compiling them, which it decides as a kernel is decorated."""
    return bool(triton.knobs.runtime.interpret)


BACKEND = TritonBackend()
