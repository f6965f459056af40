"""A differential equation in one dimension, solved by a 1-32-32-32-1 perceptron: 300 steps on 64 random points each.

Raissi, Perdikaris, Karniadakis (2019), Physics-informed neural networks, Journal of Computational Physics 378,
arXiv:1711.10561. The equation is Helmholtz's, u'' + k^2 u = q on [-1, 1] with u(-1) = u(1) = 0. Its solution is chosen
beforehand, u(x) = (1 - x^2) (a sin(w x) + b cos(v x)), with a, b, w and v from the seed, and q follows from it. The
network N gives (1 - x^2) N(x), so that the boundary needs no weight of its own in the loss, which is the mean square
of the residual over that of q. The second derivative goes through the activation: a piecewise linear one has none.

Metric: minus the decimal logarithm of the relative error of u in the L2 norm. Fidelity: steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from actsearch.evaluate.coordinates import coordinate_network
from actsearch.evaluate.descent import descend
from actsearch.evaluate.task import Curve, MakeActivation, Task

WIDTH = 32
POINTS = 64
FREQUENCY = 3.0
"""Standard deviation of the first layer's weight and bias."""
K = 2.0
"""k^2 = 4 lies between the first eigenvalues of the interval, (pi / 2)^2 and pi^2, so that there is one solution."""


class Pinn(Task):
    """Solve Helmholtz's equation on an interval, second derivatives through the activation."""

    metric: ClassVar[str] = "minus log10 of the relative L2 error"
    chance: ClassVar[float] = 0.0
    learning_rates: ClassVar[tuple[float, ...]] = (1e-3, 3e-3, 1e-2)
    # relu is no baseline: its second derivative is 0, and a search would reject it as it rejects a candidate like it.
    baselines: ClassVar[tuple[str, ...]] = ("tanh", "sin", "gelu", "silu", "mish", "softplus")
    seconds: ClassVar[float] = 1.1
    steps: ClassVar[int] = 300

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Mean square of the residual, Adam."""
        generator = torch.Generator().manual_seed(seed)
        solution = _Solution.draw(generator)
        model = coordinate_network(make_activation, 1, WIDTH, frequency=FREQUENCY, generator=generator)
        points = 2 * torch.rand(self.steps, POINTS, 1, generator=generator) - 1
        grid = torch.linspace(-1, 1, 401).unsqueeze(1)
        exact = solution(grid)

        def u(x: Tensor) -> Tensor:
            raw: Tensor = model(x)
            return (1 - x * x) * raw

        def residual(step: int) -> Tensor:
            x = points[step]
            source = second_derivative(solution, x)[1] + K**2 * solution(x)
            value, curvature = second_derivative(u, x)
            return (curvature + K**2 * value - source).square().mean() / source.square().mean()

        yield from descend(
            model,
            residual,
            lambda: -0.5 * ((u(grid) - exact).square().sum() / exact.square().sum()).log10().item(),
            steps=self.steps, learning_rate=learning_rate, seed=seed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solution:
    """u(x) = (1 - x^2) (a sin(w x) + b cos(v x))."""

    a: float
    b: float
    w: float
    v: float

    @classmethod
    def draw(cls, generator: torch.Generator) -> _Solution:
        """Amplitudes of either sign in 1/2 to 1, frequencies in pi to 3 pi."""
        sizes, signs = torch.rand(4, generator=generator), torch.randint(2, (2,), generator=generator)
        a, b = ((0.5 + 0.5 * sizes[:2]) * (2 * signs - 1)).tolist()
        w, v = (math.pi * (1 + 2 * sizes[2:])).tolist()
        return cls(a=a, b=b, w=w, v=v)

    def __call__(self, x: Tensor) -> Tensor:
        return (1 - x * x) * (self.a * torch.sin(self.w * x) + self.b * torch.cos(self.v * x))


def second_derivative(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Values and second derivatives of a function that works on each of its arguments alone."""
    x = x.detach().requires_grad_()
    value = function(x)
    (slope,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x, create_graph=True, materialize_grads=True)
    return value, curvature
