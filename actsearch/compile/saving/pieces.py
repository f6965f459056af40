"""A function on intervals between its kinks, on each of which it is one formula without cases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from actsearch.compile.derive import derive
from actsearch.compile.saving.function import Array, evaluator
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Constant, Expression, X, as_expression, distinct, fold, input_names
from actsearch.grammar.operators import OPERATORS

_MOST_PIECES = 16
_EDGE, _STEP, _HALVINGS = 40.0, 2.0**-6, 60
_SMOOTH_CASES = frozenset({"elu", "softsign"})
"""Operators that consist of cases although their derivative does not jump."""
_CASES = frozenset({"maximum", "minimum", "where", "abs", "greater", "equal"})


@dataclass(frozen=True, slots=True)
class Piece:
    """The function is `expression`, in normal form, for `low` < x <= `high`."""

    low: float
    high: float
    expression: Expression


def inside(low: float, high: float) -> float:
    """A point between two that may be infinite, away from both."""
    if math.isinf(low):
        return 0.0 if math.isinf(high) else high - 1.0
    return low + 1.0 if math.isinf(high) else 0.5 * (low + high)


def pieces_of(expression: Expression) -> list[Piece] | None:
    """The pieces of a function of x from left to right; one where it has no cases.

    Beyond 40 on either side, a case that is no straight line in x is taken to stay as it is. None for steps such as
    `floor`, or if there are more than 16 pieces.
    """
    written = _with_cases(expression)
    edges = [-math.inf, math.inf]
    for node in distinct([written]):
        if not isinstance(node, Apply) or node.operator not in {*_CASES, "floor"}:
            continue
        found = _crossings(node, edges)
        if found is None or len(edges) + len(found) > _MOST_PIECES + 1:
            return None
        edges = sorted({*edges, *found})
    return [Piece(low, high, _resolved(written, inside(low, high))) for low, high in itertools.pairwise(edges)]


def _with_cases(expression: Expression) -> Expression:
    """`expression` with operators that consist of cases written as these."""

    def apply(name: str, arguments: list[Expression]) -> Expression:
        operator = OPERATORS.get(name)
        rule = operator.lowering(exact=True) if operator is not None else None
        if operator is None or rule is None or not (operator.kinks or name in _SMOOTH_CASES):
            return Apply(name, tuple(arguments))
        return _with_cases(rule(*arguments))

    found: Expression = fold(expression, lambda leaf: leaf, apply)
    return found


def _crossings(node: Apply, edges: list[float]) -> set[float] | None:
    """Where a case changes to another one, the cases in it changing at `edges` only; None where that is not known."""
    if node.operator == "where":
        # Its condition is made of comparisons, which are cases of their own.
        return set()
    if node.operator == "floor":
        return None
    difference = node.arguments[0] if node.operator == "abs" else node.arguments[0] - node.arguments[1]
    found: set[float] = set()
    for low, high in itertools.pairwise(edges):
        here = _resolved(difference, inside(low, high))
        if not _reads_x(here):
            continue
        slope = canonical(derive(here, X))
        if isinstance(slope, Constant) and slope.value:
            crossings = [-float(evaluator(here)(np.zeros(1))[0]) / slope.value + 0.0]
        else:
            crossings = _changes(evaluator(here), max(low, -_EDGE), min(high, _EDGE))
        found |= {crossing for crossing in crossings if low < crossing < high}
    return found


def _changes(value: Callable[[Array], Array], low: float, high: float) -> list[float]:
    """Where a function changes its sign."""
    if low >= high:
        return []
    x = np.arange(low, high + _STEP, _STEP)
    with np.errstate(all="ignore"):
        signs = np.sign(value(x))
        # Points at which it is 0 are there to be found, 0 and other round numbers first of all.
        known = np.flatnonzero(signs)
        pairs = np.array([pair for pair in itertools.pairwise(known) if signs[pair[0]] * signs[pair[1]] < 0], dtype=int)
        # Between two that are two apart it is 0 on the point between them.
        return [
            float(x[a + 1]) if b == a + 2 else float(bisected(value, x[[a]], x[[b]])[0])
            for a, b in pairs[:_MOST_PIECES]
        ]


def bisected(value: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Between each two points at which a function has different signs the point of its change, to all digits."""
    below = np.sign(value(low))
    for _ in range(_HALVINGS):
        middle = low + 0.5 * (high - low)
        signs = np.sign(value(middle))
        low = np.where((signs == below) | (signs == 0), middle, low)
        high = np.where(signs == below, high, middle)
    return high


def _reads_x(expression: Expression) -> bool:
    return "x" in input_names(expression)


def _resolved(expression: Expression, at: float) -> Expression:
    """`expression` with each case replaced by the one that holds at the point `at`."""
    point = np.array([at])

    def value(of: Expression) -> float:
        return float(evaluator(of)(point)[0])

    def apply(name: str, arguments: list[Expression]) -> Expression:
        if name == "abs":
            return arguments[0] if value(arguments[0]) >= 0 else -arguments[0]
        if name in {"maximum", "minimum"}:
            return (max if name == "maximum" else min)(arguments, key=value)
        if name == "greater":
            return as_expression(float(value(arguments[0]) > value(arguments[1])))
        if name == "equal":
            return as_expression(float(value(arguments[0]) == value(arguments[1])))
        if name == "where":
            return arguments[1] if value(arguments[0]) else arguments[2]
        return Apply(name, tuple(arguments))

    return canonical(fold(expression, lambda leaf: leaf, apply))
