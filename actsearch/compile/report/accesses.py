"""Which tensor an access to memory goes to, and whether each thread has an address of its own.

Registers are followed from the arguments and the thread's number to the addresses, in the order in which instructions
stand. That is exact for code without loops, and for loops that only add to an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from actsearch.compile.report.listing import Instruction, instructions
from actsearch.compile.report.machine_code import Argument, MachineCode

_LANE = "lane"
"""What depends on the number of the thread."""
_NOTHING: frozenset[str] = frozenset()
_REGISTER = re.compile(r"\b(UR|R)(\d+)\b(\.64)?")
_CONSTANT = re.compile(r"c\[0x0\]\[(0x[0-9a-f]+)\]")
_BRACKET = re.compile(r"\[([^\[\]]*)\]\s*$")
_GCN_REGISTER = re.compile(r"\b([vsa])(?:(\d+)\b|\[(\d+):(\d+)\])")
_WIDTHS = {"U8": 1, "S8": 1, "U16": 2, "S16": 2, "64": 8, "128": 16, "256": 32}
_GCN_WIDTHS = {"ubyte": 1, "sbyte": 1, "byte": 1, "ushort": 2, "sshort": 2, "short": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A load or a store of global memory."""

    argument: Argument | None
    """The pointer that the address was made of; None if that is not clear."""
    width: int
    """Bytes of one thread."""
    is_store: bool
    by_lane: bool
    """Whether the address depends on the thread."""


def accesses(code: MachineCode) -> list[Access]:
    """The accesses to global memory of a kernel."""
    walk = _Sass(_places(code)) if code.isa == "sass" else _Gcn(_places(code))
    found = (walk.step(instruction) for instruction in instructions(code))
    return [access for access in found if access is not None]


def _places(code: MachineCode) -> dict[int, Argument]:
    """By the place of each argument's first byte."""
    place, found = code.first_argument, {}
    for argument in code.arguments:
        place = -(-place // argument.size) * argument.size
        found[place] = argument
        place += argument.size
    return found


@dataclass(slots=True)
class _Walk:
    places: Mapping[int, Argument]
    made_of: dict[str, frozenset[str]] = field(default_factory=dict)

    def at(self, place: int) -> frozenset[str]:
        """What a number read at a place of the arguments is made of; the upper half of a pointer is that pointer."""
        for begin in (place, place - 4):
            if begin in self.places and place < begin + self.places[begin].size:
                return frozenset([self.places[begin].name])
        return _NOTHING

    def union(self, registers: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self.made_of.get(register, _NOTHING) for register in registers))

    def access(self, address: frozenset[str], width: int, *, is_store: bool) -> Access:
        pointers = [a for a in self.places.values() if a.name in address and a.kind != "number"]
        return Access(
            argument=pointers[0] if len(pointers) == 1 else None,
            width=width,
            is_store=is_store,
            by_lane=_LANE in address,
        )


@dataclass(slots=True)
class _Sass(_Walk):
    def step(self, instruction: Instruction) -> Access | None:
        """Follow one instruction."""
        name, *flags = instruction.opcode.split(".")
        operands = instruction.operands
        if name in ("LDG", "STG"):
            address = operands[1] if name == "LDG" else operands[0]
            inside = _BRACKET.search(address)
            found = self.union(_registers(inside[1] if inside else address))
            width = next((_WIDTHS[flag] for flag in flags if flag in _WIDTHS), 4)
            if name == "LDG":
                self._write(operands[0], max(1, width // 4), _NOTHING, keeps=instruction.is_predicated)
            return self.access(found, width, is_store=name == "STG")
        target = _REGISTER.fullmatch(operands[0]) if operands else None
        if target is None:
            return None
        wide = 4 if "128" in flags else 2 if {"64", "WIDE"} & {*flags} or (name == "CS2R" and "32" not in flags) else 1
        if name in ("LDC", "ULDC", "LDCU", "MOV", "UMOV") and (constant := _CONSTANT.fullmatch(operands[-1])):
            for index in range(wide):
                self._write(operands[0], 1, self.at(int(constant[1], 16) + 4 * index), first=index)
            return None
        sources = ", ".join(operands[1:])
        value = self.union(_registers(sources)).union(*(self.at(int(c, 16)) for c in _CONSTANT.findall(sources)))
        if "SR_TID" in sources or "SR_LANEID" in sources:
            value |= {_LANE}
        if name == "LDS":
            value = _NOTHING
        if name == "LDL":
            # What was spilled may have been an address.
            value = frozenset([_LANE])
        self._write(operands[0], wide, value, keeps=instruction.is_predicated)
        return None

    def _write(self, target: str, count: int, value: frozenset[str], *, first: int = 0, keeps: bool = False) -> None:
        found = _REGISTER.fullmatch(target.removesuffix(".reuse"))
        if found is None:
            return
        for number in range(int(found[2]) + first, int(found[2]) + first + count):
            register = f"{found[1]}{number}"
            self.made_of[register] = value | self.made_of.get(register, _NOTHING) if keeps else value


def _registers(text: str) -> list[str]:
    found = []
    for kind, number, pair in _REGISTER.findall(text):
        found += [f"{kind}{int(number) + index}" for index in range(2 if pair else 1)]
    return found


@dataclass(slots=True)
class _Gcn(_Walk):
    # Where a kernel begins, v0 has the thread's number and s[0:1] points at the arguments.
    made_of: dict[str, frozenset[str]] = field(default_factory=lambda: {"v0": frozenset([_LANE])})
    arguments_at: set[str] = field(default_factory=lambda: {"s0", "s1"})

    def step(self, instruction: Instruction) -> Access | None:
        """Follow one instruction."""
        operands = instruction.operands
        kind, _, rest = instruction.opcode.partition("_")
        written = _gcn_registers(operands[0]) if operands else []
        if kind in ("global", "buffer", "flat"):
            is_store = "store" in rest
            address = [*operands[:1], *operands[2:]] if is_store and kind != "buffer" else operands[1:]
            found = self.union(register for operand in address for register in _gcn_registers(operand))
            if not is_store:
                self._write(written, _NOTHING)
            return self.access(found, _gcn_width(rest), is_store=is_store)
        if instruction.opcode.startswith("s_load_dword"):
            base = set(_gcn_registers(operands[1]))
            if base <= self.arguments_at:
                place = int(operands[2].split()[0], 0)
                for index, register in enumerate(written):
                    self._write([register], self.at(place + 4 * index))
                return None
            address_of = self.union(base)
            self._write(written, _NOTHING)
            return self.access(address_of, _gcn_width(rest), is_store=False)
        value = self.union(register for operand in operands[1:] for register in _gcn_registers(operand))
        # The first lane's value is the same for all.
        self._write(written, value - {_LANE} if "readfirstlane" in rest else value)
        return None

    def _write(self, registers: Iterable[str], value: frozenset[str]) -> None:
        for register in registers:
            self.made_of[register] = value
            self.arguments_at.discard(register)


def _gcn_registers(text: str) -> list[str]:
    found = []
    for kind, one, first, last in _GCN_REGISTER.findall(text):
        numbers = [int(one)] if one else range(int(first), int(last) + 1)
        found += [f"{kind}{number}" for number in numbers]
    return found


def _gcn_width(rest: str) -> int:
    """Bytes of `load_dwordx4`, `store_short_d16_hi`, ..."""
    if found := re.search(r"dword(?:x(\d+))?", rest):
        return 4 * int(found[1] or 1)
    return next((width for name, width in _GCN_WIDTHS.items() if name in rest), 4)
