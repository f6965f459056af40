"""A pruned network: a perceptron of eight hidden layers of 48 on digits that keeps a tenth of its weights.

Loni et al. (2023), Learning Activation Functions for Sparse Neural Networks (SAFS), arXiv:2305.10964: activations that
suit a dense network do not suit a pruned one, and are best chosen layer by layer. As there, the dense network is
trained with ReLU, its weights of least magnitude are set to zero for good, layer by layer (the first and the last too),
and what is left is trained with the candidate. The dense network is made once for each seed, the same for all
candidates; the eight layers may hold different functions.

Metric: minus the cross-entropy (nats) on held-out images, after the pruned network has been trained. Fidelity: steps of
that training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.evaluate.descent import batches, descend, drawn_from, scale_weights
from actsearch.evaluate.task import Curve, MakeActivation, Task, subject_of
from actsearch.evaluate.trainer import Split

FEATURES, CLASSES = 64, 10
HIDDEN, WIDTH = 8, 48
SPARSITY = 0.9
"""Share of the weights that are removed."""
BATCH = 64
DENSE_STEPS, DENSE_RATE = 150, 3e-3


class Pruned(Task):
    """Classify digits with a network that has lost nine tenths of its weights."""

    metric: ClassVar[str] = "minus the validation cross-entropy (nats) of the pruned network"
    chance: ClassVar[float] = -math.log(CLASSES)
    learning_rates: ClassVar[tuple[float, ...]] = (3e-3, 1e-2, 3e-2)
    baselines: ClassVar[tuple[str, ...]] = (*Task.baselines, "selu")
    fidelity: ClassVar[str] = "steps after pruning"
    seconds: ClassVar[float] = 0.3
    layers: ClassVar[int] = HIDDEN
    steps: ClassVar[int] = 150

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Cross-entropy, Adam."""
        model = Perceptron(make_activation, _dense(seed))
        yield from _train(model, seed, steps=self.steps, learning_rate=learning_rate)


class Perceptron(nn.Module):
    """Logits (samples, classes) of inputs (samples, features), by linear layers whose zeros stay zeros."""

    def __init__(self, make_activation: MakeActivation, weights: Sequence[Tensor] = ()) -> None:
        super().__init__()
        widths = (FEATURES, *[WIDTH] * HIDDEN, CLASSES)
        self.linears = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        self.activations = nn.ModuleList(make_activation(WIDTH, layer=layer) for layer in range(1, HIDDEN + 1))
        for linear, weight in zip(self.linears, weights, strict=False):
            linear.weight = nn.Parameter(weight.clone())
            linear.bias = nn.Parameter(torch.zeros(len(weight)))
            # Adam leaves a weight alone that never had a gradient.
            linear.weight.register_hook(partial(torch.mul, (weight != 0).float()))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        for linear, activation in zip(self.linears, self.activations, strict=False):
            x = activation(linear(x))
        logits: Tensor = self.linears[-1](x)
        return logits


@lru_cache(maxsize=64)
def _dense(seed: int) -> tuple[Tensor, ...]:
    """The weights of the dense network after its training, those of least magnitude zero."""
    with drawn_from(seed):
        model = Perceptron(subject_of(catalog.find("relu").activation).module)
    scale_weights(model, torch.Generator().manual_seed(seed))
    for _ in _train(model, seed, steps=DENSE_STEPS, learning_rate=DENSE_RATE):
        pass
    return tuple(prune(linear.get_parameter("weight").detach(), SPARSITY) for linear in model.linears)


def prune(weight: Tensor, sparsity: float) -> Tensor:
    """`weight` with its `sparsity` share of least magnitude set to zero."""
    removed = round(sparsity * weight.numel())
    least = weight.abs().flatten().argsort(stable=True)[:removed]
    return weight.flatten().index_fill(0, least, 0.0).view_as(weight)


def _train(model: Perceptron, seed: int, *, steps: int, learning_rate: float) -> Curve:
    split: Split = plugins.load("workers", "digits").Digits().split(seed)
    picked = batches(len(split.train_labels), BATCH, steps, torch.Generator().manual_seed(seed))
    return descend(
        model,
        lambda step: cross_entropy(model(split.train_inputs[picked[step]]), split.train_labels[picked[step]]),
        lambda: -cross_entropy(model(split.validation_inputs), split.validation_labels).item(),
        steps=steps, learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
