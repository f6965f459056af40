"""Functions of one variable by Chebyshev series on as few pieces as it takes: for what has orders and no fixed table.

Source: Trefethen (2013), Approximation Theory and Approximation Practice, chapters 3 and 4, for the interpolation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.grammar.expression import Constant, Expression, call

_SMALLEST_SHARE = 2.0**-10
"""Of an interval, below which nothing is divided further: what is rougher than that is no function of the kind."""
_COST = 3
"""What choosing a piece and mapping its variable cost, in coefficients."""
_MARGIN = 1 / 16
"""How far beyond its ends a piece is computed before its variable stands still, in half widths."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A Chebyshev series on [low, high], the first coefficient counting half."""

    low: float
    high: float
    coefficients: tuple[float, ...]

    def variable(self, x: Expression) -> Expression:
        """`x` mapped to [-1, 1], and what is far beyond to a little more, so that no power of it overflows."""
        middle, half = 0.5 * (self.low + self.high), 0.5 * (self.high - self.low)
        v = (x - middle) * (1 / half)
        return call.maximum(call.minimum(v, 1 + _MARGIN), -1 - _MARGIN)


def fit(
    function: Callable[[Any], Any], low: float, high: float, *, degrees: Iterable[int], tolerance: float, numbers: Any
) -> tuple[Piece, ...]:
    """Pieces from `low` to `high`, halved until errors are about `tolerance`, with the fewest coefficients in all.

    Each of the `degrees` is tried as the largest. Errors count relative to the largest coefficient of a piece where
    that is above 1, and absolute below. The function takes and gives what `numbers`, a context of mpmath, computes
    with: in float64 the derivatives of a series would lose the digits that its coefficients have.
    """
    smallest = (high - low) * _SMALLEST_SHARE
    tried = (_Fit(function, degree, tolerance, smallest, numbers).pieces(low, high) for degree in degrees)
    return min(tried, key=lambda pieces: sum(_COST + len(piece.coefficients) for piece in pieces))


@dataclass(frozen=True, slots=True)
class _Fit:
    function: Callable[[Any], Any]
    degree: int
    tolerance: float
    smallest: float
    numbers: Any

    def pieces(self, low: float, high: float) -> tuple[Piece, ...]:
        found = self._coefficients(low, high)
        allowed = self.tolerance * max(1.0, *map(abs, found))
        if max(map(abs, found[-2:])) > allowed and high - low > self.smallest:
            middle = 0.5 * (low + high)
            return self.pieces(low, middle) + self.pieces(middle, high)
        while len(found) > 2 and abs(found[-1]) <= 0.1 * allowed:
            found.pop()
        return (Piece(low, high, tuple(found)),)

    def _coefficients(self, low: float, high: float) -> list[float]:
        """Those of the Chebyshev series by the values at the zeros of the polynomial one degree higher."""
        count, half = self.degree + 1, (self.numbers.mpf(high) - low) / 2
        # The cosines of all multiples of a half of the angle between zeros, which are all that is needed.
        cosines = [self.numbers.cospi(self.numbers.mpf(index) / (2 * count)) for index in range(4 * count)]
        values = [self.function(low + half * (1 + cosines[2 * index + 1])) for index in range(count)]
        turns = (((2 * index + 1) * n % (4 * count) for index in range(count)) for n in range(count))
        return [float(2 * self.numbers.fdot(values, [cosines[turn] for turn in of_one]) / count) for of_one in turns]


def chosen(pieces: Sequence[Piece], x: Expression) -> Expression:
    """The value at x of the piece that it lies in, or of the first or last one beyond them."""
    result, *others = (clenshaw(piece.coefficients, piece.variable(x)) for piece in reversed(pieces))
    for piece, value in zip(reversed(pieces[:-1]), others, strict=True):
        result = call.where(call.greater(piece.high, x), value, result)
    return result


def clenshaw(coefficients: Sequence[float], t: Expression) -> Expression:
    """The sum of Chebyshev polynomials of t, the first coefficient counting half."""
    later: Expression | None = None
    last: Expression = Constant(coefficients[-1])
    for coefficient in reversed(coefficients[1:-1]):
        total = 2 * t * last + coefficient
        later, last = last, total if later is None else total - later
    result = t * last + 0.5 * coefficients[0]
    return result if later is None else result - later
