"""Combinators: functions of functions of `x`, written like operators and replaced by what they stand for.

`reflected(f)` is -f(-x) and `saturated(f)` its bounded partner (Runje, Shankaranarayana, 2022, Constrained Monotonic
Neural Networks, arXiv:2205.11775). `box_smoothed(f, b)` and `gaussian_smoothed(f, s)` are f convolved with a box of
half width b and with a Gaussian of standard deviation s, in closed form for every piecewise linear f whose kinks do not
move (Shamir et al., 2020, Smooth activations and reproducibility, arXiv:2010.09931, for the box on ReLU; Biswas et al.,
2021, SAU, arXiv:2109.13210, for the Gaussian). `entropy_correction(f, m, s)` is the change that raises the entropy of
f's output most where x is normal with mean m and standard deviation s (see `actsearch.grammar.entropy`). The normal
form has none of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from actsearch.errors import ParseError
from actsearch.grammar.entropy import entropy_correction
from actsearch.grammar.expression import Expression, X, call, input_names, substitute
from actsearch.grammar.piecewise import Hinge, piecewise_linear

_DENSITY = 1 / math.sqrt(2 * math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combinator:
    """A function of a function, and of parameters or numbers of its own."""

    name: str
    arity: int
    expand: Callable[..., Expression]

    @property
    def signature(self) -> str:
        """What it takes, to be read by users."""
        return f"{self.arity} argument(s)"


def _reflected(f: Expression) -> Expression:
    return -substitute(f, {X: -X})


def _saturated(f: Expression) -> Expression:
    # f(x + 1) - f(1) on the left and the reflection of it on the right, which meet in 0.
    at_one = substitute(f, {X: 0 * X + 1})
    left = substitute(f, {X: X + 1}) - at_one
    right = at_one - substitute(f, {X: 1 - X})
    return call.where(call.greater(0, X), left, right)


def _box_smoothed(f: Expression, b: Expression) -> Expression:
    # (u + b)^2/(4b) on |u| <= b, written without a choice: both sides keep their slopes at the ends.
    def smooth(hinge: Hinge) -> Expression:
        u = X - hinge.kink
        inside = call.minimum(call.relu(u + b), 2 * b)
        return inside * inside / (4 * b) + call.relu(u - b)

    return _smoothed(f, b, smooth, "box_smoothed")


def _gaussian_smoothed(f: Expression, s: Expression) -> Expression:
    def smooth(hinge: Hinge) -> Expression:
        u = X - hinge.kink
        return u * call.normal_cdf(u / s) + s * _DENSITY * call.exp(-0.5 * (u / s) * (u / s))

    return _smoothed(f, s, smooth, "gaussian_smoothed")


def _smoothed(f: Expression, width: Expression, smooth: Callable[[Hinge], Expression], name: str) -> Expression:
    """A symmetric kernel of mass 1 leaves a line as it is, so only the hinges change."""
    if input_names(width):
        raise ParseError(f"the second argument of {name} is a number or a parameter.")
    pieces = piecewise_linear(f)
    if pieces is None:
        raise ParseError(f"{name} takes a piecewise linear function of x whose kinks do not move, such as abs(x - 1).")
    total = pieces.intercept + pieces.slope * X
    for hinge in pieces.hinges:
        total = total + hinge.weight * smooth(hinge)
    return total


COMBINATORS: Mapping[str, Combinator] = {
    combinator.name: combinator
    for combinator in (
        Combinator(name="reflected", arity=1, expand=_reflected),
        Combinator(name="saturated", arity=1, expand=_saturated),
        Combinator(name="box_smoothed", arity=2, expand=_box_smoothed),
        Combinator(name="gaussian_smoothed", arity=2, expand=_gaussian_smoothed),
        Combinator(name="entropy_correction", arity=3, expand=entropy_correction),
    )
}
