"""Printing a program: a backend says how each primitive is written, this module writes the lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from actsearch.compile.program import Instruction, Operand, Program, Temporary
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import Constant, Input, Parameter

ATOM, POWER, FACTOR, TERM, COMPARISON = 5, 4, 3, 2, 1
"""How tightly a text binds: a name or call, a power, a sign or product, a sum, a comparison."""
LONGEST_INLINE = 56
"""Up to how many characters a value used once stands where it is used."""
_LONGER_RESULT = 40
_TEMPORARY = re.compile(r"t\d+")


@dataclass(frozen=True, slots=True)
class Text:
    """Source of a value, and how tightly its outermost operator binds."""

    source: str
    binds: int = ATOM
    is_number: bool = False

    def within(self, needed: int) -> str:
        """The source, in parentheses where an operator that needs `needed` stands beside it."""
        return self.source if self.binds >= needed else f"({self.source})"


Rule = Callable[..., Text]
"""From the texts of a primitive's operands to its own."""

INFIX: Mapping[str, Rule] = {
    "add": lambda a, b: Text(f"{a.within(TERM)} + {b.within(FACTOR)}", TERM),
    "subtract": lambda a, b: Text(f"{a.within(TERM)} - {b.within(FACTOR)}", TERM),
    "multiply": lambda a, b: Text(f"{a.within(FACTOR)} * {b.within(POWER)}", FACTOR),
    "divide": lambda a, b: Text(f"{a.within(FACTOR)} / {b.within(POWER)}", FACTOR),
    "negative": lambda u: Text(f"-{u.within(POWER)}", FACTOR),
}
"""The primitives that Python's own operators write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """How one backend writes primitives, comparisons as conditions, and numbers."""

    name: str
    rules: Mapping[str, Rule]
    conditions: Mapping[str, Rule]
    number: Callable[[float], str]


def print_program(
    program: Program, language: Language, names: Mapping[str, str], *, longest_inline: int = LONGEST_INLINE
) -> tuple[list[str], list[str]]:
    """Lines that assign temporaries, and the texts of the outputs; `names` says how parameters are called.

    A value used once stands where it is used if its text has at most `longest_inline` characters. Raises
    `UnsupportedError` for a primitive that the language has no rule for.
    """
    writer = _Writer(program, language, names, longest_inline)
    for index, instruction in enumerate(program.instructions):
        writer.write(index, instruction)
    return writer.lines, [writer.text(operand).source for _, operand in program.outputs]


def identifiers(names: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """An identifier for each of the parameters' `names` that is neither reserved nor looks like a temporary."""
    taken = set(reserved)
    chosen: dict[str, str] = {}
    for name in names:
        identifier = name
        while identifier in taken or _TEMPORARY.fullmatch(identifier):
            identifier += "_"
        chosen[name] = identifier
        taken.add(identifier)
    return chosen


@dataclass(slots=True)
class _Writer:
    program: Program
    language: Language
    names: Mapping[str, str]
    longest_inline: int
    lines: list[str] = field(default_factory=list)
    texts: dict[int, Text] = field(default_factory=dict)
    uses: Counter[int] = field(default_factory=Counter)
    result: int = -1

    def __post_init__(self) -> None:
        operands = [operand for instruction in self.program.instructions for operand in instruction.operands]
        outputs = [operand for _, operand in self.program.outputs]
        self.uses.update(operand.index for operand in operands + outputs if isinstance(operand, Temporary))
        if len(outputs) == 1 and isinstance(outputs[0], Temporary):
            self.result = outputs[0].index

    def write(self, index: int, instruction: Instruction) -> None:
        text = self._instruction(instruction)
        longest = self.longest_inline + _LONGER_RESULT * (self.result == index)
        if self.uses[index] > 1 or len(text.source) > longest:
            self.lines.append(f"t{len(self.lines)} = {text.source}")
            text = Text(f"t{len(self.lines) - 1}")
        self.texts[index] = text

    def text(self, operand: Operand) -> Text:
        if isinstance(operand, Temporary):
            return self.texts[operand.index]
        if isinstance(operand, Parameter):
            name = self.names.get(operand.name, operand.name)
            return Text(name if operand.index is None else f"{name}[{operand.index}]")
        if isinstance(operand, Input):
            return Text(operand.name)
        return Text(self.language.number(operand.value), ATOM if operand.value >= 0 else FACTOR, is_number=True)

    def _instruction(self, instruction: Instruction) -> Text:
        operands = [self.text(operand) for operand in instruction.operands]
        if instruction.operator == "where":
            operands[0] = self._condition(instruction.operands[0])
        rule = self.language.rules.get(instruction.operator)
        if rule is None:
            raise UnsupportedError(f"the backend {self.language.name} cannot write {instruction.operator}.")
        return rule(*operands)

    def _condition(self, operand: Operand) -> Text:
        """`operand` as a condition: a comparison itself, not the number 1 or 0 that it gives."""
        if isinstance(operand, Temporary):
            made_by = self.program.instructions[operand.index]
            if made_by.operator in self.language.conditions and self.uses[operand.index] == 1:
                return self.language.conditions[made_by.operator](*map(self.text, made_by.operands))
        return Text(f"{self.text(operand).within(TERM)} != 0", COMPARISON)


def literal(value: float | Constant) -> str:
    """A number as Python writes it, infinities and NaN included."""
    number = value.value if isinstance(value, Constant) else value
    text = repr(float(number))
    return f'float("{text}")' if text in ("inf", "-inf", "nan") else text
