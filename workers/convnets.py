"""Normalisation-activation layers in three small convolutional networks, scored together, on digits of 8 x 8.

Liu, Brock, Simonyan, Le (2020), Evolving Normalization-Activation Layers (EvoNorm), arXiv:2004.02967, scores a layer on
several architectures at once, so that it cannot live on the quirks of one. The blocks are those of ResNet (He, Zhang,
Ren, Sun (2015), arXiv:1512.03385), MobileNetV2 (Sandler et al. (2018), arXiv:1801.04381) and EfficientNet (Tan, Le
(2019), arXiv:1905.11946; MobileNetV2's with a squeeze and excitation), two each of 32 channels on 4 x 4
places. A
candidate that takes statistics stands in place of normalisation and activation; any other follows a batch
normalisation. Where a block has a normalisation without an activation, it keeps a batch normalisation; squeeze and
excitation keeps its own two functions.

Metric: minus the cross-entropy (nats) on held-out images, mean over the three. Fidelity: steps.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from actsearch import plugins
from actsearch.evaluate.descent import batches, descend, drawn_from, scale_weights, side_by_side
from actsearch.evaluate.task import Curve, MakeActivation, Task
from actsearch.evaluate.trainer import Split

CLASSES = 10
CHANNELS = 32
"""A multiple of the 8 and 32 groups that EvoNorm's layers divide them into."""
EXPANSION = 2
"""By how much the inverted bottlenecks widen; the papers take 6, for networks of a hundred times the size."""
BATCH = 64


class ConvNets(Task):
    """Classify digits by blocks of ResNet, MobileNet and EfficientNet with the candidate's layers."""

    metric: ClassVar[str] = "minus the cross-entropy (nats), mean over three architectures"
    chance: ClassVar[float] = -math.log(CLASSES)
    learning_rates: ClassVar[tuple[float, ...]] = (3e-3, 1e-2, 3e-2)
    baselines: ClassVar[tuple[str, ...]] = ("relu", "silu", "gelu", "evonorm_b0", "evonorm_s0")
    seconds: ClassVar[float] = 2.0
    steps: ClassVar[int] = 60

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Cross-entropy, Adam, the same data in the same order for the three."""
        split: Split = plugins.load("workers", "digits").Digits().split(seed)
        inputs, labels = _images(split.train_inputs), split.train_labels
        held_out = _images(split.validation_inputs)
        generator = torch.Generator().manual_seed(seed)
        picked = batches(len(labels), BATCH, self.steps, generator)

        def train(block: type[nn.Module]) -> Curve:
            with drawn_from(seed):
                model = _network(block, make_activation.another_model())
            scale_weights(model, generator)
            return descend(
                model,
                lambda step: functional.cross_entropy(model(inputs[picked[step]]), labels[picked[step]]),
                lambda: -functional.cross_entropy(model(held_out), split.validation_labels).item(),
                steps=self.steps, learning_rate=learning_rate, seed=seed, checks=5,
            )  # fmt: skip

        yield from side_by_side([train(block) for block in (Residual, InvertedBottleneck, SqueezedBottleneck)])


def _network(block: type[nn.Module], make_activation: MakeActivation) -> nn.Module:
    """A stem of stride 2, two blocks, and a linear classifier of the means over places."""
    return nn.Sequential(
        nn.Conv2d(1, CHANNELS, 3, stride=2, padding=1, bias=False),
        normalised(make_activation, CHANNELS),
        block(make_activation, CHANNELS),
        block(make_activation, CHANNELS),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(CHANNELS, CLASSES),
    )


def normalised(make_activation: MakeActivation, channels: int) -> nn.Module:
    """The candidate as a layer of normalisation and activation."""
    layer = make_activation(channels)
    activation = getattr(layer, "activation", None)
    takes_statistics = activation is not None and bool(activation.statistics)
    return layer if takes_statistics else nn.Sequential(nn.BatchNorm2d(channels), layer)


class Residual(nn.Module):
    """Two convolutions of 3 x 3 and a shortcut, the activation after the sum."""

    def __init__(self, make_activation: MakeActivation, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.between = normalised(make_activation, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.scale = nn.BatchNorm2d(channels)
        self.after = normalised(make_activation, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(samples, channels, rows, columns) in and out."""
        result: Tensor = self.after(x + self.scale(self.second(self.between(self.first(x)))))
        return result


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel by 3 x 3, narrow, and a shortcut."""

    def __init__(self, make_activation: MakeActivation, channels: int) -> None:
        super().__init__()
        wide = EXPANSION * channels
        self.widen = nn.Conv2d(channels, wide, 1, bias=False)
        self.widened = normalised(make_activation, wide)
        self.filter = nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False)
        self.filtered = normalised(make_activation, wide)
        self.narrow = nn.Conv2d(wide, channels, 1, bias=False)
        self.scale = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(samples, channels, rows, columns) in and out."""
        wide = self.filtered(self.filter(self.widened(self.widen(x))))
        change: Tensor = self.scale(self.narrow(self.weigh(wide)))
        return x + change

    def weigh(self, wide: Tensor) -> Tensor:
        """Nothing here."""
        return wide


class SqueezedBottleneck(InvertedBottleneck):
    """An inverted bottleneck whose channels are weighed by what is in the whole image."""

    def __init__(self, make_activation: MakeActivation, channels: int) -> None:
        super().__init__(make_activation, channels)
        wide = EXPANSION * channels
        self.squeeze = nn.Conv2d(wide, channels // 2, 1)
        self.excite = nn.Conv2d(channels // 2, wide, 1)

    def weigh(self, wide: Tensor) -> Tensor:
        """Channels times the gate that their means give."""
        means = wide.mean(dim=(2, 3), keepdim=True)
        return wide * torch.sigmoid(self.excite(functional.silu(self.squeeze(means))))


def _images(inputs: Tensor) -> Tensor:
    """(samples, 64) as (samples, 1, 8, 8)."""
    return inputs.view(-1, 1, 8, 8)
