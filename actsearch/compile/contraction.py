"""Products that are added to something, as one instruction; chosen here, so that no optimisation level decides it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from actsearch.compile.program import Instruction, Operand, Program, pruned, temporary
from actsearch.grammar.expression import Constant

MULTIPLY_ADD, MULTIPLY_SUBTRACT, SUBTRACT_MULTIPLY = "multiply_add", "multiply_subtract", "subtract_multiply"
"""`a*b + c`, `a*b - c` and `c - a*b` of the operands a, b and c, rounded once where the processor can."""


def contracted(program: Program) -> Program:
    """`program` with each product that only one sum or difference reads made part of it."""
    reads = Counter(operand for instruction in program.instructions for operand in instruction.operands)
    reads.update(operand for _, operand in program.outputs)
    joined: dict[Operand, Instruction] = {}
    kept = []
    for index, instruction in enumerate(program.instructions):
        if instruction.operator == "multiply" and reads[temporary(index)] == 1:
            joined[temporary(index)] = instruction
        kept.append(_fused(instruction, joined) if instruction.operator in ("add", "subtract") else instruction)
    return pruned(kept, program.outputs)


def _fused(instruction: Instruction, products: Mapping[Operand, Instruction]) -> Instruction:
    """A sum or difference with one of `products` in it, if it reads one."""
    a, b = instruction.operands
    is_sum = instruction.operator == "add"
    if a in products:
        factors = products[a].operands
        if isinstance(b, Constant) and not is_sum:
            return Instruction(MULTIPLY_ADD, (*factors, Constant(-b.value)))
        return Instruction(MULTIPLY_ADD if is_sum else MULTIPLY_SUBTRACT, (*factors, b))
    if b in products:
        return Instruction(MULTIPLY_ADD if is_sum else SUBTRACT_MULTIPLY, (*products[b].operands, a))
    return instruction
