"""A population as an `nn.Module`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from actsearch.compile import backend as backends
from actsearch.compile import gates
from actsearch.compile.autograd import is_transformed
from actsearch.compile.parameters import groups_of
from actsearch.compile.population.function import PopulationFunction, can_stack, check_shape, checked_gains
from actsearch.compile.population.groups import Groups
from actsearch.compile.population.slots import Layout, Slot, slots_of
from actsearch.compile.tracing import untraced
from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation


def compile_population(
    activations: Sequence[Activation],
    *,
    gains: Sequence[float] | None = None,
    copies: int = 1,
    backend: str | None = None,
    cache: Path | None = None,
) -> Population:
    """One layer that applies each of `activations`, times its gain, to `copies` slices of its own of a stacked tensor.

    float32 on the CPU takes one native call for a forward and one for a backward. Everything else (other dtypes and
    devices, a `backend` by name, derivatives of higher order) takes one launch for the activations of one structure,
    those that differ in constants alone. An activation with statistics, draws or a parameter per element takes modules
    of its own, one for each slice. A slice's results do not depend on what other slices there are.

    `cache` is the folder of generated kernels (None: the user's cache). Raises `ConfigError` for no activations, for
    `copies` below 1, or for another number of gains than of activations; `UnknownNameError` for an unknown backend.
    """
    return Population(activations, gains=checked_gains(activations, gains, copies), copies=copies, backend=backend,
                      cache=cache)  # fmt: skip


class Population(nn.Module):
    """Activations on consecutive slices of a stacked tensor; see `compile_population`.

    All their parameters are one tensor, `values`, so that autograd and optimisers have one to deal with: their work
    for each tensor is most of what a layer takes beside its calls. Each slice has numbers of its own in it, which
    `member` shows. They learn alone with an optimiser that treats all numbers of a tensor alike, as SGD and Adam do;
    one that looks at a whole tensor, at its norm say, makes them depend on one another. If some parameter is per
    channel, the first input says how many numbers there are.
    """

    values: nn.Parameter | None
    """None if there are no parameters, or only such as are in `others`."""

    def __init__(
        self, activations: Sequence[Activation], *, gains: Sequence[float], copies: int, backend: str | None,
        cache: Path | None,
    ) -> None:  # fmt: skip
        super().__init__()
        if backend is not None:
            backends.load_backend(backend)
        self.activations, self.gains, self.copies = tuple(activations), tuple(map(float, gains)), copies
        self._backend, self._cache = backend, cache
        self._stacked = tuple(index for index, one in enumerate(activations) if _can_be_stacked(one))
        self._slots = tuple(slot for slot in slots_of(activations) if slot.member in self._stacked)
        self._layouts: dict[int, Layout] = {}
        self._channels: int | None = None
        self.register_parameter("values", self._parameter())
        self._gate: gates.Gate = "given" if any("gate" in one.inputs for one in activations) else "none"
        self.others = nn.ModuleDict()
        for index, activation in enumerate(activations):
            if index not in self._stacked:
                self.others[str(index)] = nn.ModuleList(
                    activation.module(gain=gains[index], channel_dim=-1, backend=backend, cache=cache)
                    for _ in range(copies)
                )

    @cached_property
    def function(self) -> PopulationFunction:
        """The population without state; raises `UnsupportedError` where some activation takes modules of its own."""
        return PopulationFunction(self.activations, gains=self.gains, copies=self.copies)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The parameters in `values`, in their order; activations that take modules of their own have theirs there."""
        return self._slots

    def layout(self, channels: int) -> Layout:
        """Where in `values` each slot is if the last dimension of inputs has so many channels."""
        if channels not in self._layouts:
            self._layouts[channels] = Layout(slots=self._slots, copies=self.copies, channels=channels)
        return self._layouts[channels]

    def member(self, index: int) -> dict[str, Tensor]:
        """The parameters by name of the activation of that index, views of `values` of the shapes of their slots.

        What changes them without autograd changes `values`; gradients are those of `values`, and `layout` has their
        views. An activation with modules of its own has for each slice, by its number, the tensors of its module.
        Raises `ConfigError` before the first call, which says how many channels there are, and for another index.
        """
        if not 0 <= index < len(self.activations):
            raise ConfigError(f"there is no member {index}: the population has {len(self.activations)}, from 0 on.")
        if str(index) in self.others:
            return dict(self.others[str(index)].named_parameters())
        if self.values is None:
            return {}
        if self._channels is None:
            raise ConfigError("the population does not know its channels yet: call it once, then ask for its members.")
        views = zip(self._slots, self.layout(self._channels).views(self.values), strict=True)
        return {slot.spec.name: view for slot, view in views if slot.member == index}

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """The activations of `x`, (slices, ..., channels), and of its shape; `gate` is one for those that read it.

        Raises `ConfigError` for another number of slices, and for a gate that is missing or of another shape.
        """
        slices = len(self.activations) * self.copies
        check_shape(x, slices)
        inputs = gates.inputs(x, gate, self._gate, -1)
        flat = self._fitted(x)
        if not self.others:
            return self._stack(inputs, flat)
        parts: dict[int, Tensor] = {}
        if self._stacked:
            index = torch.tensor([self._slices(member) for member in self._stacked]).flatten().to(x.device)
            stacked = self._stack([tensor.index_select(0, index) for tensor in inputs], flat)
            parts |= dict(zip(self._stacked, stacked.split(self.copies), strict=True))
        for key, layers in self.others.items():
            member = int(key)
            own = inputs if "gate" in self.activations[member].inputs else inputs[:1]
            pairs = zip(cast("nn.ModuleList", layers), self._slices(member), strict=True)
            parts[member] = torch.stack([layer(*(tensor[at] for tensor in own)) for layer, at in pairs])
        return torch.cat([parts[member] for member in range(len(self.activations))])

    def _stack(self, inputs: Sequence[Tensor], flat: Tensor) -> Tensor:
        """Those activations that take no modules of their own."""
        # What is compiled is found in files and by Python.
        return untraced(self._computed)(inputs, flat)

    def _computed(self, inputs: Sequence[Tensor], flat: Tensor) -> Tensor:
        is_native = all(tensor.dtype is torch.float32 and tensor.is_cpu for tensor in (*inputs, flat))
        is_native = is_native and self._backend in (None, "llvm") and can_stack()
        if not is_native or is_transformed():
            return self._grouped(inputs, flat)
        return _Native.apply(self, *inputs, flat)  # type: ignore[no-any-return, no-untyped-call]

    def _grouped(self, inputs: Sequence[Tensor], flat: Tensor) -> Tensor:
        return self.groups(inputs, self.layout(inputs[0].shape[-1]).views(flat))

    @cached_property
    def native(self) -> PopulationFunction:
        """The stacked activations in native calls."""
        activations = [self.activations[member] for member in self._stacked]
        gains = [self.gains[member] for member in self._stacked]
        return PopulationFunction(activations, gains=gains, copies=self.copies)

    @cached_property
    def groups(self) -> Groups:
        """The stacked activations by structure."""
        order = {member: position for position, member in enumerate(self._stacked)}
        slots = [Slot(member=order[slot.member], spec=slot.spec) for slot in self._slots]
        activations = [self.activations[member] for member in self._stacked]
        gains = [self.gains[member] for member in self._stacked]
        return Groups(activations, gains, slots, self.copies, self._backend, self._cache)

    def _slices(self, member: int) -> range:
        return range(member * self.copies, (member + 1) * self.copies)

    def _parameter(self) -> nn.Parameter | None:
        """That of all numbers; one without a shape where that depends on the channels, which are not known yet."""
        if not self._slots:
            return None
        if any(slot.spec.granularity == "channel" for slot in self._slots):
            return UninitializedParameter()  # type: ignore[return-value]
        groups = [groups_of(slot.spec) or 1 for slot in self._slots]
        return nn.Parameter(self.layout(math.lcm(*groups)).initial().to(torch.get_default_dtype()))

    def _fitted(self, x: Tensor) -> Tensor:
        """The flat tensor of all parameters, which gets its size from `x`, or is checked by it."""
        values, channels = cast("Any", self.values), x.shape[-1]
        if values is None:
            return x.new_empty(0)
        layout = self.layout(channels)
        if isinstance(values, UninitializedParameter):
            values.materialize((layout.size,), device=x.device)
            with torch.no_grad():
                values.copy_(layout.initial())
        if values.shape != (layout.size,):
            raise ConfigError(
                f"the population has {values.numel()} numbers for parameters, but the input has {channels} channels, "
                f"its last dimension, for which there would be {layout.size}."
            )
        if self._channels != channels:
            self._channels = channels
        return cast("Tensor", values)

    def extra_repr(self) -> str:
        """The number of activations, and of slices of each."""
        return f"{len(self.activations)} activations, copies={self.copies}"

    def __getstate__(self) -> dict[str, Any]:
        # What holds native code neither copies nor pickles; it is made again where it is used.
        return {name: value for name, value in self.__dict__.items() if name not in ("function", "native", "groups")}

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:  # noqa: FBT001
        for name, parameter in self.named_parameters(recurse=False):
            # A parameter that still waits for its size cannot be detached.
            as_it_is = keep_vars or isinstance(parameter, UninitializedParameter)
            destination[prefix + name] = parameter if as_it_is else parameter.detach()

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *others: Any) -> None:
        values, saved = cast("Any", self.values), state_dict.get(prefix + "values")
        is_known = isinstance(saved, Tensor) and not isinstance(saved, UninitializedParameter)
        if isinstance(values, UninitializedParameter) and is_known:
            values.materialize(cast("Tensor", saved).shape)
        super()._load_from_state_dict(state_dict, prefix, *others)


class _Native(torch.autograd.Function):
    """Native calls under autograd; gradients that are to be differentiated again are those of the groups."""

    @staticmethod
    def forward(ctx: Any, population: Population, *tensors: Tensor) -> Tensor:
        *inputs, flat = tensors
        ctx.population = population
        ctx.save_for_backward(*tensors)
        return population.native.value(inputs, flat)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        if torch.is_grad_enabled():
            return (None, *_again(ctx.population, tensors, upstream[0]))
        *inputs, flat = tensors
        found, sums = ctx.population.native.gradients(inputs, upstream[0], flat)
        return (None, *found, sums)


def _again(population: Population, tensors: Sequence[Tensor], upstream: Tensor) -> list[Tensor | None]:
    """The gradients by the inputs and the parameters, as what can be differentiated."""
    # Views, lest the gradient by a parameter take in what an input owes to it.
    *inputs, flat = [tensor.view_as(tensor) for tensor in tensors]
    y = population._grouped(inputs, flat)  # noqa: SLF001 - its own second half
    needed = [tensor for tensor in (*inputs, flat) if tensor.requires_grad]
    found = iter(torch.autograd.grad(y, needed, upstream, create_graph=True, materialize_grads=True))
    return [next(found) if tensor.requires_grad else None for tensor in (*inputs, flat)]


def _can_be_stacked(activation: Activation) -> bool:
    return activation.is_pointwise and all(spec.granularity != "element" for spec in activation.parameters)
