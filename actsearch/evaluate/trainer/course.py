"""What a seed fixes, for all subjects and learning rates alike: the data, their order, the initial weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from actsearch.evaluate.trainer.recipe import MULTIPLE, Recipe, Split


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
        inputs = ("train_inputs", "validation_inputs", "test_inputs")
        filled = {name: None if (x := getattr(split, name)) is None else _filled(x) for name in inputs}
        return cls(
            split=Split(**{name: getattr(split, name) for name in Split.__slots__} | filled),
            batches=batches,
            weights=tuple(weight.contiguous() for weight in weights),
        )


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
