"""Fashion-MNIST: a small convolutional network and an MLP-Mixer, scored together; 150 steps of 64 each.

Xiao, Rasul, Vollgraf (2017), Fashion-MNIST, arXiv:1708.07747: clothes in ten classes, 28 x 28 grey. Tolstikhin et al.
(2021), MLP-Mixer, arXiv:2105.01601. The seed draws 6,000 of the 60,000 training images to train on and 1,000 others to
be scored on; the 10,000 test images are left alone. The data are the published IDX files, packed or not, in the folder
that `ACTSEARCH_FASHION_MNIST` names, or where Debian's package dataset-fashion-mnist puts them.

Metric: minus the cross-entropy (nats) on held-out images, mean over the two architectures. Fidelity: steps.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from actsearch.errors import TaskError
from actsearch.evaluate.descent import batches, descend, drawn_from, scale_weights, side_by_side
from actsearch.evaluate.idx import find_idx, read_idx
from actsearch.evaluate.task import Curve, MakeActivation, Task

VARIABLE = "ACTSEARCH_FASHION_MNIST"
PLACES = (Path("/usr/share/datasets/fashion-mnist"), Path("data/FashionMNIST/raw"))
"""Where Debian's package puts the files, and torchvision under the root that its examples use."""
CLASSES = 10
SIDE = 28
TRAINED, HELD_OUT = 6000, 1000
BATCH = 64
PATCH, WIDTH = 4, 32


class Fashion(Task):
    """Classify clothes by a small convolutional network and an MLP-Mixer."""

    metric: ClassVar[str] = "minus the cross-entropy (nats), mean over two architectures"
    chance: ClassVar[float] = -math.log(CLASSES)
    learning_rates: ClassVar[tuple[float, ...]] = (1e-3, 3e-3, 1e-2)
    seconds: ClassVar[float] = 2.5
    steps: ClassVar[int] = 150

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Cross-entropy, Adam, the same data in the same order for the two."""
        images, labels = _data(str(folder()))
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(labels), generator=generator)
        kept, held_out = order[:TRAINED], order[TRAINED : TRAINED + HELD_OUT]
        picked = kept[batches(len(kept), BATCH, self.steps, generator)]

        def train(kind: type[nn.Module]) -> Curve:
            with drawn_from(seed):
                model = kind(make_activation.another_model())
            scale_weights(model, generator)
            return descend(
                model,
                lambda step: functional.cross_entropy(model(images[picked[step]]), labels[picked[step]]),
                lambda: -functional.cross_entropy(model(images[held_out]), labels[held_out]).item(),
                steps=self.steps, learning_rate=learning_rate, seed=seed, checks=5,
            )  # fmt: skip

        yield from side_by_side([train(kind) for kind in (Convolutional, Mixer)])


class Convolutional(nn.Sequential):
    """Two convolutions of stride 2 and a linear classifier of what they leave."""

    def __init__(self, make_activation: MakeActivation) -> None:
        super().__init__(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            make_activation(8),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            make_activation(16),
            nn.Flatten(),
            nn.Linear(16 * (SIDE // 4) ** 2, CLASSES),
        )


class Mixer(nn.Module):
    """Patches of 4 x 4 as tokens of width 32; two blocks, each mixing tokens, then channels."""

    def __init__(self, make_activation: MakeActivation) -> None:
        super().__init__()
        tokens = (SIDE // PATCH) ** 2
        self.embed = nn.Conv2d(1, WIDTH, PATCH, stride=PATCH)
        self.tokens = nn.ModuleList(_perceptron(make_activation, tokens, WIDTH) for _ in range(2))
        self.channels = nn.ModuleList(_perceptron(make_activation, WIDTH, 2 * WIDTH) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(5))
        self.classify = nn.Linear(WIDTH, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """(samples, 1, rows, columns) to (samples, classes)."""
        x = self.embed(images).flatten(2).transpose(1, 2)
        for index, (tokens, channels) in enumerate(zip(self.tokens, self.channels, strict=True)):
            x = x + tokens(self.norms[2 * index](x).transpose(1, 2)).transpose(1, 2)
            x = x + channels(self.norms[2 * index + 1](x))
        scores: Tensor = self.classify(self.norms[-1](x).mean(dim=1))
        return scores


def _perceptron(make_activation: MakeActivation, width: int, hidden: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, hidden), make_activation(hidden, channel_dim=-1), nn.Linear(hidden, width))


def folder() -> Path:
    """Where the files are; raises `TaskError` saying how to get them."""
    named = os.environ.get(VARIABLE)
    places = [Path(named), Path(named) / "FashionMNIST" / "raw"] if named else []
    places += PLACES
    for place in places:
        if find_idx(place, "train-images-idx3-ubyte"):
            return place
    raise TaskError(
        f"Fashion-MNIST is not in {', '.join(str(place) for place in places)}: install Debian's dataset-fashion-mnist,"
        f" or set {VARIABLE} to the folder of train-images-idx3-ubyte and train-labels-idx1-ubyte (.gz or not)"
        " from https://github.com/zalandoresearch/fashion-mnist."
    )


@lru_cache(maxsize=1)
def _data(place: str) -> tuple[Tensor, Tensor]:
    """Training images (samples, 1, 28, 28) of zero mean and unit variance, and labels."""
    paths = [find_idx(Path(place), name) for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")]
    if None in paths:
        raise TaskError(f"{place!r} has the images of Fashion-MNIST and no train-labels-idx1-ubyte beside them.")
    bytes_of_images, bytes_of_labels = (
        read_idx(path, dimensions=dimensions) for path, dimensions in zip(paths, (3, 1), strict=True) if path
    )
    if bytes_of_images.shape != (len(bytes_of_labels), SIDE, SIDE) or len(bytes_of_labels) < TRAINED + HELD_OUT:
        shape = tuple(bytes_of_images.shape)
        raise TaskError(
            f"{place!r} holds images of shape {shape} and {len(bytes_of_labels)} labels: at least"
            f" {TRAINED + HELD_OUT} of {SIDE} x {SIDE} and as many labels are needed."
        )
    if int(bytes_of_labels.max()) >= CLASSES:
        raise TaskError(f"{place!r} has the label {int(bytes_of_labels.max())}: labels go from 0 to {CLASSES - 1}.")
    images = bytes_of_images.unsqueeze(1).float()
    return (images - images.mean()) / images.std(), bytes_of_labels.long()
