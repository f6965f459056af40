"""One perceptron of a lesson under autograd, for what has to look inside a training or to train other things with it.

It begins with the weights and sees the batches of a stack's members, but rounds otherwise: scores come from the stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from actsearch.errors import UnsupportedError
from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.task import Task
from actsearch.evaluate.trainer.course import Batch, Course
from actsearch.evaluate.trainer.recipe import Lesson, Recipe


class Perceptron(nn.Module):
    """Layers with the course's initial weights, and one of `activations` after each hidden layer."""

    def __init__(self, recipe: Recipe, course: Course, activations: Sequence[nn.Module]) -> None:
        super().__init__()
        if len(activations) != len(recipe.widths) - 2:
            raise ValueError(f"{len(recipe.widths) - 2} hidden layers take as many activations, not {len(activations)}")
        self._objective = recipe.objective
        self.weights = nn.ParameterList([nn.Parameter(weight.clone()) for weight in course.weights])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(weight.shape[1])) for weight in course.weights])
        self.activations = nn.ModuleList(activations)

    def preactivations(self, inputs: Tensor) -> list[Tensor]:
        """What each activation gets, (samples, width), and last the outputs, (samples, outputs)."""
        found = [torch.addmm(self.biases[0], inputs, self.weights[0])]
        for activation, weight, bias in zip(self.activations, self.weights[1:], self.biases[1:], strict=True):
            found.append(torch.addmm(bias, activation(found[-1]), weight))
        return found

    def descend(self, course: Course, steps: int, learning_rate: float) -> None:
        """The course's first `steps` steps of Adam."""
        adam = torch.optim.Adam(self.parameters(), lr=learning_rate, fused=True)
        for batch in course.between(0, steps, self._objective):
            adam.zero_grad()
            self.differentiate(batch)
            adam.step()

    def differentiate(self, batch: Batch) -> None:
        """Add the gradients of the mean loss of a batch to those that parameters have."""
        outputs = self.preactivations(batch.inputs)[-1].T.unsqueeze(0)
        outputs.backward(self._objective.gradients(outputs.detach(), batch.targets) * batch.scale)


@contextmanager
def one_thread() -> Iterator[None]:
    """What torch computes inside is computed in one thread, in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def lessons_of(task: Task | None, who: str) -> Sequence[Lesson]:
    """The lessons that a task trains its stacks by.

    Raises `UnsupportedError` for a task without them; `who` needs them, in the sentence.
    """
    if isinstance(task, StackedTask):
        return task.lessons
    raise UnsupportedError(
        f"{who} trains small perceptrons itself, and this task has no stacks of them: digits, tabular and periodic do."
    )
