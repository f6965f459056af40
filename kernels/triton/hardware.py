"""Programs in what GPUs compute: powers of two, reciprocals and reciprocal roots, each shared by all that need it.

What an approximate instruction may cost is said where it is chosen: a reciprocal with a product is within 2 units of
the last place, as Triton's own division is, while the divisor is between 2^-126 and 2^126. So a quotient becomes one
only where its divisor is known to be at least SMALLEST, whatever the inputs are; above 2^126 the quotient is 0 then,
as CUDA's `__fdividef` has it. Results of `exp2` below 2^-126 are 0. Of what is below 2^-126 and the same for all
elements, such as a variance, `rsqrt` is infinite.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actsearch.compile.backend import sibling
from actsearch.compile.program import Instruction, Literal, Operand, Program, Temporary, temporary, without_dead
from actsearch.grammar.expression import Constant, Parameter

BOUNDS = sibling(__file__, "bounds")
LOGISTIC = sibling(__file__, "logistic")
SMALLEST = 2.0**-40
"""A divisor that is always larger has a reciprocal and, up to three factors of it, no overflow."""
_LOG2_E = 1 / math.log(2)
_ONE = Constant(1.0)
_LARGEST_EXPONENT = LOGISTIC.LARGEST


def for_hardware(program: Program) -> Program:
    """The program with `exp2`, `reciprocal` and `rsqrt` for exponentials, quotients and logistic functions."""
    return _Writer(program).written()


@dataclass(slots=True)
class _Writer:
    """Writes a program anew, instruction by instruction, each distinct one once."""

    program: Program
    instructions: list[Instruction] = field(default_factory=list)
    known: dict[tuple[str, tuple[Operand, ...]], Operand] = field(default_factory=dict)
    became: dict[int, Operand] = field(default_factory=dict)
    parts: dict[Operand, Mapping[str, Operand]] = field(default_factory=dict)
    once: set[Operand] = field(default_factory=set)
    """Values that are used once."""
    uniform: dict[int, bool] = field(default_factory=dict)
    bounds: Any = field(init=False)

    def __post_init__(self) -> None:
        self.bounds = BOUNDS.Bounds(self.instructions)

    def written(self) -> Program:
        """The whole program."""
        logistics = LOGISTIC.logistics(self.program)
        replaced = {index: (one, kind) for one in logistics for index, kind in one.replaced.items()}
        quotients = {index: (one, kind) for one in logistics for index, kind in one.quotients.items()}
        factors = {index: one for one in logistics for index in one.factors}
        passed = {index for one in logistics for index in one.passed}
        below = (i.operands[1] for i in self.program.instructions if i.operator == "divide")
        uses = Counter(operand for i in self.program.instructions for operand in i.operands)
        uses.update(operand for _, operand in self.program.outputs)
        divisors = Counter(map(self._root, below))
        for index, instruction in enumerate(self.program.instructions):
            operands = [self.value(operand) for operand in instruction.operands]
            if index in replaced:
                one, kind = replaced[index]
                self.became[index] = self.logistic(one, kind)
            elif index in quotients:
                one, kind = quotients[index]
                self.became[index] = self.product(operands[0], self.logistic(one, kind))
            elif index in factors:
                own = Temporary(factors[index].exponential)
                place = instruction.operands.index(own)
                self.became[index] = self.product(self.logistic(factors[index], "slope"), operands[1 - place])
            elif index in passed:
                self.became[index] = operands[0]
            else:
                is_shared = instruction.operator == "divide" and divisors[self._root(instruction.operands[1])] > 1
                self.became[index] = self.apply(instruction.operator, operands, is_shared=is_shared)
            if uses[temporary(index)] == 1:
                self.once.add(self.became[index])
        outputs = tuple((name, self.value(operand)) for name, operand in self.program.outputs)
        return without_dead(self.instructions, outputs)

    def value(self, operand: Operand) -> Operand:
        """What an operand of the old program is in the new one."""
        return self.became[operand.index] if isinstance(operand, Temporary) else operand

    def emit(self, operator: str, *operands: Operand) -> Operand:
        """An instruction as it stands."""
        key = (operator, operands)
        if key not in self.known:
            self.instructions.append(Instruction(operator, operands))
            self.known[key] = temporary(len(self.instructions) - 1)
        return self.known[key]

    def _root(self, divisor: Operand) -> Operand:
        """What a divisor of the old program is the square of, or itself."""
        if isinstance(divisor, Temporary):
            made_by = self.program.instructions[divisor.index]
            if made_by.operator == "multiply" and made_by.operands[0] == made_by.operands[1]:
                return made_by.operands[0]
        return divisor

    def apply(self, operator: str, operands: list[Operand], *, is_shared: bool) -> Operand:
        """An instruction in what the hardware has; `is_shared` says that there is another one by that divisor."""
        if operator == "exp":
            return self.exponential(operands[0])
        if operator == "multiply":
            return self.product(*operands)
        if operator == "divide":
            return self.quotient(*operands, is_shared=is_shared)
        return self.emit(operator, *operands)

    def product(self, a: Operand, b: Operand) -> Operand:
        """a*b, with the factors that are the same for all elements taken together, once for all of these."""
        for one, other in ((a, b), (b, a)):
            if one == _ONE:
                return other
            if inside := self.made(other, "negative"):
                return self.emit("negative", self.product(one, inside[0]))
            if (found := self._rectified(one, other)) is not None:
                return found
            if self.is_uniform(one) and (found := self._with_factor(other, one)) is not None:
                return found
        return self.emit("multiply", a, b)

    def _with_factor(self, product: Operand, factor: Operand) -> Operand | None:
        """A product times a factor that is the same for all elements, by another such factor that it has.

        What differs between elements is multiplied in the same order as before: other orders may overflow.
        """
        if (factors := self.made(product, "multiply")) is None or self.is_uniform(product):
            return None
        for step, rest in (factors, factors[::-1]):
            if self.is_uniform(step):
                return self.emit("multiply", self.product(step, factor), rest)
            if step in self.once and (found := self._with_factor(step, factor)) is not None:
                return self.emit("multiply", found, rest)
        return None

    def _rectified(self, one: Operand, other: Operand) -> Operand | None:
        """maximum(u, 0) times a product with greater(u, 0), which it has in it."""
        largest, factors = self.made(one, "maximum"), self.made(other, "multiply")
        if largest is None or factors is None or largest[1] != Constant(0.0):
            return None
        for step, rest in (factors, factors[::-1]):
            if self.made(step, "greater") == largest:
                return self.product(rest, one)
        return None

    def exponential(self, u: Operand) -> Operand:
        """exp(u)."""
        return self.emit("exp2", self.by_log2_e(u))

    def by_log2_e(self, u: Operand) -> Operand:
        """log2(e)*u, where log2(e) goes into a factor that is the same for all elements."""
        inside = self.made(u, "negative")
        scale, u = (-_LOG2_E, inside[0]) if inside else (_LOG2_E, u)
        for factor, other in self.factors(u):
            if isinstance(factor, Constant):
                return self.emit("multiply", Constant(scale * factor.value), other)
            if self.is_uniform(factor):
                return self.emit("multiply", self.emit("multiply", factor, Constant(scale)), other)
        return self.emit("multiply", u, Constant(scale))

    def quotient(self, a: Operand, b: Operand, *, is_shared: bool) -> Operand:
        """a/b by a reciprocal where the divisor allows that, or where others need it, too."""
        if isinstance(b, Constant) and abs(b.value) >= SMALLEST:
            return self.product(a, Constant(1 / b.value))
        if self.is_uniform(b):
            return self.product(a, self.uniform_reciprocal(b))
        if self.bounds[b].low >= SMALLEST:
            return self.product(a, self.reciprocal(b))
        if is_shared:
            # One division for all. It has the full range: results change for divisors below 2^-126 alone.
            factors = self.made(b, "multiply")
            if factors and factors[0] == factors[1]:
                r = self.emit("divide", _ONE, factors[0])
                return self.product(a, self.emit("multiply", r, r))
            return self.product(a, self.emit("divide", _ONE, b))
        return self.emit("divide", a, b)

    def uniform_reciprocal(self, b: Operand) -> Operand:
        """1/b of what is the same for all elements: a division each, but for roots."""
        if factors := self.made(b, "multiply"):
            return self.emit("multiply", *map(self.uniform_reciprocal, factors))
        if root := self.made(b, "sqrt"):
            return self.emit("rsqrt", *root)
        return self.emit("divide", _ONE, b)

    def reciprocal(self, b: Operand) -> Operand:
        """1/b of a divisor that is at least SMALLEST; that of a product by those of its factors."""
        if (factors := self.made(b, "multiply")) and all(self.bounds[factor].low >= SMALLEST for factor in factors):
            return self.emit("multiply", *(self.reciprocal(factor) for factor in factors))
        if (root := self.made(b, "sqrt")) and self.bounds[root[0]].low >= SMALLEST:
            return self.emit("rsqrt", root[0])
        return self.emit("reciprocal", b)

    def logistic(self, one: Any, kind: str) -> Operand:
        """sigmoid(v), sigmoid(-v) or the slope of sigmoid at v."""
        of, asked = self.value(one.of), one.asked
        if len(asked) == 1 and kind != "slope":
            u = of if asked == {"opposite"} else self.emit("negative", of)
            return self.emit("reciprocal", self.emit("add", self.exponential(u), _ONE))
        if of not in self.parts:
            exponent = self.by_log2_e(self.emit("negative", of))
            t = self.emit("exp2", self.emit("minimum", exponent, Constant(_LARGEST_EXPONENT)))
            r = self.emit("reciprocal", self.emit("add", t, _ONE))
            self.parts[of] = {"value": r, "opposite": self.emit("multiply", t, r)}
        parts = self.parts[of]
        return self.emit("multiply", parts["opposite"], parts["value"]) if kind == "slope" else parts[kind]

    def made(self, operand: Operand, operator: str) -> tuple[Operand, ...] | None:
        """The operands of what made `operand`, if it was that operator."""
        instruction = self.instructions[operand.index] if isinstance(operand, Temporary) else None
        return instruction.operands if instruction is not None and instruction.operator == operator else None

    def factors(self, u: Operand) -> list[tuple[Operand, Operand]]:
        """Each factor of a product, and the other."""
        found = self.made(u, "multiply")
        return [(found[0], found[1]), (found[1], found[0])] if found else []

    def is_uniform(self, operand: Operand) -> bool:
        """Whether it is the same for all elements that share their parameters."""
        if not isinstance(operand, Temporary):
            return isinstance(operand, Parameter | Constant | Literal)
        if operand.index not in self.uniform:
            operands = self.instructions[operand.index].operands
            self.uniform[operand.index] = all(self.is_uniform(one) for one in operands)
        return self.uniform[operand.index]
