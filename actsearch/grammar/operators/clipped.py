"""Activation functions made of straight pieces and parabolas, and what is cut off; at their kinks as torch has them."""

from __future__ import annotations

from typing import Any

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.operator import Operator


def _is_between(u: Expression) -> Expression:
    """1 where -3 < u < 3, else 0."""
    return call.greater(3, call.abs(u))


def _gate(u: Expression) -> Expression:
    # The sum first: u/6 + 1/2 would lose the digits of what is near -3.
    return call.relu6(u + 3) * (1 / 6)


def _closed_gate(s: Any, u: Any) -> Any:
    return s.Piecewise((0, u < -3), ((u + 3) / 6, u < 3), (1, True))


CLIPPED = (
    Operator(
        # torch's with its usual bounds, -1 and 1.
        name="hardtanh", torch="nn.functional.hardtanh", parity="odd", kinks=(-1.0, 1.0),
        lower=lambda u: call.maximum(call.minimum(u, 1), -1),
        closed=lambda s, u: s.Piecewise((-1, u < -1), (u, u < 1), (1, True)),
        derivative=lambda u: (call.greater(1, call.abs(u)),),
    ),
    Operator(
        name="relu6", torch="nn.functional.relu6", kinks=(0.0, 6.0), test_range=(-3.0, 9.0),
        lower=lambda u: call.minimum(call.maximum(u, 0), 6),
        closed=lambda s, u: s.Piecewise((0, u < 0), (u, u < 6), (6, True)),
        derivative=lambda u: (call.greater(u, 0) * call.greater(6, u),),
    ),
    Operator(
        # torch's own has a float32 for 1/6 in the derivative of a float64.
        name="hardsigmoid", kinks=(-3.0, 3.0), definition=_gate,
        closed=_closed_gate,
        derivative=lambda u: (_is_between(u) * (1 / 6),),
    ),
    Operator(
        name="hardswish", torch="nn.functional.hardswish", kinks=(-3.0, 3.0), lower=lambda u: u * _gate(u),
        closed=lambda s, u: u * _closed_gate(s, u),
        derivative=lambda u: (call.where(_is_between(u), (2 * u + 3) * (1 / 6), call.greater(u, 0)),),
    ),
)  # fmt: skip
