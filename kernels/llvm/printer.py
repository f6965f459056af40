"""Primitives as LLVM writes them: mathematics, no layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from actsearch.compile.backend import sibling
from actsearch.compile.contraction import MULTIPLY_ADD, MULTIPLY_SUBTRACT, SUBTRACT_MULTIPLY
from actsearch.compile.program import Instruction, Operand, Program, Temporary
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import Input, Parameter

FUNCTIONS = sibling(__file__, "functions")
LIBRARY = (
    "exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh",
    "expm1", "log1p", "erf", "erfc", "pow",
)  # fmt: skip
"""What the C library computes for float64."""


@dataclass(frozen=True, slots=True)
class Value:
    """An LLVM value; `mask` is the comparison that it tells the outcome of, if it does.

    What does not depend on the elements is computed before the loop.
    """

    name: str
    in_loop: bool
    mask: str = ""


Rule = Callable[..., str]


@dataclass(slots=True, kw_only=True)
class Writer:
    """Writes a program; a value that does not depend on the elements is computed outside of the loop.

    `vector` is a `types.Vector`; `given` the values of inputs and parameters; `vectorised` the functions of the C
    library that there are for vectors.
    """

    vector: Any
    given: Mapping[Operand, Value]
    vectorised: frozenset[str] = frozenset()
    entry: list[str] = field(default_factory=list)
    loop: list[str] = field(default_factory=list)
    declarations: set[str] = field(default_factory=set)
    _values: list[Value] = field(default_factory=list)
    _count: int = 0
    _in_loop: bool = True

    def write(self, program: Program) -> list[str]:
        """Emit the instructions; the names of the outputs' values."""
        for instruction in program.instructions:
            self._values.append(self._instruction(instruction))
        self._in_loop = True
        return [self._number(self._value(operand)) for _, operand in program.outputs]

    def add(self, line: str) -> str:
        """Emit `line`; the name of its value."""
        name = f"%v{self._count}"
        self._count += 1
        (self.loop if self._in_loop else self.entry).append(f"  {name} = {line}")
        return name

    def number(self, value: float) -> str:
        """A constant."""
        return str(self.vector.number(value))

    def arithmetic(self, operation: str, a: str, b: str) -> str:
        """`fadd`, `fsub`, `fmul` or `fdiv`."""
        return self.add(f"{operation} {self.vector.text} {a}, {b}")

    def negative(self, u: str) -> str:
        """-u."""
        return self.add(f"fneg {self.vector.text} {u}")

    def multiply_add(self, a: str, b: str, c: str) -> str:
        """a*b + c, rounded once on a processor that is quicker so."""
        return self.intrinsic("fmuladd", a, b, c)

    def fma(self, a: str, b: str, c: str) -> str:
        """a*b + c, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def intrinsic(self, name: str, *operands: str) -> str:
        """The LLVM intrinsic `name`, all of whose operands are vectors as its result is."""
        v = self.vector
        symbol = f"@llvm.{name}.v{v.lanes}f{v.bits}"
        self.declarations.add(f"declare {v.text} {symbol}({', '.join([v.text] * len(operands))})")
        return self.add(f"call {v.text} {symbol}({', '.join(f'{v.text} {operand}' for operand in operands)})")

    def compare(self, predicate: str, a: str, b: str) -> str:
        """A comparison's mask."""
        return self.add(f"fcmp {predicate} {self.vector.text} {a}, {b}")

    def select(self, condition: str, a: str, b: str) -> str:
        """`a` where `condition`, else `b`."""
        v = self.vector
        return self.add(f"select {v.mask} {condition}, {v.text} {a}, {v.text} {b}")

    def _instruction(self, instruction: Instruction) -> Value:
        operands = [self._value(operand) for operand in instruction.operands]
        self._in_loop = any(operand.in_loop for operand in operands)
        if instruction.operator in _COMPARISONS:
            mask = self.compare(_COMPARISONS[instruction.operator], *map(self._number, operands))
            return Value("", self._in_loop, mask)
        if instruction.operator == "where":
            condition, *pieces = operands
            mask = condition.mask or self.compare("une", condition.name, self.number(0.0))
            return Value(self.select(mask, *map(self._number, pieces)), self._in_loop)
        rule = (_RULES_64 if self.vector.bits == 64 else _RULES).get(instruction.operator)
        if rule is None:
            raise UnsupportedError(f"the backend llvm cannot write {instruction.operator}.")
        return Value(rule(self, *map(self._number, operands)), self._in_loop)

    def _value(self, operand: Operand) -> Value:
        if isinstance(operand, Temporary):
            return self._values[operand.index]
        if isinstance(operand, Input | Parameter):
            return self.given[operand]
        return Value(self.number(operand.value), in_loop=False)

    def _number(self, value: Value) -> str:
        """The value's name; a comparison becomes 1 or 0."""
        return value.name or self.select(value.mask, self.number(1.0), self.number(0.0))


def _arithmetic(operation: str) -> Rule:
    return lambda w, a, b: w.arithmetic(operation, a, b)


def _extremum(predicate: str) -> Rule:
    def rule(w: Writer, a: str, b: str) -> str:
        # Like torch: NaN wins. Against a constant, which is none, one selection is enough.
        for constant, other in ((a, b), (b, a)):
            if constant.startswith("splat"):
                return w.select(w.compare(predicate, constant, other), constant, other)
        chosen = w.select(w.compare(predicate, a, b), a, b)
        return w.select(w.compare("uno", a, a), a, chosen)

    return rule


_COMPARISONS = {"greater": "ogt", "equal": "oeq"}
_RULES: Mapping[str, Rule] = {
    "add": _arithmetic("fadd"),
    "subtract": _arithmetic("fsub"),
    "multiply": _arithmetic("fmul"),
    "divide": _arithmetic("fdiv"),
    MULTIPLY_ADD: Writer.multiply_add,
    MULTIPLY_SUBTRACT: lambda w, a, b, c: w.multiply_add(a, b, w.negative(c)),
    SUBTRACT_MULTIPLY: lambda w, a, b, c: w.multiply_add(w.negative(a), b, c),
    "negative": Writer.negative,
    "abs": lambda w, u: w.intrinsic("fabs", u),
    "floor": lambda w, u: w.intrinsic("floor", u),
    "sqrt": lambda w, u: w.intrinsic("sqrt", u),
    "maximum": _extremum("ogt"),
    "minimum": _extremum("olt"),
    "exp": FUNCTIONS.exp,
    "log": FUNCTIONS.log,
}
_RULES_64: Mapping[str, Rule] = {**_RULES, **{name: FUNCTIONS.library(name) for name in LIBRARY}}


def kept(bits: int) -> frozenset[str]:
    """The operators that are no primitives and yet written as they are, computing with `bits` bits."""
    return frozenset(LIBRARY) if bits == 64 else frozenset()
