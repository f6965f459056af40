"""What a seed fixes, for all subjects and learning rates alike: the data, their order, the initial weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from actsearch.evaluate.trainer.objective import Objective
from actsearch.evaluate.trainer.recipe import MULTIPLE, Recipe, Split

_AHEAD = 16
"""Steps whose data are gathered at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one step trains on."""

    step: int
    inputs: Tensor
    """(samples, features)."""
    targets: Tensor
    """Of the labels, what the objective makes of them."""
    scale: Tensor
    """How much each sample counts in the mean loss, (samples,), or all of them, ()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The course of the trainings of one seed."""

    split: Split
    """Inputs are filled up with zeros to a multiple of `MULTIPLE` features."""
    batches: Tensor
    """Indices of the training samples, (steps, batch)."""
    weights: tuple[Tensor, ...]
    """Initial weights by layer, (inputs, outputs), zero for what inputs are filled with."""

    @classmethod
    def of(cls, split: Split, recipe: Recipe, seed: int) -> Course:
        """The course of `seed`, whose data are `split`."""
        generator = torch.Generator().manual_seed(seed)
        batches = split.batches if split.batches is not None else _shuffled(split, recipe, generator)
        if len(batches) < recipe.steps:
            raise ValueError(f"a split has batches for {len(batches)} of {recipe.steps} steps")
        weights = [
            recipe.initial(inputs, outputs, generator)
            for inputs, outputs in zip(recipe.widths, recipe.widths[1:], strict=False)
        ]
        weights[0] = _filled(weights[0].T).T
        test = split.test_inputs
        filled = replace(
            split,
            train_inputs=_filled(split.train_inputs),
            validation_inputs=_filled(split.validation_inputs),
            test_inputs=None if test is None else _filled(test),
        )
        return cls(split=filled, batches=batches, weights=tuple(weight.contiguous() for weight in weights))

    def between(self, start: int, stop: int, objective: Objective) -> Iterator[Batch]:
        """What the steps from `start` to `stop` train on; what is slow for small tensors is done for many at once."""
        split, outputs = self.split, self.weights[-1].shape[1]
        for first in range(start, stop, _AHEAD):
            picked = self.batches[first : min(first + _AHEAD, stop)]
            inputs, targets = split.train_inputs[picked], objective.targets(split.train_labels[picked], outputs)
            scale = torch.full(picked.shape[:1], 1.0) if split.weights is None else split.weights[picked]
            scale = scale / picked.shape[1]
            for at in range(len(picked)):
                yield Batch(step=first + at, inputs=inputs[at], targets=targets[at], scale=scale[at])


def _shuffled(split: Split, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Indices (steps, batch): epoch after epoch in random order, incomplete batches dropped."""
    samples, batch = len(split.train_labels), recipe.batch
    per_epoch = samples // batch
    if not per_epoch:
        raise ValueError(f"a batch of {batch} is larger than the {samples} samples there are")
    epochs = [
        torch.randperm(samples, generator=generator)[: per_epoch * batch].view(per_epoch, batch)
        for _ in range(math.ceil(recipe.steps / per_epoch))
    ]
    return torch.cat(epochs)[: recipe.steps]


def _filled(x: Tensor) -> Tensor:
    """Rows filled up with zeros to a multiple of `MULTIPLE`."""
    return functional.pad(x, (0, -x.shape[1] % MULTIPLE))
