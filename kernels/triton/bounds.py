"""Between which numbers a value of a program lies whatever its inputs and parameters are, NaN aside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from actsearch.compile.program import Instruction, Literal, Operand, Temporary
from actsearch.grammar.expression import Constant


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float = -math.inf
    high: float = math.inf


ALL = Interval()
_UNIT = Interval(0.0, 1.0)
_POSITIVE = Interval(0.0)


@dataclass(slots=True)
class Bounds:
    """The bounds of the values of `instructions`, which may grow."""

    instructions: Sequence[Instruction]
    known: dict[int, Interval] = field(default_factory=dict)

    def __getitem__(self, operand: Operand) -> Interval:
        if isinstance(operand, Constant | Literal):
            return ALL if math.isnan(operand.value) else Interval(operand.value, operand.value)
        if not isinstance(operand, Temporary):
            return ALL
        if operand.index not in self.known:
            self.known[operand.index] = self._of(self.instructions[operand.index])
        return self.known[operand.index]

    def _of(self, instruction: Instruction) -> Interval:
        operands = [self[operand] for operand in instruction.operands]
        if instruction.operator == "multiply" and instruction.operands[0] == instruction.operands[1]:
            least = 0.0 if operands[0].low < 0 < operands[0].high else min(abs(operands[0].low), abs(operands[0].high))
            return Interval(least * least)
        rule = _RULES.get(instruction.operator)
        return rule(*operands) if rule else ALL


def _multiply(a: Interval, b: Interval) -> Interval:
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    # 0 times infinity: a value is finite where it is 0 times another, and then it is 0.
    corners = [0.0 if math.isnan(corner) else corner for corner in corners]
    return Interval(min(corners), max(corners))


def _divide(a: Interval, b: Interval) -> Interval:
    return _POSITIVE if a.low >= 0 and b.low >= 0 else ALL


def _abs(u: Interval) -> Interval:
    largest = max(abs(u.low), abs(u.high))
    return Interval(0.0 if u.low < 0 < u.high else min(abs(u.low), abs(u.high)), largest)


def _increasing(function: Callable[[float], float]) -> Callable[[Interval], Interval]:
    return lambda u: Interval(function(u.low), function(u.high))


def _exp(u: float, base: float = math.e) -> float:
    try:
        return float(base**u)
    except OverflowError:
        return math.inf


_RULES: Mapping[str, Callable[..., Interval]] = {
    "add": lambda a, b: Interval(_sum(a.low, b.low, -math.inf), _sum(a.high, b.high, math.inf)),
    "subtract": lambda a, b: Interval(_sum(a.low, -b.high, -math.inf), _sum(a.high, -b.low, math.inf)),
    "multiply": _multiply,
    "divide": _divide,
    "negative": lambda u: Interval(-u.high, -u.low),
    "abs": _abs,
    "maximum": lambda a, b: Interval(max(a.low, b.low), max(a.high, b.high)),
    "minimum": lambda a, b: Interval(min(a.low, b.low), min(a.high, b.high)),
    "greater": lambda *_: _UNIT,
    "equal": lambda *_: _UNIT,
    "where": lambda _, a, b: Interval(min(a.low, b.low), max(a.high, b.high)),
    "sqrt": _increasing(lambda u: math.sqrt(max(u, 0.0))),
    "exp": _increasing(_exp),
    "exp2": _increasing(lambda u: _exp(u, 2.0)),
    "reciprocal": lambda u: Interval(0.0, 1 / u.low) if u.low > 0 else ALL,
    "rsqrt": lambda _: _POSITIVE,
}


def _sum(a: float, b: float, unknown: float) -> float:
    total = a + b
    return unknown if math.isnan(total) else total
