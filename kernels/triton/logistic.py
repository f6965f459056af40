"""Finds logistic functions in a program, so that they and their slopes share one exponential and one reciprocal.

Operators say `sigmoid(v)` by exp(-|v|), as is right where nothing may overflow, and what derivatives make of it is that
exponential over the square of 1 plus it. With `t = 2**min(-v*log2(e), 125)` and `r = 1/(1 + t)` it is r, at -v it is
t*r, its slope is t*r*r: nothing overflows, and nothing has to be chosen. Where only sigmoid(v) is asked for, t may be
infinite: its reciprocal is the right 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from actsearch.compile.program import Operand, Program, Temporary
from actsearch.grammar.expression import Constant

LARGEST = 125.0
"""Two to this power and 1 have a sum whose reciprocal is a normal number."""
_ONE = Constant(1.0)


@dataclass(slots=True)
class Logistic:
    """What a program asks for of the logistic function of one value."""

    of: Operand
    replaced: dict[int, str] = field(default_factory=dict)
    """Instructions that are sigmoid(of) (`value`), sigmoid(-of) (`opposite`) or the slope (`slope`)."""
    quotients: dict[int, str] = field(default_factory=dict)
    """Divisions by 1 + exp(-of) or 1 + exp(of), which become products with `value` or `opposite`."""
    factors: set[int] = field(default_factory=set)
    """Products in which exp(-|of|) becomes the slope, because they are divided by the square further on."""
    passed: set[int] = field(default_factory=set)
    """Those divisions, which become what was divided."""
    exponential: int | None = None
    """The instruction of exp(-|of|)."""

    @property
    def asked(self) -> frozenset[str]:
        """Which of the kinds are asked for."""
        return frozenset([*self.replaced.values(), *self.quotients.values(), *(["slope"] if self.factors else [])])


def logistics(program: Program) -> list[Logistic]:
    """The logistic functions of a program that can be replaced."""
    return _Search(program).found()


class _Search:
    def __init__(self, program: Program) -> None:
        self.instructions = program.instructions
        self.uses: dict[int, list[int]] = {index: [] for index in range(len(self.instructions))}
        for index, instruction in enumerate(self.instructions):
            for operand in dict.fromkeys(instruction.operands):
                if isinstance(operand, Temporary):
                    self.uses[operand.index].append(index)
        self.results = {operand.index for _, operand in program.outputs if isinstance(operand, Temporary)}

    def found(self) -> list[Logistic]:
        """Those of both forms together, by what they are the function of."""
        by_value: dict[Operand, Logistic] = {}
        for index, instruction in enumerate(self.instructions):
            if instruction.operator != "exp":
                continue
            of, is_negative = self._without_sign(instruction.operands[0])
            magnitude = self._made(of, "abs")
            one = self._two_sided(index, magnitude[0]) if magnitude and is_negative else None
            one = one or self._one_sided(index, of, is_negative=is_negative)
            if one is None:
                continue
            known = by_value.setdefault(one.of, Logistic(of=one.of))
            known.replaced |= one.replaced
            known.quotients |= one.quotients
            known.factors |= one.factors
            known.passed |= one.passed
            known.exponential = one.exponential if one.exponential is not None else known.exponential
        return list(by_value.values())

    def _one_sided(self, exponential: int, of: Operand, *, is_negative: bool) -> Logistic | None:
        """exp(-v) or exp(v) of which nothing is used but divisions by 1 plus it."""
        divisor = self._only_use(exponential, "add", _ONE)
        if divisor is None or divisor in self.results:
            return None
        found = Logistic(of=of)
        for use in self.uses[divisor]:
            above, below = self._operands(use, "divide") or (None, None)
            if below != Temporary(divisor) or above == below:
                return None
            found.quotients[use] = "value" if is_negative else "opposite"
        return found if found.quotients else None

    def _two_sided(self, exponential: int, of: Operand) -> Logistic | None:
        """exp(-|v|) of which nothing is used but logistic functions of v and -v and their slope."""
        found = Logistic(of=self._without_sign(of)[0], exponential=exponential)
        sums = [use for use in self.uses[exponential] if self._is_with(use, "add", _ONE)]
        if len(sums) != 1 or exponential in self.results or sums[0] in self.results:
            return None
        (below,) = sums
        reciprocals = [use for use in self.uses[below] if self._operands(use, "divide") == (_ONE, Temporary(below))]
        squares = [use for use in self.uses[below] if self._operands(use, "multiply") == (Temporary(below),) * 2]
        if len(reciprocals) + len(squares) != len(self.uses[below]):
            return None
        complements: list[int] = []
        for use in self.uses[exponential]:
            if use == below:
                continue
            if reciprocals and self._is_with(use, "multiply", Temporary(reciprocals[0])):
                complements.append(use)
            elif squares and self._ends(use, squares[0], found):
                found.factors.add(use)
            else:
                return None
        # What the square divides is all that is asked of it.
        if any(set(self.uses[square]) - found.passed or square in self.results for square in squares):
            return None
        return found if self._are_chosen(reciprocals, complements, found) else None

    def _ends(self, product: int, square: int, found: Logistic) -> bool:
        """Whether a product of exp(-|v|) is used in products alone that are divided by the square in the end."""
        own, divisor = Temporary(product), Temporary(square)
        operands = self._operands(product, "multiply")
        if operands is None or product in self.results or not self.uses[product]:
            return False
        for use in self.uses[product]:
            if self._operands(use, "divide") == (own, divisor):
                found.passed.add(use)
            elif self._operands(use, "multiply") == (own, own) or not self._ends(use, square, found):
                return False
        return True

    def _are_chosen(self, reciprocals: list[int], complements: list[int], found: Logistic) -> bool:
        """Whether 1/(1+e) and e/(1+e) are used where one of them is chosen by the sign of v, or multiplied."""
        if not reciprocals:
            return not complements
        if len(complements) > 1 or {*reciprocals, *complements} & self.results:
            return False
        r = Temporary(reciprocals[0])
        m = Temporary(complements[0]) if complements else None
        for use in [*self.uses[r.index], *(self.uses[m.index] if m else [])]:
            instruction = self.instructions[use]
            if m is not None and use == m.index:
                continue
            if m is not None and instruction.operator == "multiply" and {*instruction.operands} == {r, m}:
                found.replaced[use] = "slope"
                continue
            if instruction.operator != "where" or instruction.operands[1:] != (r, m):
                return False
            condition = self._made(instruction.operands[0], "greater")
            if condition is None or condition[1] != Constant(0.0):
                return False
            of, is_negative = self._without_sign(condition[0])
            if of != found.of:
                return False
            found.replaced[use] = "opposite" if is_negative else "value"
        return True

    def _without_sign(self, operand: Operand) -> tuple[Operand, bool]:
        """V and True of -v, else the operand itself and False."""
        inside = self._made(operand, "negative")
        return (inside[0], True) if inside else (operand, False)

    def _made(self, operand: Operand, operator: str) -> tuple[Operand, ...] | None:
        """The operands of what made `operand`, if it was that operator."""
        return self._operands(operand.index, operator) if isinstance(operand, Temporary) else None

    def _operands(self, index: int, operator: str) -> tuple[Operand, ...] | None:
        instruction = self.instructions[index]
        return instruction.operands if instruction.operator == operator else None

    def _is_with(self, index: int, operator: str, other: Operand) -> bool:
        operands = self._operands(index, operator)
        return operands is not None and other in operands

    def _only_use(self, index: int, operator: str, other: Operand) -> int | None:
        (use,) = self.uses[index] if len(self.uses[index]) == 1 else (None,)
        return use if use is not None and index not in self.results and self._is_with(use, operator, other) else None
