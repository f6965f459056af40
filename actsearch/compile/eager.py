"""Expressions evaluated by torch, operator by operator: the reference, and what trains on a CPU."""

from __future__ import annotations

import functools
import operator as python_operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from actsearch.compile.fractions import with_fractions
from actsearch.compile.statistics.reductions import Reductions
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, fold, input_names, substitute
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import statistics, with_primitives
from actsearch.grammar.text import write

Value = Tensor | float
_Step = tuple[Callable[..., Tensor], tuple[int, ...], int]


class Evaluator(Protocol):
    """From the tensors of inputs and parameters, by name, to the result; see `compile_eager`."""

    def __call__(self, values: Mapping[str, Tensor], reductions: Reductions | None = None) -> Tensor:
        """The result; raises `UnsupportedError` for a statistic if nothing says how those are computed."""


def compile_eager(expression: Expression) -> Evaluator:
    """A function that computes `expression` with torch, differentiable by autograd, from tensors by name.

    The tree is walked once, here. The tensors broadcast against each other (a parameter of shape (6, 1, 32) against
    an `x` of (6, 64, 32)); the entries of an array parameter stand along its first dimension. The result has at least
    the shape of `x`, and the dtype that torch's promotion gives. Values and derivatives are torch's own, kinks
    included; statistics are those of the `Reductions` that are handed in.
    """
    recorder = _Recorder()
    known: dict[Expression, Expression] = {}
    if statistics(expression):
        expression = with_primitives(expression)
    for statistic in statistics(expression):
        known[statistic] = recorder.reduced(statistic, substitute(statistic.arguments[0], known))
    tape = recorder.freeze(recorder.value(substitute(expression, known) if known else expression))
    # A statistic has one value where x has many, as a constant has.
    return functools.partial(_run if input_names(expression) and not known else _run_broadcast, tape)


def evaluate(expression: Expression, values: Mapping[str, Tensor], reductions: Reductions | None = None) -> Tensor:
    """The value of `expression` where its inputs and parameters have the tensors `values`; see `compile_eager`."""
    return compile_eager(expression)(values, reductions)


@dataclass(frozen=True, slots=True)
class _Tape:
    """Slots are filled from names, then from steps in order; constants stand in them from the start."""

    slots: tuple[Value | None, ...]
    names: tuple[tuple[str, int | None, int], ...]
    steps: tuple[_Step, ...]
    result: int


@dataclass(slots=True)
class _Recorder:
    slots: list[Value | None] = field(default_factory=list)
    names: list[tuple[str, int | None, int]] = field(default_factory=list)
    steps: list[_Step] = field(default_factory=list)
    known: dict[object, int] = field(default_factory=dict)
    """Slots of leaves and of applied operators: what stands in a statistic and outside it is computed once."""

    def value(self, expression: Expression) -> int:
        return fold(with_fractions(expression), self.leaf, self.apply)  # type: ignore[no-any-return]

    def reduced(self, statistic: Apply, argument: Expression) -> Expression:
        """What stands for the value of a statistic whose own statistics are placeholders in `argument` already."""
        slot = self.value(argument)
        if isinstance(self.slots[slot], float):
            slot = self._tensor(slot)
        return _Placeholder(self._step(functools.partial(_reduce, statistic), (_REDUCTIONS, slot)))

    def leaf(self, node: Any) -> int:
        if isinstance(node, _Placeholder):
            return node.slot
        if node not in self.known:
            self.known[node] = self._slot(node.value if isinstance(node, Constant) else None)
            if not isinstance(node, Constant):
                index = node.index if isinstance(node, Parameter) else None
                self.names.append((node.name, index, self.known[node]))
        return self.known[node]

    def apply(self, name: str, arguments: list[int]) -> int:
        key = (name, tuple(arguments))
        if key not in self.known:
            self.known[key] = self._apply(name, arguments)
        return self.known[key]

    def _apply(self, name: str, arguments: list[int]) -> int:
        definition = OPERATORS[name].definition
        if name not in _OWN and OPERATORS[name].torch is None and definition is not None:
            return self._inline(definition, arguments)
        constant = [isinstance(self.slots[index], float) for index in arguments]
        if name not in _TAKES_FLOATS:
            arguments = [
                self._tensor(index) if is_constant else index
                for index, is_constant in zip(arguments, constant, strict=True)
            ]
        elif all(constant):
            # torch decides what e.g. 1/0 or an overflow is, so one of the floats becomes a tensor.
            arguments = [self._tensor(arguments[0]), *arguments[1:]]
        function = _OWN.get(name) or _torch_function(OPERATORS[name].torch or name)
        if OPERATORS[name].associative:
            return functools.reduce(lambda a, b: self._step(function, (a, b)), arguments)
        return self._step(function, tuple(arguments))

    def freeze(self, result: int) -> _Tape:
        if isinstance(self.slots[result], float):
            result = self._tensor(result)
        return _Tape(tuple(self.slots), tuple(self.names), tuple(self.steps), result)

    def _inline(self, definition: Callable[..., Expression], arguments: list[int]) -> int:
        """Slot of a defined operator: its definition, over numbers and placeholders for the other arguments' slots."""
        # Of numbers a definition may be told what they are: it may depend on them as orders.
        values = ((index, self.slots[index]) for index in arguments)
        body = definition(
            *(Constant(value) if isinstance(value, float) else _Placeholder(index) for index, value in values)
        )
        return fold(body, self.leaf, self.apply)  # type: ignore[no-any-return]

    def _tensor(self, index: int) -> int:
        """A slot with the constant in slot `index` as a tensor, of the dtype and device of the first named tensor."""
        value = self.slots[index]
        return self._step(lambda like: like.new_tensor(value), (_LIKE,))

    def _slot(self, value: Value | None) -> int:
        self.slots.append(value)
        return len(self.slots) - 1

    def _step(self, function: Callable[..., Tensor], arguments: tuple[int, ...]) -> int:
        out = self._slot(None)
        self.steps.append((function, arguments, out))
        return out


@dataclass(frozen=True, slots=True)
class _Placeholder(Expression):
    slot: int


_LIKE, _REDUCTIONS = -1, -2
"""Indices of the last slots, which `_run` adds: the input, and how statistics are computed."""


def _run(tape: _Tape, values: Mapping[str, Tensor], reductions: Reductions | None = None) -> Tensor:
    slots: list[Any] = [*tape.slots, reductions, values["x"] if "x" in values else next(iter(values.values()))]
    for name, entry, index in tape.names:
        slots[index] = values[name] if entry is None else values[name][entry]
    for function, arguments, out in tape.steps:
        slots[out] = function(*[slots[index] for index in arguments])
    return slots[tape.result]  # type: ignore[no-any-return]


def _run_broadcast(tape: _Tape, values: Mapping[str, Tensor], reductions: Reductions | None = None) -> Tensor:
    result = _run(tape, values, reductions)
    return torch.broadcast_tensors(result, values["x"])[0] if "x" in values else result


def _reduce(statistic: Apply, reductions: Reductions | None, argument: Tensor) -> Tensor:
    if reductions is None:
        raise UnsupportedError(f"the statistic {write(statistic)[:60]} is not supported here by this version.")
    return reductions.reduce(statistic, argument)


@functools.cache
def _torch_function(name: str) -> Callable[..., Tensor]:
    return functools.reduce(getattr, name.split("."), torch)  # type: ignore[return-value]


def _greater(a: Value, b: Value) -> Tensor:
    like = a if isinstance(a, Tensor) else b
    assert isinstance(like, Tensor)  # noqa: S101 - `apply` made one of a pair of constants a tensor
    return (a > b).to(like.dtype)  # type: ignore[union-attr]


def _equal(a: Value, b: Value) -> Tensor:
    like = a if isinstance(a, Tensor) else b
    assert isinstance(like, Tensor)  # noqa: S101
    return (a == b).to(like.dtype)  # type: ignore[union-attr]


def _where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(condition != 0, a, b)


_OWN: Mapping[str, Callable[..., Tensor]] = {
    "add": python_operator.add,
    "subtract": python_operator.sub,
    "multiply": python_operator.mul,
    "divide": python_operator.truediv,
    "negative": python_operator.neg,
    # Exponents are literals, so torch picks its exact forms of squares, roots and reciprocals.
    "power": python_operator.pow,
    "greater": _greater,
    "equal": _equal,
    "where": _where,
}
_TAKES_FLOATS = frozenset({"add", "subtract", "multiply", "divide", "power", "greater", "equal"})
