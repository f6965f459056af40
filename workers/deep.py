"""Fifty hidden layers of 32 without normalisation or shortcuts, on scikit-learn's digits: 150 Adam steps of 64.

Schoenholz, Gilmer, Ganguli, Sohl-Dickstein (2017), Deep Information Propagation, arXiv:1611.01232: signal and gradient
come through on the activation alone if the weights stand near the edge of chaos, and where that is depends on the
activation. So each candidate starts at its own: its output gain is not 1/std but that at which, over fifty layers, the
Gaussian moment maps (see `actsearch.analysis.depth`) change the variance of signal and gradient least. For ReLU this is
the initialisation of He, Zhang, Ren, Sun (2015), arXiv:1502.01852. It is a gain like the other: `c*f` ties with `f`.

Metric: minus the cross-entropy (nats) on held-out images, as in the task digits. Fidelity: steps.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from actsearch import plugins
from actsearch.analysis.depth import LAYERS, depth
from actsearch.analysis.moments import moments
from actsearch.analysis.pointwise import Pointwise
from actsearch.analysis.probe import Probe
from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.subject import Subject
from actsearch.evaluate.trainer import Lesson, Recipe
from actsearch.grammar.activation import Activation

CLASSES = 10
WIDTH = 32
_FACTORS = np.geomspace(1 / 8, 8, 25)
"""Of the weights' variance at which a gradient keeps its size in the first layer; 1 is among them."""


class Deep(StackedTask):
    """Classify digits through fifty layers without normalisation."""

    metric: ClassVar[str] = "minus the cross-entropy (nats)"
    chance: ClassVar[float] = -math.log(CLASSES)
    learning_rates: ClassVar[tuple[float, ...]] = (1e-4, 3e-4, 1e-3, 3e-3)
    baselines: ClassVar[tuple[str, ...]] = (*StackedTask.baselines, "selu")
    seconds: ClassVar[float] = 0.2
    recipe: ClassVar[Recipe] = Recipe(
        widths=(64, *[WIDTH] * LAYERS, CLASSES), steps=150, batch=64, learning_rates=learning_rates, chance=chance
    )

    @property
    def lessons(self) -> list[Lesson]:
        """The data of the task digits."""
        return [Lesson(split=plugins.load("workers", "digits").Digits().split, recipe=self.recipe)]

    def prepared(self, subject: Subject) -> Subject:
        """With the gain that suits its depth."""
        return replace(subject, gains=(gain_at_depth(subject.activation) or subject.gain,))


@lru_cache(maxsize=1024)
def gain_at_depth(activation: Activation) -> float | None:
    """The output gain at which fifty layers change signal and gradient least; None for what is not pointwise."""
    if not activation.is_pointwise:
        return None
    function, slope_square = Pointwise(activation), moments(Probe(activation)).slope_mean_square
    if not 0 < slope_square < math.inf:
        return None
    weights = [float(factor / slope_square) for factor in _FACTORS]
    return math.sqrt(min(weights, key=lambda variance: _change(function, variance)))


def _change(function: Pointwise, weights: float) -> float:
    """The larger of the changes of signal and gradient, as a factor's logarithm."""
    deep = depth(function, weights=weights)
    changes = (deep.length, deep.gradient)
    return max(abs(math.log(change)) if 0 < change < math.inf else math.inf for change in changes)
