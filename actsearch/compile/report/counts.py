"""What one kernel costs an element, counted from its machine code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actsearch.compile.report.accesses import Access, accesses
from actsearch.compile.report.listing import Instruction, instructions
from actsearch.compile.report.machine_code import MachineCode

WIDE = 16
"""Bytes of a full-width access of one thread."""
# What does no work: padding, jumps, the end; on AMD waiting, too, which is an instruction of its own there.
_IDLE = re.compile(r"(NOP|BRA|EXIT)(\..*)?|s_(nop|c?branch\w*|endpgm|waitcnt\w*|barrier)")
_SPECIAL = re.compile(r"MUFU\..*|v_(exp|log|rcp|rsq|sqrt|sin|cos)_(f32|f16|f64)\w*")
_DIVISION = re.compile(r"MUFU\.RCP(64H)?|v_rcp_\w+")
_SPILL = re.compile(r"(LDL|STL)(\..*)?|scratch_(load|store)\w*")
_DOUBLE = re.compile(r"D(ADD|MUL|FMA|SETP|MNMX)(\..*)?|MUFU\.\w+64H|[FI]2[FI]\..*F64.*|v_\w*_f64\w*")
_ATOMIC = re.compile(r"(ATOM|ATOMG|RED|REDG)(\..*)?|(global|buffer|flat)_atomic_\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One kernel, or several that run one after the other on the same elements.

    A loop's instructions count once. Bytes are those of tensors of the shape of x and of the partial sums of a program;
    parameters are left out, because every program reads the same ones and caches hold them.
    """

    bytes_per_element: float
    wide_access_share: float
    """Of the accesses to tensors of the shape of x, those of 128 bits a thread or more."""
    instructions_per_element: float
    mufu_per_element: float
    """Instructions of the special function units."""
    divisions_per_element: float
    """Reciprocals among these."""
    registers: int
    """Of a thread."""
    spills: int
    """Loads and stores of registers that did not fit."""
    f64_instructions: int
    atomics: int


def count(kernels: Sequence[MachineCode]) -> Counts:
    """The sum over `kernels`; of registers the most."""
    found = [_One(code) for code in kernels]
    wide = [access.width >= WIDE for one in found for access in one.accesses if one.goes_over_elements(access)]
    return Counts(
        bytes_per_element=sum(one.bytes_per_element for one in found),
        wide_access_share=sum(wide) / len(wide) if wide else 1.0,
        instructions_per_element=sum(
            one.per_element(not _IDLE.fullmatch(i.opcode) for i in one.listing) for one in found
        ),
        mufu_per_element=sum(one.matching(_SPECIAL) for one in found),
        divisions_per_element=sum(one.matching(_DIVISION) for one in found),
        registers=max(one.code.registers for one in found),
        spills=sum(_matches(one.listing, _SPILL) for one in found),
        f64_instructions=sum(_matches(one.listing, _DOUBLE) for one in found),
        atomics=sum(_matches(one.listing, _ATOMIC) for one in found),
    )


class _One:
    """One kernel, read once."""

    def __init__(self, code: MachineCode) -> None:
        self.code = code
        self.listing = instructions(code)
        self.accesses = accesses(code)

    def per_element(self, chosen: Iterable[bool]) -> float:
        """How many of the instructions, or bytes, of one thread belong to an element."""
        return sum(chosen) * self.code.threads / self.code.elements

    def matching(self, pattern: re.Pattern[str]) -> float:
        """Instructions of that kind an element."""
        return self.per_element(bool(pattern.fullmatch(instruction.opcode)) for instruction in self.listing)

    def goes_over_elements(self, access: Access) -> bool:
        """Whether it is to a tensor of the shape of x."""
        return access.by_lane and (access.argument is None or access.argument.kind == "elements")

    @property
    def bytes_per_element(self) -> float:
        """Those of tensors of the shape of x, and of what a program stores besides."""
        moved = 0.0
        for access in self.accesses:
            if self.goes_over_elements(access):
                moved += access.width * self.code.threads
            elif access.is_store:
                moved += access.width * (self.code.threads if access.by_lane else 1)
        return moved / self.code.elements


def _matches(listing: Sequence[Instruction], pattern: re.Pattern[str]) -> int:
    return sum(bool(pattern.fullmatch(instruction.opcode)) for instruction in listing)
