"""The parameters of a population, and how all their numbers lie in one flat tensor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from actsearch.compile.parameters import groups_of
from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation, ParameterSpec

FORWARD, BACKWARD, WITH_SLOPE = range(3)
"""What a table computes: values; gradients; values and slopes of functions without parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A parameter of an activation of a population; `member` is the activation's index."""

    member: int
    spec: ParameterSpec

    def places(self, channels: int) -> int:
        """Into how many equal parts it divides the channels, each with a number of its own."""
        if self.spec.granularity == "layer":
            return 1
        groups = groups_of(self.spec) or channels
        if channels % groups:
            raise ConfigError(
                f"the parameter {self.spec.name} has {groups} groups, into which {channels} channels cannot be divided "
                "equally."
            )
        return groups

    def shape(self, copies: int, channels: int) -> torch.Size:
        """`(copies, places)`; of an array `(copies, length, places)`, without the places where there is one."""
        places = self.places(channels)
        if self.spec.length is None:
            return torch.Size((copies, places))
        return torch.Size((copies, self.spec.length, *([places] if self.spec.granularity != "layer" else [])))

    def initial(self, copies: int, channels: int) -> Tensor:
        """How it starts, in float64, all slices alike."""
        shape = self.shape(copies, channels)
        values = torch.tensor(self.spec.entries, dtype=torch.float64)
        if self.spec.length is not None:
            values = values.view(1, -1, *[1] * (len(shape) - 2))
        return values.expand(shape).clone()


def slots_of(activations: Iterable[Activation]) -> tuple[Slot, ...]:
    """Those of each activation in turn, in the order of its parameters."""
    return tuple(
        Slot(member=member, spec=spec)
        for member, activation in enumerate(activations)
        for spec in activation.parameters
    )


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One slot's numbers after the other's in a flat tensor, slice by slice inside a slot."""

    slots: tuple[Slot, ...]
    copies: int
    channels: int

    @cached_property
    def shapes(self) -> list[torch.Size]:
        """That of each slot."""
        return [slot.shape(self.copies, self.channels) for slot in self.slots]

    @cached_property
    def offsets(self) -> list[int]:
        """Where each slot begins, and where the last one ends."""
        found = [0]
        for shape in self.shapes:
            found.append(found[-1] + math.prod(shape))
        return found

    @property
    def size(self) -> int:
        """Numbers in all."""
        return self.offsets[-1]

    def initial(self) -> Tensor:
        """The flat tensor before training, in float64."""
        parts = [slot.initial(self.copies, self.channels).flatten() for slot in self.slots]
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.float64)

    @cached_property
    def _runs(self) -> list[tuple[int, torch.Size]]:
        """Of how many slots in a row the shape is one and the same, and that shape, with that number in front.

        What is done to a run takes one call of torch, not one for each of its slots.
        """
        groups = ((len(list(same)), shape) for shape, same in itertools.groupby(self.shapes))
        return [(count, torch.Size((count, *shape))) for count, shape in groups]

    def views(self, flat: Tensor) -> tuple[Tensor, ...]:
        """The slots of a flat tensor, which share its memory."""
        parts = flat.split([shape.numel() for _, shape in self._runs])
        runs = zip(parts, self._runs, strict=True)
        return tuple(view for part, (_, shape) in runs for view in part.view(shape).unbind())

    def flat(self, values: Sequence[Tensor]) -> Tensor:
        """The slots' values in one flat tensor, with memory of its own."""
        parts, start = [torch.empty(0)] if not values else [], 0
        for count, _ in self._runs:
            parts.append(torch.cat(tuple(values[start : start + count])).view(-1))
            start += count
        return torch.cat(parts) if len(parts) != 1 else parts[0]

    def slices(self) -> Tensor:
        """Of each number the slice it belongs to, int64 of the size of the flat tensor."""
        firsts = [slot.member * self.copies for slot in self.slots]
        counts = [math.prod(shape[1:]) for shape in self.shapes]
        parts = [
            (torch.arange(self.copies) + first).repeat_interleave(count)
            for first, count in zip(firsts, counts, strict=True)
        ]
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64)

    def positions(self, kept: Sequence[int]) -> Tensor:
        """Where the numbers of the activations `kept` are, in the order of the flat tensor of these alone."""
        by_member: dict[int, list[Tensor]] = {}
        for slot, first, end in zip(self.slots, self.offsets, self.offsets[1:], strict=False):
            by_member.setdefault(slot.member, []).append(torch.arange(first, end))
        parts = [part for member in kept for part in by_member.get(member, [])]
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64)
