"""The expression: a frozen tree of inputs, constants, parameters and applied operators.

Trees are values: equal trees compare equal, hash alike in one process, and may share subtrees. Python's
arithmetic on expressions builds larger ones, so that rules read like the formulas they state.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Number = int | float


class Expression:
    """Base of the four kinds of node: `Input`, `Constant`, `Parameter`, `Apply`."""

    __slots__ = ()

    def __add__(self, other: Expression | Number) -> Apply:
        return Apply("add", (self, as_expression(other)))

    def __radd__(self, other: Number) -> Apply:
        return Apply("add", (as_expression(other), self))

    def __sub__(self, other: Expression | Number) -> Apply:
        return Apply("subtract", (self, as_expression(other)))

    def __rsub__(self, other: Number) -> Apply:
        return Apply("subtract", (as_expression(other), self))

    def __mul__(self, other: Expression | Number) -> Apply:
        return Apply("multiply", (self, as_expression(other)))

    def __rmul__(self, other: Number) -> Apply:
        return Apply("multiply", (as_expression(other), self))

    def __truediv__(self, other: Expression | Number) -> Apply:
        return Apply("divide", (self, as_expression(other)))

    def __rtruediv__(self, other: Number) -> Apply:
        return Apply("divide", (as_expression(other), self))

    def __pow__(self, exponent: Number) -> Apply:
        return Apply("power", (self, Constant(float(exponent))))

    def __neg__(self) -> Apply:
        return Apply("negative", (self,))


@dataclass(frozen=True, slots=True)
class Input(Expression):
    """An input tensor: `x`, for gated units also `gate`."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """A finite float64 number."""

    value: float


@dataclass(frozen=True, slots=True)
class Parameter(Expression):
    """A learnable parameter, by name, or the entry `index` of an array; the activation says how it starts."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True, init=False)
class Apply(Expression):
    """An operator applied to arguments; `add`, `multiply` and what has coefficients take two or more."""

    operator: str
    arguments: tuple[Expression, ...]
    # Kept because hashing a tree afresh walks all of it; rebuilt on unpickling, as string hashes differ by process.
    _hash: int = field(init=False, repr=False, compare=False)

    def __init__(self, operator: str, arguments: tuple[Expression, ...]) -> None:
        # Written out, as searches make these more than anything else.
        assign = object.__setattr__
        assign(self, "operator", operator)
        assign(self, "arguments", arguments)
        assign(self, "_hash", hash((operator, arguments)))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[Apply], tuple[str, tuple[Expression, ...]]]:
        return (Apply, (self.operator, self.arguments))


class _Calls:
    """`call.sigmoid(u)` applies the operator named `sigmoid` to expressions or numbers."""

    def __getattr__(self, operator: str) -> Callable[..., Apply]:
        def apply(*arguments: Expression | Number) -> Apply:
            return Apply(operator, tuple(as_expression(argument) for argument in arguments))

        return apply


call = _Calls()
X = Input("x")
GATE = Input("gate")
INPUTS: Mapping[str, Input] = {"x": X, "gate": GATE}


def as_expression(value: Expression | Number) -> Expression:
    """`value` itself, or the constant of that number."""
    return value if isinstance(value, Expression) else Constant(float(value))


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node from the root down, left to right, shared subtrees each time they occur."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        if type(node) is Apply:
            stack += node.arguments[::-1]


def distinct(expressions: Iterable[Expression]) -> list[Expression]:
    """Every node below `expressions` once, however often it occurs, arguments before what they are arguments of."""
    found: dict[Expression, None] = {}

    def visit(node: Expression) -> None:
        if node not in found:
            for argument in node.arguments if isinstance(node, Apply) else ():
                visit(argument)
            found[node] = None

    for expression in expressions:
        visit(expression)
    return list(found)


def size(expression: Expression) -> int:
    """Number of nodes."""
    return sum(1 for _ in walk(expression))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What occurs in an expression, in order of first appearance."""

    operators: tuple[str, ...]
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    """The entries of arrays each for itself."""


def survey(expression: Expression) -> Survey:
    """What occurs in `expression`, by one walk."""
    operators: dict[str, None] = {}
    leaves: dict[Expression, None] = {}
    stack = [expression]
    while stack:
        node = stack.pop()
        if type(node) is Apply:
            operators[node.operator] = None
            stack += node.arguments[::-1]
        elif type(node) is not Constant:
            leaves[node] = None
    return Survey(
        operators=tuple(operators),
        inputs=tuple(node.name for node in leaves if type(node) is Input),
        parameters=tuple(node for node in leaves if type(node) is Parameter),
    )


def parameters(expression: Expression) -> tuple[Parameter, ...]:
    """The parameters, entries of arrays each for itself, in order of first appearance."""
    return tuple(dict.fromkeys(node for node in walk(expression) if type(node) is Parameter))


def parameter_names(expression: Expression) -> tuple[str, ...]:
    """Names of the parameters, in order of first appearance."""
    return tuple(dict.fromkeys(node.name for node in walk(expression) if type(node) is Parameter))


def input_names(expression: Expression) -> tuple[str, ...]:
    """Names of the inputs that occur, `x` before `gate`."""
    found = {node.name for node in walk(expression) if isinstance(node, Input)}
    return tuple(name for name in INPUTS if name in found)


def substitute(expression: Expression, replacements: Mapping[Expression, Expression]) -> Expression:
    """`expression` with every node that is a key of `replacements` replaced, from the root down."""
    if not replacements:
        return expression
    takes_applied = any(type(node) is Apply for node in replacements)
    # By identity: what is shared is done once, and no hash is asked of what is not to be replaced.
    done: dict[int, Expression] = {}

    def visit(node: Expression) -> Expression:
        if type(node) is not Apply:
            return replacements.get(node, node)
        found = done.get(id(node))
        if found is None:
            found = replacements.get(node) if takes_applied else None
            if found is None:
                arguments = tuple(map(visit, node.arguments))
                # What has nothing replaced stays the same object, which is found by identity wherever it is looked up.
                is_new = any(map(operator.is_not, arguments, node.arguments))
                found = Apply(node.operator, arguments) if is_new else node
            done[id(node)] = found
        return found

    return visit(expression)


def rename(expression: Expression, names: Mapping[str, str]) -> Expression:
    """`expression` with the parameters that are keys of `names` called otherwise, entries of arrays included."""
    changed = [node for node in parameters(expression) if names.get(node.name, node.name) != node.name]
    return substitute(expression, {node: Parameter(names[node.name], node.index) for node in changed})


def fold(expression: Expression, leaf: Callable[[Any], Any], apply: Callable[[str, list[Any]], Any]) -> Any:
    """Value of the tree, computed bottom-up, each distinct subtree once.

    `leaf` maps an input, constant or parameter; `apply` an operator's name and its arguments' values.
    """
    memo: dict[Expression, Any] = {}
    missing = object()

    def visit(node: Expression) -> Any:
        if not isinstance(node, Apply):
            return leaf(node)
        value = memo.get(node, missing)
        if value is missing:
            value = memo[node] = apply(node.operator, [visit(argument) for argument in node.arguments])
        return value

    return visit(expression)
