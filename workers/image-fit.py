"""A photograph as a function of two coordinates: a 2-64-64-64-1 perceptron on 48 x 48 pixels, 300 full-batch steps.

Sitzmann, Martel, Bergman, Lindell, Wetzstein (2020), Implicit Neural Representations with Periodic Activation
Functions (SIREN), arXiv:2006.09661. The seed draws a window of one of scikit-learn's two sample photographs, in grey,
averaged over 4 x 4 pixels and stretched to a mean of 1/2 and a standard deviation of 1/4. Half of its pixels, at
random, are trained on, the other half is predicted, so that a function that only wriggles between the known pixels
gains nothing. The first layer sees coordinates at the frequency of `FREQUENCY`, as SIREN's does, for every candidate.

Metric: peak signal-to-noise ratio (dB, the peak is 1) at the pixels held out; their mean reaches 12. Fidelity: steps.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import ClassVar

import torch
from sklearn.datasets import load_sample_images
from torch import Tensor
from torch.nn import functional

from actsearch.evaluate.coordinates import coordinate_network
from actsearch.evaluate.descent import descend
from actsearch.evaluate.task import Curve, MakeActivation, Task

SIDE = 48
SHRINK = 4
WIDTH = 64
FREQUENCY = 6.0
"""Standard deviation of the first layer's weights; coordinates run from -1 to 1."""
CONTRAST = 0.25
"""Standard deviation of the stretched window; the network computes standard units."""


class ImageFit(Task):
    """Predict half the pixels of a photograph from the other half, by a coordinate network."""

    metric: ClassVar[str] = "peak signal-to-noise ratio (dB) of pixels held out"
    chance: ClassVar[float] = -20 * math.log10(CONTRAST)
    learning_rates: ClassVar[tuple[float, ...]] = (1e-3, 3e-3, 1e-2)
    baselines: ClassVar[tuple[str, ...]] = (*Task.baselines, "sin")
    seconds: ClassVar[float] = 0.7
    steps: ClassVar[int] = 300

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Mean squared error of the known pixels, Adam."""
        coordinates, values, known, held_out = _window(seed)
        generator = torch.Generator().manual_seed(seed)
        model = coordinate_network(make_activation, 2, WIDTH, frequency=FREQUENCY, generator=generator)

        def error(pixels: Tensor) -> Tensor:
            return CONTRAST**2 * functional.mse_loss(model(coordinates[pixels]), values[pixels])

        yield from descend(
            model,
            lambda _: error(known),
            lambda: -10 * error(held_out).log10().item(),
            steps=self.steps, learning_rate=learning_rate, seed=seed,
        )  # fmt: skip


@lru_cache(maxsize=64)
def _window(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Coordinates (pixels, 2) and standardised values (pixels, 1), indices of those known and of those held out."""
    generator = torch.Generator().manual_seed(seed)
    photographs = _photographs()
    picked = photographs[seed % len(photographs)]
    top, left = (int(torch.randint(extent - SIDE + 1, (), generator=generator)) for extent in picked.shape)
    window = picked[top : top + SIDE, left : left + SIDE].reshape(-1, 1)
    values = (window - window.mean()) / window.std(correction=0)
    line = torch.linspace(-1, 1, SIDE)
    order = torch.randperm(SIDE * SIDE, generator=generator)
    known, held_out = order[: SIDE * SIDE // 2], order[SIDE * SIDE // 2 :]
    return torch.cartesian_prod(line, line), values, known, held_out


@lru_cache(maxsize=1)
def _photographs() -> tuple[Tensor, ...]:
    """The two photographs in grey, (rows, columns)."""
    grey = (torch.tensor(image, dtype=torch.float32).mean(dim=-1) for image in load_sample_images().images)
    return tuple(functional.avg_pool2d(image[None, None], SHRINK)[0, 0] for image in grey)
