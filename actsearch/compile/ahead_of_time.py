"""Machine code of an exported module's kernels, made before any GPU is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from actsearch.grammar.activation import Activation


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelArgument:
    """An argument of a kernel, in the order of the arguments."""

    name: str
    type: str
    """`*bf16`, `*fp16`, `*fp32`: a pointer to such numbers; `fp32`, `i32`: a number."""
    is_multiple_of_16: bool
    """Whether the kernel is right only if the pointer, in bytes, or the number is a multiple of 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBinary:
    """One kernel, for one GPU and one type of tensors."""

    symbol: str
    """What it is called in the file."""
    direction: str
    """`forward` or `backward`."""
    sizes: str
    """`aligned`: for tensors whose sizes fill every tile; `any`: for those of all sizes."""
    channels: str | None
    """`last`: for tensors whose last dimension is that of channels; `inner`: of others; None without channels."""
    target: str
    dtype: str
    content: bytes
    """An ELF file: a cubin of NVIDIA's, a code object (hsaco) of AMD's."""
    block: int
    """Elements of a program."""
    warps: int
    threads: int
    shared_bytes: int
    arguments: tuple[KernelArgument, ...]
    compile_time: Mapping[str, int | bool]
    """Arguments of the kernel's source that have become part of the machine code."""


@runtime_checkable
class AheadOfTime(Protocol):
    """A backend whose embedded kernels can be compiled without a GPU."""

    def ahead_of_time(self, activation: Activation, *, gain: float, targets: Sequence[str]) -> tuple[KernelBinary, ...]:
        """The kernels of `embedded`: for each of `targets` and each dtype, both directions and all sizes and channels.

        Raises `UnknownNameError` for an unknown target, `UnsupportedError` for an activation whose kernels are not
        embedded, and where nothing can be compiled.
        """
