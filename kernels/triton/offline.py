"""Compiles the kernels for a GPU that need not be there: no driver, no device."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from actsearch.compile.artifact import install
from actsearch.compile.backend import sibling
from actsearch.compile.report.machine_code import Argument, MachineCode
from actsearch.compile.stages import stage
from actsearch.compile.statistics.schedule import Schedule, parts, plans
from actsearch.compile.sweep import Sweep, vjp
from actsearch.errors import ConfigError, UnsupportedError, unknown_name
from actsearch.grammar.activation import Activation

LAYOUT = sibling(__file__, "layout")
NAMES = sibling(__file__, "names")
SOURCE = sibling(__file__, "source")
DTYPES = {"fp32": "fp32", "bf16": "bf16", "fp16": "fp16"}
TARGETS = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120", "gfx942")
_NVIDIA = re.compile(r"sm_(\d+)")
# What the launcher finds at run time of a large, well-aligned tensor, and what makes accesses 128 bits wide.
_ALIGNED = (("tt.divisibility", 16),)
# From which compute capability on the arguments begin where in the bank of constants; `cuobjdump -elf` shows it.
_FIRST_ARGUMENT = {100: 0x380, 90: 0x210, 0: 0x160}
_SMALLEST_BLOCK, _LARGEST_BLOCK, _MOST_WARPS = 32, 1 << 16, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a kernel is compiled for, and in what shape: a program of `warps` computes `block` elements."""

    target: str
    dtype: str
    block: int
    warps: int
    is_asked: bool = False
    """Whether somebody asked for these warps, which otherwise are those that the launcher would take."""

    @property
    def is_nvidia(self) -> bool:
        """Whether it is a GPU with PTX."""
        return self.target.startswith("sm_")

    @property
    def capability(self) -> int:
        """Compute capability times ten, of NVIDIA's."""
        return int(self.target.removeprefix("sm_"))

    @property
    def gpu(self) -> GPUTarget:
        """As Triton calls it."""
        return GPUTarget("cuda", self.capability, 32) if self.is_nvidia else GPUTarget("hip", self.target, 64)

    @property
    def first_argument(self) -> int:
        """Where the arguments begin; see `MachineCode`."""
        if not self.is_nvidia:
            return 0
        return next(place for capability, place in _FIRST_ARGUMENT.items() if self.capability >= capability)


def setting(target: str | None, dtype: str, block: int | None = None, warps: int | None = None) -> Setting:
    """The setting, with the launcher's own block and warps where none are given.

    Raises `UnknownNameError` for an unknown target or dtype, `ConfigError` for a block or warps that cannot be,
    `UnsupportedError` where Triton interprets instead of compiling.
    """
    target = target or "sm_90"
    if target not in TARGETS:
        raise unknown_name("target", target, TARGETS)
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    if triton.knobs.runtime.interpret:
        raise UnsupportedError("nothing is compiled while TRITON_INTERPRET is set: unset it.")
    for name, value, low, high in (
        ("block", block, _SMALLEST_BLOCK, _LARGEST_BLOCK),
        ("warps", warps, 1, _MOST_WARPS),
    ):
        if value is not None and not (low <= value <= high and value & (value - 1) == 0):
            raise ConfigError(f"--{name} {value}: expected a power of two from {low} to {high}.")
    default = LAYOUT.warps(is_nvidia=target.startswith("sm_"))
    return Setting(
        target=target, dtype=dtype, block=block or LAYOUT.BLOCK, warps=warps or default, is_asked=warps is not None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One kernel compiled for one target."""

    name: str
    symbol: str
    """What the kernel is called in the machine code's file."""
    shared_bytes: int
    """Of shared memory a program needs."""
    ptx: str | None
    """None for AMD's."""
    cubin: bytes
    """Or AMD's code object."""
    gcn: str | None
    """AMD's machine code as text; None for NVIDIA's."""
    arguments: tuple[Argument, ...]
    setting: Setting

    @property
    def sass(self) -> str:
        """The machine's own instructions, by the disassembler in Triton's wheel. Raises `UnsupportedError`."""
        return self.gcn if self.gcn is not None else _cuobjdump(self.cubin, "-sass")

    @property
    def machine_code(self) -> MachineCode:
        """What is counted."""
        setting = self.setting
        if self.gcn is None:
            # In one call, because starting the tool takes longer than the work.
            text = _cuobjdump(self.cubin, "-sass", "-res-usage")
            registers = int(re.findall(r"\bREG:(\d+)", text)[0])
        else:
            text = self.gcn
            registers = int(re.findall(r"\.vgpr_count:\s+(\d+)", text)[0])
        return MachineCode(
            name=self.name,
            isa="sass" if self.gcn is None else "amdgcn",
            text=text,
            first_argument=setting.first_argument,
            arguments=self.arguments,
            registers=registers,
            threads=setting.warps * setting.gpu.warp_size,
            elements=setting.block,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a kernel's arguments are."""

    types: Mapping[str, Any]
    """Type of every argument by name; that of compile-time ones is their value."""
    of_elements: frozenset[str]
    """Those that point to tensors of the shape of x."""

    def argument(self, name: str) -> Argument:
        """One that the compiled kernel takes."""
        if not self.types[name].startswith("*"):
            return Argument(name=name, size=4, kind="number")
        return Argument(name=name, size=8, kind="elements" if name in self.of_elements else "values")


def _cuobjdump(cubin: bytes, *options: str) -> str:
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    if not tool.is_file():
        raise UnsupportedError(f"this Triton has no disassembler at {tool}: emit ptx instead.")
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        return subprocess.run([tool, *options, file.name], check=True, capture_output=True, text=True).stdout  # noqa: S603


def compile_offline(
    activation: Activation, compiled_for: Setting, *, order: int = 1, cache: Path | None = None
) -> Mapping[str, Binary]:
    """Forward and derivatives of `activation` up to `order`.

    They are called `forward`, `backward`, `backward2` and so on. Per-channel parameters are compiled for channels-first
    tensors. With statistics forward and backward are compiled, whatever `order` is. Where they are over rows, these
    have `block` elements, and it is as at run time: one kernel, with as many warps as it takes, while such a row fits
    into a program, else a kernel a pass, over tiles of the usual size. Over the batch it is a kernel a pass.
    """
    sweeps = [stage(activation).sweep]
    if sweeps[0].has_statistics:
        made = {}
        passes = parts(sweeps[0], merging=True)
        for name, plan in plans(sweeps[0]).items():
            shaped = _shaped(plan, compiled_for)
            if shaped is not None:
                made[name] = _compiled_whole(name, plan, shaped, cache)
                continue
            tiled = replace(compiled_for, block=LAYOUT.BLOCK) if plan.is_local else compiled_for
            own = {one: part for one, part in passes.items() if one.partition(",")[0] == name}
            made |= {one: _compiled_part(one, part, tiled, cache) for one, part in own.items()}
        return made
    for _ in range(order):
        sweeps.append(vjp(sweeps[-1]))
    module = install(SOURCE.artifact(sweeps), cache)
    compiled_for = launched(sweeps, compiled_for)
    made = {}
    for sweep in sweeps:
        name = SOURCE.KERNEL.direction(sweep.order)
        made[name] = compiled(name, getattr(module, f"_{name}"), signature_of(sweep, compiled_for), compiled_for)
    return made


def launched(sweeps: Sequence[Sweep], compiled_for: Setting) -> Setting:
    """The setting with as many warps as the launcher of a file of `sweeps` takes, unless others were asked for."""
    own = LAYOUT.warps(sweeps, is_nvidia=compiled_for.is_nvidia)
    return compiled_for if compiled_for.is_asked else replace(compiled_for, warps=own)


def compiled(
    name: str,
    kernel: Any,
    signature: Signature,
    compiled_for: Setting,
    options: Mapping[str, object] | None = None,
    *,
    aligned_kinds: tuple[str, ...] = ("*", "i32"),
) -> Binary:
    """A function that `triton.jit` has made, one of a generated module or any other, which may have its own options.

    Arguments of types that begin with one of `aligned_kinds` are compiled as multiples of 16.
    """
    names = kernel.arg_names
    types = {name: signature.types[name] for name in names}
    kinds = {name: kind if isinstance(kind, str) else "constexpr" for name, kind in types.items()}
    constants = {(index,): types[name] for index, name in enumerate(names) if kinds[name] == "constexpr"}
    aligned = {
        (index,): [list(pair) for pair in _ALIGNED]
        for index, name in enumerate(names)
        if kinds[name].startswith(aligned_kinds)
    }
    source = ASTSource(kernel, signature=kinds, constexprs=constants, attrs=aligned)
    options = options or LAYOUT.options(compiled_for.warps, is_nvidia=compiled_for.is_nvidia)
    kernel_made = triton.compile(source, target=compiled_for.gpu, options=dict(options))
    made = kernel_made.asm
    return Binary(
        name=name,
        symbol=kernel_made.metadata.name,
        shared_bytes=kernel_made.metadata.shared,
        ptx=made.get("ptx"),
        cubin=made["cubin" if compiled_for.is_nvidia else "hsaco"],
        gcn=made.get("amdgcn"),
        arguments=tuple(signature.argument(name) for name, kind in kinds.items() if kind != "constexpr"),
        setting=compiled_for,
    )


def _shaped(plan: Schedule, compiled_for: Setting) -> Setting | None:
    """The setting of a program that keeps a row through all passes; None where there is no such program."""
    if not plan.is_local:
        return None
    whole = SOURCE.TOGETHER.Whole(schedule=plan)
    shape = SOURCE.TOGETHER.shape_of(whole, compiled_for.block, is_nvidia=compiled_for.is_nvidia)
    if shape is None:
        return None
    return compiled_for if compiled_for.is_asked else replace(compiled_for, warps=shape[2])


def _compiled_whole(name: str, plan: Schedule, compiled_for: Setting, cache: Path | None) -> Binary:
    """All passes, for rows of as many elements as a program has."""
    whole = SOURCE.TOGETHER.Whole(schedule=plan)
    by = {"layer": "one", "element": "columns"}
    owners = {**{name: dict(plan.last.parameters)[of] for name, of, _ in plan.last.sums}, **whole.parameters}
    plain = signature_of(whole.everything, compiled_for)
    types = {
        **plain.types,
        **{whole.names.pointers[name]: "*fp32" for name in owners},
        **dict.fromkeys(LAYOUT.ROWS.sizes, "i32"),
        **LAYOUT.ROWS.of_block(compiled_for.block),
        **{whole.by(name): SOURCE.ROWS.BY[by.get(granularity, "rows")] for name, granularity in owners.items()},
    }
    module = install(SOURCE.whole(plan), cache)
    return compiled(name, getattr(module, f"_{whole.name}"), replace(plain, types=types), compiled_for)


def _compiled_part(name: str, sweep: Sweep, compiled_for: Setting, cache: Path | None) -> Binary:
    """A pass; values of statistics and of channels lie along rows, those of elements along columns."""
    kernel = SOURCE.ROWS.Kernel(sweep=sweep)
    module, granularities = install(SOURCE.part(sweep), cache), sweep.granularities
    by = {"layer": "one", "element": "columns"}
    owners = {**{name: granularities[of] for name, of, _ in sweep.sums}, **dict(sweep.parameters)}
    plain = signature_of(sweep, compiled_for)
    types = {
        **plain.types,
        **{kernel.names.pointers[name]: "*fp32" for name in owners},
        **dict.fromkeys(kernel.layout.sizes, "i32"),
        **kernel.layout.of_block(compiled_for.block),
        **{kernel.by(name): SOURCE.ROWS.BY[by.get(granularity, "rows")] for name, granularity in owners.items()},
    }
    return compiled(name, getattr(module, f"_{kernel.name}"), replace(plain, types=types), compiled_for)


def signature_of(sweep: Sweep, compiled_for: Setting) -> Signature:
    """That of the kernel of a sweep."""
    names, layout = NAMES.names_of(sweep), LAYOUT.layout_of(sweep)
    dtype = f"*{DTYPES[compiled_for.dtype]}"
    own = {name for name, _ in sweep.parameters} | sweep.fixed
    tensors = (*sweep.elements, *(name for name, _ in sweep.outputs))
    types = {
        **{pointer: "*fp32" if name in own else dtype for name, pointer in names.pointers.items()},
        "partials_pointer": "*fp32",
        **dict.fromkeys(names.constants.values(), "fp32"),
        **dict.fromkeys(layout.sizes, "i32"),
        **layout.of_block(compiled_for.block),
        "PTX": compiled_for.is_nvidia,
    }
    return Signature(types=types, of_elements=frozenset(names.pointers[name] for name in tensors))
