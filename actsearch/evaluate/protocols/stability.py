"""Stability: weights that make gradients explode must not be within easy reach of training.

Source: Liu, Brock, Simonyan, Le (2020), Evolving Normalization-Activation Layers, arXiv:2004.02967: a layer is rejected
if gradient ascent on the weights brings the gradient norm of a model above 1e8 within 100 steps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from actsearch.errors import ActsearchError
from actsearch.evaluate.task import Subject
from actsearch.outcome import Rejected, Scored

STAGE = "stability"
WIDTHS = (64, 32, 32, 10)
"""The reference model: features, hidden widths, classes, as of the task digits."""
When = Literal["finalists", "all", "never"]
_SAMPLES = 64
_TRAINING_STEPS = 50
_SEED = 2004_02967
_BETAS = (0.9, 0.999)
_SECONDS = 0.3
"""Of a check, on one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Rejects by the largest gradient norm that ascent on the weights of a small trained model finds.

    The model is a perceptron of the widths WIDTHS with the activation and its gain, on one batch of normal inputs that
    a fixed linear map labels; it is trained for some steps of Adam at the learning rate that suited the candidate. Then
    its weights climb along the gradient of the norm of the loss's gradient. The paper says no length for the steps;
    here each has the same share of the norm of the weights, so that what is steep is not what leaps. Gates are not
    checked, nor are groups that 32 channels cannot be divided into. Of the functions that people use ReLU comes to 6e2,
    SiLU to 6e2, tanh to 7; x^2 to 4e7, x^3 beyond 1e8.
    """

    largest: float = 1e8
    """Largest gradient norm."""
    steps: int = 100
    """Steps of the ascent."""
    step_length: float = 0.01
    """Length of a step as a share of the norm of all weights."""
    when: When = "finalists"
    """Which candidates are checked: those that go to the finals, all that were scored, or none.

    A check costs more than the training of a candidate on a tiny task.
    """

    def seconds(self, finalists: int) -> float:
        """About how long it takes to check as many finalists."""
        return _SECONDS * finalists if self.when == "finalists" else 0.0

    def judge(self, subject: Subject, outcome: Scored) -> Scored | Rejected:
        """The outcome of a training as it stands, or the rejection of what is unstable at its best learning rate."""
        best = outcome.scores.best
        rejection = None if best is None else self.check(subject, outcome.scores.learning_rates[best])
        return outcome if rejection is None else replace(rejection, scores=outcome.scores)

    def check(self, subject: Subject, learning_rate: float, widths: Sequence[int] = WIDTHS) -> Rejected | None:
        """The rejection, measured as the first gradient norm above the largest, or None.

        It depends on its arguments alone. Nothing is said of what does not fit into the reference model.
        """
        if subject.is_gated:
            return None
        try:
            norm, step = self.climb(subject, learning_rate, widths)
        except ActsearchError:
            return None
        if norm <= self.largest:
            return None
        reason = f"a gradient norm of {norm:.3g} after {step} steps of ascent on the weights (at most {self.largest:g})"
        return Rejected(stage=STAGE, reason=reason, measured=norm)

    def climb(self, subject: Subject, learning_rate: float, widths: Sequence[int] = WIDTHS) -> tuple[float, int]:
        """The largest gradient norm on the way, infinite where one is not finite, and the step it was met at.

        The way ends above `largest`.
        """
        before, threads = torch.get_rng_state(), torch.get_num_threads()
        torch.default_generator.manual_seed(_SEED)
        # Threads wait for each other longer than they compute here, and would sum in another order.
        torch.set_num_threads(1)
        try:
            return self._climb(_Model(subject, widths), learning_rate)
        finally:
            torch.set_num_threads(threads)
            torch.set_rng_state(before)

    def _climb(self, model: _Model, learning_rate: float) -> tuple[float, int]:
        model.fit(learning_rate)
        worst, met = 0.0, 0
        for step in range(self.steps + 1):
            norm = model.gradient_norm()
            value = float(norm.detach())
            if not math.isfinite(value):
                return math.inf, step
            if value > worst:
                worst, met = value, step
            if worst > self.largest or step == self.steps or not norm.requires_grad:
                break
            if not model.climb(norm, self.step_length):
                break
        return worst, met


class _Model:
    """The reference model and its one batch, in float32 as in training."""

    def __init__(self, subject: Subject, widths: Sequence[int]) -> None:
        shared: dict[str, nn.Parameter] = {}
        layers: list[nn.Module] = []
        for fan_in, fan_out in itertools.pairwise(widths):
            layers += [*([subject.module(fan_in, shared=shared)] if layers else []), nn.Linear(fan_in, fan_out)]
        for layer in layers[::2]:
            nn.init.normal_(layer.weight, std=1 / math.sqrt(layer.in_features))  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self._network = nn.Sequential(*layers)
        self._inputs = torch.randn(_SAMPLES, widths[0])
        self._labels = (self._inputs @ torch.randn(widths[0], widths[-1])).argmax(dim=1)
        with torch.no_grad():
            self._network(self._inputs)  # Parameters get the shapes that an input tells.
        self._parameters = list(self._network.parameters())

    def fit(self, learning_rate: float) -> None:
        """Train as a candidate is trained."""
        optimiser = torch.optim.Adam(self._parameters, lr=learning_rate, betas=_BETAS)
        for _ in range(_TRAINING_STEPS):
            optimiser.zero_grad()
            self._loss().backward()
            optimiser.step()

    def gradient_norm(self) -> Tensor:
        """Norm of the gradient by all weights and parameters, differentiable."""
        found = torch.autograd.grad(self._loss(), self._parameters, create_graph=True, allow_unused=True)
        return torch.stack([gradient.square().sum() for gradient in found if gradient is not None]).sum().sqrt()

    def climb(self, norm: Tensor, length: float) -> bool:
        """Move the weights by `length` times their norm to where `norm` grows fastest; False where it grows nowhere."""
        found = torch.autograd.grad(norm, self._parameters, allow_unused=True)
        directions = [torch.zeros_like(p) if g is None else g for p, g in zip(self._parameters, found, strict=True)]
        steepness = _norm(directions)
        if not 0 < steepness < math.inf:
            return False
        size = _norm(self._parameters)
        with torch.no_grad():
            for parameter, direction in zip(self._parameters, directions, strict=True):
                # In float64: where it is almost flat, the factor alone overflows float32.
                parameter.add_((direction.double() * (length * size / steepness)).float())
        return True

    def _loss(self) -> Tensor:
        return functional.cross_entropy(self._network(self._inputs), self._labels)


def _norm(tensors: Sequence[Tensor]) -> float:
    """In float64, where squares do not overflow."""
    return math.sqrt(sum(float(tensor.detach().double().square().sum()) for tensor in tensors))
