"""An objective: one number by which functions are compared, beside the search's own score or as that score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from actsearch.grammar.activation import Activation

Change = Callable[[int, "Tensor"], "Tensor"]
"""From a hidden layer, counted from 0, and a tensor whose first dimension is the models', to one of the same shape."""


class Models(Protocol):
    """Trained models of one lesson and one seed, one of each function, evaluated on that seed's validation data.

    What is asked of one model does not depend on the others, bit for bit, as long as a `Change` works on each slice
    alone. What a change draws it draws once for all models, so that their differences are paired.
    """

    seed: int
    """Of the split, the initial weights and the order of the data."""

    def outputs(
        self, *, before: Change | None = None, after: Change | None = None, weights: Change | None = None
    ) -> Tensor:
        """(models, outputs, samples) in float32.

        `before` changes what activations read and `after` what they give, (models, samples, width) each; `weights`
        changes a layer's, (models, inputs, outputs), of the last one turned around.
        """
        ...

    def scores(self, outputs: Tensor) -> Tensor:
        """By the task's measure, more is better: (models,)."""
        ...

    def losses(self, outputs: Tensor) -> Tensor:
        """The mean of what was minimised: (models,)."""
        ...

    def predictions(self, outputs: Tensor) -> Tensor:
        """Probabilities of classes, or the outputs themselves in a regression: (models, outputs, samples)."""
        ...

    def again(self) -> Models:
        """Models trained on the same data from other initial weights and, where it is free, in another order."""
        ...


class Objective:
    """What is said of every objective; its docstring names the paper and says how it is measured."""

    name: ClassVar[str]
    title: ClassVar[str]
    unit: ClassVar[str]
    is_more_better: ClassVar[bool]

    def oriented(self, value: float) -> float:
        """The value, or minus the value, so that more is better."""
        return value if self.is_more_better else -value


class OfFunction(Objective, ABC):
    """An objective that follows from the function alone."""

    @abstractmethod
    def of(self, activation: Activation) -> float:
        """What it is for one element that the activation computes."""


class OfModels(Objective, ABC):
    """An objective that is measured on trained models."""

    @abstractmethod
    def measure(self, models: Models) -> Tensor:
        """Its value for each model, (models,); what is not finite counts as not measured."""
