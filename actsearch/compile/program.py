"""Straight-line programs of primitives: what every backend prints.

An expression becomes instructions in static single assignment, each distinct value computed once. The genome's
non-integer constants are lifted out of it into run-time arguments, so that changing them recompiles nothing;
exponents and the constants of the operators' own rules stay in it.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from actsearch.compile.eager import evaluate
from actsearch.grammar.expression import (
    Apply,
    Constant,
    Expression,
    Input,
    Parameter,
    fold,
    parameter_names,
)
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import literal_arguments

_COMMUTATIVE = frozenset({"add", "multiply", "maximum", "minimum", "equal"})
_LARGEST_STRUCTURAL = 1 << 20


@dataclass(frozen=True, slots=True)
class Temporary(Expression):
    """The value of the instruction with this index."""

    index: int

    def __hash__(self) -> int:
        # They are keys more often than anything else.
        return self.index


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A number that folding made and that may be infinite or NaN, which a `Constant` never is."""

    value: float


Operand = Input | Parameter | Constant | Literal | Temporary
temporary = functools.lru_cache(maxsize=4096)(Temporary)
"""`Temporary`, of which there are the same few thousands again and again."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One primitive applied to operands."""

    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Instructions in order, and what they compute by name: `{"y": ...}` or `{"dx": ..., "d_beta": ...}`."""

    instructions: tuple[Instruction, ...]
    outputs: tuple[tuple[str, Operand], ...]

    @property
    def operands(self) -> frozenset[Operand]:
        """Everything that an instruction or output reads."""
        read = {operand for instruction in self.instructions for operand in instruction.operands}
        return frozenset(read | {operand for _, operand in self.outputs})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """An expression without the numbers that may change, and those numbers, by the name that stands for each."""

    expression: Expression
    constants: tuple[tuple[str, float], ...]


def lift(expression: Expression) -> Lifted:
    """`expression` with its non-integer constants replaced by parameters `c0`, `c1`, ... in order of appearance."""
    taken = set(parameter_names(expression))
    free = (name for name in (f"c{index}" for index in range(1 << 30)) if name not in taken)
    names: dict[float, str] = {}

    def visit(node: Expression) -> Expression:
        if isinstance(node, Constant) and not _is_structural(node.value):
            if node.value not in names:
                names[node.value] = next(free)
            return Parameter(names[node.value])
        if not isinstance(node, Apply):
            return node
        literal = literal_arguments(node.operator)
        return Apply(
            node.operator,
            tuple(argument if index in literal else visit(argument) for index, argument in enumerate(node.arguments)),
        )

    lifted = visit(expression)
    return Lifted(expression=lifted, constants=tuple((name, value) for value, name in names.items()))


def lower(outputs: Mapping[str, Expression], *, kept: frozenset[str] = frozenset(), exact: bool = False) -> Program:
    """The program that computes the expressions `outputs`, by name, in primitives and the operators `kept`.

    With `exact` operators become their definitions and not what is accurate in float32 only. What is no operator, such
    as a statistic, is an instruction as it stands.
    """
    builder = _Builder(kept, exact)
    results = [(name, builder.build(expression)) for name, expression in outputs.items()]
    return without_dead(builder.instructions, results)


def _is_structural(value: float) -> bool:
    return value == int(value) and abs(value) <= _LARGEST_STRUCTURAL


@dataclass(frozen=True, slots=True)
class _Given(Expression):
    """An operand that a rule is applied to and that is no number."""

    index: int


_Step = tuple[str, tuple[Any, ...]]


def _in_rule(operand: Operand, index: int) -> Expression:
    # Rules may look at numbers, such as exponents, and at nothing else.
    return operand if isinstance(operand, Constant | Literal) else _Given(index)


@functools.lru_cache(maxsize=4096)
def _expansion(rule: Callable[..., Expression], operands: tuple[Expression, ...]) -> tuple[tuple[_Step, ...], Any]:
    """What an operator's rule does, step by step, and which step or operand is the result.

    Building a rule's expression and walking it each time took a third of the time that printing a kernel does.
    """
    steps: list[_Step] = []

    def apply(name: str, of: list[Any]) -> Temporary:
        steps.append((name, tuple(of)))
        return temporary(len(steps) - 1)

    # Operands are leaves of expressions themselves, so the rule applies to them as it stands.
    result = fold(rule(*operands), lambda leaf: leaf, apply)
    return tuple(steps), result


@dataclass(slots=True)
class _Builder:
    kept: frozenset[str]
    exact: bool
    instructions: list[Instruction] = field(default_factory=list)
    known: dict[tuple[str, Collection[Operand]], Operand] = field(default_factory=dict)
    lowered: dict[tuple[str, tuple[Operand, ...]], Operand] = field(default_factory=dict)

    def build(self, expression: Expression) -> Operand:
        return fold(expression, lambda leaf: leaf, self.apply)  # type: ignore[no-any-return]

    def apply(self, name: str, operands: list[Any]) -> Operand:
        key = (name, tuple(operands))
        if key not in self.lowered:
            self.lowered[key] = self._apply(name, key[1])
        return self.lowered[key]

    def _apply(self, name: str, operands: tuple[Operand, ...]) -> Operand:
        if name not in OPERATORS:
            return self.emit(name, operands)
        rule = OPERATORS[name].lowering(exact=self.exact)
        if rule is not None and name not in self.kept:
            return self.follow(*_expansion(rule, tuple(map(_in_rule, operands, itertools.count()))), operands)
        if OPERATORS[name].associative:
            result = operands[0]
            for operand in operands[1:]:
                result = self._primitive(name, (result, operand))
            return result
        return self._primitive(name, operands)

    def follow(self, steps: Iterable[_Step], result: Expression, given: tuple[Operand, ...]) -> Operand:
        """Apply what a rule does to the operands `given`."""
        found: list[Operand] = []

        def value(of: Any) -> Any:
            if isinstance(of, Temporary):
                return found[of.index]
            return given[of.index] if isinstance(of, _Given) else of

        for name, of in steps:
            found.append(self.apply(name, list(map(value, of))))
        return value(result)  # type: ignore[no-any-return]

    def _primitive(self, name: str, operands: tuple[Operand, ...]) -> Operand:
        if all(isinstance(operand, Constant | Literal) for operand in operands):
            return _folded(name, operands)
        simple = _SIMPLER.get(name, _unchanged)(self, *operands)
        return simple if simple is not None else self.emit(name, operands)

    def emit(self, name: str, operands: tuple[Operand, ...]) -> Operand:
        key = (name, frozenset(operands) if name in _COMMUTATIVE else operands)
        if key not in self.known:
            self.instructions.append(Instruction(name, operands))
            self.known[key] = temporary(len(self.instructions) - 1)
        return self.known[key]

    def negated(self, operand: Operand) -> Operand | None:
        """`u` where `operand` is `-u`."""
        if isinstance(operand, Temporary):
            instruction = self.instructions[operand.index]
            return instruction.operands[0] if instruction.operator == "negative" else None
        return None


@functools.lru_cache(maxsize=4096)
def _folded(name: str, operands: tuple[Operand, ...]) -> Operand:
    """The number that a primitive makes of numbers, in float64."""
    values = {f"v{i}": torch.tensor(float(o.value), dtype=torch.float64) for i, o in enumerate(operands)}  # type: ignore[union-attr]
    value = evaluate(Apply(name, tuple(map(Parameter, values))), values).item()
    return Constant(value) if math.isfinite(value) else Literal(value)


def _number(operand: Operand) -> float | None:
    return operand.value if isinstance(operand, Constant) else None


def _unchanged(_builder: _Builder, *_operands: Operand) -> Operand | None:
    return None


def _simpler_add(builder: _Builder, a: Operand, b: Operand) -> Operand | None:
    if _number(a) == 0:
        return b
    if _number(b) == 0:
        return a
    if (opposite := builder.negated(b)) is not None:
        return builder.emit("subtract", (a, opposite))
    return builder.emit("subtract", (b, opposite)) if (opposite := builder.negated(a)) is not None else None


def _simpler_subtract(builder: _Builder, a: Operand, b: Operand) -> Operand | None:
    if _number(b) == 0:
        return a
    if _number(a) == 0:
        return builder.apply("negative", [b])
    return builder.emit("add", (a, opposite)) if (opposite := builder.negated(b)) is not None else None


def _simpler_multiply(builder: _Builder, a: Operand, b: Operand) -> Operand | None:
    for number, other in ((_number(a), b), (_number(b), a)):
        if number == 1:
            return other
        # The sign comes out, so that what is left of -2*u is shared with 2*u.
        if number is not None and number < 0:
            return builder.apply("negative", [builder.apply("multiply", [Constant(-number), other])])
    for one, other in ((a, b), (b, a)):
        if (opposite := builder.negated(one)) is not None:
            return builder.apply("negative", [builder.apply("multiply", [opposite, other])])
    return None


def _simpler_divide(_builder: _Builder, a: Operand, b: Operand) -> Operand | None:
    return a if _number(b) == 1 else None


def _simpler_negative(builder: _Builder, u: Operand) -> Operand | None:
    return builder.negated(u)


def _simpler_abs(builder: _Builder, u: Operand) -> Operand | None:
    opposite = builder.negated(u)
    return builder.apply("abs", [opposite]) if opposite is not None else None


def _simpler_where(_builder: _Builder, condition: Operand, a: Operand, b: Operand) -> Operand | None:
    value = _number(condition)
    return None if value is None else a if value != 0 else b


_SIMPLER: Mapping[str, Callable[..., Operand | None]] = {
    "add": _simpler_add,
    "subtract": _simpler_subtract,
    "multiply": _simpler_multiply,
    "divide": _simpler_divide,
    "negative": _simpler_negative,
    "abs": _simpler_abs,
    "where": _simpler_where,
}


def without_dead(instructions: Sequence[Instruction], results: Sequence[tuple[str, Operand]]) -> Program:
    """The program of the `instructions` that some output needs, numbered anew."""
    needed = {operand.index for _, operand in results if isinstance(operand, Temporary)}
    for index in reversed(range(len(instructions))):
        if index in needed:
            for operand in instructions[index].operands:
                if isinstance(operand, Temporary):
                    needed.add(operand.index)
    if len(needed) == len(instructions):
        return Program(instructions=tuple(instructions), outputs=tuple(results))
    kept = sorted(needed)
    order: dict[Operand, Operand] = {temporary(old): temporary(new) for new, old in enumerate(kept)}

    def renumbered(operands: Iterable[Operand]) -> tuple[Operand, ...]:
        return tuple([order.get(operand, operand) for operand in operands])

    return Program(
        instructions=tuple(Instruction(instructions[i].operator, renumbered(instructions[i].operands)) for i in kept),
        outputs=tuple(zip((name for name, _ in results), renumbered(operand for _, operand in results), strict=True)),
    )
