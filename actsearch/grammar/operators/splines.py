"""Cardinal B-splines, and piecewise polynomials of local support that are sums of them: splines and tables.

`bspline3(t)` is the cubic B-spline on the knots -2, -1, 0, 1, 2, and `pwpoly(u, c0, c1, ...)` the sum of `c_i *
bspline3(u - i)`, 0 outside of the support; grid and scale are chosen through u. `pwquadratic` and `pwlinear` are the
same of lower degrees; a `pwlinear` is the table whose value at u = i is `c_i`. The derivative of each is one of the
next lower degree, over the differences of its coefficients, so that derivatives of every order cost what it costs.

Pieces are closed on the left: the box is 1 on [-1/2, 1/2), and where a hat has a kink, its derivative is that on the
right: 1 at -1, -1 at 0, 0 at 1. NaN gives NaN; infinity gives 0, and so do the derivatives there.

Source: de Boor (1978), A Practical Guide to Splines; Schoenberg (1946), for the cardinal ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from actsearch.grammar.expression import Apply, Constant, Expression, call
from actsearch.grammar.operators.operator import Operator

_Pieces = Callable[[Expression, Expression], Expression]
MOST_COEFFICIENTS = 64
"""The most that a piecewise polynomial has: a kernel computes all terms for every element, and as many gradients."""


def _box(u: Expression) -> Expression:
    # Whatever is not below 1/2 and no NaN is above.
    beyond = call.where(call.equal(u, u), 0, u)
    return call.where(call.greater(0.5, u), call.where(call.greater(-0.5, u), 0, 1), beyond)


def _hat(u: Expression) -> Expression:
    return call.where(call.bspline0(0.5 * u), call.where(call.greater(0, u), 1 + u, 1 - u), 0)


def _hat_derivative(u: Expression) -> tuple[Expression, ...]:
    # bspline0(u + 1/2) - bspline0(u - 1/2), whose sums would round numbers beside a knot onto it.
    return ((2 * call.greater(0, u) - 1) * call.bspline0(0.5 * u),)


def _quadratic(v: Expression, a: Expression) -> Expression:
    """The quadratic B-spline for a = |v| <= 3/2, each piece in powers that are small where it is."""
    return call.where(call.greater(0.5, a), 0.75 - v * v, 0.5 * (1.5 - a) ** 2)


def _quadratic_derivative(u: Expression) -> tuple[Expression, ...]:
    # bspline1(u + 1/2) - bspline1(u - 1/2), of which one is 0 beyond 1/2, and whose digits cancel near 0.
    a = call.abs(u)
    return (call.where(call.greater(0.5, a), -2 * u, -(call.sign(u) * call.bspline1(a - 0.5))),)


def _cubic(v: Expression, a: Expression) -> Expression:
    """The cubic B-spline for a = |v| <= 2, each piece in powers that are small where it is."""
    return call.where(call.greater(1, a), 2 / 3 - v * v * (1 - 0.5 * a), 1 / 6 * (2 - a) ** 3)


def _cubic_derivative(u: Expression) -> tuple[Expression, ...]:
    # bspline2(u + 1/2) - bspline2(u - 1/2), of which one is 0 beyond 1, and whose digits cancel near 0.
    a = call.abs(u)
    return (call.where(call.greater(1, a), u * (1.5 * a - 2), -(call.sign(u) * call.bspline2(a - 0.5))),)


def _within(pieces: _Pieces, end: float) -> Callable[[Expression], Expression]:
    """`pieces` between -`end` and `end`, where they are 0, with derivatives by autograd that are right at 0 too."""

    def definition(u: Expression) -> Expression:
        v = call.maximum(call.minimum(u, end), -end)
        return pieces(v, call.abs(v))

    return definition


def _within_even(pieces: _Pieces, end: float) -> Callable[[Expression], Expression]:
    """The same values by fewer primitives: for kernels, whose derivatives are by the rules of the operators."""

    def lowered(u: Expression) -> Expression:
        a = call.minimum(call.abs(u), end)
        return pieces(a, a)

    return lowered


def _pieces(s: Any, u: Any, start: Any, formulas: Sequence[Any]) -> Any:
    """`formulas` in turn on intervals of length 1 from `start` on, closed on the left, and 0 outside."""
    ends = ((formula, u < start + index + 1) for index, formula in enumerate(formulas))
    return s.Piecewise((0, u < start), *ends, (0, True))


def _closed_box(s: Any, u: Any) -> Any:
    return _pieces(s, u, -s.Rational(1, 2), [1])


def _closed_hat(s: Any, u: Any) -> Any:
    return _pieces(s, u, -1, [1 + u, 1 - u])


def _closed_quadratic(s: Any, u: Any) -> Any:
    end = s.Rational(3, 2)
    return _pieces(s, u, -end, [(end + u) ** 2 / 2, s.Rational(3, 4) - u**2, (end - u) ** 2 / 2])


def _closed_cubic(s: Any, u: Any) -> Any:
    middle = [s.Rational(2, 3) - u**2 - u**3 / 2, s.Rational(2, 3) - u**2 + u**3 / 2]
    return _pieces(s, u, -2, [(2 + u) ** 3 / 6, *middle, (2 - u) ** 3 / 6])


def _steps(u: Expression, *differences: Expression) -> Expression:
    """The derivative of a table: on [j - 1, j) the difference j; u itself is compared, which rounds nothing."""
    return _total(d * (call.greater(j, u) - call.greater(j - 1, u)) for j, d in enumerate(differences))


def _piecewise(name: str, basis: str, closed: Callable[..., Any], derivative: Callable[..., Expression]) -> Operator:
    """The sum of coefficients times the B-spline `basis`, whose closed form is `closed`, at u, u - 1, u - 2, ...

    `derivative` takes u and the differences of the coefficients, of which there is one more.
    """

    def splines(u: Expression, count: int) -> list[Expression]:
        return [Apply(basis, (u - index if index else u,)) for index in range(count)]

    def definition(u: Expression, *coefficients: Expression) -> Expression:
        pairs = zip(coefficients, splines(u, len(coefficients)), strict=True)
        return _total(coefficient * spline for coefficient, spline in pairs)

    def partials(u: Expression, *coefficients: Expression) -> tuple[Expression, ...]:
        first, *others = coefficients
        between = (after - before for before, after in zip(coefficients, others, strict=False))
        return (derivative(u, first, *between, -coefficients[-1]), *splines(u, len(coefficients)))

    return Operator(
        name=name, arity=None, most_coefficients=MOST_COEFFICIENTS, definition=definition, derivative=partials,
        closed=lambda s, u, *coefficients: s.Add(*(c * closed(s, u - i) for i, c in enumerate(coefficients))),
    )  # fmt: skip


def _total(terms: Iterable[Expression]) -> Expression:
    first, *others = terms
    return Apply("add", (first, *others)) if others else first


SPLINES = (
    Operator(
        name="bspline0", definition=_box, kinks=(-0.5, 0.5),
        closed=_closed_box,
        derivative=lambda _u: (Constant(0.0),),
    ),
    Operator(
        name="bspline1", definition=_hat, lower=lambda u: call.maximum(1 - call.abs(u), 0), parity="even",
        closed=_closed_hat, kinks=(-1.0, 0.0, 1.0),
        derivative=_hat_derivative,
    ),
    Operator(
        name="bspline2", definition=_within(_quadratic, 1.5), lower=_within_even(_quadratic, 1.5), parity="even",
        closed=_closed_quadratic,
        derivative=_quadratic_derivative,
    ),
    Operator(
        name="bspline3", definition=_within(_cubic, 2), lower=_within_even(_cubic, 2), parity="even",
        closed=_closed_cubic,
        derivative=_cubic_derivative,
    ),
    _piecewise("pwlinear", "bspline1", _closed_hat, _steps),
    _piecewise("pwquadratic", "bspline2", _closed_quadratic, lambda u, *d: call.pwlinear(u + 0.5, *d)),
    _piecewise("pwpoly", "bspline3", _closed_cubic, lambda u, *d: call.pwquadratic(u + 0.5, *d)),
)  # fmt: skip
