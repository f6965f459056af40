"""Mixtures: layers that are a softmax-weighted sum of functions, trained with a network's weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from actsearch.compile.population import compile_population
from actsearch.evaluate.subject import Subject
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.perceptron import Perceptron, one_thread
from actsearch.evaluate.trainer.recipe import Lesson
from actsearch.grammar.activation import Activation

_DIGITS = 6
"""Of a logarithm of a weight: two ranks are not to hang on the last bits of sums."""


class Mixture(nn.Module):
    """The sum of functions, each times its gain and its weight: a softmax of logits that begin as equals."""

    def __init__(self, activations: Sequence[Activation], gains: Sequence[float]) -> None:
        super().__init__()
        self.population = compile_population(activations, gains=gains)
        self.logits = nn.Parameter(torch.zeros(len(activations)))

    def forward(self, x: Tensor) -> Tensor:
        """The mixture of `x`, (samples, channels), and of its shape."""
        count = len(self.logits)
        values = self.population(x.expand(count, *x.shape).contiguous())
        mixed: Tensor = torch.softmax(self.logits, dim=0) @ values.view(count, -1)
        return mixed.view_as(x)


def weigh(subjects: Sequence[Subject], lessons: Sequence[Lesson], seed: int, share: float, rate: float) -> list[float]:
    """What each function weighs after training: the mean logarithm of its weight over the lessons' hidden layers.

    Every layer has a mixture of its own. One batch trains weights and parameters, the next one the mixtures (Liu,
    Simonyan, Yang 2019, of first order), for `share` of the lesson's steps; `rate` is the mixtures' learning rate, the
    weights' is the middle one of the recipe. A function of a training that diverged weighs like all others.
    """
    with one_thread():
        found = [row for lesson in lessons for row in _trained(subjects, lesson, seed, share, rate)]
    mean = torch.stack(found).double().mean(dim=0)
    if not bool(mean.isfinite().all()):
        mean = torch.zeros_like(mean)
    return [round(value, _DIGITS) for value in mean.tolist()]


def _trained(subjects: Sequence[Subject], lesson: Lesson, seed: int, share: float, rate: float) -> list[Tensor]:
    """Logarithms of the weights of each layer, (functions,), after training."""
    recipe = lesson.recipe
    course = Course.of(lesson.split(seed), recipe, seed)
    activations, gains = [subject.activation for subject in subjects], [subject.gain for subject in subjects]
    mixtures = [Mixture(activations, gains) for _ in recipe.widths[1:-1]]
    model = Perceptron(recipe, course, mixtures)
    with torch.no_grad():
        model.preactivations(course.split.train_inputs[:2])  # Parameters get the shapes that an input tells.
    logits = [mixture.logits for mixture in mixtures]
    others = [parameter for parameter in model.parameters() if all(parameter is not one for one in logits)]
    rates = sorted(recipe.learning_rates)
    turns = (
        torch.optim.Adam(others, lr=rates[len(rates) // 2], fused=True),
        torch.optim.Adam(logits, lr=rate, fused=True),
    )
    for batch in course.between(0, max(round(share * recipe.steps), 2), recipe.objective):
        model.zero_grad()
        model.differentiate(batch)
        turns[batch.step % 2].step()
    return [torch.log_softmax(one.detach(), dim=0) for one in logits]
