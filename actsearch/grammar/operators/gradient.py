"""Operators that say what the backward is where it is not the derivative of the forward."""

from __future__ import annotations

from actsearch.grammar.expression import Constant
from actsearch.grammar.operators.operator import Operator

GRADIENT = (
    Operator(
        # `g + detach(f - g)` has the values of f and the derivatives of g. The closed form says the values alone.
        name="detach", torch="detach", lower=lambda u: u,
        closed=lambda _, u: u,
        derivative=lambda _u: (Constant(0.0),),
    ),
)  # fmt: skip
