"""Eigenvalues of the Fisher information of a task's perceptron before training, by Kronecker factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actsearch.compile.eager import compile_eager
from actsearch.compile.stability import stabilise
from actsearch.evaluate.task import Task
from actsearch.evaluate.trainer import CrossEntropy, Lesson
from actsearch.grammar.activation import Activation

SAMPLES = 256
QUANTILES = 20


def lesson_of(task: Task) -> Lesson:
    """What a stacked task trains on; the first of several lessons. Raises AttributeError for another task."""
    lessons: Any = getattr(task, "lessons", None)
    found: Any = lessons[0] if lessons else Lesson(split=task.split, recipe=task.recipe)  # type: ignore[attr-defined]
    return found  # type: ignore[no-any-return]


def eigenvalues(activation: Activation, gain: float, lesson: Lesson, seed: int = 0) -> NDArray[np.float64]:
    """Logarithms of quantiles of the eigenvalues, (layers * QUANTILES,); NaN where values are not finite.

    The Fisher information of each layer is taken as the Kronecker product of the second moments of its inputs and of
    the gradients at its outputs (Martens, Grosse 2015, arXiv:1503.05671), labels drawn from the model.
    """
    generator = torch.Generator().manual_seed(seed)
    recipe, inputs = lesson.recipe, lesson.split(seed).train_inputs[:SAMPLES]
    function = compile_eager(stabilise(activation.expression))
    settings = {spec.name: torch.tensor(spec.initial) for spec in activation.parameters}
    hidden, entering, leaving = inputs, [], []
    for layer, (wide, narrow) in enumerate(zip(recipe.widths, recipe.widths[1:], strict=False)):
        entering.append(hidden)
        before = (hidden @ recipe.initial(wide, narrow, generator)).requires_grad_()
        before.retain_grad()
        leaving.append(before)
        last = layer == len(recipe.widths) - 2
        hidden = before if last else gain * function({"x": before, **settings}).expand_as(before)
    if isinstance(recipe.objective, CrossEntropy):
        shares = torch.nan_to_num(hidden.detach().softmax(dim=1), nan=1.0)
        labels = torch.multinomial(shares, 1, generator=generator)
        loss = -hidden.log_softmax(dim=1).gather(1, labels).sum()
    else:
        loss = (hidden * torch.randn(hidden.shape, generator=generator)).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    parts = [_spectrum(a.detach(), b.grad) for a, b in zip(entering, leaving, strict=True)]
    return np.concatenate(parts)


def _spectrum(inputs: torch.Tensor, gradients: torch.Tensor | None) -> NDArray[np.float64]:
    if gradients is None or not bool(torch.isfinite(inputs).all() and torch.isfinite(gradients).all()):
        return np.full(QUANTILES, np.nan)
    both = [np.linalg.eigvalsh((m.T.double() @ m.double() / len(m)).numpy()).clip(min=0.0) for m in (inputs, gradients)]
    values = np.outer(*both).ravel()
    found: NDArray[np.float64] = np.log10(np.quantile(values, np.linspace(0, 1, QUANTILES)) + 1e-12)
    return found
