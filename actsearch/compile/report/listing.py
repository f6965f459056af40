"""Instructions as they stand in a disassembly: NVIDIA's SASS, AMD's GCN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from actsearch.compile.report.machine_code import MachineCode

# As cuobjdump and nvdisasm write them: /*0040*/ @!P0 LDG.E.128 R4, desc[UR4][R10.64] ; /* 0x... */
_SASS = re.compile(
    r"/\*[0-9a-f]{4,}\*/\s+(?:\{\s*)?(?P<predicate>@!?U?P\w+\s+)?(?P<opcode>[A-Z][\w.]*)\s*(?P<rest>[^;]*);"
)
_GCN = re.compile(r"^\s+(?P<opcode>(?:v|s|global|buffer|flat|scratch|ds)_\w+)(?P<rest>[^;]*)")
# Operands are parted by commas, but not by those in brackets.
_COMMA = re.compile(r",\s*(?![^\[]*\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: `LDG.E.128`, (`R4`, `desc[UR4][R10.64]`)."""

    opcode: str
    operands: tuple[str, ...]
    is_predicated: bool = False


def instructions(code: MachineCode) -> list[Instruction]:
    """All instructions of a kernel, in the order in which they stand."""
    return list(_sass(code.text) if code.isa == "sass" else _gcn(code.text))


def _sass(text: str) -> Iterator[Instruction]:
    for found in _SASS.finditer(text):
        yield Instruction(
            opcode=found["opcode"],
            operands=_operands(found["rest"]),
            is_predicated=found["predicate"] is not None,
        )


def _gcn(text: str) -> Iterator[Instruction]:
    for line in text.splitlines():
        if found := _GCN.match(line):
            yield Instruction(opcode=found["opcode"], operands=_operands(found["rest"]))


def _operands(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _COMMA.split(text.strip()) if part.strip())
