"""A sweep as a tape: instructions that each run one operation over a block of elements.

A tape is written in microseconds where machine code takes milliseconds, and a block is small enough to stay in the
fastest cache between instructions. That is what a population needs: many activations that each work little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from actsearch.compile.backend import sibling
from actsearch.compile.contraction import contracted
from actsearch.compile.program import Instruction, Literal, Operand, Temporary
from actsearch.compile.sweep import Sweep
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import Constant, Input, Parameter

OPERATIONS = sibling(__file__, "operations")
WORDS = 1 + OPERATIONS.MOST_OPERANDS
"""Numbers of an instruction: the operation's address, and its operands."""
_CHOICES = {"greater": OPERATIONS.GREATER_CHOICE, "equal": OPERATIONS.EQUAL_CHOICE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """The instructions of a sweep, of `WORDS` numbers each; what differs between sweeps of one structure is beside it.

    An operand is a register, or -1 - v for the value v: those are the parameters, the constants of the sweep and
    `literals`, in this order. The first `once` instructions compute what does not depend on the elements.
    """

    words: tuple[int, ...]
    once: int
    registers: int
    literals: tuple[float, ...]
    inputs: tuple[int, ...]
    """The register of each of the sweep's elements, -1 for one that is not read."""
    outputs: tuple[int, ...]
    terms: tuple[int, ...]
    """The registers of what is summed, which no other instruction reads after them."""
    spread: tuple[int, ...]
    """For each parameter the register where it has a number for each element, -1 where it is one number."""
    accumulators: tuple[int, ...]
    """The register of the sums so far, for each sum."""

    @property
    def instructions(self) -> int:
        """Their number."""
        return len(self.words) // int(WORDS)


def tape_of(sweep: Sweep) -> Tape:
    """The tape of a sweep without statistics whose parameters are per layer or per channel.

    Raises `UnsupportedError`, which names the part, for any other sweep.
    """
    if sweep.has_statistics:
        raise UnsupportedError("a tape takes no statistics.")
    for name, granularity in sweep.parameters:
        if granularity not in ("layer", "channel"):
            raise UnsupportedError(
                f"a tape takes parameters per layer and per channel, and {name} is per {granularity}."
            )
    return _Writer(sweep).tape()


@dataclass(slots=True)
class _Place:
    """Where an operand is: a register or a value, and whether it is one number for all elements."""

    word: int
    is_uniform: bool


@dataclass(slots=True)
class _Writer:
    sweep: Sweep
    once: list[int] = field(default_factory=list)
    each: list[int] = field(default_factory=list)
    places: dict[Operand, _Place] = field(default_factory=dict)
    literals: dict[str, float] = field(default_factory=dict)
    registers: int = 0
    free: list[int] = field(default_factory=list)
    spread: list[int] = field(default_factory=list)

    def tape(self) -> Tape:
        sweep = self.sweep
        program = contracted(sweep.program(kept=OPERATIONS.COMPOSITE))
        instructions = _with_choices(program.instructions, [operand for _, operand in program.outputs])
        last = _last_reads(instructions, [operand for _, operand in program.outputs])
        inputs = [self._given(Input(name)) if Input(name) in last else -1 for name in sweep.elements]
        for index, (name, granularity) in enumerate(sweep.parameters):
            is_spread = granularity == "channel" and Parameter(name) in last
            self.spread.append(self._register() if is_spread else -1)
            word = self.spread[index] if is_spread else -1 - index
            self.places[Parameter(name)] = _Place(word, not is_spread)
        for index, name in enumerate(sweep.constants):
            self.places[Parameter(name)] = _Place(-1 - len(sweep.parameters) - index, is_uniform=True)
        for at, (index, instruction) in enumerate(instructions):
            dying = [operand for operand in dict.fromkeys(instruction.operands) if last.get(operand) == at]
            self.places[Temporary(index)] = self._emit(instruction, dying)
        results = dict(program.outputs)
        outputs = tuple(self._result(results[name], may_be_spread=True) for name, _ in sweep.outputs)
        terms = tuple(self._result(results[name], may_be_spread=False) for name, _, _ in sweep.sums)
        accumulators = tuple(self._register() for _ in sweep.sums)
        return Tape(
            words=(*self.once, *self.each),
            once=len(self.once) // WORDS,
            registers=self.registers,
            literals=tuple(self.literals.values()),
            inputs=tuple(inputs),
            outputs=outputs,
            terms=terms,
            spread=tuple(self.spread),
            accumulators=accumulators,
        )

    def _emit(self, instruction: Instruction, dying: Iterable[Operand]) -> _Place:
        """Write an instruction; where its result is. Registers of operands that nobody reads again become free."""
        operands = [self._place(operand) for operand in instruction.operands]
        uniform = tuple(operand.is_uniform for operand in operands)
        if all(uniform):
            result = _Place(self._register(), is_uniform=True)
            self._write(self.once, instruction.operator, operands, result)
            return result
        for operand in dying:
            place = self.places.get(operand)
            # What a parameter has for each element is there for the next block as well.
            if place is not None and not place.is_uniform and not isinstance(operand, Parameter):
                self.free.append(place.word)
        result = _Place(self.free.pop() if self.free else self._register(), is_uniform=False)
        self._write(self.each, instruction.operator, operands, result)
        return result

    def _write(self, to: list[int], operator: str, operands: Sequence[_Place], result: _Place) -> None:
        kind = (operator, tuple(operand.is_uniform for operand in operands))
        address = OPERATIONS.operations().address.get(kind)
        if address is None:
            raise UnsupportedError(f"a tape has no operation {operator}.")
        varying = [operand.word for operand in operands if not operand.is_uniform]
        uniform = [operand.word for operand in operands if operand.is_uniform]
        words = [address, *varying, result.word, *uniform]
        to += [*words, *[0] * (WORDS - len(words))]

    def _result(self, operand: Operand, *, may_be_spread: bool) -> int:
        """The register in which an output or a term is when all instructions have run."""
        place = self._place(operand)
        if place.is_uniform or (isinstance(operand, Parameter) and not may_be_spread):
            copy = _Place(self._register(), is_uniform=False)
            self._write(self.each, OPERATIONS.COPY, [place], copy)
            return copy.word
        return place.word

    def _place(self, operand: Operand) -> _Place:
        if isinstance(operand, Constant | Literal):
            count = len(self.sweep.parameters) + len(self.sweep.constants)
            # By its text, which tells -0.0 from 0.0 and is the same for all NaN.
            key = repr(operand.value)
            self.literals.setdefault(key, operand.value)
            return _Place(-1 - count - list(self.literals).index(key), is_uniform=True)
        return self.places[operand]

    def _given(self, operand: Operand) -> int:
        self.places[operand] = _Place(self._register(), is_uniform=False)
        return self.places[operand].word

    def _register(self) -> int:
        self.registers += 1
        return self.registers - 1


def _with_choices(instructions: Sequence[Instruction], results: Sequence[Operand]) -> list[tuple[int, Instruction]]:
    """Instructions with their places; a choice makes the comparison that it depends on itself.

    A comparison that only choices read is gone.
    """
    joined = []
    for index, instruction in enumerate(instructions):
        kept = instruction
        if instruction.operator == "where" and isinstance(instruction.operands[0], Temporary):
            compared = instructions[instruction.operands[0].index]
            if compared.operator in _CHOICES:
                kept = Instruction(_CHOICES[compared.operator], (*compared.operands, *instruction.operands[1:]))
        joined.append((index, kept))
    read = Counter(operand for _, instruction in joined for operand in instruction.operands)
    read.update(results)
    return [
        (index, instruction)
        for index, instruction in joined
        if instruction.operator not in _CHOICES or Temporary(index) in read
    ]


def _last_reads(instructions: Sequence[tuple[int, Instruction]], results: Iterable[Operand]) -> dict[Operand, int]:
    """The position of the last instruction that reads an operand; what is a result is read after all of them."""
    found = {operand: at for at, (_, instruction) in enumerate(instructions) for operand in instruction.operands}
    return found | dict.fromkeys(results, len(instructions))
