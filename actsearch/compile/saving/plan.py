"""What a forward keeps for its backward, and the derivative in terms of that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from actsearch.grammar.expression import Expression, Input, distinct

Y, CODE, DY = Input("y"), Input("code"), Input("dy")
"""The output, a whole number from 0 for each element, and the gradient by the output, in sweeps of plans."""
Kind = Literal["input", "output", "bits"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is kept, and `slope`, the derivative of the activation as an expression of it.

    `slope` reads x where the input is kept, otherwise `Y` where the output is kept and `CODE` where there is a code.
    """

    kind: Kind
    slope: Expression
    code: Expression | None = None
    """The code as an expression of x."""
    code_bits: int = 0
    """Bits that a code takes: 0 where there is none."""
    is_exact: bool = True
    """Whether `slope` is the derivative itself, so that it has derivatives, and not fitted to it or rounded."""

    @cached_property
    def keeps_output(self) -> bool:
        """Whether the output is kept: memory that is spent anyway where the next layer keeps it, too."""
        return Y in distinct([self.slope])


def keeping_input(slope: Expression) -> Plan:
    """The plan that always is: the backward computes what it needs from the input again."""
    return Plan(kind="input", slope=slope)
