"""A probe: a function and its slope where rejection, gain and fingerprint look at it, computed once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actsearch.analysis.jets import Sampler
from actsearch.compile.eager import Evaluator, compile_eager
from actsearch.compile.stability import stabilise
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Expression, Parameter, substitute

WIDEST = 20.0
"""The domain that a candidate must bear: |x| <= 20."""
_GAUSSIAN_EDGE, _GAUSSIAN_POINTS = 8.0, 2000
PERTURBED, SHIFTED = 1.37, 0.11
"""How parameters are moved, to see what they do: times the one, plus the other."""
Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Values and slopes of a function at points `x`, 1-D tensors of one dtype."""

    x: Tensor
    values: Tensor
    slopes: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The same as numpy arrays, which may belong to several probes: they are read only."""

    x: Array
    values: Array
    slopes: Array
    as_written: bool = True
    """Whether they are finite without another form of the expression."""

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Where both value and slope are finite."""
        return np.isfinite(self.values) & np.isfinite(self.slopes)

    @property
    def response(self) -> Response:
        """The samples as tensors on the same memory."""
        x, values, slopes = map(torch.from_numpy, (self.x, self.values, self.slopes))
        return Response(x=x, values=values, slopes=slopes)


class Probe:
    """Looks at one activation of a single input `x`, point by point.

    Raises `UnsupportedError` for one that reads `gate`, takes statistics or draws.
    """

    def __init__(self, activation: Activation) -> None:
        if "gate" in activation.inputs:
            shown = activation.text[:60]
            raise UnsupportedError(f"only functions of x alone can be analysed by this version: {shown!r} reads gate.")
        if not activation.is_pointwise:
            unsupported = activation.unsupported_by_pointwise()
            raise UnsupportedError(f"only pointwise functions are looked at point by point, not {unsupported}.")
        self.activation = activation
        # Every look needs them, and a property that is cached takes a lock.
        self._expression, self._settings = _with_entries(activation), _settings(activation)

    @property
    def grid(self) -> tuple[Array, Array]:
        """Points z and weights w, float64, with sum(w * h(z)) = E[h(z)]: those of `gaussian_grid`."""
        return _GAUSSIAN_X, _GAUSSIAN_WEIGHTS

    @cached_property
    def wide_samples(self) -> Samples:
        """The response in float32, as in training, on 1601 points of [-20, 20], 0 among them."""
        return self._samples(_WIDE_X, _WIDE, self._settings[0])

    @cached_property
    def gaussian_samples(self) -> Samples:
        """The response in float64 on the points of `gaussian_grid`."""
        return self._samples(_GAUSSIAN_X, _GAUSSIAN, self._settings[0])

    @property
    def gaussian_values(self) -> Array:
        """The values of `gaussian_samples`, which cost half of what the slopes cost too."""
        return self._values[:_GAUSSIAN_POINTS]

    @property
    def gaussian_family(self) -> Array:
        """Values in float64 on the points of `gaussian_grid`, as `family` has them."""
        rows = (self._samples(_ALL_X, _ALL, setting).values for setting in self._settings)
        return np.stack([row[:_GAUSSIAN_POINTS] for row in rows])

    @cached_property
    def few_values(self) -> Array:
        """Values in float64 on the 48 points of the fingerprint, parameters at their initial values, then moved.

        Shape (1 + parameters, 48); see `family`.
        """
        moved = [self._samples(_FEW_X, _FEW, setting).values for setting in self._settings[1:]]
        own = self._values[_GAUSSIAN_POINTS:]
        return np.array([own, *moved]) if moved else own[np.newaxis]

    @cached_property
    def few_slopes(self) -> Array:
        """Slopes in float64 on the 48 points of the fingerprint."""
        return self._samples(_FEW_X, _FEW_WITH_SLOPES, self._settings[0]).slopes

    @cached_property
    def wide(self) -> Response:
        """`wide_samples` as tensors."""
        return self.wide_samples.response

    @cached_property
    def gaussian(self) -> Response:
        """`gaussian_samples` as tensors."""
        return self.gaussian_samples.response

    def response(self, x: Tensor) -> Response:
        """Values and slopes at `x` by torch and its autograd, parameters at their initial values."""
        point = x.clone().requires_grad_()
        values = self._function({"x": point, **_tensors(self._settings[0], x)})
        if not values.requires_grad:
            return Response(x=x, values=values, slopes=torch.zeros_like(x))
        (slopes,) = torch.autograd.grad(values.sum(), point, allow_unused=True)
        return Response(x=x, values=values.detach(), slopes=torch.zeros_like(x) if slopes is None else slopes)

    @torch.no_grad()
    def family(self, x: Tensor) -> Tensor:
        """Values at `x` with the parameters at their initial values, then with one after the other moved.

        Shape (1 + parameters, points): what a change of each parameter does belongs to what a function is.
        """
        return torch.stack([self._function({"x": x, **_tensors(setting, x)}) for setting in self._settings])

    @cached_property
    def _values(self) -> Array:
        return self._samples(_ALL_X, _ALL, self._settings[0]).values

    def _samples(self, x: Array, sampler: Sampler, setting: Mapping[str, float]) -> Samples:
        values, slopes = sampler.sample(self._expression, setting)
        is_defined = bool(np.isfinite(values).all())
        if is_defined and (slopes is sampler.zeros or np.isfinite(slopes).all()):
            return Samples(x=x, values=values, slopes=slopes)
        if not is_defined and self._is_undefined:
            return Samples(x=x, values=values, slopes=slopes, as_written=False)
        # Stable forms have the same values where those as written are finite, and cost more than most functions.
        values, slopes = sampler.sample(self._stable, setting)
        if np.isfinite(values).all() and not np.isfinite(slopes).all():
            # The chain rule from the inside out may meet 0 times infinity where autograd, from outside, does not.
            slopes = self.response(torch.from_numpy(x)).slopes.numpy()
        return Samples(x=x, values=values, slopes=slopes, as_written=False)

    @cached_property
    def _is_undefined(self) -> bool:
        """Whether it is NaN in float64 somewhere on [-5, 5], where nothing overflows that a stable form would save."""
        return bool(np.isnan(_FEW.sample(self._expression, self._settings[0])[0]).any())

    @cached_property
    def _stable(self) -> Expression:
        return stabilise(self._expression)

    @cached_property
    def _function(self) -> Evaluator:
        return compile_eager(self._stable)


def _settings(activation: Activation) -> list[Mapping[str, float]]:
    """The initial values by name, then with one after the other moved."""
    initial: dict[str, float] = {}
    for spec in activation.parameters:
        if isinstance(spec.initial, tuple):
            initial |= {_entry(spec.name, index): value for index, value in enumerate(spec.initial)}
        else:
            initial[spec.name] = spec.initial
    return [initial, *({**initial, name: value * PERTURBED + SHIFTED} for name, value in initial.items())]


def _with_entries(activation: Activation) -> Expression:
    """The expression with the entries of arrays as parameters of their own."""
    entries: dict[Expression, Expression] = {
        Parameter(spec.name, index): Parameter(_entry(spec.name, index))
        for spec in activation.parameters
        for index in range(spec.length or 0)
    }
    return substitute(activation.expression, entries)


def _entry(name: str, index: int) -> str:
    return f"{name}[{index}]"


def _tensors(setting: Mapping[str, float], like: Tensor) -> dict[str, Tensor]:
    return {name: like.new_tensor(value) for name, value in setting.items()}


def wide_points() -> Array:
    """The 1601 points of `Probe.wide`, float32."""
    return _WIDE_X


def gaussian_grid() -> tuple[Tensor, Tensor]:
    """Points z of [-8, 8] and weights w, float64, with sum(w * h(z)) = E[h(z)], z ~ N(0, 1).

    The midpoint rule, since kinks spoil the accuracy of Gauss-Hermite; error about 2e-6 for an h with a kink at 0,
    1e-8 with a jump there, which lies between two points.
    """
    return _GRID


def _make_grid() -> tuple[Tensor, Tensor]:
    steps = torch.arange(_GAUSSIAN_POINTS, dtype=torch.float64) - (_GAUSSIAN_POINTS - 1) / 2
    z = steps * (2 * _GAUSSIAN_EDGE / _GAUSSIAN_POINTS)
    density = torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return z, density / density.sum()


_GRID = _make_grid()
# Not linspace, whose middle is 3e-7 and lets 1/x pass.
_WIDE_X = np.arange(-800, 801, dtype=np.float32) * np.float32(WIDEST / 800)
# Neither 0 nor small rationals, so that functions which differ at isolated points only agree here.
_FEW_X = np.linspace(-5.03, 4.97, 48) + 0.007 * np.sin(np.arange(48) * 1.7)
_GAUSSIAN_X, _GAUSSIAN_WEIGHTS = _GRID[0].numpy(), _GRID[1].numpy()
_ALL_X = np.concatenate([_GAUSSIAN_X, _FEW_X])
_WIDE, _GAUSSIAN, _FEW_WITH_SLOPES = map(Sampler, (_WIDE_X, _GAUSSIAN_X, _FEW_X))
_ALL, _FEW = Sampler(_ALL_X, slopes=False), Sampler(_FEW_X, slopes=False)
