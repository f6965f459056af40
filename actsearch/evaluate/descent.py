"""Training one model after the other, for tasks whose models no stack holds: seeded, stoppable, without a trace.

A task's `curve` builds its model inside of `drawn_from(seed)` and goes along `descend`. Neither leaves torch's global
generator other than it was, so that a task may stand beside anything else in a process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from actsearch.evaluate.task import Curve

_APART = 1 << 24


@contextmanager
def drawn_from(seed: int, step: int = 0) -> Iterator[None]:
    """What torch draws inside depends on `seed` and `step` alone, and its generator is afterwards as it was before."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed * _APART + step)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def scale_weights(model: nn.Module, generator: torch.Generator) -> None:
    """Give every linear and convolutional layer weights of variance 1 / fan-in, and no bias.

    Unit variance in, unit variance out (LeCun, Bottou, Orr, Müller (1998), Efficient BackProp): the output gain of a
    candidate is made for that.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            with torch.no_grad():
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
                layer.weight.div_(math.sqrt(layer.weight[0].numel()))
                if layer.bias is not None:
                    layer.bias.zero_()


def descend(
    model: nn.Module,
    loss: Callable[[int], Tensor],
    score: Callable[[], float],
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    checks: int = 10,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
) -> Curve:
    """Minimise `loss(step)`, a scalar, over the parameters of `model`; tell `score()` at `checks` points of the way.

    `score` is called in evaluation mode and without gradients. A loss that is not finite ends the training with a
    score of NaN.
    """
    _evaluated(model, score)  # Parameters of the activations get the shapes that an input tells.
    descent = optimizer(model.parameters(), learning_rate)
    marks = {-(-steps * check // checks) for check in range(1, checks + 1)}
    for step in range(steps):
        with drawn_from(seed, step + 1):
            model.train()
            descent.zero_grad()
            value = loss(step)
            torch.autograd.backward(value)
        if not math.isfinite(value.item()):
            yield 1.0, math.nan
            return
        descent.step()
        if step + 1 in marks:
            yield (step + 1) / steps, _evaluated(model, score)


def side_by_side(curves: Sequence[Curve]) -> Curve:
    """The mean of several trainings of equally many checks, which advance together; one that diverges ends all."""
    for points in zip(*curves, strict=False):
        score = sum(score for _, score in points) / len(points)
        if math.isnan(score):
            yield 1.0, score
            return
        yield points[0][0], score


def batches(samples: int, batch: int, steps: int, generator: torch.Generator) -> Tensor:
    """Indices (steps, batch): epoch after epoch in random order, incomplete batches dropped."""
    each = samples // batch
    epochs = [
        torch.randperm(samples, generator=generator)[: each * batch].view(each, batch) for _ in range(-(-steps // each))
    ]
    return torch.cat(epochs)[:steps]


def _evaluated(model: nn.Module, score: Callable[[], float]) -> float:
    model.eval()
    with torch.no_grad():
        return score()
