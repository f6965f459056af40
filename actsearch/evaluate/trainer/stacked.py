"""Activations that work point by point: all members of a stack at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from actsearch.compile.eager import compile_eager
from actsearch.compile.stability import stabilise
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.adam import Adam, Leaf

STACKED = ("layer", "channel")
"""Granularities of the parameters that a stacked function has."""


def is_stacked(subject: Subject) -> bool:
    """Whether all members of a subject can be computed by one function of a stacked tensor."""
    return subject.activation.unsupported_by_pointwise(STACKED) is None


@dataclass(frozen=True, slots=True)
class _Slot:
    """A parameter of a member: where its value lies among those of its granularity."""

    member: int
    name: str
    granularity: str
    row: int


class Stacked:
    """The functions of members whose subjects `is_stacked` says yes to, and their parameters."""

    def __init__(
        self,
        subjects: Sequence[Subject],
        functions: Sequence[Callable[..., Tensor]],
        rates: Sequence[float],
        widths: Sequence[int],
        leaves: Sequence[dict[str, Leaf]] | None = None,
    ) -> None:
        self._subjects, self._functions, self._rates, self._widths = subjects, functions, rates, widths
        self._slots = list(_slots(subjects))
        self._leaves = leaves or [_initial(subjects, width) for width in widths]
        self._adams = [
            Adam(
                [site[granularity] for site in self._leaves],
                [rates[slot.member] for slot in self._slots if slot.granularity == granularity],
            )
            for granularity in STACKED
        ]
        self._graphs: dict[int, tuple[list[Tensor], list[Tensor], list[Tensor]]] = {}

    @classmethod
    def of(cls, subjects: Sequence[Subject], rates: Sequence[float], widths: Sequence[int]) -> Stacked:
        """Activations of members with the given subjects and learning rates, after layers of the given widths."""
        functions = [compile_eager(stabilise(subject.activation.expression)) for subject in subjects]
        return cls(subjects, functions, rates, widths)

    def forward(self, site: int, x: Tensor, step: int | None) -> Tensor:
        """See `Activations`."""
        is_training = step is not None
        given = [own.detach().requires_grad_(is_training) for own in x.unbind(0)]
        values = [self._value(site, slot).detach().requires_grad_(is_training) for slot in self._slots]
        named: list[dict[str, Tensor]] = [{"x": own} for own in given]
        for slot, value in zip(self._slots, values, strict=True):
            named[slot.member][slot.name] = value
        with torch.set_grad_enabled(is_training):
            results = [
                function(one) * subject.gain
                for function, one, subject in zip(self._functions, named, self._subjects, strict=True)
            ]
        if is_training:
            self._graphs[site] = given, values, results
        return torch.stack(results).detach()

    def backward(self, site: int, upstream: Tensor) -> Tensor:
        """See `Activations`."""
        given, values, results = self._graphs.pop(site)
        pairs = [(r, u) for r, u in zip(results, upstream.unbind(0), strict=True) if r.requires_grad]
        torch.autograd.backward([r for r, _ in pairs], [u for _, u in pairs])
        for slot, value in zip(self._slots, values, strict=True):
            gradient = self._leaves[site][slot.granularity].gradient[slot.row]
            gradient.zero_() if value.grad is None else gradient.copy_(value.grad)
        return torch.stack([torch.zeros_like(x) if x.grad is None else x.grad for x in given])

    def update(self, step: int) -> None:
        """See `Activations`."""
        for adam in self._adams:
            adam.update(step)

    def is_finite(self) -> Tensor:
        """See `Activations`."""
        finite = torch.ones(len(self._subjects), dtype=torch.bool)
        for site in self._leaves:
            rows = {granularity: leaf.is_finite() for granularity, leaf in site.items()}
            for slot in self._slots:
                finite[slot.member] &= rows[slot.granularity][slot.row]
        return finite

    def only(self, positions: Sequence[int]) -> Stacked:
        """See `Activations`."""
        kept = {
            granularity: torch.tensor(
                [s.row for s in self._slots if s.granularity == granularity and s.member in positions],
                dtype=torch.int64,
            )
            for granularity in STACKED
        }
        return Stacked(
            [self._subjects[p] for p in positions],
            [self._functions[p] for p in positions],
            [self._rates[p] for p in positions],
            self._widths,
            [
                {granularity: leaf.only(kept[granularity]) for granularity, leaf in site.items()}
                for site in self._leaves
            ],
        )

    def _value(self, site: int, slot: _Slot) -> Tensor:
        return self._leaves[site][slot.granularity].value[slot.row]


def _slots(subjects: Sequence[Subject]) -> list[_Slot]:
    counts = dict.fromkeys(STACKED, 0)
    slots = []
    for member, subject in enumerate(subjects):
        for spec in subject.activation.parameters:
            slots.append(_Slot(member, spec.name, spec.granularity, counts[spec.granularity]))
            counts[spec.granularity] += 1
    return slots


def _initial(subjects: Sequence[Subject], width: int) -> dict[str, Leaf]:
    """Parameters of one site by granularity, a row for each slot."""
    leaves = {}
    for granularity, columns in zip(STACKED, (1, width), strict=True):
        initial = [
            spec.scalar
            for subject in subjects
            for spec in subject.activation.parameters
            if spec.granularity == granularity
        ]
        leaves[granularity] = Leaf.of(torch.tensor(initial, dtype=torch.float32).view(-1, 1).repeat(1, columns))
    return leaves
