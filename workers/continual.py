"""Digits that come two classes at a time and never again: a 64-128-10 perceptron, five phases of 30 steps of 32.

Lan, Mahmood (2023), Elephant Neural Networks: Born to Be a Continual Learner, arXiv:2310.01365, trains class by class
without replay and shows that the activation decides how much is forgotten. Here the ten classes of scikit-learn's
digits come in five pairs, in an order drawn by the seed; all ten outputs compete all the time, no sample is seen in a
later phase, nothing tells the phases apart. Plain gradient descent: the moments of Adam would be a memory of their own.

Metric: accuracy over all ten classes on held-out images after the last phase. Who forgets everything but the last pair
has 0.2. Fidelity: phases.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from actsearch import plugins
from actsearch.evaluate.descent import batches, descend, drawn_from, scale_weights
from actsearch.evaluate.task import Curve, MakeActivation, Task
from actsearch.evaluate.trainer import Split

CLASSES = 10
PHASES = 5
WIDTH = 128
BATCH = 32


class Continual(Task):
    """Learn digits class by class without replay, and forget little."""

    metric: ClassVar[str] = "accuracy over all classes after the last phase"
    chance: ClassVar[float] = 1 / CLASSES
    learning_rates: ClassVar[tuple[float, ...]] = (1e-3, 3e-3, 1e-2, 3e-2)
    baselines: ClassVar[tuple[str, ...]] = (*Task.baselines, "sin", "elephant")
    seconds: ClassVar[float] = 0.1
    fidelity: ClassVar[str] = "phases"
    steps: ClassVar[int] = 30
    """Steps of each phase."""

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Cross-entropy, gradient descent without momentum."""
        split: Split = plugins.load("workers", "digits").Digits().split(seed)
        generator = torch.Generator().manual_seed(seed)
        pairs = torch.randperm(CLASSES, generator=generator).view(PHASES, -1)
        order = []
        for pair in pairs:
            phase = torch.isin(split.train_labels, pair).nonzero()[:, 0]
            order.append(phase[batches(len(phase), BATCH, self.steps, generator)])
        picked = torch.cat(order)
        with drawn_from(seed):
            model = nn.Sequential(nn.Linear(64, WIDTH), make_activation(WIDTH), nn.Linear(WIDTH, CLASSES))
        scale_weights(model, generator)

        def loss(step: int) -> Tensor:
            return functional.cross_entropy(model(split.train_inputs[picked[step]]), split.train_labels[picked[step]])

        def accuracy() -> float:
            right: Tensor = model(split.validation_inputs).argmax(dim=1) == split.validation_labels
            return float(right.float().mean())

        yield from descend(
            model,
            loss,
            accuracy,
            steps=PHASES * self.steps, learning_rate=learning_rate, seed=seed, optimizer=torch.optim.SGD,
        )  # fmt: skip
