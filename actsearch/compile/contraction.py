"""Products that are added to something, as one instruction; chosen here, so that no optimisation level decides it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from actsearch.compile.program import Instruction, Operand, Program, Temporary, temporary
from actsearch.grammar.expression import Constant

MULTIPLY_ADD, MULTIPLY_SUBTRACT, SUBTRACT_MULTIPLY = "multiply_add", "multiply_subtract", "subtract_multiply"
"""`a*b + c`, `a*b - c` and `c - a*b` of the operands a, b and c, rounded once where the processor can."""
_SUMS = frozenset({"add", "subtract"})


def contracted(program: Program) -> Program:
    """`program` with each product that only one sum or difference reads made part of it."""
    products = _joined(program)
    names: list[Operand] = []
    kept: list[Instruction] = []

    def renamed(operands: Iterable[Operand]) -> tuple[Operand, ...]:
        return tuple(names[operand.index] if isinstance(operand, Temporary) else operand for operand in operands)

    for index, instruction in enumerate(program.instructions):
        names.append(temporary(len(kept)))
        if index not in products:
            operator, operands = _fused(instruction, products)
            kept.append(Instruction(operator, renamed(operands)))
    outputs = zip((name for name, _ in program.outputs), renamed(of for _, of in program.outputs), strict=True)
    return Program(instructions=tuple(kept), outputs=tuple(outputs))


def _joined(program: Program) -> dict[int, tuple[Operand, ...]]:
    """The factors of each product that becomes part of a sum or difference, by the product's place."""
    read = [operand for instruction in program.instructions for operand in instruction.operands]
    reads = Counter(operand.index for operand in read if isinstance(operand, Temporary))
    reads.update(operand.index for _, operand in program.outputs if isinstance(operand, Temporary))
    found = {}
    for instruction in program.instructions:
        if instruction.operator in _SUMS:
            for operand in instruction.operands:
                if isinstance(operand, Temporary) and reads[operand.index] == 1:
                    product = program.instructions[operand.index]
                    if product.operator == "multiply":
                        found[operand.index] = product.operands
                        break
    return found


def _fused(instruction: Instruction, products: Mapping[int, tuple[Operand, ...]]) -> tuple[str, tuple[Operand, ...]]:
    """Operator and operands of an instruction, with one of `products` in it if it reads one."""
    if instruction.operator in _SUMS:
        a, b = instruction.operands
        is_sum = instruction.operator == "add"
        if isinstance(a, Temporary) and a.index in products:
            factors = products[a.index]
            if isinstance(b, Constant) and not is_sum:
                return MULTIPLY_ADD, (*factors, Constant(-b.value))
            return MULTIPLY_ADD if is_sum else MULTIPLY_SUBTRACT, (*factors, b)
        if isinstance(b, Temporary) and b.index in products:
            return MULTIPLY_ADD if is_sum else SUBTRACT_MULTIPLY, (*products[b.index], a)
    return instruction.operator, instruction.operands
