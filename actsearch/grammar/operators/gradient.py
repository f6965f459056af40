"""Operators that say what training does where that is not what the values say: derivatives, and what is drawn."""

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
        # f with probability p, else g; a probability beyond 0 or 1 counts as the nearer one.
        name="stochastic", arity=3,
        drawn=lambda noise, p, f, g: call.where(call.greater(p, noise), f, g),
        definition=lambda p, f, g: _probability(p) * f + (1 - _probability(p)) * g,
        closed=lambda s, p, f, g: s.Max(s.Min(p, 1), 0) * (f - g) + g,
        derivative=_stochastic_derivative,
        test_range=(0.1, 0.9),
    ),
    Operator(
        # A number between a and b, all as likely, whichever of the two is larger. Equal subtrees are one draw: of two
        # coefficients with noise of their own each is `uniform(0.9*c[0], 1.1*c[0])`, and not a product with the same.
        name="uniform", arity=2,
        drawn=lambda noise, a, b: a + (b - a) * noise,
        definition=lambda a, b: 0.5 * a + 0.5 * b,
        closed=lambda _, a, b: (a + b) / 2,
        derivative=lambda _a, _b: (Constant(0.5), Constant(0.5)),
    ),
)  # fmt: skip
