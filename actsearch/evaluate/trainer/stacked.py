"""Activations that work point by point: all members of a stack at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from actsearch.compile.population.function import PopulationFunction, can_stack
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.adam import Numbers

_NOTHING = torch.empty(0)
"""The parameters of members without any."""


def is_stacked(subject: Subject) -> bool:
    """Whether all members of a subject can be computed by one function of a stacked tensor."""
    activation = subject.activation
    has_own = any(spec.shared or spec.granularity == "element" for spec in activation.parameters)
    return activation.is_pointwise and not has_own and can_stack()


def bare_first(subjects: Sequence[Subject]) -> list[int]:
    """The positions of subjects, those without parameters before the others."""
    return sorted(range(len(subjects)), key=lambda position: bool(subjects[position].activation.parameters))


def function_of(subjects: Sequence[Subject]) -> PopulationFunction:
    """The function of subjects that `is_stacked` says yes to, compiled."""
    return PopulationFunction([s.activation for s in subjects], gains=[s.gain for s in subjects])


class Stacked:
    """Functions of all members, one slice each, and their parameters after every hidden layer.

    Members without parameters come first. They keep their slopes from the forward, which is quicker than a backward
    that begins with x again; of the others parameters have gradients as well.
    """

    def __init__(
        self,
        functions: tuple[PopulationFunction | None, PopulationFunction | None],
        rates: Sequence[float],
        widths: Sequence[int],
        numbers: Numbers | None = None,
    ) -> None:
        self._bare, self._learned = functions
        """Those of members without parameters, and of members with parameters; None if there are none of these."""
        self._rates, self._widths = rates, widths
        self._count = len(self._bare.activations) if self._bare else 0
        layouts = [self._learned.layout(width) for width in widths] if self._learned else []
        no_members = torch.empty(0, dtype=torch.int64)
        self._members = torch.cat([no_members, *(layout.slices() + self._count for layout in layouts)])
        """The member that each number belongs to; those of one site stand together."""
        self._numbers = numbers or Numbers(
            torch.cat([torch.empty(0), *(self._learned.initial(width) for width in widths if self._learned)]),
            torch.tensor(rates)[self._members],
        )
        sizes = [layout.size for layout in layouts]
        self._values, self._gradients = self._numbers.value.split(sizes), self._numbers.gradient.split(sizes)
        self._given: dict[int, Tensor] = {}
        """What members with parameters got in the last forward of a site."""
        self._rooms: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        """For each site the tensors of what members give, of slopes, and of gradients."""

    @classmethod
    def of(
        cls, function: PopulationFunction, subjects: Sequence[int], rates: Sequence[float], widths: Sequence[int]
    ) -> Stacked:
        """Activations of members by what they have of `function` and by learning rate, those in `bare_first`."""
        bare = [subject for subject in subjects if not function.activations[subject].parameters]
        learned = list(subjects[len(bare) :])
        return cls((_only(function, bare), _only(function, learned)), rates, widths)

    def forward(self, site: int, x: Tensor, step: int | None) -> Tensor:
        """See `Activations`."""
        count, is_training = self._count, step is not None
        y, slope, _ = self._room(site, x) if is_training else (torch.empty_like(x), x, x)
        if self._bare and is_training:
            self._bare.value_and_slope(x[:count], out=(y[:count], slope))
        elif self._bare:
            self._bare.value((x[:count],), _NOTHING, out=y[:count])
        if self._learned:
            self._learned.value((x[count:],), self._values[site], out=y[count:])
        if is_training:
            self._given[site] = x[count:]
        return y

    def backward(self, site: int, upstream: Tensor) -> Tensor:
        """See `Activations`."""
        count = self._count
        _, slope, found = self._rooms[site]
        given = self._given.pop(site)
        torch.mul(upstream[:count], slope, out=found[:count])
        if self._learned:
            _, sums = self._learned.gradients((given,), upstream[count:], self._values[site], out=[found[count:]])
            self._gradients[site].copy_(sums)
        return found

    def update(self, step: int) -> None:
        """See `Activations`."""
        self._numbers.update(step)

    def is_finite(self) -> Tensor:
        """See `Activations`."""
        diverged = self._members[~self._numbers.value.isfinite()]
        return torch.ones(len(self._rates), dtype=torch.bool).index_fill_(0, diverged, value=False)

    def only(self, positions: Sequence[int]) -> Stacked:
        """See `Activations`."""
        bare = [position for position in positions if position < self._count]
        learned = [position - self._count for position in positions if position >= self._count]
        kept, start = [torch.empty(0, dtype=torch.int64)], 0
        for layout in [self._learned.layout(width) for width in self._widths] if self._learned else []:
            kept.append(layout.positions(learned) + start)
            start += layout.size
        return Stacked(
            (_only(self._bare, bare), _only(self._learned, learned)),
            [self._rates[position] for position in positions],
            self._widths,
            self._numbers.only(torch.cat(kept)),
        )

    def _room(self, site: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if site not in self._rooms:
            self._rooms[site] = torch.empty_like(x), torch.empty_like(x[: self._count]), torch.empty_like(x)
        return self._rooms[site]


def _only(function: PopulationFunction | None, kept: Sequence[int]) -> PopulationFunction | None:
    return function.only(kept) if function is not None and kept else None
