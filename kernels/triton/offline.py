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
from actsearch.compile.stages import Compiled, compile_stages
from actsearch.errors import UnsupportedError, unknown_name
from actsearch.grammar.activation import Activation

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
    activation: Activation, *, target: str = "sm_90", dtype: str = "fp32", cache: Path | None = None
) -> Mapping[str, Binary]:
    """Forward and backward of `activation`, by those names, for NVIDIA's `target` and tensors of `dtype`.

    Per-channel parameters are compiled for channels-first tensors. Raises `UnknownNameError` for an unknown target or
    dtype, `UnsupportedError` where Triton interprets instead of compiling.
    """
    architecture = _TARGET.fullmatch(target)
    if architecture is None or target not in TARGETS:
        raise unknown_name("target", target, TARGETS)
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    if triton.knobs.runtime.interpret:
        raise UnsupportedError("nothing is compiled while TRITON_INTERPRET is set: unset it.")
    compiled = compile_stages(activation)
    module = install(SOURCE.artifact(compiled).text, cache)
    gpu = GPUTarget("cuda", int(architecture[1]), 32)
    layout = "channels" if activation.is_per_channel else "flat"
    return {
        direction: _compiled(getattr(module, f"_{direction}_{layout}"), module, gpu, _types(compiled, dtype))
        for direction in ("forward", "backward")
    }


def _types(compiled: Compiled, dtype: str) -> dict[str, Any]:
    """Type of every argument of the kernels by name; that of compile-time ones is their value."""
    names = SOURCE.argument_names(compiled)
    tensors = ("x_pointer", "y_pointer", "upstream_pointer", "dx_pointer")
    return {
        **dict.fromkeys(tensors, f"*{DTYPES[dtype]}"),
        "partials_pointer": "*fp32",
        **{f"_{name}_pointer": "*fp32" for name in names.parameters},
        **dict.fromkeys(names.constants, "fp32"),
        **dict.fromkeys(("count", "outer", "channels", "inner"), "i32"),
        "LAST": False,
        "LONG": False,
        "ROWS": 1,
        "COLUMNS": SOURCE.BLOCK,
        "BLOCK": SOURCE.BLOCK,
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
