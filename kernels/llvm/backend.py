"""LLVM: fused native kernels for CPUs, compiled in milliseconds without a system compiler."""

from __future__ import annotations

from pathlib import Path

import torch

from actsearch.compile.artifact import default_cache
from actsearch.compile.autograd import Fused, Runner
from actsearch.compile.backend import check_kind, sibling
from actsearch.compile.stages import refuse_beyond_one_input, stage
from actsearch.compile.sweep import Sweep
from actsearch.errors import UnsupportedError, unknown_name
from actsearch.grammar.activation import Activation

KERNELS = sibling(__file__, "kernels")
LAUNCH = sibling(__file__, "launch")
MACHINE = sibling(__file__, "machine")
TYPES = sibling(__file__, "types")


class LlvmBackend:
    """The backend protocol over LLVM's code generator; see `actsearch.compile.backend`."""

    name = "llvm"
    devices: tuple[str, ...] = ("cpu",)
    emits: tuple[str, ...] = ("llvm", "asm")

    def unavailable(self, device: torch.device) -> str | None:
        """Why it cannot compute on tensors of `device`."""
        if device.type == "cpu":
            return None
        return f"the llvm backend computes on the CPU, not on the device {device.type}: use triton or torch."

    def compile(self, activation: Activation, *, gain: float = 1.0, cache: Path | None = None) -> Fused:
        """`gain` times the activation; derivatives of every order are compiled when they are first asked for."""
        kernels = KERNELS.Kernels(cache or default_cache())

        def compiled(sweep: Sweep, constants: tuple[float, ...]) -> Runner:
            runner: Runner = LAUNCH.Launcher(sweep, constants, kernels)
            return runner

        return Fused.of(activation, compiled, tuple(TYPES.ELEMENTS), gain=gain)

    def emit(self, activation: Activation, kind: str, *, target: str | None = None, dtype: str = "fp32") -> str:
        """LLVM assembly or machine code of forward (`sweep_0`) and backward (`sweep_1`) for this processor.

        It is the only `target` there is. Parameters that are not per layer have a value for each column.
        """
        check_kind(self, kind)
        if target is not None:
            raise UnsupportedError(f"the backend llvm compiles for this processor only, not for {target!r}.")
        dtypes = {element.name: known for known, element in TYPES.ELEMENTS.items()}
        if dtype not in dtypes:
            raise unknown_name("dtype", dtype, dtypes)
        forward = stage(activation).sweep
        by_column = tuple(granularity != "layer" for _, granularity in forward.parameters)
        variant = KERNELS.Variant(dtype=dtypes[dtype], by_column=by_column)
        text: str = KERNELS.unit_of(forward, variant, with_derivative=True).text("sweep")
        return text if kind == "llvm" else str(MACHINE.machine().assembly(text))

    def embedded(self, activation: Activation, *, gain: float = 1.0) -> str:  # noqa: ARG002
        """Nothing: an exported module needs torch alone."""
        refuse_beyond_one_input(activation)
        raise UnsupportedError("the backend llvm writes no source for exported modules.")


BACKEND = LlvmBackend()
