"""How often a function is continuously differentiable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from actsearch.analysis.enclosure.interval import Array
from actsearch.analysis.enclosure.jet import enclose
from actsearch.analysis.properties.enclosed import EDGE, EDGES, Enclosed
from actsearch.analysis.properties.signs import NARROW, partition
from actsearch.analysis.textbook import SIGNED, derivative
from actsearch.compile.eager import Evaluator, compile_eager
from actsearch.errors import UnsupportedError
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Constant, Expression, call, size, walk
from actsearch.grammar.operators import OPERATORS

HIGHEST = 5
"""Derivatives are compared up to this order."""
_MOST_NODES = 4000
_MOST_POINTS = 64
_SPLINES = frozenset({"bspline2", "bspline3", "pwlinear", "pwquadratic", "pwpoly"})
_WHOLE = frozenset(Constant(float(n)) for n in range(-64, 65))


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """The largest k with f in C^k on [-20, 20]: -1 where it jumps, None where it is analytic or nothing breaks it."""

    order: int | None
    breaks: tuple[float, ...]
    """Where the next derivative jumps."""
    proven: bool
    analytic_beyond: bool = True
    """Whether it is certain that nothing breaks it beyond -20 and 20."""

    @property
    def text(self) -> str:
        """`C^1`, or `analytic`, or `C^-1` for what jumps."""
        return "analytic" if self.order is None else f"C^{self.order}"


def smoothness(enclosed: Enclosed) -> Smoothness:
    """The smoothness class, by the points at which operators change from one piece to another.

    It is analytic where there is no such point. The classes C^-1 to C^1 are proven where enclosures show that the
    derivatives before are bounded and that one jumps; higher ones are told by derivatives on both sides.
    """
    everywhere, beyond = np.ones(len(EDGES) - 1, dtype=np.bool_), np.abs(EDGES[:-1] + EDGES[1:]) >= 2 * EDGE
    found = _switches(enclosed.function.activation.expression)
    switches = [switch for switch in found if not _is_never_zero(enclosed, switch, everywhere)]
    is_analytic = enclosed.is_defined and all(_is_never_zero(enclosed, switch, beyond) for switch in switches)
    if not switches:
        return Smoothness(order=None, breaks=(), proven=enclosed.is_defined)
    points = _crossings(enclosed, switches)
    order, breaks = _first_jump(enclosed, points)
    if order is None:
        known = HIGHEST if points.size else None
        return Smoothness(order=known, breaks=(), proven=False, analytic_beyond=is_analytic)
    proven = _is_proven(enclosed, order, breaks)
    return Smoothness(order=order, breaks=breaks, proven=proven, analytic_beyond=is_analytic)


def _switches(expression: Expression) -> list[Expression]:
    """Expressions at whose zeros the function changes from one piece to another."""
    found: dict[Expression, None] = {}
    for node in walk(expression):
        if not isinstance(node, Apply):
            continue
        name, arguments = node.operator, node.arguments
        if name in {"elu", "softsign", "sqrt", "i1e"}:
            found[arguments[0]] = None
        elif name in {"maximum", "minimum", "greater", "equal"}:
            found[canonical(arguments[0] - arguments[1])] = None
        elif name in {"floor", "ceil"}:
            found[call.sin(np.pi * arguments[0])] = None
        elif name == "round":
            found[call.cos(np.pi * arguments[0])] = None
        elif name in {"power", "pow"} and arguments[1] not in _WHOLE:
            found[arguments[0]] = None
        elif name in _SPLINES:
            found |= dict.fromkeys(_switches(OPERATORS[name].definition(*arguments)))  # type: ignore[misc]
        else:
            found |= {canonical(arguments[0] - kink): None for kink in OPERATORS[name].kinks}
    return [switch for switch in found if not isinstance(switch, Constant)]


def _is_never_zero(enclosed: Enclosed, switch: Expression, boxes: NDArray[np.bool_]) -> bool:
    lower, upper = EDGES[:-1][boxes], EDGES[1:][boxes]
    try:
        value = enclose(switch, lower, upper, enclosed.function.parameters, order=0).value
    except UnsupportedError:
        return False
    return not value.contains(0.0).any()


def _crossings(enclosed: Enclosed, switches: list[Expression]) -> Array:
    """Zeros of the switches on [-20, 20], from changes of sign and exact zeros between samples."""
    x = EDGES[np.abs(EDGES) <= EDGE]
    known = {spec.name: spec.initial for spec in enclosed.function.activation.parameters}
    settings = {name: torch.tensor(value, dtype=torch.float64) for name, value in known.items()}
    found: list[Array] = []
    for switch in switches[:_MOST_POINTS]:
        evaluator = compile_eager(switch)

        def values(at: Array, evaluator: Evaluator = evaluator) -> Array:
            point = torch.from_numpy(np.array(at))
            result: Array = evaluator({"x": point, **settings}).expand_as(point).numpy()
            return result

        at = values(x)
        low, high = x[:-1][at[:-1] * at[1:] < 0], x[1:][at[:-1] * at[1:] < 0]
        below = np.sign(values(low))
        for _ in range(60):
            middle = low + 0.5 * (high - low)
            same = np.sign(values(middle)) == below
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        # A function that is 0 over a whole stretch breaks at its ends only.
        is_zero = at == 0
        ends = is_zero & ~(np.r_[False, is_zero[:-1]] & np.r_[is_zero[1:], False])
        found += [x[ends], high]
    points: Array = np.unique(np.round(np.concatenate(found), 13)) if found else np.zeros(0)
    inside: Array = points[np.abs(points) < EDGE]
    return inside


def _first_jump(enclosed: Enclosed, points: Array) -> tuple[int | None, tuple[float, ...]]:
    """One less than the lowest order of a derivative that jumps at some of the points, and those points."""
    if not points.size:
        return None, ()
    settings = {
        spec.name: torch.tensor(spec.initial, dtype=torch.float64) for spec in enclosed.function.activation.parameters
    }
    expression = enclosed.function.activation.expression
    scale = np.maximum(1, np.abs(points))
    for order in range(HIGHEST + 1):
        evaluator = compile_eager(expression)

        def sides(near: float, evaluator: Evaluator = evaluator) -> tuple[Array, Array]:
            left, right = (
                evaluator({"x": torch.from_numpy(points + side * near * scale), **settings}).expand(len(points))
                for side in (-1, 1)
            )
            return np.array(left.numpy()), np.array(right.numpy())

        with np.errstate(all="ignore"):
            jumps = _jumps(sides(1e-6), sides(1e-9))
        if jumps.any():
            return order - 1, tuple(float(point) + 0.0 for point in points[jumps])
        if order < HIGHEST:
            expression = canonical(derivative(expression, SIGNED))
            if size(expression) > _MOST_NODES:
                break
    return None, ()


def _jumps(wide: tuple[Array, Array], near: tuple[Array, Array]) -> NDArray[np.bool_]:
    """Where values on both sides of a point differ or grow beyond bounds, the nearer ones no less than the others."""
    gaps = [np.abs(right - left) / np.maximum(1, np.abs(left)) for left, right in (wide, near)]
    sizes = [np.maximum(np.abs(left), np.abs(right)) for left, right in (wide, near)]
    # What is no jump but steep, such as the root of |x|, shrinks with the distance.
    jumps: NDArray[np.bool_] = (gaps[0] > 1e-4) & (gaps[1] > 0.5 * gaps[0])
    return jumps | ~np.isfinite(sizes[1]) | (sizes[1] > 10 + 4 * sizes[0])


def _is_proven(enclosed: Enclosed, order: int, breaks: tuple[float, ...]) -> bool:
    """Whether derivative `order + 1` is bounded between -20 and 20, which holds up the class, and jumps at a break."""
    if order > 1 or not enclosed.is_known:
        return False
    if order >= 0:
        bounded = partition(enclosed, order + 1, core=True).enclosure.is_finite
        if not bounded.all():
            return False
    points = np.array(breaks)
    width = NARROW * np.maximum(1, np.abs(points))
    # Were the derivative continuous, its value at the point would be in what encloses either side.
    left, right = enclosed.over(order + 1, points - width, points), enclosed.over(order + 1, points, points + width)
    return bool(((left.lower > right.upper) | (right.lower > left.upper)).any())
