"""Tapes: an operator and its partial derivatives as steps over numpy arrays, drawn up once from the operator table.

Primitives are numpy's. Every other operator is what torch has under the name that the table gives, on the same memory,
and where torch has none, its definition: an operator that enters the table needs nothing here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from actsearch.grammar.expression import Apply, Constant, Expression, Input, fold
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import literal_arguments

_Step = tuple[Callable[..., Any], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Tape:
    """Slots hold the arguments, then constants, then what the steps compute in turn."""

    constants: tuple[Any, ...]
    steps: tuple[_Step, ...]
    outputs: tuple[int | float, ...]
    """Slots of the value and of the partial derivatives; a float is the derivative itself."""

    def __call__(self, arguments: list[Any]) -> list[Any]:
        """The value and the partial derivatives where the operator's arguments are these."""
        slots = arguments + list(self.constants)
        for function, indices in self.steps:
            # Nearly every step has one argument or two.
            if len(indices) == 1:
                slots.append(function(slots[indices[0]]))
            elif len(indices) == 2:
                slots.append(function(slots[indices[0]], slots[indices[1]]))
            else:
                slots.append(function(*[slots[index] for index in indices]))
        return [output if type(output) is float else slots[output] for output in self.outputs]  # type: ignore[index]


@functools.lru_cache(maxsize=1 << 12)
def draw_up(
    operator: str, arity: int, literals: tuple[float, ...], moving: tuple[int, ...], dtype: np.dtype[Any]
) -> Tape:
    """The tape of an operator applied to `arity` arguments, with its derivatives by the arguments `moving`.

    `literals` are the numbers at its `literal_arguments`; `dtype` is that of the arrays.
    """
    places = sorted(literal_arguments(operator))
    arguments: list[Expression] = [Input(str(index)) for index in range(arity)]
    for place, literal in zip(places, literals, strict=True):
        arguments[place] = Constant(literal)
    applied = Apply(operator, tuple(arguments))
    partials = OPERATORS[operator].derivative(*arguments) if moving else ()
    writer = _Writer(arity, dtype)
    # The values first, so that a derivative that is said by them takes what is there.
    expressions = [applied, *(partials[index] for index in moving)]
    outputs = [writer.output(expression, is_value=index == 0) for index, expression in enumerate(expressions)]
    return writer.tape(outputs)


@dataclass(slots=True)
class _Writer:
    arity: int
    dtype: np.dtype[Any]
    constants: list[float] = field(default_factory=list)
    steps: list[_Step] = field(default_factory=list)
    known: dict[object, str] = field(default_factory=dict)
    """What stands where: slots are called by text until it is known how many constants there are."""

    def output(self, expression: Expression, *, is_value: bool) -> str | float:
        if isinstance(expression, Constant) and not is_value:
            return float(expression.value)
        return self.value(expression)

    def value(self, expression: Expression) -> str:
        return fold(expression, self.leaf, self.apply)  # type: ignore[no-any-return]

    def leaf(self, node: Expression) -> str:
        if isinstance(node, Input):
            return node.name
        assert isinstance(node, Constant)  # noqa: S101 - the views of an operator know no other leaves
        if node not in self.known:
            self.known[node] = f"c{len(self.constants)}"
            self.constants.append(node.value)
        return self.known[node]

    def apply(self, name: str, arguments: Sequence[str]) -> str:
        key = (name, *arguments)
        if key not in self.known:
            self.known[key] = self._apply(name, list(arguments))
        return self.known[key]

    def _apply(self, name: str, arguments: list[str]) -> str:
        operator = OPERATORS[name]
        if name == "power":
            base, exponent = arguments
            return self._power(base, self.constants[int(exponent[1:])])
        if name in _OWN:
            function = _OWN[name]
        elif name in _COMPARISONS:
            function = functools.partial(_as_number, _COMPARISONS[name], self.dtype)
        elif operator.torch is not None:
            function = functools.partial(_by_torch, _torch_function(operator.torch))
        else:
            definition = operator.lowering(exact=True)
            assert definition is not None  # noqa: S101 - every operator that is no primitive has one
            return self.value(definition(*map(self._placeholder, arguments)))
        if operator.associative:
            return functools.reduce(lambda a, b: self._step(function, [a, b]), arguments)
        return self._step(function, arguments)

    def _placeholder(self, slot: str) -> Expression:
        return Constant(self.constants[int(slot[1:])]) if slot[0] == "c" else Input(slot)

    def _power(self, base: str, exponent: float) -> str:
        if exponent == 1:
            return base
        if exponent == 2:
            return self._step(np.multiply, [base, base])
        # torch has exact forms of roots and reciprocals.
        return self._step(lambda u: torch.pow(_tensor(u), exponent).numpy(), [base])

    def _step(self, function: Callable[..., Any], arguments: Sequence[str]) -> str:
        self.steps.append((function, tuple(arguments)))  # type: ignore[arg-type]
        return f"s{len(self.steps) - 1}"

    def tape(self, outputs: Sequence[str | float]) -> Tape:
        def index(slot: Any) -> int:
            first = {"c": self.arity, "s": self.arity + len(self.constants)}.get(slot[0])
            return int(slot) if first is None else first + int(slot[1:])

        return Tape(
            constants=tuple(self.dtype.type(value) for value in self.constants),
            steps=tuple((function, tuple(map(index, slots))) for function, slots in self.steps),
            outputs=tuple(output if isinstance(output, float) else index(output) for output in outputs),
        )


def _tensor(value: Any) -> torch.Tensor:
    return torch.from_numpy(value if type(value) is np.ndarray else np.asarray(value))


def _by_torch(function: Callable[..., torch.Tensor], *arguments: Any) -> Any:
    return function(*[_tensor(argument) for argument in arguments]).numpy()


def _as_number(function: Callable[..., Any], dtype: np.dtype[Any], a: Any, b: Any) -> Any:
    return function(a, b).astype(dtype)


def _where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition != 0, a, b)


@functools.cache
def _torch_function(name: str) -> Callable[..., torch.Tensor]:
    return functools.reduce(getattr, name.split("."), torch)  # type: ignore[return-value]


_OWN: Mapping[str, Callable[..., Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "negative": np.negative,
    "abs": np.abs, "floor": np.floor, "maximum": np.maximum, "minimum": np.minimum, "sqrt": np.sqrt, "exp": np.exp,
    "log": np.log, "sign": np.sign, "where": _where, "detach": lambda u: u,
}  # fmt: skip
"""The primitives; a test holds that none is missing."""
_COMPARISONS: Mapping[str, Callable[..., Any]] = {"greater": np.greater, "equal": np.equal}
