"""The shape of each operator of one argument: what encloses its values, its slope and its curvature.

Turning points are the zeros of the next derivative, to 16 digits or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch

from actsearch.analysis.enclosure import formulas
from actsearch.analysis.enclosure.curve import Curve, Exact, Kink, Pieces, Ripple, Shape, Wave
from actsearch.analysis.enclosure.interval import EVERYTHING, ZERO, Array, Interval
from actsearch.grammar.operators.gaussian import ROOT_HALF
from actsearch.grammar.operators.units import SELU_ALPHA, SELU_SCALE

_INF = math.inf


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


_EXP = _curve(np.exp, (0, _INF), within=(0, _INF))
_SIGMOID = _curve(formulas.sigmoid, (0, 1), within=(0, 1))
_BUMP = _curve(formulas.bump, (0, 0), (0.0,), within=(0, 0.25))
_SINH, _COSH = _curve(np.sinh, (-_INF, _INF)), _curve(np.cosh, (_INF, _INF), (0.0,), within=(1, _INF))
_BUMP_TURN, _SECH_TURN = math.log(2 + math.sqrt(3)), math.atanh(math.sqrt(1 / 3))
_SELU_BELOW = _curve(lambda u: SELU_SCALE * SELU_ALPHA * np.exp(np.minimum(u, 0.0)), (0, _INF), within=(0, _INF))
_TWO_THIRDS = math.nextafter(2 / 3, 1)
_SIGN = Pieces(below=-1.0, above=1.0)

SHAPES: Mapping[str, Shapes] = {
    "exp": Shapes(_EXP, _EXP, _EXP),
    "expm1": Shapes(_curve(np.expm1, (-1, _INF), within=(-1, _INF)), _EXP, _EXP),
    "sinh": Shapes(_SINH, _COSH, _SINH),
    "cosh": Shapes(_COSH, _SINH, _COSH),
    "tanh": Shapes(
        _curve(np.tanh, (-1, 1), within=(-1, 1)),
        _curve(formulas.sech2, (0, 0), (0.0,), within=(0, 1)),
        _curve(lambda u: -2 * np.tanh(u) * formulas.sech2(u), (0, 0), (-_SECH_TURN, _SECH_TURN)),
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
        Ripple(function=formulas.sinc, largest=1.0, steepest=1.58, decay=1 / math.pi, slope_decay=2.0),
        Ripple(function=formulas.sinc_slope, largest=1.58, steepest=3.29, decay=2.0, slope_decay=6.29),
        Ripple(function=formulas.sinc_curvature, largest=3.29, steepest=7.76, decay=6.29, slope_decay=20.0),
    ),
    "erf": Shapes(
        _curve(lambda u: formulas.special(torch.special.erf, u), (-1, 1), within=(-1, 1)),
        Curve(function=formulas.erf_slope, turns=(0.0,), ends=(0, 0), within=(0, _INF)),
        Curve(function=formulas.erf_curvature, turns=(-ROOT_HALF, ROOT_HALF), ends=(0, 0)),
    ),
    "erfc": Shapes(
        Curve(
            function=formulas.erfc,
            ends=(2, 0), within=(0, 2),
        ),
        Curve(function=formulas.negative(formulas.erf_slope), turns=(0.0,), ends=(0, 0), within=(-_INF, 0)),
        Curve(function=formulas.negative(formulas.erf_curvature), turns=(-ROOT_HALF, ROOT_HALF), ends=(0, 0)),
    ),
    "normal_cdf": Shapes(
        Curve(function=formulas.normal_cdf, ends=(0, 1), within=(0, 1)),
        Curve(function=formulas.density, turns=(0.0,), ends=(0, 0), within=(0, _INF)),
        Curve(function=formulas.density_slope, turns=(-1.0, 1.0), ends=(0, 0)),
    ),
    "sigmoid": Shapes(_SIGMOID, _BUMP, _curve(formulas.bump_slope, (0, 0), (-_BUMP_TURN, _BUMP_TURN))),
    "softplus": Shapes(_curve(lambda u: np.logaddexp(0, u), (0, _INF), within=(0, _INF)), _SIGMOID, _BUMP),
    "logsigmoid": Shapes(
        _curve(lambda u: -np.logaddexp(0, -u), (-_INF, 0), within=(-_INF, 0)),
        _curve(lambda u: formulas.sigmoid(-u), (1, 0), within=(0, 1)),
        _curve(lambda u: -formulas.bump(u), (0, 0), (0.0,), within=(-0.25, 0)),
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
        Curve(function=formulas.silu, turns=(-1.2784645427610738,), ends=(0, _INF)),
        Curve(function=formulas.silu_slope, turns=(-2.39935728051546767, 2.39935728051546767), ends=(0, 1)),
        Curve(function=formulas.silu_curvature, turns=(-3.43584099353511069, 0.0, 3.43584099353511069), ends=(0, 0)),
    ),
    "gelu": Shapes(
        Curve(function=formulas.gelu, turns=(-0.751791524693564457,), ends=(0, _INF)),
        Curve(function=formulas.gelu_slope, turns=(-math.sqrt(2), math.sqrt(2)), ends=(0, 1)),
        Curve(function=formulas.gelu_curvature, turns=(-2.0, 0.0, 2.0), ends=(0, 0)),
    ),
    "mish": Shapes(
        Curve(function=formulas.mish, turns=(-1.19243121451549521,), ends=(0, _INF)),
        Curve(function=formulas.mish_slope, turns=(-2.25637639636079312, 1.49057117948542846), ends=(0, 1)),
        Curve(
            function=formulas.mish_curvature, turns=(-3.26733784652040458, -0.0879344313149142113, 2.11484256302087711),
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
        Curve(function=formulas.quadratic, turns=(0.0,), ends=(0, 0), within=(0, 0.75)),
        Curve(function=formulas.quadratic_slope, turns=(-0.5, 0.5), ends=(0, 0), within=(-1, 1)),
        Exact(enclose=formulas.quadratic_curvature),
    ),
    "bspline3": Shapes(
        Curve(function=formulas.cubic, turns=(0.0,), ends=(0, 0), within=(0, _TWO_THIRDS)),
        Curve(function=formulas.cubic_slope, turns=(-2 / 3, 2 / 3), ends=(0, 0), within=(-_TWO_THIRDS, _TWO_THIRDS)),
        Curve(function=formulas.cubic_curvature, turns=(-1.0, 0.0, 1.0), ends=(0, 0), within=(-2, 1)),
    ),
    "selu": Shapes(
        _curve(formulas.selu, (-SELU_SCALE * SELU_ALPHA, _INF)),
        Pieces(below=_SELU_BELOW, above=SELU_SCALE),
        Kink(rest=Pieces(below=_SELU_BELOW, above=0.0), rises=False),
    ),
    "asin": Shapes(
        _curve(lambda u: np.arcsin(np.clip(u, -1, 1)), (-_INF, _INF)),
        _curve(lambda u: 1 / np.sqrt(formulas.between_ones(u)), (_INF, _INF), (0.0,), within=(1, _INF)),
        _curve(lambda u: u / formulas.between_ones(u) ** 1.5, (-_INF, _INF)),
    ),
    "acos": Shapes(
        _curve(lambda u: np.arccos(np.clip(u, -1, 1)), (_INF, -_INF)),
        _curve(lambda u: -1 / np.sqrt(formulas.between_ones(u)), (-_INF, -_INF), (0.0,), within=(-_INF, -1)),
        _curve(lambda u: -u / formulas.between_ones(u) ** 1.5, (_INF, -_INF)),
    ),
    "atanh": Shapes(
        _curve(lambda u: np.arctanh(np.clip(u, -1, 1)), (-_INF, _INF)),
        _curve(lambda u: 1 / formulas.between_ones(u), (_INF, _INF), (0.0,), within=(1, _INF)),
        _curve(lambda u: 2 * u / formulas.between_ones(u) ** 2, (-_INF, _INF)),
    ),
    "acosh": Shapes(
        _curve(lambda u: np.arccosh(np.maximum(u, 1.0)), (0, _INF), within=(0, _INF)),
        _curve(lambda u: 1 / formulas.beyond_one(u), (_INF, 0), within=(0, _INF)),
        _curve(lambda u: -(u / formulas.beyond_one(u)) / formulas.beyond_one(u) ** 2, (-_INF, 0), within=(-_INF, 0)),
    ),
    "sign": Shapes(
        Exact(enclose=lambda u: Interval(np.sign(u.lower), np.sign(u.upper))), Kink(rest=0.0, rises=True),
        # The second derivative of a step has both signs.
        Exact(enclose=lambda u: EVERYTHING.where(u.contains(0.0), ZERO)),
    ),
}  # fmt: skip
"""By the operator's name. What has more arguments, or is made of others, is in `jet`."""

DOMAINS: Mapping[str, tuple[float, float]] = {
    "asin": (-1, 1), "acos": (-1, 1), "atanh": (np.nextafter(-1, 0), np.nextafter(1, 0)), "acosh": (1, _INF),
}  # fmt: skip
"""Where those of the shapes are defined that are not everywhere."""
