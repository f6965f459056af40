"""Operators that say what training does where that is not what the values say."""

from __future__ import annotations

from actsearch.grammar.expression import Constant, Expression, call
from actsearch.grammar.operators.operator import Operator


def _probability(p: Expression) -> Expression:
    return call.maximum(call.minimum(p, 1), 0)


def _stochastic_derivative(p: Expression, f: Expression, g: Expression) -> tuple[Expression, ...]:
    chance = _probability(p)
    return (call.equal(p, chance) * (f - g), chance, 1 - chance)


GRADIENT = (
    Operator(
        # `g + detach(f - g)` has the values of f and the derivatives of g. The closed form says the values alone.
        name="detach", torch="detach", lower=lambda u: u,
        closed=lambda _, u: u,
        derivative=lambda _u: (Constant(0.0),),
    ),
    Operator(
        # f with probability p, else g, drawn for each element in training (`actsearch.compile.stages`). Everywhere else
        # it is the expectation; a probability beyond 0 or 1 counts as the nearer one.
        name="stochastic", arity=3,
        definition=lambda p, f, g: _probability(p) * f + (1 - _probability(p)) * g,
        closed=lambda s, p, f, g: s.Max(s.Min(p, 1), 0) * (f - g) + g,
        derivative=_stochastic_derivative,
        test_range=(0.1, 0.9),
    ),
)  # fmt: skip
