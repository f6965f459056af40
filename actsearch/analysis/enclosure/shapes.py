"""The shape of each operator of one argument: what encloses its values, its slope and its curvature.

Turning points are the zeros of the next derivative, to 16 digits or more. Formulas avoid cancellation and keep the
sign where a value is too small for float64; tests hold all of them against mpmath.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch

from actsearch.analysis.enclosure.curve import Curve, Exact, Kink, Pieces, Ripple, Shape, Wave
from actsearch.analysis.enclosure.interval import EVERYTHING, ZERO, Array, Interval
from actsearch.grammar.operators.gaussian import DENSITY, ROOT_HALF

_INF = math.inf
_WIDE = 1e3
"""Where everything that decays like exp(-|u|) has underflowed, and its products with powers of u have not yet."""


class Shapes(NamedTuple):
    """A function of one variable and its first two derivatives."""

    value: Shape
    slope: Shape
    curvature: Shape


def _plain(function: Callable[[Array], Array]) -> Callable[[Array], tuple[Array, Array]]:
    """An approximation without cancellation: its terms are as large as itself."""

    def approximate(u: Array) -> tuple[Array, Array]:
        values = function(u)
        return values, np.abs(values)

    return approximate


def _curve(
    function: Callable[[Array], Array], ends: tuple[float, float], turns: tuple[float, ...] = (),
    within: tuple[float, float] = (-_INF, _INF),
) -> Curve:  # fmt: skip
    return Curve(function=_plain(function), turns=turns, ends=ends, within=within)


def _torch(function: Callable[[torch.Tensor], torch.Tensor], u: Array) -> Array:
    values: Array = function(torch.from_numpy(np.array(u, dtype=np.float64))).numpy()
    return values


def _sigmoid(u: Array) -> Array:
    e = np.exp(-np.abs(u))
    values: Array = np.where(u >= 0, 1.0, e) / (1 + e)
    return values


def _bump(u: Array) -> Array:
    """The derivative of the sigmoid."""
    e = np.exp(-np.abs(u))
    values: Array = e / (1 + e) ** 2
    return values


def _bump_slope(u: Array) -> Array:
    e = np.exp(-np.abs(u))
    values: Array = np.copysign(e / (1 + e) ** 3, -u) * -np.expm1(-np.abs(u))
    return values


def _sech2(u: Array) -> Array:
    e = np.exp(-2 * np.abs(u))
    values: Array = 4 * e / (1 + e) ** 2
    return values


def _silu(u: Array) -> tuple[Array, Array]:
    values = u * _sigmoid(u)
    return values, np.abs(values)


def _silu_slope(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    s, t = _sigmoid(u), u * _sigmoid(-u)
    return s * (1 + t), s * (1 + np.abs(t))


def _silu_curvature(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    t = u * np.tanh(0.5 * u)
    return _bump(u) * (2 - t), _bump(u) * (2 + t)


def _density(u: Array) -> tuple[Array, Array]:
    """The normal density; the rounding of the square counts u*u times."""
    u = np.clip(u, -_WIDE, _WIDE)
    values = DENSITY * np.exp(-0.5 * u * u)
    return values, values * (1 + u * u)


def _density_slope(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    values, sizes = _density(u)
    return -u * values, np.abs(u) * sizes


def _normal_cdf(u: Array) -> tuple[Array, Array]:
    values = 0.5 * _torch(torch.special.erfc, -ROOT_HALF * u)
    return values, values * (1 + np.square(np.clip(u, -_WIDE, 0)))


def _erfc(u: Array) -> tuple[Array, Array]:
    values, sizes = _normal_cdf(-math.sqrt(2) * u)
    return 2 * values, 2 * sizes


def _gelu(u: Array) -> tuple[Array, Array]:
    values, sizes = _normal_cdf(u)
    return u * values, np.abs(u * sizes)


def _gelu_slope(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    below = np.minimum(u, 0.0)
    # Below 0 both terms have the factor exp(-u*u/2), and erfcx is the other factor of the distribution.
    scale, scale_size = (part / DENSITY for part in _density(below))
    mills, moved = 0.5 * _torch(torch.special.erfcx, -ROOT_HALF * below), DENSITY * below
    left = scale * (mills + moved), scale_size * (mills - moved)
    right = _normal_cdf(u)[0] + u * _density(u)[0]
    return np.where(u < 0, left[0], right), np.where(u < 0, left[1], (1 + u * u * (u < 60)) * right)


def _gelu_curvature(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    values, sizes = _density(u)
    return values * (2 - u * u), sizes * (2 + u * u)


def _mish_parts(u: Array) -> tuple[Array, Array, Array]:
    """T = tanh(softplus(u)), 1 - T^2 and the sigmoid, by q = exp(-|u|)."""
    q = np.exp(-np.abs(u))
    below, above = 2 + q * (2 + q), 1 + 2 * q * (1 + q)
    t = np.where(u < 0, q * (2 + q) / below, (1 + 2 * q) / above)
    rest = np.where(u < 0, 4 * ((1 + q) / below) ** 2, 4 * (q * (1 + q) / above) ** 2)
    return t, rest, _sigmoid(u)


def _mish(u: Array) -> tuple[Array, Array]:
    values = u * _mish_parts(u)[0]
    return values, np.abs(values)


def _mish_slope(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    t, rest, s = _mish_parts(u)
    q = np.exp(-np.abs(u))
    # Below 0 both terms have the factor q, without which their signs are clear.
    ratio, moved = (2 + q) / (2 + q * (2 + q)), u * rest / (1 + q)
    left, right = q * (ratio + moved), t + u * rest * s
    return np.where(u < 0, left, right), np.where(u < 0, q * (ratio - moved), right)


def _mish_curvature(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    t, rest, s = _mish_parts(u)
    moved, turned = u * _sigmoid(-u), 2 * u * t * s
    return rest * s * (2 + moved - turned), rest * s * (2 + np.abs(moved) + np.abs(turned))


def _sinc(u: Array) -> tuple[Array, Array]:
    return np.sinc(u), np.ones_like(u)


def _sinc_slope(u: Array) -> tuple[Array, Array]:
    away = np.where(np.abs(u) < 1e-2, 1.0, u)
    v = math.pi * u
    near = -math.pi * v / 3 * (1 - v**2 / 10 * (1 - v**2 / 28 * (1 - v**2 / 54)))
    values = np.where(np.abs(u) < 1e-2, near, (_cosine(u) - np.sinc(u)) / away)
    return values, 4 + 8 / np.abs(away)


def _sinc_curvature(u: Array) -> tuple[Array, Array]:
    away = np.where(np.abs(u) < 1e-2, 1.0, u)
    v = math.pi * u
    near = -(math.pi**2) / 3 * (1 - 3 * v**2 / 10 * (1 - 5 * v**2 / 84 * (1 - 7 * v**2 / 270)))
    far = -(math.pi**2) * np.sinc(u) - 2 * (_cosine(u) - np.sinc(u)) / away**2
    return np.where(np.abs(u) < 1e-2, near, far), 40 + 8 / away**2


def _cosine(u: Array) -> Array:
    """cos(pi*u), by the exact distance to the next multiple of two."""
    return np.cos(math.pi * (u - 2 * np.round(0.5 * u)))


def _erf_slope(u: Array) -> tuple[Array, Array]:
    values, sizes = _density(math.sqrt(2) * np.clip(u, -_WIDE, _WIDE))
    return 2 * math.sqrt(2) * values, 6 * sizes


def _erf_curvature(u: Array) -> tuple[Array, Array]:
    u = np.clip(u, -_WIDE, _WIDE)
    values, sizes = _erf_slope(u)
    return -2 * u * values, 2 * np.abs(u) * sizes


def _negative(function: Callable[[Array], tuple[Array, Array]]) -> Callable[[Array], tuple[Array, Array]]:
    def approximate(u: Array) -> tuple[Array, Array]:
        values, sizes = function(u)
        return -values, sizes

    return approximate


def _quadratic(u: Array) -> tuple[Array, Array]:
    """The quadratic B-spline."""
    a = np.abs(u)
    values = np.where(a < 0.5, 0.75 - a * a, 0.5 * np.maximum(1.5 - a, 0.0) ** 2)
    return values, values


def _quadratic_slope(u: Array) -> tuple[Array, Array]:
    a = np.abs(u)
    values = np.where(a < 0.5, -2 * u, np.copysign(np.maximum(1.5 - a, 0.0), -u))
    return values, np.abs(values)


def _quadratic_curvature(u: Interval) -> Interval:
    a = u.abs()
    pieces = ((0.0, 0.5, -2.0), (0.5, 1.5, 1.0), (1.5, _INF, 0.0))
    lower, upper = np.full_like(a.lower, _INF), np.full_like(a.lower, -_INF)
    for start, end, value in pieces:
        inside = (a.lower < end) & (a.upper > start) | (a.lower == a.upper) & ((a.lower == start) | (a.lower == end))
        lower = np.where(inside, np.minimum(lower, value), lower)
        upper = np.where(inside, np.maximum(upper, value), upper)
    return Interval(lower, upper)


def _cubic(u: Array) -> tuple[Array, Array]:
    """The cubic B-spline."""
    a = np.abs(u)
    values = np.where(a < 1, 2 / 3 - a * a * (1 - 0.5 * a), np.maximum(2 - a, 0.0) ** 3 / 6)
    return values, values


def _cubic_slope(u: Array) -> tuple[Array, Array]:
    a = np.abs(u)
    inner = u * (1.5 * a - 2)
    values = np.where(a < 1, inner, np.copysign(0.5 * np.maximum(2 - a, 0.0) ** 2, -u))
    return values, np.where(a < 1, 2 * a, np.abs(values))


def _cubic_curvature(u: Array) -> tuple[Array, Array]:
    a = np.abs(u)
    return np.where(a < 1, 3 * a - 2, np.maximum(2 - a, 0.0)), np.where(a < 1, 2.0, np.maximum(2 - a, 0.0))


_EXP = _curve(np.exp, (0, _INF), within=(0, _INF))
_SIGMOID = _curve(_sigmoid, (0, 1), within=(0, 1))
_BUMP = _curve(_bump, (0, 0), (0.0,), within=(0, 0.25))
_SINH, _COSH = _curve(np.sinh, (-_INF, _INF)), _curve(np.cosh, (_INF, _INF), (0.0,), within=(1, _INF))
_BUMP_TURN, _SECH_TURN = math.log(2 + math.sqrt(3)), math.atanh(math.sqrt(1 / 3))
_TWO_THIRDS = math.nextafter(2 / 3, 1)
_SIGN = Pieces(below=-1.0, above=1.0)

SHAPES: Mapping[str, Shapes] = {
    "exp": Shapes(_EXP, _EXP, _EXP),
    "expm1": Shapes(_curve(np.expm1, (-1, _INF), within=(-1, _INF)), _EXP, _EXP),
    "sinh": Shapes(_SINH, _COSH, _SINH),
    "cosh": Shapes(_COSH, _SINH, _COSH),
    "tanh": Shapes(
        _curve(np.tanh, (-1, 1), within=(-1, 1)),
        _curve(_sech2, (0, 0), (0.0,), within=(0, 1)),
        _curve(lambda u: -2 * np.tanh(u) * _sech2(u), (0, 0), (-_SECH_TURN, _SECH_TURN)),
    ),
    "asinh": Shapes(
        _curve(np.arcsinh, (-_INF, _INF)),
        _curve(lambda u: 1 / np.hypot(1, u), (0, 0), (0.0,), within=(0, 1)),
        _curve(lambda u: -(u / np.hypot(1, u)) / (1 + u * u), (0, 0), (-ROOT_HALF, ROOT_HALF)),
    ),
    "atan": Shapes(
        _curve(np.arctan, (-math.pi / 2, math.pi / 2)),
        _curve(lambda u: 1 / (1 + u * u), (0, 0), (0.0,), within=(0, 1)),
        _curve(
            lambda u: -2 * (u / (1 + u * u)) / (1 + u * u),
            (0, 0), (-math.sqrt(1 / 3), math.sqrt(1 / 3)),
        ),
    ),
    "sin": Shapes(
        Wave(function=np.sin, crest=math.pi / 2), Wave(function=np.cos, crest=0.0),
        Wave(function=lambda u: -np.sin(u), crest=-math.pi / 2),
    ),
    "cos": Shapes(
        Wave(function=np.cos, crest=0.0), Wave(function=lambda u: -np.sin(u), crest=-math.pi / 2),
        Wave(function=lambda u: -np.cos(u), crest=math.pi),
    ),
    # sinc(u) is the mean of cos(pi*u*t) over 0 < t < 1, which bounds its derivatives.
    "sinc": Shapes(
        Ripple(function=_sinc, largest=1.0, steepest=1.58, decay=1 / math.pi, slope_decay=2.0),
        Ripple(function=_sinc_slope, largest=1.58, steepest=3.29, decay=2.0, slope_decay=6.29),
        Ripple(function=_sinc_curvature, largest=3.29, steepest=7.76, decay=6.29, slope_decay=20.0),
    ),
    "erf": Shapes(
        _curve(lambda u: _torch(torch.special.erf, u), (-1, 1), within=(-1, 1)),
        Curve(function=_erf_slope, turns=(0.0,), ends=(0, 0), within=(0, _INF)),
        Curve(function=_erf_curvature, turns=(-ROOT_HALF, ROOT_HALF), ends=(0, 0)),
    ),
    "erfc": Shapes(
        Curve(
            function=_erfc,
            ends=(2, 0), within=(0, 2),
        ),
        Curve(function=_negative(_erf_slope), turns=(0.0,), ends=(0, 0), within=(-_INF, 0)),
        Curve(function=_negative(_erf_curvature), turns=(-ROOT_HALF, ROOT_HALF), ends=(0, 0)),
    ),
    "normal_cdf": Shapes(
        Curve(function=_normal_cdf, ends=(0, 1), within=(0, 1)),
        Curve(function=_density, turns=(0.0,), ends=(0, 0), within=(0, _INF)),
        Curve(function=_density_slope, turns=(-1.0, 1.0), ends=(0, 0)),
    ),
    "sigmoid": Shapes(_SIGMOID, _BUMP, _curve(_bump_slope, (0, 0), (-_BUMP_TURN, _BUMP_TURN))),
    "softplus": Shapes(_curve(lambda u: np.logaddexp(0, u), (0, _INF), within=(0, _INF)), _SIGMOID, _BUMP),
    "logsigmoid": Shapes(
        _curve(lambda u: -np.logaddexp(0, -u), (-_INF, 0), within=(-_INF, 0)),
        _curve(lambda u: _sigmoid(-u), (1, 0), within=(0, 1)),
        _curve(lambda u: -_bump(u), (0, 0), (0.0,), within=(-0.25, 0)),
    ),
    "relu": Shapes(
        Exact(enclose=lambda u: Interval(np.maximum(u.lower, 0.0), np.maximum(u.upper, 0.0))),
        Pieces(below=0.0, above=1.0), Kink(rest=0.0, rises=True),
    ),
    "abs": Shapes(Exact(enclose=Interval.abs), _SIGN, Kink(rest=0.0, rises=True)),
    "elu": Shapes(
        _curve(lambda u: np.where(u > 0, u, np.expm1(np.minimum(u, 0))), (-1, _INF), within=(-1, _INF)),
        _curve(lambda u: np.exp(np.minimum(u, 0.0)), (0, 1), within=(0, 1)),
        Pieces(below=_EXP, above=0.0),
    ),
    "silu": Shapes(
        Curve(function=_silu, turns=(-1.2784645427610738,), ends=(0, _INF)),
        Curve(function=_silu_slope, turns=(-2.39935728051546767, 2.39935728051546767), ends=(0, 1)),
        Curve(function=_silu_curvature, turns=(-3.43584099353511069, 0.0, 3.43584099353511069), ends=(0, 0)),
    ),
    "gelu": Shapes(
        Curve(function=_gelu, turns=(-0.751791524693564457,), ends=(0, _INF)),
        Curve(function=_gelu_slope, turns=(-math.sqrt(2), math.sqrt(2)), ends=(0, 1)),
        Curve(function=_gelu_curvature, turns=(-2.0, 0.0, 2.0), ends=(0, 0)),
    ),
    "mish": Shapes(
        Curve(function=_mish, turns=(-1.19243121451549521,), ends=(0, _INF)),
        Curve(function=_mish_slope, turns=(-2.25637639636079312, 1.49057117948542846), ends=(0, 1)),
        Curve(
            function=_mish_curvature, turns=(-3.26733784652040458, -0.0879344313149142113, 2.11484256302087711),
            ends=(0, 0),
        ),
    ),
    "softsign": Shapes(
        _curve(lambda u: u / (1 + np.abs(u)), (-1, 1), within=(-1, 1)),
        _curve(lambda u: (1 / (1 + np.abs(u))) ** 2, (0, 0), (0.0,), within=(0, 1)),
        Pieces(
            below=_curve(lambda u: 2 * (1 / (1 + np.abs(u))) ** 3, (0, 0), within=(0, 2)),
            above=_curve(lambda u: -2 * (1 / (1 + np.abs(u))) ** 3, (0, 0), within=(-2, 0)),
        ),
    ),
    "bspline2": Shapes(
        Curve(function=_quadratic, turns=(0.0,), ends=(0, 0), within=(0, 0.75)),
        Curve(function=_quadratic_slope, turns=(-0.5, 0.5), ends=(0, 0), within=(-1, 1)),
        Exact(enclose=_quadratic_curvature),
    ),
    "bspline3": Shapes(
        Curve(function=_cubic, turns=(0.0,), ends=(0, 0), within=(0, _TWO_THIRDS)),
        Curve(function=_cubic_slope, turns=(-2 / 3, 2 / 3), ends=(0, 0), within=(-_TWO_THIRDS, _TWO_THIRDS)),
        Curve(function=_cubic_curvature, turns=(-1.0, 0.0, 1.0), ends=(0, 0), within=(-2, 1)),
    ),
    "sign": Shapes(
        Exact(enclose=lambda u: Interval(np.sign(u.lower), np.sign(u.upper))), Kink(rest=0.0, rises=True),
        # The second derivative of a step has both signs.
        Exact(enclose=lambda u: EVERYTHING.where(u.contains(0.0), ZERO)),
    ),
}  # fmt: skip
"""By the operator's name. What has its own domain, or more arguments, is in `enclose`."""
