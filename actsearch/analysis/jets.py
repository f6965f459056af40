"""Jets: values and slopes of pointwise functions at fixed points, computed with numpy, subtrees once for all functions.

A search proposes thousands of functions that are made of the same parts, so a `Sampler` keeps what it computed and a
new function costs its new nodes only. Nodes are numbered by what they are applied to (value numbering, Cocke and
Schwartz 1970, Programming Languages and Their Compilers), parameters standing at numbers. Slopes go forward with the
values (forward-mode differentiation) by the derivative that each operator states.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.tape import Tape, draw_up
from actsearch.compile.derive import product_of
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import literal_arguments

Array = NDArray[np.floating[Any]]
_WITH_POWERS = frozenset({"multiply", "power"})
_REMEMBERED = 1024
"""Nodes that a sampler keeps: some tens of megabytes for thousands of points."""


class Jet(NamedTuple):
    """A value and its slope at every point; numbers stand for what is the same at all, None for a slope of 0."""

    value: Any
    slope: Any


class Sampler:
    """Values and slopes of expressions of `x` alone at the 1-D points `x`, in their dtype; threads may share it.

    One that is made without `slopes` has 0 for all of them.
    """

    def __init__(self, x: Array, *, slopes: bool = True) -> None:
        self._x = x
        self.zeros = np.zeros_like(x)
        """The slopes of whatever has none."""
        self._one = x.dtype.type(1)
        self._slope = self._one if slopes else None
        self._lock = threading.Lock()
        self._numbers: dict[object, int] = {}
        self._jets: list[Jet] = []
        self._tapes: dict[object, Tape] = {}
        self._known: dict[tuple[tuple[str, float], ...], dict[Expression, int]] = {}
        """Numbers of nodes under settings that were seen before: for whole subtrees one look instead of many."""

    def sample(self, expression: Expression, settings: Mapping[str, float]) -> tuple[Array, Array]:
        """Values and slopes at the points, parameters at the numbers in `settings`; NaN and infinity as they come.

        The arrays are the sampler's own and not to be written to. Raises `UnsupportedError` for any input but `x` and
        for statistics.
        """
        with self._lock, np.errstate(all="ignore"):
            if len(self._jets) > _REMEMBERED:
                self._numbers.clear()
                self._jets.clear()
                self._known.clear()
            known = self._known.setdefault(tuple(settings.items()), {})
            value, slope = self._jet(expression, settings, known)
        return self._everywhere(value), self.zeros if slope is None else self._everywhere(slope)

    def _everywhere(self, value: Any) -> Array:
        return value if type(value) is np.ndarray and value.ndim else np.full(self._x.shape, value, self._x.dtype)

    def _jet(self, root: Expression, settings: Mapping[str, float], known: dict[Expression, int]) -> Jet:
        """The jet of a whole function, which is kept by nobody: few return, and they would push out the parts."""
        number = known.get(root)
        if number is None:
            node = _as_fraction(root) if type(root) is Apply and root.operator in _WITH_POWERS else root
            if type(node) is Apply:
                key = self._key(node, settings, known)
                number = self._numbers.get(key)
                if number is None:
                    return self._applied(node, key)
            else:
                number = self._number(node, settings, known)
        return self._jets[number]

    def _number(self, node: Expression, settings: Mapping[str, float], known: dict[Expression, int]) -> int:
        number = known.get(node)
        if number is not None:
            return number
        given, key = node, None
        if type(node) is Apply:
            if node.operator in _WITH_POWERS:
                node = _as_fraction(node)
            key = self._key(node, settings, known)  # type: ignore[arg-type]
        elif type(node) is Constant:
            key = ("", node.value)
        elif type(node) is Parameter:
            key = ("", settings[node.name])
        else:
            key = node.name  # type: ignore[attr-defined]
        number = self._numbers.get(key)
        if number is None:
            jet = self._applied(node, key) if type(node) is Apply else self._leaf(key)
            number = self._numbers[key] = len(self._jets)
            self._jets.append(jet)
        known[given] = number
        return number

    def _key(self, node: Apply, settings: Mapping[str, float], known: dict[Expression, int]) -> tuple[Any, ...]:
        return (node.operator, *[self._number(argument, settings, known) for argument in node.arguments])

    def _leaf(self, key: object) -> Jet:
        if isinstance(key, tuple):
            # An infinite float32 where the number has none, as in torch.
            return Jet(self._x.dtype.type(key[1]), None)
        if key != "x":
            raise UnsupportedError(f"only functions of x alone are sampled, not of {key}.")
        return Jet(self._x, self._slope)

    def _applied(self, node: Apply, key: tuple[Any, ...]) -> Jet:
        operator = node.operator
        jets = self._jets
        arguments: list[Jet] = [jets[number] for number in key[1:]]
        pair = _PAIRS.get(operator)
        if pair is not None:
            result: Jet = arguments[0]
            for other in arguments[1:]:
                result = pair(result, other)
            return result
        if operator == "where":
            return _chosen(*arguments)
        if operator not in OPERATORS:
            raise UnsupportedError(f"only pointwise functions are sampled, not {operator}.")
        places = literal_arguments(operator)
        literals = tuple([node.arguments[index].value for index in sorted(places)]) if places else ()  # type: ignore[attr-defined]
        return self._by(operator, literals, arguments)

    def _by(self, operator: str, literals: tuple[float, ...], arguments: list[Jet]) -> Jet:
        moving = tuple([index for index, jet in enumerate(arguments) if jet.slope is not None])
        key = (operator, literals, moving, len(arguments))
        tape = self._tapes.get(key)
        if tape is None:
            tape = self._tapes[key] = draw_up(operator, len(arguments), literals, moving, self._x.dtype)
        value, *partials = tape([jet.value for jet in arguments])
        if not partials:
            return Jet(value, None)
        slope = None
        for index, partial in zip(moving, partials, strict=True):
            slope = _sum(slope, self._product(partial, arguments[index].slope))
        return Jet(value, slope)

    def _product(self, partial: Any, inner: Any) -> Any:
        """`partial * inner`, None for a partial derivative of 0 and without a product where one of them is 1."""
        if isinstance(partial, float):
            # Derivatives that are numbers come as such.
            return None if partial == 0 else inner if partial == 1 else self._x.dtype.type(partial) * inner
        return partial if inner is self._one else partial * inner


def _sum(a: Any, b: Any) -> Any:
    """The sum of two slopes."""
    return b if a is None else a if b is None else a + b


def _added(a: Jet, b: Jet) -> Jet:
    return Jet(a.value + b.value, _sum(a.slope, b.slope))


def _multiplied(a: Jet, b: Jet) -> Jet:
    left = None if a.slope is None else a.slope * b.value
    right = None if b.slope is None else a.value * b.slope
    return Jet(a.value * b.value, _sum(left, right))


def _divided(a: Jet, b: Jet) -> Jet:
    value = a.value / b.value
    left = None if a.slope is None else a.slope / b.value
    # Overflows where that of torch does.
    right = None if b.slope is None else -(value / b.value) * b.slope
    return Jet(value, _sum(left, right))


def _larger(a: Jet, b: Jet, *, greater: Callable[..., Any], choose: Callable[..., Any]) -> Jet:
    value = choose(a.value, b.value)
    if a.slope is None and b.slope is None:
        return Jet(value, None)
    # Weights, as for `where`.
    share = greater(a.value, b.value).astype(value.dtype)
    ties = a.value == b.value
    if ties.any():
        share[ties] = 0.5
    left = None if a.slope is None else a.slope * share
    right = None if b.slope is None else b.slope * (1 - share)
    return Jet(value, _sum(left, right))


_PAIRS: Mapping[str, Callable[[Jet, Jet], Jet]] = {
    "add": _added, "multiply": _multiplied, "divide": _divided,
    "maximum": functools.partial(_larger, greater=np.greater, choose=np.maximum),
    "minimum": functools.partial(_larger, greater=np.less, choose=np.minimum),
}  # fmt: skip
"""The most frequent operators, in fewer steps than their derivatives as the table states them."""


@functools.lru_cache(maxsize=1 << 12)
def _as_fraction(node: Apply) -> Expression:
    """`u * v**-2` as `u / v**2`, as whatever trains computes it (`compile.fractions`); other nodes as they are."""
    factors = node.arguments if node.operator == "multiply" else (node,)
    below = [inverse for factor in factors if (inverse := _inverse(factor)) is not None]
    if not below:
        return node
    return product_of(factor for factor in factors if _inverse(factor) is None) / product_of(below)


def _inverse(factor: Expression) -> Expression | None:
    """What stands below the bar of a power with a negative exponent; None of anything else."""
    if type(factor) is not Apply or factor.operator != "power":
        return None
    base, exponent = factor.arguments
    if not isinstance(exponent, Constant) or exponent.value >= 0:
        return None
    return base if exponent.value == -1 else base**-exponent.value


def _chosen(condition: Jet, a: Jet, b: Jet) -> Jet:
    holds = condition.value != 0
    value = np.where(holds, a.value, b.value)
    # Weights and no choice, as in torch, by which a function trains: an infinite slope of the other piece makes NaN.
    share = holds.astype(value.dtype)
    left = None if a.slope is None else a.slope * share
    right = None if b.slope is None else b.slope * (1 - share)
    return Jet(value, _sum(left, right))
