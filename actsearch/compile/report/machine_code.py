"""Machine code of one kernel, and what has to be known of it to count per element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from actsearch.grammar.activation import Activation


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of a kernel, in the order of the arguments."""

    name: str
    size: int
    """Bytes; it lies at a multiple of them."""
    kind: Literal["elements", "values", "number"]
    """A pointer to a tensor of the shape of x, a pointer to anything else, or no pointer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCode:
    """One kernel as a disassembler shows it; a program of `threads` threads computes `elements` elements."""

    name: str
    isa: Literal["sass", "amdgcn"]
    text: str
    first_argument: int
    """Where in the bank of constants (sass) or from the argument pointer (amdgcn) the arguments begin, in bytes."""
    arguments: tuple[Argument, ...]
    registers: int
    threads: int
    elements: int


@runtime_checkable
class Disassembled(Protocol):
    """A backend whose kernels can be counted."""

    def machine_code(
        self, activation: Activation, *, target: str | None, dtype: str, block: int | None, warps: int | None
    ) -> dict[str, tuple[MachineCode, ...]]:
        """The kernels of `forward` and of `backward`, in the order in which they run.

        Raises `UnknownNameError` for an unknown target or dtype, `ConfigError` for a block or warps that cannot be,
        `UnsupportedError` where nothing can be disassembled.
        """
