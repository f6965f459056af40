"""A function of one variable with its derivative, as plans are made of: expressions, and values in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from actsearch.compile.derive import derive
from actsearch.compile.eager import compile_eager
from actsearch.compile.stages import prepare
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Expression, X

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Function:
    """`gain` times an activation of x alone without parameters, in the stable form that kernels compute."""

    activation: Activation
    gain: float = 1.0

    @cached_property
    def expression(self) -> Expression:
        """The value."""
        return prepare(self.activation, gain=self.gain).expression

    @cached_property
    def derivative(self) -> Expression:
        """The derivative; at a kink it is torch's."""
        return derive(self.expression, X)

    @cached_property
    def value(self) -> Callable[[Array], Array]:
        """Values of the function."""
        return evaluator(self.expression)

    @cached_property
    def slope(self) -> Callable[[Array], Array]:
        """Values of the derivative."""
        return evaluator(self.derivative)


def evaluator(expression: Expression, *names: str) -> Callable[..., Array]:
    """A function that computes `expression` in float64 from arrays for the inputs `names` (none: x)."""
    found = compile_eager(expression)

    def evaluate(*values: Array) -> Array:
        tensors = [torch.from_numpy(np.ascontiguousarray(value, dtype=np.float64)) for value in values]
        with torch.no_grad():
            result = found(dict(zip(names or ("x",), tensors, strict=True)))
        return np.broadcast_to(result.numpy(), np.shape(values[0])).copy()

    return evaluate
