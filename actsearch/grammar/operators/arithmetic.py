"""Arithmetic, comparisons and pieces."""

from __future__ import annotations

from actsearch.grammar.expression import Apply, Constant, Expression, call
from actsearch.grammar.operators.operator import Operator

_ZERO, _ONE = Constant(0.0), Constant(1.0)


def _product_rule(*factors: Expression) -> tuple[Expression, ...]:
    partials: list[Expression] = []
    for index in range(len(factors)):
        others = factors[:index] + factors[index + 1 :]
        partials.append(others[0] if len(others) == 1 else Apply("multiply", others))
    return tuple(partials)


def _quotient_rule(a: Expression, b: Expression) -> tuple[Expression, ...]:
    # Not -a/(b*b), whose square overflows; the reciprocal is computed once for both.
    r = 1 / b
    return (r, -(a * r * r))


def _lower_round(u: Expression) -> Expression:
    below = call.floor(u)
    # Exact but between -1 and 0, where what is rounded to a tie goes to 0 all the same.
    rest = u - below
    oddness = below - 2 * call.floor(0.5 * below)
    return below + call.where(call.greater(rest, 0.5), 1, call.where(call.equal(rest, 0.5), oddness, 0))


ARITHMETIC = (
    Operator(
        name="add", arity=None, torch="add", primitive=True,
        closed=lambda s, *terms: s.Add(*terms),
        derivative=lambda *terms: (_ONE,) * len(terms),
    ),
    Operator(
        name="subtract", arity=2, torch="subtract", primitive=True,
        closed=lambda _, a, b: a - b,
        derivative=lambda _a, _b: (_ONE, Constant(-1.0)),
    ),
    Operator(
        name="multiply", arity=None, torch="multiply", primitive=True,
        closed=lambda s, *factors: s.Mul(*factors),
        derivative=_product_rule,
    ),
    Operator(
        name="divide", arity=2, torch="divide", primitive=True,
        closed=lambda _, a, b: a / b,
        derivative=_quotient_rule,
        test_range=(0.2, 4.0),
    ),
    Operator(
        name="negative", torch="negative", primitive=True, parity="odd",
        closed=lambda _, u: -u,
        derivative=lambda _u: (Constant(-1.0),),
    ),
    Operator(
        name="abs", torch="abs", primitive=True, parity="even", kinks=(0.0,),
        closed=lambda s, u: s.Abs(u),
        derivative=lambda u: (call.sign(u),),
    ),
    Operator(
        name="sign", torch="sign", parity="odd", kinks=(0.0,),
        lower=lambda u: call.greater(u, 0) - call.greater(0, u),
        closed=lambda s, u: s.sign(u),
        derivative=lambda _u: (_ZERO,),
    ),
    Operator(
        name="floor", torch="floor", primitive=True, kinks=tuple(float(n) for n in range(-6, 7)),
        closed=lambda s, u: s.floor(u),
        derivative=lambda _u: (_ZERO,),
    ),
    Operator(
        name="ceil", torch="ceil", kinks=tuple(float(n) for n in range(-6, 7)), lower=lambda u: -call.floor(-u),
        closed=lambda s, u: s.ceiling(u),
        derivative=lambda _u: (_ZERO,),
    ),
    Operator(
        # To the nearest integer, of two that are as near to the even one, as in torch.
        name="round", torch="round", kinks=tuple(n + 0.5 for n in range(-6, 6)), lower=_lower_round, parity="odd",
        closed=lambda s, u: s.floor(u + s.Rational(1, 2)),
        derivative=lambda _u: (_ZERO,),
    ),
    Operator(
        # At a tie each side takes half of the gradient, as in torch.
        name="maximum", arity=2, torch="maximum", primitive=True,
        closed=lambda s, a, b: s.Max(a, b),
        derivative=lambda a, b: (
            call.greater(a, b) + 0.5 * call.equal(a, b), call.greater(b, a) + 0.5 * call.equal(a, b),
        ),
    ),
    Operator(
        name="minimum", arity=2, torch="minimum", primitive=True,
        closed=lambda s, a, b: s.Min(a, b),
        derivative=lambda a, b: (
            call.greater(b, a) + 0.5 * call.equal(a, b), call.greater(a, b) + 0.5 * call.equal(a, b),
        ),
    ),
    Operator(
        # 1 where a > b, else 0.
        name="greater", arity=2, primitive=True,
        closed=lambda s, a, b: s.Piecewise((1, a > b), (0, True)),
        derivative=lambda _a, _b: (_ZERO, _ZERO),
    ),
    Operator(
        # 1 where a == b, else 0.
        name="equal", arity=2, primitive=True,
        closed=lambda s, a, b: s.Piecewise((1, s.Eq(a, b)), (0, True)),
        derivative=lambda _a, _b: (_ZERO, _ZERO),
    ),
    Operator(
        # The second argument where the first is not 0, else the third: a choice, so the piece that is not chosen
        # may be NaN or infinite. The derivative of a choice is the choice of the derivatives (see `compile.derive`).
        name="where", arity=3, primitive=True,
        closed=lambda s, c, a, b: s.Piecewise((a, s.Ne(c, 0)), (b, True)),
        derivative=lambda c, _a, _b: (_ZERO, call.where(c, 1, 0), call.where(c, 0, 1)),
    ),
)  # fmt: skip
