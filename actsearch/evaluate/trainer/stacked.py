"""Activations that work point by point: all members of a stack at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from actsearch.compile.population.function import PopulationFunction, can_stack
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.adam import Numbers


def is_stacked(subject: Subject) -> bool:
    """Whether all members of a subject can be computed by one function of a stacked tensor."""
    activation = subject.activation
    has_own = any(spec.shared or spec.granularity == "element" for spec in activation.parameters)
    return activation.is_pointwise and not has_own and can_stack()


def function_of(subjects: Sequence[Subject]) -> PopulationFunction:
    """The function of subjects that `is_stacked` says yes to, compiled."""
    return PopulationFunction([s.activation for s in subjects], gains=[s.gain for s in subjects])


class Stacked:
    """A function of all members, one slice each, and their parameters after every hidden layer."""

    def __init__(
        self,
        function: PopulationFunction,
        rates: Sequence[float],
        widths: Sequence[int],
        numbers: Numbers | None = None,
    ) -> None:
        self._function, self._rates, self._widths = function, rates, widths
        layouts = [function.layout(width) for width in widths]
        self._members = torch.cat([layout.slices() for layout in layouts])
        """The member that each number belongs to; those of one site stand together."""
        self._numbers = numbers or Numbers(
            torch.cat([function.initial(width) for width in widths]), torch.tensor(rates)[self._members]
        )
        sizes = [layout.size for layout in layouts]
        self._values, self._gradients = self._numbers.value.split(sizes), self._numbers.gradient.split(sizes)
        self._given: dict[int, Tensor] = {}
        """What the last forward of a site got."""

    def forward(self, site: int, x: Tensor, step: int | None) -> Tensor:
        """See `Activations`."""
        if step is not None:
            self._given[site] = x
        return self._function.value((x,), self._values[site])

    def backward(self, site: int, upstream: Tensor) -> Tensor:
        """See `Activations`."""
        (gradient,), sums = self._function.gradients((self._given.pop(site),), upstream, self._values[site])
        self._gradients[site].copy_(sums)
        return gradient

    def update(self, step: int) -> None:
        """See `Activations`."""
        self._numbers.update(step)

    def is_finite(self) -> Tensor:
        """See `Activations`."""
        diverged = self._members[~self._numbers.value.isfinite()]
        return torch.ones(len(self._rates), dtype=torch.bool).index_fill_(0, diverged, value=False)

    def only(self, positions: Sequence[int]) -> Stacked:
        """See `Activations`."""
        layouts = [self._function.layout(width) for width in self._widths]
        kept, start = [], 0
        for layout in layouts:
            kept.append(layout.positions(positions) + start)
            start += layout.size
        return Stacked(
            self._function.only(positions),
            [self._rates[position] for position in positions],
            self._widths,
            self._numbers.only(torch.cat(kept)),
        )
