"""Stacked training: many small classifiers at once, one slice of every tensor for each.

A member is one single training: a subject with one learning rate and one seed. Members are ordered subject by
subject, then by learning rate, then by seed. Every operation works on each slice alone and in the same order of
roundings whatever stands beside it, so a member's result is the same, bit for bit, in any stack that holds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from actsearch.compile.eager import compile_eager
from actsearch.compile.stability import stabilise
from actsearch.evaluate.layers import Layers, is_stacked
from actsearch.evaluate.leaf import Leaf
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject
from actsearch.outcome import Rejected, Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Training and validation data of one seed: inputs (samples, features) in float32, labels (samples,) in int64."""

    train_inputs: Tensor
    train_labels: Tensor
    validation_inputs: Tensor
    validation_labels: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A multilayer perceptron and how it is trained."""

    widths: tuple[int, ...]
    """Features, hidden widths, classes; an activation stands after every hidden layer."""
    steps: int
    batch: int
    learning_rates: tuple[float, ...]
    chance: float


def train(
    subjects: Sequence[Subject], seeds: Sequence[int], split: Callable[[int], Split], recipe: Recipe, quality: Quality
) -> list[Scores | Rejected]:
    """Minus the validation cross-entropy (nats) of every single training, or the rejection of a subject.

    Adam with a constant learning rate. The seed fixes split, initial weights and order of the data, for all subjects
    and learning rates alike.
    """
    splits = [split(seed) for seed in seeds]
    stack = _Stack.start(subjects, seeds, splits, recipe)
    outcomes: dict[int, Scores | Rejected] = {}
    first_tenth = max(recipe.steps // 10, 1)
    stack.advance(0, first_tenth)
    for position, scores in enumerate(stack.scores()):
        rejection = quality.check(scores.flatten().tolist(), recipe.chance)
        if rejection:
            outcomes[position] = rejection
    kept = [position for position in range(len(subjects)) if position not in outcomes]
    if kept:
        stack = stack.only(kept)
        stack.advance(first_tenth, recipe.steps)
        for position, scores in zip(kept, stack.scores(), strict=True):
            rows = tuple(tuple(v if math.isfinite(v) else None for v in row) for row in scores.tolist())
            outcomes[position] = Scores(learning_rates=recipe.learning_rates, seeds=tuple(seeds), values=rows)
    return [outcomes[position] for position in range(len(subjects))]


@dataclass(slots=True, kw_only=True)
class _Stack:
    subjects: Sequence[Subject]
    functions: list[Callable[..., Tensor] | Layers]
    """What computes each subject: one function of its members, or layers of their own."""
    recipe: Recipe
    splits: list[Split]
    orders: Tensor
    """Indices of the training samples, (seeds, steps, batch)."""
    weights: list[Leaf]
    biases: list[Leaf]
    parameters: list[list[Leaf]]
    """Activation parameters by hidden layer: per channel (rows, 1, width), per layer (rows, 1, 1).

    A row is one member with one parameter; a subject's rows stand together, parameter by parameter.
    """
    rates: Tensor
    """Learning rate of each member."""

    @classmethod
    def start(cls, subjects: Sequence[Subject], seeds: Sequence[int], splits: list[Split], recipe: Recipe) -> _Stack:
        copies = len(subjects) * len(recipe.learning_rates)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        orders = [_order(split, recipe, generator) for split, generator in zip(splits, generators, strict=True)]
        weights, biases = [], []
        for fan_in, fan_out in zip(recipe.widths, recipe.widths[1:], strict=False):
            # Unit variance in, unit variance out: the gain gives the activations unit variance as well.
            initial = [torch.randn(fan_in, fan_out, generator=g) / math.sqrt(fan_in) for g in generators]
            weights.append(Leaf.of(torch.stack(initial).repeat(copies, 1, 1)))
            biases.append(Leaf.of(torch.zeros(copies * len(seeds), 1, fan_out)))
        each = len(recipe.learning_rates) * len(seeds)
        return cls(
            subjects=subjects,
            functions=[
                compile_eager(stabilise(subject.activation.expression))
                if is_stacked(subject)
                else Layers.of(subject, recipe.widths[1:-1], len(recipe.learning_rates), seeds)
                for subject in subjects
            ],
            recipe=recipe,
            splits=splits,
            orders=torch.stack(orders),
            weights=weights,
            biases=biases,
            parameters=[_parameters(subjects, each, width) for width in recipe.widths[1:-1]],
            rates=torch.tensor(recipe.learning_rates).repeat_interleave(len(seeds)).repeat(len(subjects)),
        )

    @property
    def members_each(self) -> int:
        return len(self.recipe.learning_rates) * len(self.splits)

    def only(self, positions: Sequence[int]) -> _Stack:
        """The stack of the subjects at `positions`."""
        each = self.members_each
        rows = torch.cat([torch.arange(p * each, (p + 1) * each) for p in positions])
        return _Stack(
            subjects=[self.subjects[p] for p in positions],
            functions=[self.functions[p] for p in positions],
            recipe=self.recipe,
            splits=self.splits,
            orders=self.orders,
            weights=[leaf.only(rows) for leaf in self.weights],
            biases=[leaf.only(rows) for leaf in self.biases],
            parameters=[self._only_parameters(site, positions) for site in self.parameters],
            rates=self.rates.index_select(0, rows),
        )

    def _only_parameters(self, site: list[Leaf], positions: Sequence[int]) -> list[Leaf]:
        kept = []
        for leaf, per_channel in zip(site, (False, True), strict=True):
            rows, start = [], 0
            for position, subject in enumerate(self.subjects):
                count = self.members_each * _count(subject, per_channel=per_channel)
                if position in positions:
                    rows.append(torch.arange(start, start + count))
                start += count
            kept.append(leaf.only(torch.cat(rows)))
        return kept

    def advance(self, start: int, stop: int) -> None:
        """Train from step `start` to step `stop`."""
        train_inputs = [split.train_inputs for split in self.splits]
        train_labels = [split.train_labels for split in self.splits]
        copies = len(self.subjects) * len(self.recipe.learning_rates)
        for step in range(start, stop):
            picked = self.orders[:, step]
            inputs = torch.stack([data[index] for data, index in zip(train_inputs, picked, strict=True)])
            labels = torch.stack([data[index] for data, index in zip(train_labels, picked, strict=True)])
            loss = self._losses(inputs.repeat(copies, 1, 1), labels.repeat(copies, 1), step).sum()
            torch.autograd.backward(loss)
            self._update(step + 1)

    @torch.no_grad()
    def scores(self) -> list[Tensor]:
        """Minus the validation loss, for each subject a tensor (learning rates, seeds)."""
        inputs = torch.stack([split.validation_inputs for split in self.splits])
        labels = torch.stack([split.validation_labels for split in self.splits])
        rates = len(self.recipe.learning_rates)
        copies = len(self.subjects) * rates
        losses = self._losses(inputs.repeat(copies, 1, 1), labels.repeat(copies, 1), None)
        return list((-losses).view(len(self.subjects), rates, len(self.splits)))

    def _losses(self, inputs: Tensor, labels: Tensor, step: int | None) -> Tensor:
        """Mean cross-entropy of each member in training step `step`; None is evaluation."""
        hidden = inputs
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.bmm(hidden, weight.value) + bias.value
            if layer < last:
                hidden = self._activate(hidden, layer, step)
        log_probabilities = functional.log_softmax(hidden, dim=-1)
        return -log_probabilities.gather(-1, labels.unsqueeze(-1)).squeeze(-1).mean(dim=1)

    def _activate(self, hidden: Tensor, site: int, step: int | None) -> Tensor:
        each = self.members_each
        rows = [iter(leaf.value.split(each) if len(leaf.value) else ()) for leaf in self.parameters[site]]
        results = []
        for subject, function, x in zip(self.subjects, self.functions, hidden.split(each), strict=True):
            if isinstance(function, Layers):
                results.append(function.activate(site, x, step))
                continue
            values = {spec.name: next(rows[spec.granularity == "channel"]) for spec in subject.activation.parameters}
            results.append(function({"x": x, **values}) * subject.gain)
        return torch.cat(results)

    def _update(self, step: int) -> None:
        for leaf in (*self.weights, *self.biases):
            leaf.update(self.rates, step)
        each = self.members_each
        for site in self.parameters:
            for leaf in site:
                leaf.update(self.rates[:each].repeat(len(leaf.value) // each), step)
        for function in self.functions:
            if isinstance(function, Layers):
                function.update(self.rates[:each], step)


def _order(split: Split, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Indices (steps, batch): epoch after epoch in random order, incomplete batches dropped."""
    samples = len(split.train_labels)
    per_epoch = samples // recipe.batch
    epochs = [
        torch.randperm(samples, generator=generator)[: per_epoch * recipe.batch].view(per_epoch, recipe.batch)
        for _ in range(math.ceil(recipe.steps / per_epoch))
    ]
    return torch.cat(epochs)[: recipe.steps]


def _parameters(subjects: Sequence[Subject], each: int, width: int) -> list[Leaf]:
    """Leaves of one site: parameters per layer, then those per channel."""
    leaves = []
    for granularity, columns in (("layer", 1), ("channel", width)):
        initial = [
            spec.scalar
            for subject in filter(is_stacked, subjects)
            for spec in subject.activation.parameters
            if spec.granularity == granularity
        ]
        rows = torch.tensor(initial, dtype=torch.float32).repeat_interleave(each).view(-1, 1, 1)
        leaves.append(Leaf.of(rows.repeat(1, 1, columns)))
    return leaves


def _count(subject: Subject, *, per_channel: bool) -> int:
    wanted = "channel" if per_channel else "layer"
    return is_stacked(subject) and sum(spec.granularity == wanted for spec in subject.activation.parameters)
