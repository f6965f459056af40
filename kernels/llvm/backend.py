"""LLVM: fused native kernels for CPUs, compiled in milliseconds without a system compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from actsearch.compile.artifact import default_cache
from actsearch.compile.backend import check_kind, sibling
from actsearch.compile.fused import Fused
from actsearch.compile.stages import refuse_beyond_one_input, stage
from actsearch.compile.statistics.schedule import parts
from actsearch.compile.sweep import Sweep
from actsearch.errors import UnsupportedError, unknown_name
from actsearch.grammar.activation import Activation

COMPILER = sibling(__file__, "compiler")
KERNELS = sibling(__file__, "kernels")
MACHINE = sibling(__file__, "machine")
STACK = sibling(__file__, "stack")
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
        return Fused(activation, COMPILER.Compiler(cache or default_cache()), tuple(TYPES.ELEMENTS), gain)

    def stack(self) -> Any:
        """What compiles and runs populations; see `actsearch.compile.population.function`."""
        return STACK.Compiler()

    def emit(self, activation: Activation, kind: str, *, target: str | None = None, dtype: str = "fp32") -> str:
        """LLVM assembly or machine code of forward (`sweep_0`) and backward (`sweep_1`) for this processor.

        It is the only `target` there is. Parameters that are not per layer have a value for each column. Where there
        are statistics, each pass is printed by itself.
        """
        check_kind(self, kind)
        if target is not None:
            raise UnsupportedError(f"the backend llvm compiles for this processor only, not for {target!r}.")
        dtypes = {element.name: known for known, element in TYPES.ELEMENTS.items()}
        if dtype not in dtypes:
            raise unknown_name("dtype", dtype, dtypes)
        forward = stage(activation).sweep
        if not forward.has_statistics:
            return _text(KERNELS.unit_of(forward, _variant(forward, dtypes[dtype]), with_derivative=True), kind)
        return "\n\n".join(
            f"; {name}\n{_text(KERNELS.unit_of(part, _variant(part, dtypes[dtype]), with_derivative=False), kind)}"
            for name, part in parts(forward).items()
        )

    def embedded(self, activation: Activation, *, gain: float = 1.0) -> str:  # noqa: ARG002
        """Nothing: an exported module needs torch alone."""
        refuse_beyond_one_input(activation)
        raise UnsupportedError("the backend llvm writes no source for exported modules.")


def _variant(sweep: Sweep, dtype: torch.dtype) -> Any:
    """Values of statistics lie along rows, those of parameters along columns."""
    granularities = sweep.granularities.values()
    by_column = tuple(granularity != "layer" and not granularity.startswith("[") for granularity in granularities)
    return KERNELS.Variant(dtype=dtype, by_column=by_column)


def _text(unit: Any, kind: str) -> str:
    text: str = unit.text("sweep")
    return text if kind == "llvm" else str(MACHINE.machine().assembly(text))


BACKEND = LlvmBackend()
