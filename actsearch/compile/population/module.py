"""A population as an `nn.Module`."""

from __future__ import annotations

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
from actsearch.compile.population.slots import Slot, slots_of
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

    The parameter `beta` of the activation of index 3 is called `beta_3` and has a value for each of its slices; its
    shape is that of `actsearch.compile.population.slots.Slot`. Those per channel get it from the first input.
    """

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
        self._names = tuple(map(_name, self._slots))
        self._shapes: dict[int, list[torch.Size]] = {}
        for slot in self._slots:
            self.register_parameter(_name(slot), _parameter(slot, copies))
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
        """The parameters of `values`; those of activations that take modules of their own are in these."""
        return self._slots

    @property
    def values(self) -> list[nn.Parameter]:
        """The tensor of each slot."""
        # Where they are if nothing stands in their place, as a parametrisation may: `getattr` takes longer.
        own = self._parameters
        return [own[name] if name in own else getattr(self, name) for name in self._names]  # type: ignore[misc]

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """The activations of `x`, (slices, ..., channels), and of its shape; `gate` is one for those that read it.

        Raises `ConfigError` for another number of slices, and for a gate that is missing or of another shape.
        """
        slices = len(self.activations) * self.copies
        check_shape(x, slices)
        inputs = gates.inputs(x, gate, self._gate, -1)
        values = self._fitted(x)
        if not self.others:
            return self._stack(inputs, values)
        parts: dict[int, Tensor] = {}
        if self._stacked:
            index = torch.tensor([self._slices(member) for member in self._stacked]).flatten().to(x.device)
            stacked = self._stack([tensor.index_select(0, index) for tensor in inputs], values)
            parts |= dict(zip(self._stacked, stacked.split(self.copies), strict=True))
        for key, layers in self.others.items():
            member = int(key)
            own = inputs if "gate" in self.activations[member].inputs else inputs[:1]
            pairs = zip(cast("nn.ModuleList", layers), self._slices(member), strict=True)
            parts[member] = torch.stack([layer(*(tensor[at] for tensor in own)) for layer, at in pairs])
        return torch.cat([parts[member] for member in range(len(self.activations))])

    def _stack(self, inputs: Sequence[Tensor], values: Sequence[Tensor]) -> Tensor:
        """Those activations that take no modules of their own."""
        # What is compiled is found in files and by Python.
        return untraced(self._computed)(inputs, values)

    def _computed(self, inputs: Sequence[Tensor], values: Sequence[Tensor]) -> Tensor:
        is_native = self._backend in (None, "llvm") and can_stack() and not is_transformed() and inputs[0].is_cpu
        if not is_native or {tensor.dtype for tensor in (*inputs, *values)} != {torch.float32}:
            return self.groups(inputs, values)
        return _Native.apply(self, len(inputs), *inputs, *values)  # type: ignore[no-any-return, no-untyped-call]

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

    def _fitted(self, x: Tensor) -> list[nn.Parameter]:
        """The tensor of each slot; those per channel get their shape from `x`, or are checked by it."""
        channels, values = x.shape[-1], self.values
        if channels not in self._shapes:
            self._shapes[channels] = [slot.shape(self.copies, channels) for slot in self._slots]
        shapes = self._shapes[channels]
        if UninitializedParameter in map(type, values):
            self._materialize(x)
        if [parameter.shape for parameter in values] != shapes:
            named = zip(self._names, shapes, values, strict=True)
            name, found = next((name, value.shape[-1]) for name, shape, value in named if value.shape != shape)
            raise ConfigError(
                f"the parameter {name} has {found} channels, but the last dimension of the input has {channels}."
            )
        return values

    def _materialize(self, x: Tensor) -> None:
        """Give the parameters that wait for their size the one that they have for `x`, and their numbers."""
        channels = x.shape[-1]
        for slot, shape, parameter in zip(self._slots, self._shapes[channels], self.values, strict=True):
            if isinstance(parameter, UninitializedParameter):
                parameter.materialize(tuple(shape), device=x.device)
                with torch.no_grad():
                    parameter.copy_(slot.initial(self.copies, channels))

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
        for slot in self._slots:
            name = _name(slot)
            parameter, saved = getattr(self, name), state_dict.get(prefix + name)
            waits = isinstance(parameter, UninitializedParameter)
            if waits and isinstance(saved, Tensor) and not isinstance(saved, UninitializedParameter):
                parameter.materialize(saved.shape)
        super()._load_from_state_dict(state_dict, prefix, *others)


class _Native(torch.autograd.Function):
    """Native calls under autograd; gradients that are to be differentiated again are those of the groups.

    Parameters are joined and their gradients parted in here: as operations of autograd, with nodes for each of 43
    parameters, that took 0.3 ms more, of 3.7 ms on one thread.
    """

    @staticmethod
    def forward(ctx: Any, population: Population, count: int, *tensors: Tensor) -> Tensor:
        inputs, native = tensors[:count], population.native
        ctx.population, ctx.count = population, count
        ctx.flat = native.flat(tensors[count:], inputs[0].shape[-1])
        ctx.save_for_backward(*tensors)
        return native.value(inputs, ctx.flat)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        if torch.is_grad_enabled():
            return (None, None, *_again(ctx.population, ctx.count, tensors, upstream[0]))
        inputs, native = tensors[: ctx.count], ctx.population.native
        found, sums = native.gradients(inputs, upstream[0], ctx.flat)
        return (None, None, *found, *native.views(sums, inputs[0].shape[-1]))


def _again(population: Population, count: int, tensors: Sequence[Tensor], upstream: Tensor) -> list[Tensor | None]:
    """The gradients by the inputs and the parameters, as what can be differentiated."""
    # Views, lest the gradient by a parameter take in what an input owes to it.
    views = [tensor.view_as(tensor) for tensor in tensors]
    y = population.groups(views[:count], views[count:])
    needed = [tensor for tensor in views if tensor.requires_grad]
    found = iter(torch.autograd.grad(y, needed, upstream, create_graph=True, materialize_grads=True))
    return [next(found) if tensor.requires_grad else None for tensor in views]


def _can_be_stacked(activation: Activation) -> bool:
    return activation.is_pointwise and all(spec.granularity != "element" for spec in activation.parameters)


def _parameter(slot: Slot, copies: int) -> nn.Parameter:
    """A slot's tensor; one without a shape where that depends on the channels, which are not known yet."""
    if slot.spec.granularity == "channel":
        return UninitializedParameter()  # type: ignore[return-value]
    return nn.Parameter(slot.initial(copies, groups_of(slot.spec) or 1).to(torch.get_default_dtype()))


def _name(slot: Slot) -> str:
    return f"{slot.spec.name}_{slot.member}"
