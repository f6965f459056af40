"""Compiles the kernels for a GPU that need not be there: no driver, no device."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from actsearch.compile.artifact import install
from actsearch.compile.backend import sibling
from actsearch.compile.stages import stage
from actsearch.compile.statistics.schedule import parts
from actsearch.compile.sweep import Sweep, vjp
from actsearch.errors import UnsupportedError, unknown_name
from actsearch.grammar.activation import Activation

LAYOUT = sibling(__file__, "layout")
NAMES = sibling(__file__, "names")
SOURCE = sibling(__file__, "source")
DTYPES = {"fp32": "fp32", "bf16": "bf16", "fp16": "fp16"}
TARGETS = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
_TARGET = re.compile(r"sm_(\d+)")
# What the launcher finds at run time of a large, well-aligned tensor, and what makes accesses 128 bits wide.
_ALIGNED = (("tt.divisibility", 16),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One kernel compiled for one target."""

    ptx: str
    cubin: bytes

    @property
    def sass(self) -> str:
        """The machine's own instructions, by the disassembler in Triton's wheel. Raises `UnsupportedError`."""
        tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
        if not tool.is_file():
            raise UnsupportedError(f"this Triton has no disassembler at {tool}: emit ptx instead.")
        with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
            file.write(self.cubin)
            file.flush()
            return subprocess.run([tool, "-sass", file.name], check=True, capture_output=True, text=True).stdout  # noqa: S603


def compile_offline(
    activation: Activation,
    *,
    target: str = "sm_90",
    dtype: str = "fp32",
    order: int = 1,
    cache: Path | None = None,
) -> Mapping[str, Binary]:
    """Forward and derivatives of `activation` up to `order`, for NVIDIA's `target` and tensors of `dtype`.

    They are called `forward`, `backward`, `backward2` and so on. Per-channel parameters are compiled for channels-first
    tensors. With statistics the passes of forward and backward are compiled, whatever `order` is. Raises
    `UnknownNameError` for an unknown target or dtype, `UnsupportedError` where Triton interprets instead of compiling.
    """
    architecture = _TARGET.fullmatch(target)
    if architecture is None or target not in TARGETS:
        raise unknown_name("target", target, TARGETS)
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    if triton.knobs.runtime.interpret:
        raise UnsupportedError("nothing is compiled while TRITON_INTERPRET is set: unset it.")
    gpu = GPUTarget("cuda", int(architecture[1]), 32)
    sweeps = [stage(activation).sweep]
    if sweeps[0].has_statistics:
        return {name: _compiled_part(part, gpu, dtype, cache) for name, part in parts(sweeps[0]).items()}
    for _ in range(order):
        sweeps.append(vjp(sweeps[-1]))
    module = install(SOURCE.artifact(sweeps), cache)
    made = {}
    for sweep in sweeps:
        direction = SOURCE.KERNEL.direction(sweep.order)
        made[direction] = _compiled(getattr(module, f"_{direction}"), module, gpu, _types(sweep, dtype))
    return made


def _compiled_part(sweep: Sweep, gpu: GPUTarget, dtype: str, cache: Path | None) -> Binary:
    """A pass; values of statistics and of channels lie along rows, those of elements along columns."""
    kernel = SOURCE.ROWS.Kernel(sweep=sweep)
    module, granularities = install(SOURCE.part(sweep), cache), sweep.granularities
    by = {"layer": "one", "element": "columns"}
    owners = {**{name: granularities[of] for name, of, _ in sweep.sums}, **dict(sweep.parameters)}
    types = {
        **_types(sweep, dtype),
        **{kernel.names.pointers[name]: "*fp32" for name in owners},
        **dict.fromkeys(kernel.layout.sizes, "i32"),
        **kernel.layout.tile,
        **{kernel.by(name): SOURCE.ROWS.BY[by.get(granularity, "rows")] for name, granularity in owners.items()},
    }
    return _compiled(getattr(module, f"_{kernel.name}"), module, gpu, types)


def _types(sweep: Sweep, dtype: str) -> dict[str, Any]:
    """Type of every argument of the kernels by name; that of compile-time ones is their value."""
    names, layout = NAMES.names_of(sweep), LAYOUT.layout_of(sweep)
    parameters = {name for name, _ in sweep.parameters}
    return {
        **{pointer: "*fp32" if name in parameters else f"*{DTYPES[dtype]}" for name, pointer in names.pointers.items()},
        "partials_pointer": "*fp32",
        **dict.fromkeys(names.constants.values(), "fp32"),
        **dict.fromkeys(layout.sizes, "i32"),
        **layout.tile,
    }


def _compiled(kernel: Any, module: ModuleType, gpu: GPUTarget, types: Mapping[str, Any]) -> Binary:
    names = kernel.arg_names
    signature = {name: types[name] if isinstance(types[name], str) else "constexpr" for name in names}
    constants = {(index,): types[name] for index, name in enumerate(names) if signature[name] == "constexpr"}
    aligned = {
        (index,): [list(pair) for pair in _ALIGNED]
        for index, name in enumerate(names)
        if signature[name].startswith(("*", "i32"))
    }
    source = ASTSource(kernel, signature=signature, constexprs=constants, attrs=aligned)
    made = triton.compile(source, target=gpu, options=module._OPTIONS)  # noqa: SLF001
    return Binary(ptx=made.asm["ptx"], cubin=made.asm["cubin"])
