"""Coordinate networks: perceptrons that are functions of a few coordinates, as of an image or a solution."""

from __future__ import annotations

import torch
from torch import nn

from actsearch.evaluate.descent import drawn_from, scale_weights
from actsearch.evaluate.task import MakeActivation


def coordinate_network(
    make_activation: MakeActivation, coordinates: int, width: int, *, frequency: float, generator: torch.Generator
) -> nn.Sequential:
    """A perceptron from (samples, coordinates) to (samples, 1) with three hidden layers of `width`, float32.

    Its first layer sees the coordinates at a frequency, as that of SIREN does (Sitzmann, Martel, Bergman, Lindell,
    Wetzstein, 2020, arXiv:2006.09661): weights and biases have the standard deviation `frequency`, whatever the
    activation. What the activations draw at their making comes from the seed of `generator`; weights come from it.
    """
    with drawn_from(generator.initial_seed()):
        first = nn.Linear(coordinates, width)
        model = nn.Sequential(
            first, make_activation(width),
            nn.Linear(width, width), make_activation(width),
            nn.Linear(width, width), make_activation(width),
            nn.Linear(width, 1),
        )  # fmt: skip
    scale_weights(model, generator)
    with torch.no_grad():
        for tensor in first.parameters():
            tensor.copy_(frequency * torch.randn(tensor.shape, generator=generator))
    return model
