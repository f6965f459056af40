"""A function with what encloses it and its derivatives, over the whole line as far as float64 reaches."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from actsearch.analysis.enclosure.interval import Array, Interval
from actsearch.analysis.enclosure.jet import Jet, enclose
from actsearch.analysis.pointwise import Pointwise
from actsearch.analysis.properties.factored import factored
from actsearch.analysis.textbook import SIGNED, derivative
from actsearch.errors import UnsupportedError
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Expression, size, walk
from actsearch.grammar.operators import OPERATORS

EDGE = 20.0
"""Between -20 and 20 boxes are of equal width; beyond, they grow in proportion to x."""
REACH = 2.0**500
"""What is said of all x is proven for all |x| up to here, about 3e150, whose squares are float64 numbers still."""
_STEP = 1 / 32
_MOST_NODES = 200
_JUMPS = frozenset({
    "sign", "floor", "ceil", "round", "greater", "equal", "where", "detach", "stochastic", "bspline0", "bspline1",
    "i0e_slope",
})  # fmt: skip
_KINKS = _JUMPS | {name for name, operator in OPERATORS.items() if operator.kinks} | {
    "maximum", "minimum", "elu", "softsign", "bspline2", "bspline3", "pwlinear", "pwquadratic", "pwpoly", "i1e",
}  # fmt: skip


def _edges() -> Array:
    count = int(EDGE / _STEP)
    core = np.arange(-count, count + 1) * _STEP
    near = EDGE * 2.0 ** np.arange(1, 13)
    far = near[-1] * 256.0 ** np.arange(1, 61)
    tail = np.concatenate([near, far, [REACH]])
    return np.concatenate([-tail[::-1], core, tail])


EDGES = _edges()
"""Ends of the first boxes, ascending."""


class Enclosed:
    """What is certain of a function and its first two derivatives; the pointwise function stands for the rest."""

    def __init__(self, function: Pointwise) -> None:
        self.function = function
        self._expression = function.activation.expression
        self._names = {node.operator for node in walk(self._expression) if isinstance(node, Apply)}
        self._initial: dict[int, Interval] = {}
        self.partitions: dict[tuple[int, bool, bool], Any] = {}
        """What `signs.partition` found, by its arguments."""

    @property
    def is_known(self) -> bool:
        """Whether every operator in it can be enclosed."""
        return self._defined is not None

    @property
    def is_defined(self) -> bool:
        """Whether it is proven to have a value everywhere."""
        return self._defined is True

    @cached_property
    def _defined(self) -> bool | None:
        """Fills the enclosures over the first boxes, and says whether the function is defined; None if unknown."""
        try:
            jet = enclose(self._expression, EDGES[:-1], EDGES[1:], self.function.parameters)
        except UnsupportedError:
            return None
        for order in (0, 1, 2):
            self._initial[order] = self._sharper(order, jet, EDGES[:-1], EDGES[1:])
        return bool(np.all(jet.defined))

    def initial(self, order: int) -> Interval:
        """The enclosure of a derivative over the boxes between `EDGES`."""
        return self._initial[order] if self.is_known else _nothing_known(len(EDGES) - 1)

    def over(self, order: int, lower: Array, upper: Array) -> Interval:
        """The enclosure of a derivative over boxes."""
        if not self.is_known:
            return _nothing_known(len(lower))
        jet = enclose(self._expression, lower, upper, self.function.parameters, order=order)
        return self._sharper(order, jet, lower, upper)

    def _sharper(self, order: int, jet: Jet, lower: Array, upper: Array) -> Interval:
        """The derivative where its sign is clear; elsewhere also by its expression, with the factors apart.

        In `exp(-x*x) * (1 - 2*x*x)` the sign is clear where in the sum of two products it is not. Kinks and jumps are
        not in that expression, so it counts only where there can be none.
        """
        expression = self._factored[order - 1] if order else None
        found = jet.of(order)
        unclear = jet.defined & (found.lower < 0) & (found.upper > 0)
        if expression is None or not unclear.any():
            return found
        other = enclose(expression, lower[unclear], upper[unclear], self.function.parameters, order=0)
        sharper = Interval(found.lower[unclear], found.upper[unclear]).meet(other.value)
        low, high = found.lower.copy(), found.upper.copy()
        low[unclear], high[unclear] = sharper.lower, sharper.upper
        return Interval(low, high)

    @cached_property
    def _factored(self) -> tuple[Expression | None, Expression | None]:
        first: Expression | None = None
        second: Expression | None = None
        if not self._names & _JUMPS:
            slope = canonical(derivative(self._expression, SIGNED))
            first = factored(slope) if size(slope) <= _MOST_NODES else None
            if first is not None and not self._names & _KINKS:
                curvature = canonical(derivative(slope, SIGNED))
                second = factored(curvature) if size(curvature) <= _MOST_NODES else None
        return first, second


def _nothing_known(count: int) -> Interval:
    return Interval(np.full(count, -np.inf), np.full(count, np.inf))
