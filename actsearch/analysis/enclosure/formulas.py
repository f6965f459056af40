"""Functions and their first two derivatives at float64 points, for the curves of `shapes`.

Those that return two arrays give values and the sizes of the terms that were added for them. Formulas avoid
cancellation and keep the sign where a value is too small for float64; tests hold all of them against mpmath.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from actsearch.analysis.enclosure.interval import Array, Interval
from actsearch.grammar.operators.gaussian import DENSITY, ROOT_HALF
from actsearch.grammar.operators.units import SELU_ALPHA, SELU_SCALE

_INF = math.inf
_WIDE = 1e3
"""Where everything that decays like exp(-|u|) has underflowed, and its products with powers of u have not yet."""


def special(function: Callable[[torch.Tensor], torch.Tensor], u: Array) -> Array:
    """A function of torch at the points of an array."""
    values: Array = function(torch.from_numpy(np.array(u, dtype=np.float64))).numpy()
    return values


def sigmoid(u: Array) -> Array:
    """The sigmoid."""
    e = np.exp(-np.abs(u))
    values: Array = np.where(u >= 0, 1.0, e) / (1 + e)
    return values


def bump(u: Array) -> Array:
    """The derivative of the sigmoid."""
    e = np.exp(-np.abs(u))
    values: Array = e / (1 + e) ** 2
    return values


def bump_slope(u: Array) -> Array:
    """The second derivative of the sigmoid."""
    e = np.exp(-np.abs(u))
    values: Array = np.copysign(e / (1 + e) ** 3, -u) * -np.expm1(-np.abs(u))
    return values


def sech2(u: Array) -> Array:
    """1/cosh^2."""
    e = np.exp(-2 * np.abs(u))
    values: Array = 4 * e / (1 + e) ** 2
    return values


def silu(u: Array) -> tuple[Array, Array]:
    """SiLU."""
    values = u * sigmoid(u)
    return values, np.abs(values)


def silu_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of SiLU."""
    u = np.clip(u, -_WIDE, _WIDE)
    s, t = sigmoid(u), u * sigmoid(-u)
    return s * (1 + t), s * (1 + np.abs(t))


def silu_curvature(u: Array) -> tuple[Array, Array]:
    """The second derivative of SiLU."""
    u = np.clip(u, -_WIDE, _WIDE)
    t = u * np.tanh(0.5 * u)
    return bump(u) * (2 - t), bump(u) * (2 + t)


def density(u: Array) -> tuple[Array, Array]:
    """The normal density; the rounding of the square counts u*u times."""
    u = np.clip(u, -_WIDE, _WIDE)
    values = DENSITY * np.exp(-0.5 * u * u)
    return values, values * (1 + u * u)


def density_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of the normal density."""
    u = np.clip(u, -_WIDE, _WIDE)
    values, sizes = density(u)
    return -u * values, np.abs(u) * sizes


def normal_cdf(u: Array) -> tuple[Array, Array]:
    """The normal distribution."""
    values = 0.5 * special(torch.special.erfc, -ROOT_HALF * u)
    return values, values * (1 + np.square(np.clip(u, -_WIDE, 0)))


def erfc(u: Array) -> tuple[Array, Array]:
    """The complementary error function."""
    values, sizes = normal_cdf(-math.sqrt(2) * u)
    return 2 * values, 2 * sizes


def gelu(u: Array) -> tuple[Array, Array]:
    """GELU."""
    values, sizes = normal_cdf(u)
    return u * values, np.abs(u * sizes)


def gelu_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of GELU."""
    u = np.clip(u, -_WIDE, _WIDE)
    below = np.minimum(u, 0.0)
    # Below 0 both terms have the factor exp(-u*u/2), and erfcx is the other factor of the distribution.
    scale, scale_size = (part / DENSITY for part in density(below))
    mills, moved = 0.5 * special(torch.special.erfcx, -ROOT_HALF * below), DENSITY * below
    left = scale * (mills + moved), scale_size * (mills - moved)
    right = normal_cdf(u)[0] + u * density(u)[0]
    return np.where(u < 0, left[0], right), np.where(u < 0, left[1], (1 + u * u * (u < 60)) * right)


def gelu_curvature(u: Array) -> tuple[Array, Array]:
    """The second derivative of GELU."""
    u = np.clip(u, -_WIDE, _WIDE)
    values, sizes = density(u)
    return values * (2 - u * u), sizes * (2 + u * u)


def mish_parts(u: Array) -> tuple[Array, Array, Array]:
    """T = tanh(softplus(u)), 1 - T^2 and the sigmoid, by q = exp(-|u|)."""
    q = np.exp(-np.abs(u))
    below, above = 2 + q * (2 + q), 1 + 2 * q * (1 + q)
    t = np.where(u < 0, q * (2 + q) / below, (1 + 2 * q) / above)
    rest = np.where(u < 0, 4 * ((1 + q) / below) ** 2, 4 * (q * (1 + q) / above) ** 2)
    return t, rest, sigmoid(u)


def mish(u: Array) -> tuple[Array, Array]:
    """Mish."""
    values = u * mish_parts(u)[0]
    return values, np.abs(values)


def mish_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of Mish."""
    u = np.clip(u, -_WIDE, _WIDE)
    t, rest, s = mish_parts(u)
    q = np.exp(-np.abs(u))
    # Below 0 both terms have the factor q, without which their signs are clear.
    ratio, moved = (2 + q) / (2 + q * (2 + q)), u * rest / (1 + q)
    left, right = q * (ratio + moved), t + u * rest * s
    return np.where(u < 0, left, right), np.where(u < 0, q * (ratio - moved), right)


def mish_curvature(u: Array) -> tuple[Array, Array]:
    """The second derivative of Mish."""
    u = np.clip(u, -_WIDE, _WIDE)
    t, rest, s = mish_parts(u)
    moved, turned = u * sigmoid(-u), 2 * u * t * s
    return rest * s * (2 + moved - turned), rest * s * (2 + np.abs(moved) + np.abs(turned))


def sinc(u: Array) -> tuple[Array, Array]:
    """sin(pi*u)/(pi*u)."""
    return np.sinc(u), np.ones_like(u)


def sinc_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of sinc, by its series near 0."""
    away = np.where(np.abs(u) < 1e-2, 1.0, u)
    v = math.pi * u
    near = -math.pi * v / 3 * (1 - v**2 / 10 * (1 - v**2 / 28 * (1 - v**2 / 54)))
    values = np.where(np.abs(u) < 1e-2, near, (cosine(u) - np.sinc(u)) / away)
    return values, 4 + 8 / np.abs(away)


def sinc_curvature(u: Array) -> tuple[Array, Array]:
    """The second derivative of sinc, by its series near 0."""
    away = np.where(np.abs(u) < 1e-2, 1.0, u)
    v = math.pi * u
    near = -(math.pi**2) / 3 * (1 - 3 * v**2 / 10 * (1 - 5 * v**2 / 84 * (1 - 7 * v**2 / 270)))
    far = -(math.pi**2) * np.sinc(u) - 2 * (cosine(u) - np.sinc(u)) / away**2
    return np.where(np.abs(u) < 1e-2, near, far), 40 + 8 / away**2


def cosine(u: Array) -> Array:
    """cos(pi*u), by the exact distance to the next multiple of two."""
    return np.cos(math.pi * (u - 2 * np.round(0.5 * u)))


def erf_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of the error function."""
    values, sizes = density(math.sqrt(2) * np.clip(u, -_WIDE, _WIDE))
    return 2 * math.sqrt(2) * values, 6 * sizes


def erf_curvature(u: Array) -> tuple[Array, Array]:
    """The second derivative of the error function."""
    u = np.clip(u, -_WIDE, _WIDE)
    values, sizes = erf_slope(u)
    return -2 * u * values, 2 * np.abs(u) * sizes


def negative(function: Callable[[Array], tuple[Array, Array]]) -> Callable[[Array], tuple[Array, Array]]:
    """What minus a function is."""

    def approximate(u: Array) -> tuple[Array, Array]:
        values, sizes = function(u)
        return -values, sizes

    return approximate


def quadratic(u: Array) -> tuple[Array, Array]:
    """The quadratic B-spline."""
    a = np.abs(u)
    values = np.where(a < 0.5, 0.75 - a * a, 0.5 * np.maximum(1.5 - a, 0.0) ** 2)
    return values, values


def quadratic_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of the quadratic B-spline."""
    a = np.abs(u)
    values = np.where(a < 0.5, -2 * u, np.copysign(np.maximum(1.5 - a, 0.0), -u))
    return values, np.abs(values)


def quadratic_curvature(u: Interval) -> Interval:
    """What encloses the second derivative of the quadratic B-spline, which jumps, over an interval."""
    a = u.abs()
    pieces = ((0.0, 0.5, -2.0), (0.5, 1.5, 1.0), (1.5, _INF, 0.0))
    lower, upper = np.full_like(a.lower, _INF), np.full_like(a.lower, -_INF)
    for start, end, value in pieces:
        inside = (a.lower < end) & (a.upper > start) | (a.lower == a.upper) & ((a.lower == start) | (a.lower == end))
        lower = np.where(inside, np.minimum(lower, value), lower)
        upper = np.where(inside, np.maximum(upper, value), upper)
    return Interval(lower, upper)


def cubic(u: Array) -> tuple[Array, Array]:
    """The cubic B-spline."""
    a = np.abs(u)
    values = np.where(a < 1, 2 / 3 - a * a * (1 - 0.5 * a), np.maximum(2 - a, 0.0) ** 3 / 6)
    return values, values


def cubic_slope(u: Array) -> tuple[Array, Array]:
    """The derivative of the cubic B-spline."""
    a = np.abs(u)
    inner = u * (1.5 * a - 2)
    values = np.where(a < 1, inner, np.copysign(0.5 * np.maximum(2 - a, 0.0) ** 2, -u))
    return values, np.where(a < 1, 2 * a, np.abs(values))


def cubic_curvature(u: Array) -> tuple[Array, Array]:
    """The second derivative of the cubic B-spline."""
    a = np.abs(u)
    return np.where(a < 1, 3 * a - 2, np.maximum(2 - a, 0.0)), np.where(a < 1, 2.0, np.maximum(2 - a, 0.0))


def selu(u: Array) -> Array:
    """SELU."""
    below = SELU_SCALE * SELU_ALPHA * np.expm1(np.minimum(u, 0.0))
    return np.where(u > 0, SELU_SCALE * u, below)


def between_ones(u: Array) -> Array:
    """1 - u^2 without the loss of digits near 1, and 0 beyond."""
    v = np.clip(u, -1, 1)
    values: Array = (1 - v) * (1 + v)
    return values


def beyond_one(u: Array) -> Array:
    """The root of u^2 - 1, whose square may overflow, and 0 below 1."""
    v = np.maximum(u, 1.0)
    values: Array = np.sqrt(v - 1) * np.sqrt(v + 1)
    return values
