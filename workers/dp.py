"""Digits under differential privacy: a 64-32-10 perceptron, 120 steps of DP-SGD.

Abadi et al. (2016), Deep Learning with Differential Privacy, arXiv:1607.00133: each sample's gradient is clipped to
norm 1, normal noise of `NOISE` times that is added to their sum, and a sample is in a batch with probability `SHARE`.
Papernot, Thakurta, Song, Chien, Erlingsson (2020), Tempered Sigmoid Activations for Deep Learning with Differential
Privacy, arXiv:2007.14191, finds that bounded activations win here. One training spends epsilon = 3.8 at delta = 1e-3,
see `epsilon`; that learning rates, seeds and candidates see the same images is not counted.

An activation's statistics over a batch are taken over one sample, as a gradient of one sample must be.

Metric: minus the cross-entropy (nats) on held-out images. Fidelity: steps.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from scipy.special import gammaln, logsumexp
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from actsearch.evaluate.descent import descend, drawn_from, scale_weights
from actsearch.evaluate.task import Curve, MakeActivation, Task

CLASSES = 10
WIDTH = 32
HELD_OUT = 600
SHARE = 0.1
"""Probability of a sample to be in a batch."""
NOISE = 1.5
CLIP = 1.0
DELTA = 1e-3


class PrivateDigits(Task):
    """Classify digits after a training with differential privacy."""

    metric: ClassVar[str] = "minus the cross-entropy (nats) after DP-SGD"
    chance: ClassVar[float] = -math.log(CLASSES)
    learning_rates: ClassVar[tuple[float, ...]] = (0.5, 1.0, 2.0)
    baselines: ClassVar[tuple[str, ...]] = (*Task.baselines, "tempered_sigmoid")
    seconds: ClassVar[float] = 0.5
    steps: ClassVar[int] = 120

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """DP-SGD without momentum."""
        inputs, labels, held_out, kept = _digits(seed)
        generator = torch.Generator().manual_seed(seed)
        with drawn_from(seed):
            model = nn.Sequential(nn.Linear(64, WIDTH), make_activation(WIDTH), nn.Linear(WIDTH, CLASSES))
        scale_weights(model, generator)
        # The noise is the training's own, so that a candidate that draws does not shift that of the others.
        noise = torch.Generator().manual_seed(seed)

        def loss(_: int) -> Tensor:
            batch = kept[torch.rand(len(kept), generator=generator) < SHARE]
            return _with_gradients(model, _private(model, inputs[batch], labels[batch], SHARE * len(kept), noise))

        yield from descend(
            model,
            loss,
            lambda: -functional.cross_entropy(model(inputs[held_out]), labels[held_out]).item(),
            steps=self.steps, learning_rate=learning_rate, seed=seed, optimizer=torch.optim.SGD,
        )  # fmt: skip


def _private(model: nn.Module, inputs: Tensor, labels: Tensor, expected: float, noise: torch.Generator) -> list[Tensor]:
    """The noisy mean of clipped gradients, one tensor a parameter; `expected` is the mean size of a batch."""
    parameters = dict(model.named_parameters())

    def loss(values: dict[str, Tensor], x: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(model, values, (x.unsqueeze(0),)), label.unsqueeze(0))

    detached = {name: value.detach() for name, value in parameters.items()}
    each = vmap(grad(loss), in_dims=(None, 0, 0), randomness="different")(detached, inputs, labels)
    norms = torch.stack([gradient.flatten(1).square().sum(dim=1) for gradient in each.values()]).sum(dim=0).sqrt()
    factors = CLIP / norms.clamp_min(CLIP)
    return [
        (torch.tensordot(factors, gradient, dims=1) + NOISE * CLIP * torch.randn(gradient.shape[1:], generator=noise))
        / expected
        for gradient in each.values()
    ]


def _with_gradients(model: nn.Module, gradients: list[Tensor]) -> Tensor:
    """A scalar whose gradients are those given."""
    return sum(
        ((value * gradient).sum() for value, gradient in zip(model.parameters(), gradients, strict=True)),
        start=torch.zeros(()),
    )


def epsilon(*, share: float, noise: float, steps: int, delta: float) -> float:
    """Epsilon of `steps` steps of DP-SGD, at `delta`.

    The Rényi divergence of integer order a of one step with Poisson sampling is log(sum_k C(a, k) (1 - q)^(a - k) q^k
    exp((k^2 - k) / (2 s^2))) / (a - 1) (Mironov, Talwar, Zhang (2019), arXiv:1908.10530), q the share, s the noise;
    steps add up, and log(1 / delta) / (a - 1) makes it epsilon (Mironov (2017), arXiv:1702.07476). The least over a.
    """
    smallest = math.inf
    for order in range(2, 129):
        k = np.arange(order + 1)
        logs = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
        logs += (order - k) * math.log1p(-share) + k * math.log(share) + (k * k - k) / (2 * noise**2)
        divergence = float(logsumexp(logs)) / (order - 1)
        smallest = min(smallest, steps * divergence + math.log(1 / delta) / (order - 1))
    return smallest


@lru_cache(maxsize=64)
def _digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images in -1 to 1, which tells nothing of the data; labels; indices of the images held out and of those kept."""
    images, labels = load_digits(return_X_y=True)
    inputs, targets = torch.tensor(images, dtype=torch.float32), torch.tensor(labels, dtype=torch.int64)
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    return inputs / 8 - 1, targets, order[:HELD_OUT], order[HELD_OUT:]
