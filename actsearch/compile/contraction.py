"""Products that are added to something, as one instruction; chosen here, so that no optimisation level decides it."""

from __future__ import annotations

from collections import Counter

from actsearch.compile.program import Instruction, Operand, Program, Temporary, pruned
from actsearch.grammar.expression import Constant

MULTIPLY_ADD, MULTIPLY_SUBTRACT, SUBTRACT_MULTIPLY = "multiply_add", "multiply_subtract", "subtract_multiply"
"""`a*b + c`, `a*b - c` and `c - a*b` of the operands a, b and c, rounded once where the processor can."""


def contracted(program: Program) -> Program:
    """`program` with each product that only one sum or difference reads made part of it."""
    reads = Counter(operand for instruction in program.instructions for operand in instruction.operands)
    reads.update(operand for _, operand in program.outputs)

    def product(operand: Operand) -> tuple[Operand, ...] | None:
        if not isinstance(operand, Temporary) or reads[operand] != 1:
            return None
        instruction = program.instructions[operand.index]
        return instruction.operands if instruction.operator == "multiply" else None

    def fused(instruction: Instruction) -> Instruction:
        if instruction.operator not in ("add", "subtract"):
            return instruction
        is_sum = instruction.operator == "add"
        a, b = instruction.operands
        if (factors := product(a)) is not None:
            if isinstance(b, Constant) and not is_sum:
                return Instruction(MULTIPLY_ADD, (*factors, Constant(-b.value)))
            return Instruction(MULTIPLY_ADD if is_sum else MULTIPLY_SUBTRACT, (*factors, b))
        if (factors := product(b)) is not None:
            return Instruction(MULTIPLY_ADD if is_sum else SUBTRACT_MULTIPLY, (*factors, a))
        return instruction

    return pruned(list(map(fused, program.instructions)), program.outputs)
