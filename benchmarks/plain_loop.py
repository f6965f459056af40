"""What a user would write without actsearch: one training at a time, eager activations, torch's own Adam."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from actsearch.compile.eager import compile_eager
from actsearch.compile.stability import stabilise
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.course import Course


class EagerActivation(nn.Module):
    """The activation as a user would write it with torch's operations, times its gain; (..., width) in float32."""

    def __init__(self, subject: Subject, width: int) -> None:
        super().__init__()
        self.function, self.gain = compile_eager(stabilise(subject.activation.expression)), subject.gain
        for spec in subject.activation.parameters:
            shape = (width,) if spec.granularity == "channel" else ()
            self.register_parameter(spec.name, nn.Parameter(torch.full(shape, spec.scalar)))

    def forward(self, x: Tensor) -> Tensor:
        """The activation of `x`."""
        return self.function({"x": x, **self._parameters}) * self.gain  # type: ignore[dict-item]


def train_plainly(task: Any, subject: Subject, rate: float, seed: int) -> float:
    """The validation score of one training of a task that has a `recipe` and a `split`, as `digits` has.

    Data, their order and the initial weights are those of the stacked trainer.
    """
    recipe = task.recipe
    course = Course.of(task.split(seed), recipe, seed)
    modules: list[nn.Module] = []
    for weight in course.weights:
        linear = nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(weight.T)
            linear.bias.zero_()
        modules += [linear, EagerActivation(subject, weight.shape[1])]
    model = nn.Sequential(*modules[:-1])
    adam = torch.optim.Adam(model.parameters(), lr=rate)
    split = course.split
    for picked in course.batches:
        adam.zero_grad()
        loss = nn.functional.cross_entropy(model(split.train_inputs[picked]), split.train_labels[picked])
        loss.backward()
        adam.step()
    with torch.no_grad():
        return -float(nn.functional.cross_entropy(model(split.validation_inputs), split.validation_labels))
