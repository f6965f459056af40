"""The operations of tapes: primitives, and functions of many of them, each as a loop over vectors of float32."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from actsearch.compile.artifact import default_cache
from actsearch.compile.backend import sibling
from actsearch.compile.contraction import MULTIPLY_ADD, MULTIPLY_SUBTRACT, SUBTRACT_MULTIPLY
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Expression, Input, Parameter, call

KERNELS = sibling(__file__, "kernels")
LOADER = sibling(__file__, "loader")
COMPOSITE = frozenset({
    "tanh", "sigmoid", "logsigmoid", "softplus", "erf", "erfc", "normal_cdf", "sin", "cos", "atan", "asinh", "log1p",
    "expm1",
})  # fmt: skip
"""Operators that are no primitives and yet one operation, because many activations have them."""
COPY, GREATER_CHOICE, EQUAL_CHOICE = "copy", "where_greater", "where_equal"
"""An operand as it is; `where(greater(a, b), c, d)` and `where(equal(a, b), c, d)` of the operands a, b, c and d."""
_ARITIES = {
    **dict.fromkeys(COMPOSITE | {COPY, "negative", "abs", "floor", "sqrt", "exp", "log"}, 1),
    **dict.fromkeys(("add", "subtract", "multiply", "divide", "maximum", "minimum", "greater", "equal"), 2),
    **dict.fromkeys((MULTIPLY_ADD, MULTIPLY_SUBTRACT, SUBTRACT_MULTIPLY, "where"), 3),
    **dict.fromkeys((GREATER_CHOICE, EQUAL_CHOICE), 4),
}
MOST_OPERANDS = max(_ARITIES.values()) + 1
"""Addresses that an operation takes: those of its operands and that of its result."""
Kind = tuple[str, tuple[bool, ...]]
"""An operation, and for each of its operands whether it is one number for all elements."""


class Operations:
    """The operations in memory: `address[kind]` of each.

    An operation takes the addresses of operands with a number for each element, of its result, and of those that are
    one number, in this order. Its result may lie where an operand does.
    """

    def __init__(self) -> None:
        units = {kind: _unit(*kind) for kind in _kinds()}
        names = {kind: f"{unit.name}_0" for kind, unit in units.items()}
        code = LOADER.Code(
            names=tuple(names.values()),
            key=f"operations {sorted(names.values())}",
            text=lambda: LOADER.joined([unit.text(unit.name) for unit in units.values()]),
            cache=default_cache(),
        )
        self._library = LOADER.loader().library(code)
        self.address = {kind: self._library[name] for kind, name in names.items()}


@functools.cache
def operations() -> Operations:
    """Those of this process."""
    return Operations()


def _kinds() -> Iterator[Kind]:
    for name, arity in sorted(_ARITIES.items()):
        for bits in range(1 << arity):
            yield name, tuple(bool(bits >> position & 1) for position in range(arity))


def _unit(name: str, uniform: tuple[bool, ...]) -> Any:
    """What is compiled for an operation."""
    operands: list[Expression] = []
    for letter, is_uniform in zip("abcd", uniform, strict=False):
        operands.append(Parameter(letter) if is_uniform else Input(letter))
    sweep = Sweep(
        elements=tuple(operand.name for operand in operands if isinstance(operand, Input)),
        parameters=tuple((operand.name, "layer") for operand in operands if isinstance(operand, Parameter)),
        constants=(),
        outputs=(("y", _MEANINGS.get(name, getattr(call, name))(*operands)),),
    )
    variant = KERNELS.Variant(dtype=torch.float32, by_column=(False,) * len(sweep.parameters))
    return KERNELS.unit_of(sweep, variant, with_derivative=False)


_MEANINGS: Mapping[str, Callable[..., Expression]] = {
    COPY: lambda a: a,
    MULTIPLY_ADD: lambda a, b, c: a * b + c,
    MULTIPLY_SUBTRACT: lambda a, b, c: a * b - c,
    SUBTRACT_MULTIPLY: lambda a, b, c: c - a * b,
    GREATER_CHOICE: lambda a, b, c, d: call.where(call.greater(a, b), c, d),
    EQUAL_CHOICE: lambda a, b, c, d: call.where(call.equal(a, b), c, d),
}
"""What operations that are no operators compute."""
