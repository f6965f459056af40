"""Signals in deep networks of infinite width: variance and gradient, layer by layer.

A layer with weights of variance `weights / fan_in` and biases of variance `biases` makes of pre-activations of the
second moment q those of `weights * E[f(sqrt(q) z)^2] + biases`, and squared gradients grow by
`chi = weights * E[f'(sqrt(q) z)^2]`. At a fixed point with chi = 1 (the edge of chaos) gradients neither vanish nor
explode. Sources: Poole et al. (2016), arXiv:1606.05340; Schoenholz et al. (2017), arXiv:1611.01232.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from actsearch.analysis.dual import hermite_coefficients
from actsearch.analysis.gaussian import normal_rule
from actsearch.analysis.pointwise import Pointwise

LAYERS = 50
_KEPT = 1e3
"""A signal is kept where it grows and shrinks by no more than this over all layers."""
_DEGREE = 40
_START = 0.5
_CANDIDATES = (1.0, 2.0, 0.5, 4.0, 0.25, 8.0, 0.1, 0.05, 0.02, 0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A point of the edge of chaos: its q, and standard deviations of weights (times root fan-in) and biases."""

    sigma_w: float
    sigma_b: float
    q: float
    slope: float
    """Derivative of the map q -> q' there: the point attracts where this is below 1, and 1 is neutral."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """What many layers make of a signal that starts at second moment 1, and of a pair of inputs correlated by 1/2."""

    weights: float
    """Variance of the weights, times fan-in."""
    biases: float
    length: float
    """The second moment at the end."""
    gradient: float
    """What the square of a gradient is multiplied by on the way back through all layers."""
    correlation: float
    """That of the pair at the end."""
    verdict: Literal["kept", "vanishes", "explodes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """Expectations at the second moment q."""

    square: float
    slope_square: float
    growth: float
    """Derivative of `square` by q."""


def edge_of_chaos(function: Pointwise) -> Edge | None:
    """A point on the edge of chaos, at q = 1 where there is one, else at a nearby q; None if none was found.

    ReLU's is (sqrt(2), 0), where every q is fixed.
    """
    for q in _CANDIDATES:
        layer = _layer(function, q)
        if not (layer.slope_square > 0 and math.isfinite(layer.square)):
            continue
        weights = 1 / layer.slope_square
        biases = q - weights * layer.square
        if biases >= -1e-9 * q:
            return Edge(
                sigma_w=math.sqrt(weights), sigma_b=math.sqrt(max(biases, 0.0)), q=q, slope=weights * layer.growth
            )
    return None


def small_signal_edge(function: Pointwise) -> Edge | None:
    """The point of the edge of chaos at q = 0, (1/|f'(0)|, 0), for a function that is 0 at 0 and smooth there."""
    values, slopes = function.response(np.array([0.0, -1e-6, 1e-6]))
    steep = abs(float(slopes[0]))
    if abs(values[0]) > 1e-12 or steep < 1e-6 or abs(slopes[1] - slopes[2]) > 1e-4 * steep:
        return None
    return Edge(sigma_w=1 / steep, sigma_b=0.0, q=0.0, slope=1.0)


def depth(function: Pointwise, *, weights: float, biases: float = 0.0, layers: int = LAYERS) -> Depth:
    """Iterate the maps of second moment, gradient and correlation from q = 1 and correlation 1/2."""
    q, gradient, correlation = 1.0, 1.0, _START
    for _ in range(layers):
        # Beyond, squares leave float64, and the verdict is clear.
        if not 1e-100 < q < 1e100:
            break
        y, w = normal_rule(0.0, math.sqrt(q))
        values, slopes = function.response(y)
        with np.errstate(all="ignore"):
            square, slope_square = float(w @ values**2), float(w @ slopes**2)
            after = weights * square + biases
            gradient *= weights * slope_square
            if not (math.isfinite(after) and math.isfinite(gradient)):
                q = math.inf
                break
            coefficients = hermite_coefficients(values, y / math.sqrt(q), w, _DEGREE)
            joint = float(np.polynomial.polynomial.polyval(correlation, coefficients**2))
        # What the first coefficients leave out counts as one more of them.
        joint += max(square - float((coefficients**2).sum()), 0.0) * correlation ** len(coefficients)
        correlation = min((weights * joint + biases) / after, 1.0) if after > 0 else correlation
        q = after
    smallest, largest = min(q, gradient), max(q, gradient)
    finite = math.isfinite(q) and math.isfinite(gradient)
    verdict: Literal["kept", "vanishes", "explodes"] = "kept"
    if not finite or largest > _KEPT:
        verdict = "explodes"
    elif smallest < 1 / _KEPT:
        verdict = "vanishes"
    return Depth(weights=weights, biases=biases, length=q, gradient=gradient, correlation=correlation, verdict=verdict)


def _layer(function: Pointwise, q: float) -> _Layer:
    y, w = normal_rule(0.0, math.sqrt(q))
    values, slopes = function.response(y)
    with np.errstate(all="ignore"):
        # d/dq E[f(sqrt(q) z)^2] = E[f f' y] / q with y = sqrt(q) z.
        return _Layer(
            square=float(w @ values**2), slope_square=float(w @ slopes**2), growth=float(w @ (values * slopes * y)) / q
        )
