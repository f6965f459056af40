"""The gradient error of a plan, measured: what the backward finds from what is kept, against the derivative."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actsearch.compile.eager import compile_eager
from actsearch.compile.reference import Eager, computed_in
from actsearch.compile.saving.function import Array, Function
from actsearch.compile.saving.plan import Plan

_EDGE = 20.0
"""How far out errors are looked for: the domain on which candidates must be defined."""
_POINTS, _NEAR = 1 << 16, 2.0**-9
_MOST_TURNS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientError:
    """How far the derivative that a backward uses is from the derivative in float64 at the same input, |x| <= 20.

    In the 16-bit dtypes over all of their values there, else over about 65,536 of them, which lie closer where the
    derivative is 0. The output is torch's; that of a kernel that is off by another rounding hides up to twice as much.
    What multiplying by the upstream gradient and rounding add is not in it, as it is the same for all plans.
    """

    absolute: float
    """The largest."""
    relative: float
    """The largest, relative to the derivative: 1 where that is lost altogether, as in saturated tails, and more where a
    small error stays although the derivative vanishes."""
    root_mean_square: float
    """Over inputs from N(0, 1)."""
    steepest: float
    """The largest derivative, absolute."""

    @property
    def share(self) -> float:
        """The largest error in units of the largest derivative."""
        return self.absolute / self.steepest if self.steepest else self.absolute


@functools.lru_cache(maxsize=256)
def gradient_error(function: Function, plan: Plan, dtype: torch.dtype) -> GradientError:
    """The error of a plan for tensors of a dtype."""
    x = _inputs(function, dtype)
    exact = x.double().numpy()
    with np.errstate(all="ignore"):
        expected = function.slope(exact)
    found = slopes(function, plan, x).double().numpy()
    apart = np.abs(found - expected)
    known = np.abs(expected) > float(torch.finfo(torch.float32).tiny)
    # Intervals between neighbouring inputs, so that exponents do not count by how many numbers they have.
    density = np.exp(-0.5 * exact * exact) * np.gradient(exact)
    return GradientError(
        absolute=_largest(apart),
        relative=_largest(apart[known] / np.abs(expected[known])),
        root_mean_square=math.sqrt(float(np.sum(apart * apart * density) / np.sum(density))),
        steepest=_largest(np.abs(expected)),
    )


def slopes(function: Function, plan: Plan, x: Tensor) -> Tensor:
    """The derivative at `x` as a backward finds it, from the rounded output where that is what is kept."""
    with torch.no_grad():
        inside = computed_in(x.dtype)
        values = {"x": x.to(inside)}
        y = Eager(function.activation, function.gain)((x,), (), -1)
        code = None if plan.code is None else compile_eager(plan.code)(values)
        kept = {"x": values["x"], "y": y.to(inside), **({} if code is None else {"code": code})}
        return compile_eager(plan.slope)(kept).expand(x.shape)


def _largest(values: Array) -> float:
    return math.inf if np.isnan(values).any() else float(values.max(initial=0.0))


def _inputs(function: Function, dtype: torch.dtype) -> Tensor:
    """Increasing inputs of a dtype from -20 to 20, 0 among them."""
    if dtype.itemsize == 2:
        every = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16).view(dtype)
        found = every[every.abs() <= _EDGE]
    else:
        near = torch.logspace(-6, 0, _POINTS // 4, dtype=torch.float64)
        far = torch.linspace(-_EDGE, _EDGE, _POINTS // 2 + 1, dtype=torch.float64)
        turns = far[_turns(function, far.numpy())]
        close = turns[:, None] + torch.linspace(-_NEAR, _NEAR, 4001, dtype=torch.float64)
        found = torch.cat([-near, far, near, close.flatten()]).to(dtype)
    increasing: Tensor = torch.unique(found)
    return increasing


def _turns(function: Function, x: Array) -> NDArray[np.intp]:
    """Which of the points have a zero of the derivative between them and the next one; the first few."""
    with np.errstate(all="ignore"):
        signs = np.sign(function.slope(x))
    return np.flatnonzero(signs[:-1] * signs[1:] < 0)[:_MOST_TURNS]
