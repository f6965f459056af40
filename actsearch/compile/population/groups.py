"""Members of one structure in one launch, by any backend: their numbers differ, so all of them become parameters.

Slices are channels then: of a stack (slices, elements) where all parameters are per layer, else of one whose rows are
the channels of each slice, which costs a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from actsearch.compile import backend as backends
from actsearch.compile.backend import Function
from actsearch.compile.population.slots import Slot
from actsearch.compile.stages import Staged, inputs_of, stage
from actsearch.grammar.activation import Activation, ParameterSpec


@dataclass(slots=True)
class Group:
    """Activations that differ in their constants alone; `members` are their indices."""

    activation: Activation
    """The one that has for its parameters the entries of theirs, and then their constants, all per channel."""
    is_by_channel: bool
    members: list[int] = field(default_factory=list)
    constants: list[tuple[float, ...]] = field(default_factory=list)


@dataclass(slots=True)
class Groups:
    """The pointwise activations of a population, by structure; `slots` are their parameters.

    A call is one launch a group, by `backend` (None: the best for the device of each input).
    """

    activations: Sequence[Activation]
    gains: Sequence[float]
    slots: Sequence[Slot]
    copies: int
    backend: str | None = None
    cache: Path | None = None
    groups: list[Group] = field(default_factory=list)
    _functions: dict[tuple[int, torch.device], Function] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: dict[tuple[str, tuple[tuple[str, int | None], ...]], Group] = {}
        for index, (activation, gain) in enumerate(zip(self.activations, self.gains, strict=True)):
            staged = stage(activation, gain=gain)
            kinds = tuple((spec.granularity, spec.length) for spec in activation.parameters)
            key = (staged.sweep.structure, kinds)
            if key not in known:
                is_by_channel = any(granularity != "layer" for granularity, _ in kinds)
                known[key] = Group(_of_structure(staged), is_by_channel)
            known[key].members.append(index)
            known[key].constants.append(tuple(value for _, value in staged.constants))
        self.groups = list(known.values())

    def __call__(self, inputs: Sequence[Tensor], parameters: Sequence[Tensor]) -> Tensor:
        """The activations of `inputs`, x and gate if one reads it, each (slices, ..., channels); differentiable.

        `parameters` has a tensor for each slot, of the slot's shape.
        """
        found = torch.cat([self._run(number, inputs, parameters) for number in range(len(self.groups))])
        order = torch.tensor([index for group in self.groups for index in group.members]).argsort()
        return found.index_select(0, _slices(order, self.copies).to(found.device)) if len(self.groups) > 1 else found

    def _run(self, number: int, inputs: Sequence[Tensor], parameters: Sequence[Tensor]) -> Tensor:
        group, x = self.groups[number], inputs[0]
        channels, count = x.shape[-1], len(group.members) * self.copies
        values = self._values(group, parameters, channels)
        # A constant is one for all slices of its member.
        by_member = torch.tensor(group.constants, dtype=torch.float64, device=x.device).to(x.dtype)
        constants = by_member.repeat_interleave(self.copies, 0).view(count, -1, 1)
        values += list(constants.unbind(1))
        own = list(inputs[: len(inputs_of(group.activation))])
        if len(self.groups) > 1:
            picked = _slices(torch.tensor(group.members), self.copies).to(x.device)
            own = [tensor.index_select(0, picked) for tensor in own]
        shape = own[0].shape
        if group.is_by_channel:
            own = [tensor.reshape(count, -1, channels).transpose(1, 2).reshape(count * channels, -1) for tensor in own]
            values = [value.expand(count, channels).reshape(-1) for value in values]
            y = self._function(number, x.device)(own, values, 0)
            return y.view(count, channels, -1).transpose(1, 2).reshape(shape)
        own = [tensor.reshape(count, -1) for tensor in own]
        return self._function(number, x.device)(own, [value.reshape(-1) for value in values], 0).view(shape)

    def _values(self, group: Group, parameters: Sequence[Tensor], channels: int) -> list[Tensor]:
        """What the group's activation reads, each (slices, 1) or (slices, channels)."""
        by_member: dict[int, list[tuple[Slot, Tensor]]] = {index: [] for index in group.members}
        for slot, parameter in zip(self.slots, parameters, strict=True):
            if slot.member in by_member:
                by_member[slot.member].append((slot, parameter))
        found = []
        for position in range(len(next(iter(by_member.values())))):
            pairs = [by_member[index][position] for index in group.members]
            slot, stacked = pairs[0][0], torch.cat([parameter for _, parameter in pairs])
            places = slot.places(channels)
            stacked = stacked.view(len(stacked), -1, places)
            if 1 < places < channels:
                stacked = stacked.repeat_interleave(channels // places, -1)
            found += list(stacked.unbind(1))
        return found

    def _function(self, number: int, device: torch.device) -> Function:
        key = (number, device)
        if key not in self._functions:
            activation = self.groups[number].activation
            if self.backend is None:
                self._functions[key] = backends.compile_best(activation, device, cache=self.cache)
            else:
                backend = backends.load_backend(self.backend)
                backends.require(backend, device)
                self._functions[key] = backend.compile(activation, cache=self.cache)
        return self._functions[key]


def _of_structure(staged: Staged) -> Activation:
    """The activation of a sweep whose parameters and constants are all parameters per channel."""
    names = [*(name for name, _ in staged.sweep.parameters), *staged.sweep.constants]
    ((_, expression),) = staged.sweep.outputs
    return Activation(
        expression=expression,
        parameters=tuple(ParameterSpec(name=name, granularity="channel") for name in names),
    )


def _slices(members: Tensor, copies: int) -> Tensor:
    """The indices of the members' slices."""
    return (members.view(-1, 1) * copies + torch.arange(copies)).flatten()
