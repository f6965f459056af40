"""Piecewise linear functions of `x` as a line and hinges, read from their expressions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from actsearch.grammar.expression import Apply, Constant, Expression, Input, X, walk

_ZERO = Constant(0.0)


@dataclass(frozen=True, slots=True)
class Hinge:
    """`weight * relu(x - kink)`; the weight is free of `x`."""

    kink: float
    weight: Expression


@dataclass(frozen=True, slots=True)
class PiecewiseLinear:
    """`intercept + slope * x` and a hinge for every kink, by growing kink."""

    intercept: Expression
    slope: Expression
    hinges: tuple[Hinge, ...] = ()


def piecewise_linear(expression: Expression) -> PiecewiseLinear | None:
    """`expression` (in normal form) as a line and hinges; None if it is not piecewise linear with fixed kinks.

    What stands in `relu`, `abs`, `maximum` and `minimum` has numbers for slopes; outside them slopes may be parameters.
    """
    if expression == X:
        return PiecewiseLinear(_ZERO, Constant(1.0))
    if not any(isinstance(node, Input) for node in walk(expression)):
        return PiecewiseLinear(expression, _ZERO)
    if not isinstance(expression, Apply):
        return None
    parts = [piecewise_linear(argument) for argument in expression.arguments]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    match expression.operator:
        case "add":
            return _sum(known)
        case "multiply":
            return _product(known)
        case "relu" | "abs" | "maximum" | "minimum":
            return _folded(expression.operator, known)
    return None


def _sum(parts: Sequence[PiecewiseLinear]) -> PiecewiseLinear:
    weights: dict[float, list[Expression]] = {}
    for hinge in itertools.chain.from_iterable(part.hinges for part in parts):
        weights.setdefault(hinge.kink, []).append(hinge.weight)
    return PiecewiseLinear(
        _total([part.intercept for part in parts]),
        _total([part.slope for part in parts]),
        tuple(Hinge(kink, _total(weights[kink])) for kink in sorted(weights)),
    )


def _product(parts: Sequence[PiecewiseLinear]) -> PiecewiseLinear | None:
    """A product of which at most one factor has `x`."""
    moving = [part for part in parts if part.slope != _ZERO or part.hinges]
    if len(moving) > 1:
        return None
    # Where x has gone from all of them, as from min(max(x, 1), 0), any one is scaled by the others.
    kept = moving[0] if moving else parts[0]
    factors = [part.intercept for part in parts if part is not kept]
    factor = factors[0] if len(factors) == 1 else Apply("multiply", tuple(factors))
    return _scaled(kept, factor)


def _scaled(part: PiecewiseLinear, factor: Expression) -> PiecewiseLinear:
    hinges = tuple(Hinge(hinge.kink, _times(factor, hinge.weight)) for hinge in part.hinges)
    return PiecewiseLinear(_times(factor, part.intercept), _times(factor, part.slope), hinges)


def _folded(operator: str, parts: Sequence[PiecewiseLinear]) -> PiecewiseLinear | None:
    """max(u, 0) of a piecewise linear u with numbers for slopes; the others are said by it."""
    if operator == "abs":
        positive = _folded("relu", parts)
        return positive and _sum([_scaled(positive, Constant(2.0)), _scaled(parts[0], Constant(-1.0))])
    if operator in ("maximum", "minimum"):
        # max(a, b) = b + relu(a - b), min(a, b) = b - relu(b - a).
        a, b = parts
        sign = 1.0 if operator == "maximum" else -1.0
        above = _folded("relu", [_sum([_scaled(a, Constant(sign)), _scaled(b, Constant(-sign))])])
        return above and _sum([b, _scaled(above, Constant(sign))])
    return _relu(parts[0])


def _relu(part: PiecewiseLinear) -> PiecewiseLinear | None:
    numbers = [part.intercept, part.slope, *(hinge.weight for hinge in part.hinges)]
    if not all(isinstance(number, Constant) for number in numbers):
        return None
    intercept, slope, *weights = (number.value for number in numbers if isinstance(number, Constant))
    kinks = [hinge.kink for hinge in part.hinges]

    def value(x: float) -> float:
        return intercept + slope * x + sum(w * max(x - k, 0.0) for w, k in zip(weights, kinks, strict=True))

    slopes = list(itertools.accumulate([slope, *weights]))
    ends = [None, *kinks, None]
    pieces: list[tuple[float | None, float]] = []  # Where a piece begins, and its slope once what is below 0 is cut.
    for (begin, end), incline in zip(itertools.pairwise(ends), slopes, strict=True):
        at = begin if begin is not None else end if end is not None else 0.0
        zero = at - value(at) / incline if incline else None
        inside = zero is not None and (begin is None or zero > begin) and (end is None or zero < end)
        if inside and zero is not None:
            pieces += [(begin, min(incline, 0.0)), (zero, max(incline, 0.0))]
        else:
            middle = _middle(begin, end)
            pieces.append((begin, incline if value(middle) > 0 else 0.0))
    left = pieces[0][1]
    anchor = pieces[1][0] if len(pieces) > 1 and pieces[1][0] is not None else 0.0
    hinges = [
        Hinge(begin, Constant(after - before))
        for (_, before), (begin, after) in itertools.pairwise(pieces)
        if begin is not None and after != before
    ]
    return PiecewiseLinear(Constant(max(value(anchor), 0.0) - left * anchor), Constant(left), tuple(hinges))


def _middle(begin: float | None, end: float | None) -> float:
    if begin is None and end is None:
        return 0.0
    if begin is None:
        return (end or 0.0) - 1.0
    return begin + 1.0 if end is None else 0.5 * (begin + end)


def _times(a: Expression, b: Expression) -> Expression:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return Constant(a.value * b.value)
    return _ZERO if _ZERO in (a, b) else a * b


def _total(terms: Sequence[Expression]) -> Expression:
    numbers = sum(term.value for term in terms if isinstance(term, Constant))
    others = [term for term in terms if not isinstance(term, Constant)]
    total: Expression = Constant(numbers)
    for term in others:
        total = term if total == _ZERO else total + term
    return total
