"""What an operator is: everything that is ever asked about it, said in one place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from actsearch.grammar.expression import Expression

ExpressionRule = Callable[..., Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An argument that is a literal number from `low` to `high`, whole or any."""

    name: str
    low: float
    high: float
    is_whole: bool = False

    def takes(self, value: float) -> bool:
        """Whether it can be that number."""
        return self.low <= value <= self.high and (not self.is_whole or value == int(value))

    def __str__(self) -> str:
        kind = "whole number" if self.is_whole else "number"
        return f"the order {self.name} is a literal {kind} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator with all its views; a test holds them against each other, values and gradients.

    An operator that torch has under some name gives `torch`; every other one gives `definition`. Kernels print
    primitives only, so an operator that is none gives `lower` or, again, its `definition`.
    """

    name: str
    arity: int | None = 1
    """Number of arguments; None stands for two or more, which associate unless `most_coefficients` says otherwise."""
    most_coefficients: int = 0
    """Where positive, and the arity None, the arguments are one and at least 1 and at most this many coefficients."""
    torch: str | None = None
    """Dotted name below `torch`, e.g. `nn.functional.silu`: the reference, gradients at kinks included."""
    definition: ExpressionRule | None = None
    """The operator in terms of others: its meaning where torch has none."""
    closed: Callable[..., Any]
    """Formula in sympy, called with the sympy module first: for formulas, proofs and tests."""
    derivative: Callable[..., tuple[Expression, ...]]
    """Partial derivatives by each argument, as expressions that are stable wherever the operator is."""
    lower: ExpressionRule | None = None
    """The operator in terms of primitives, accurate in float32: for kernels."""
    drawn: ExpressionRule | None = None
    """In training the operator in terms of others and, first, noise: a number from [0, 1), another for each element.

    Everywhere else it is its `definition`, the expectation.
    """
    orders: Mapping[int, Order] = field(default_factory=dict)
    """Arguments, by position, that are literal numbers: what the operator is depends on them."""
    primitive: bool = False
    """Whether every backend prints it itself."""
    parity: Literal["odd", "even"] | None = None
    kinks: tuple[float, ...] = ()
    """Arguments at which the derivative jumps (of a unary operator)."""
    test_range: tuple[float, float] = (-6.0, 6.0)
    """Arguments on which all views must agree; within the domain."""

    def __post_init__(self) -> None:
        if self.torch is None and self.definition is None and not self.primitive:
            raise TypeError(f"operator {self.name}: give the name torch has for it, or a definition")
        if self.primitive == (self.lower is not None or self.definition is not None):
            raise TypeError(f"operator {self.name}: a primitive has no lowering, every other operator has one")
        if self.most_coefficients and (self.arity is not None or self.primitive):
            raise TypeError(f"operator {self.name}: what takes coefficients has the arity None and is no primitive")
        expected = self.arity
        rules = ((self.derivative, 0), (self.lower, 0), (self.definition, 0), (self.drawn, 1))
        for view, offset in ((self.closed, 1), *rules):
            if view is None:
                continue
            kinds = [parameter.kind for parameter in inspect.signature(view).parameters.values()]
            variadic = inspect.Parameter.VAR_POSITIONAL in kinds
            if (expected is None) != variadic or (expected is not None and len(kinds) != expected + offset):
                raise TypeError(f"operator {self.name}: a view takes another number of arguments than {expected}")

    @property
    def associative(self) -> bool:
        """Whether it takes two arguments or more, and gives for many what it gives for them pair by pair."""
        return self.arity is None and not self.most_coefficients

    def takes(self, count: int) -> bool:
        """Whether it can be applied to that many arguments."""
        if self.arity is not None:
            return count == self.arity
        return count >= 2 and (self.associative or count <= 1 + self.most_coefficients)

    @property
    def signature(self) -> str:
        """What `takes` asks for, to be read by users: `1 argument(s)`."""
        if self.most_coefficients:
            most = self.most_coefficients
            return f"2 to {most + 1} argument(s), which are one and 1 to {most} coefficients"
        return f"{self.arity or 'two or more'} argument(s)"

    def lowering(self, *, exact: bool = False) -> ExpressionRule | None:
        """Rule that rewrites it one step towards primitives; None for a primitive.

        With `exact` it is the definition where there is one, for what computes in more than float32.
        """
        return self.definition or self.lower if exact else self.lower or self.definition
