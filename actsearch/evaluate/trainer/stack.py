"""A stack of perceptrons that are trained at once on the course of one seed, one slice of every tensor for each.

A member is one single training: a subject at one learning rate. Every operation works on each slice alone and in the
same order of roundings whatever stands beside it, so a member's result is the same, bit for bit, in any stack that
holds it. Derivatives are written out: that saves what autograd does for each operation, and its copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from actsearch.evaluate.objectives.objective import Change
from actsearch.evaluate.trainer.activations import Activations
from actsearch.evaluate.trainer.adam import Adam, Leaf
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Member:
    """A single training: the position of a subject and of a learning rate."""

    subject: int
    rate: int


class Stack:
    """Members, ordered by learning rate within a group or two, and the state of their trainings."""

    def __init__(
        self,
        recipe: Recipe,
        course: Course,
        members: Sequence[Member],
        activations: Activations,
        layers: Sequence[tuple[Leaf, Leaf]] | None = None,
    ) -> None:
        self.recipe, self.course, self.members, self.activations = recipe, course, tuple(members), activations
        self.layers = list(layers or _initial(course, len(members)))
        """Weight and bias of each layer: (inputs, outputs) and (1, outputs), of the last one turned around."""
        self._leaves = [leaf for layer in self.layers for leaf in layer]
        self._adam = Adam(self._leaves, [recipe.learning_rates[member.rate] for member in members])
        samples = len(course.batches[0])
        self._hidden = [torch.empty(len(members), samples, width) for width in recipe.widths[1:-1]]
        self._gradients = [torch.empty_like(hidden) for hidden in self._hidden]

    def only(self, positions: Sequence[int]) -> Stack:
        """The stack of the members at `positions`, which ascend."""
        if len(positions) == len(self.members):
            return self
        index = torch.tensor(positions, dtype=torch.int64)
        return Stack(
            self.recipe,
            self.course,
            [self.members[position] for position in positions],
            self.activations.only(positions),
            [(weight.only(index), bias.only(index)) for weight, bias in self.layers],
        )

    @torch.no_grad()
    def advance(self, start: int, stop: int) -> None:
        """Train from step `start` to step `stop`."""
        objective = self.recipe.objective
        for batch in self.course.between(start, stop, objective):
            outputs, activated = self._outputs(batch.inputs, batch.step)
            gradients = objective.gradients(outputs, batch.targets).mul_(batch.scale)
            self._differentiate(batch.inputs, activated, gradients)
            self._adam.update(batch.step + 1)
            self.activations.update(batch.step + 1)

    @torch.no_grad()
    def scores(self, *, test: bool) -> list[float]:
        """The score of each member on the validation data, or on the test data, which then there are."""
        split = self.course.split
        inputs, labels = split.validation_inputs, split.validation_labels
        if test:
            if split.test_inputs is None or split.test_labels is None:
                raise ValueError("a split without test data has no test scores")
            inputs, labels = split.test_inputs, split.test_labels
        return [float(value) for value in self.recipe.score(self._outputs(inputs, None)[0], labels)]

    @torch.no_grad()
    def changed_outputs(
        self, inputs: Tensor, *, before: Change | None, after: Change | None, weights: Change | None
    ) -> Tensor:
        """Outputs (members, outputs, samples) in evaluation, with what `Models.outputs` says changed on the way."""
        hidden = inputs.expand(len(self.members), *inputs.shape)
        for site, (weight, bias) in enumerate(self.layers[:-1]):
            own = weights(site, weight.value) if weights else weight.value
            x = torch.baddbmm(bias.value, hidden, own)
            y = self.activations.forward(site, before(site, x) if before else x, None)
            hidden = after(site, y) if after else y
        weight, bias = self.layers[-1]
        own = weights(len(self.layers) - 1, weight.value) if weights else weight.value
        return torch.baddbmm(bias.value, own, hidden.transpose(1, 2))

    def is_finite(self) -> list[bool]:
        """Whether all that a member has learned is finite: one that is not has diverged, and stays so."""
        finite = self.activations.is_finite()
        for leaf in self._leaves:
            finite = finite & leaf.is_finite()
        return [bool(value) for value in finite]

    def _outputs(self, inputs: Tensor, step: int | None) -> tuple[Tensor, list[Tensor]]:
        """Outputs (members, outputs, samples), and in a training step what each layer but the first reads."""
        hidden = inputs.expand(len(self.members), *inputs.shape)
        activated = []
        for site, (weight, bias) in enumerate(self.layers[:-1]):
            room = None if step is None else self._hidden[site]
            before = torch.baddbmm(bias.value, hidden, weight.value, out=room)
            hidden = self.activations.forward(site, before, step)
            if step is not None:
                activated.append(hidden)
        weight, bias = self.layers[-1]
        return torch.baddbmm(bias.value, weight.value, hidden.transpose(1, 2)), activated

    def _differentiate(self, inputs: Tensor, activated: Sequence[Tensor], gradients: Tensor) -> None:
        """Gradients of all that is trained; `gradients` is that by the outputs, (members, outputs, samples)."""
        weight, bias = self.layers[-1]
        torch.bmm(gradients, activated[-1], out=weight.gradient)
        torch.sum(gradients, 2, keepdim=True, out=bias.gradient)
        upstream = torch.bmm(gradients.transpose(1, 2), weight.value, out=self._gradients[-1])
        for site in range(len(activated) - 1, -1, -1):
            before = self.activations.backward(site, upstream)
            below = activated[site - 1] if site else inputs.expand(len(self.members), *inputs.shape)
            weight, bias = self.layers[site]
            torch.bmm(below.transpose(1, 2), before, out=weight.gradient)
            torch.sum(before, 1, keepdim=True, out=bias.gradient)
            if site:
                upstream = torch.bmm(before, weight.value.transpose(1, 2), out=self._gradients[site - 1])


def _initial(course: Course, members: int) -> list[tuple[Leaf, Leaf]]:
    layers = []
    for weight in course.weights:
        is_last = weight is course.weights[-1]
        value = weight.T if is_last else weight
        outputs = weight.shape[1]
        bias = torch.zeros(members, outputs, 1) if is_last else torch.zeros(members, 1, outputs)
        layers.append((Leaf.of(value.expand(members, *value.shape)), Leaf.of(bias)))
    return layers
