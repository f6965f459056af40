"""The change of a function that raises the entropy of its output most, by the calculus of variations.

Sun et al. (2024), A Method on Searching Better Activation Functions (EAFO), arXiv:2405.12954. Where f rises and x has
the density p, the output's entropy is that of x plus the mean of ln f'. So f + eps * h has a derivative by eps of
E[h'/f'] = -integral of h * (p/f')', and

    h = -f' * (p/f')' = p * f''/f' - p'

makes it an integral of a square. From ReLU, where x > 0 is what comes through, it is x * exp(-x^2/2), the correction of
CRReLU, with eps > 0 for more entropy.
"""

from __future__ import annotations

from actsearch.errors import ParseError
from actsearch.grammar.expression import Apply, Constant, Expression, X, call
from actsearch.grammar.operators import OPERATORS

GUARD = 1e-3
"""f''/f' is taken as f'' * f' / (f'^2 + GUARD), which is no pole where f turns round; where it rises it is near."""
_ZERO, _ONE = Constant(0.0), Constant(1.0)


def entropy_correction(f: Expression, mean: Expression, deviation: Expression) -> Expression:
    """The correction h of `f` under a normal density of `mean` and standard `deviation`, as exp(-z^2/2) / deviation.

    Raises `ParseError` for what is no function of x point by point.
    """
    z = (X - mean) / deviation if (mean, deviation) != (_ZERO, _ONE) else X
    steepness = z if deviation == _ONE else z / deviation
    slope = slope_of(f)
    curvature = slope_of(slope)
    bent = steepness if curvature == _ZERO else steepness + curvature * slope / (slope * slope + GUARD)
    return bent * call.exp(-0.5 * z * z)


def slope_of(f: Expression) -> Expression:
    """The derivative by x, from the operators' own; at a kink it is torch's. Raises `ParseError` as above."""
    known: dict[Expression, Expression] = {X: _ONE}

    def slope(node: Expression) -> Expression:
        if node not in known:
            known[node] = _slope(node, [slope(a) for a in node.arguments]) if isinstance(node, Apply) else _ZERO
        return known[node]

    return slope(f)


def _slope(node: Apply, inner: list[Expression]) -> Expression:
    """The chain rule for one operator whose arguments have the slopes `inner`."""
    if all(slope == _ZERO for slope in inner):
        return _ZERO
    operator = OPERATORS.get(node.operator)
    if operator is None or operator.drawn:
        raise ParseError(f"entropy_correction takes a function that works point by point, and not {node.operator}.")
    if node.operator == "where":
        # The choice of the slopes: 0 times the infinite slope of the piece that is not chosen would be NaN.
        return call.where(node.arguments[0], *inner[1:]) if inner[1] != inner[2] else inner[1]
    total: Expression = _ZERO
    for partial, slope in zip(operator.derivative(*node.arguments), inner, strict=True):
        if _ZERO not in (slope, partial):
            part = partial if slope == _ONE else partial * slope
            total = part if total == _ZERO else total + part
    return total
