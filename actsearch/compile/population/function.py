"""A population without state: one native call for a forward, one for a backward, no autograd."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol, Self, cast

import torch
from torch import Tensor

from actsearch.compile import backend as backends
from actsearch.compile.population.slots import BACKWARD, FORWARD, WITH_SLOPE, Layout, Slot, slots_of
from actsearch.compile.stages import Staged, inputs_of, stage
from actsearch.errors import ConfigError, UnsupportedError
from actsearch.grammar.activation import Activation

_MOST_TABLES, _MOST_PARTS = 32, 16


class Table(Protocol):
    """A population's forward or backward on slices of one shape."""

    def run(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], parameters: Tensor, sums: Tensor | None) -> None:
        """Compute the outputs, and the gradients by the parameters, which are laid out like these."""


class Compiler(Protocol):
    """What a backend has, as `stack()`, if it can run populations in one call: see `kernels/llvm/stack.py`."""

    def member(self, staged: Staged) -> Any:
        """An activation, compiled; raises `UnsupportedError` for what it cannot take."""

    def numbers(self, *, offset: int, stride: int, places: int) -> Any:
        """Where the numbers of one of a sweep's parameters are."""

    def table(self, **options: Any) -> Table:
        """Forward or backward of members."""


class PopulationFunction:
    """Activations on consecutive slices of a stacked tensor, `copies` slices each, with parameters of their own.

    Slices are float32 on the CPU, of any shape whose last dimension has the channels. Parameters are one flat tensor,
    whose `views` are the slots; a sequence of tensors, one for each slot, is taken too and costs a copy. A slice's
    results are the same bits whatever other slices there are, in whatever order, and on however many threads.

    Raises `UnsupportedError`, which names the activation, for statistics, draws and parameters per element.
    """

    slots: tuple[Slot, ...]

    def __init__(
        self, activations: Sequence[Activation], *, gains: Sequence[float] | None = None, copies: int = 1
    ) -> None:
        gains = checked_gains(activations, gains, copies)
        compiler = _compiler()
        members = []
        for activation, gain in zip(activations, gains, strict=True):
            try:
                members.append(compiler.member(stage(activation, gain=gain)))
            except UnsupportedError as error:
                raise UnsupportedError(f"{activation.text[:60]!r} cannot be stacked: {error}") from error
        self._start(compiler, tuple(activations), tuple(gains), members, copies)

    def _start(
        self,
        compiler: Compiler,
        activations: tuple[Activation, ...],
        gains: tuple[float, ...],
        members: list[Any],
        copies: int,
    ) -> None:
        self._compiler, self._members, self.copies = compiler, members, copies
        self.activations, self.gains = activations, gains
        self.slots = slots_of(activations)
        self.inputs = max(map(inputs_of, activations), key=len)
        """`("x",)`, or `("x", "gate")` if some activation reads a gate."""
        self._tables: dict[tuple[int, tuple[int, ...]], Table] = {}
        self._layouts: dict[int, Layout] = {}
        self._parts: dict[tuple[int, ...], Self] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Addresses of this process are nothing to another one, nor to a copy.
        return _again, (self.activations, self.gains, self.copies)

    def only(self, kept: Sequence[int]) -> Self:
        """The population of the activations at the indices `kept`, nothing compiled again.

        `layout(channels).positions(kept)` says where their numbers are in the flat tensor of this one. Those that ask
        for the same activations share one function, and so the tables that it makes of them.
        """
        key = tuple(kept)
        if key not in self._parts:
            if len(self._parts) >= _MOST_PARTS:
                self._parts.clear()
            self._parts[key] = self._only(key)
        return self._parts[key]

    def _only(self, kept: Sequence[int]) -> Self:
        found = type(self).__new__(type(self))
        members = [self._members[index] for index in kept]
        activations = tuple(self.activations[index] for index in kept)
        gains = tuple(self.gains[index] for index in kept)
        found._start(self._compiler, activations, gains, members, self.copies)  # noqa: SLF001
        return found

    def layout(self, channels: int) -> Layout:
        """How the flat tensor of all parameters is laid out."""
        if channels not in self._layouts:
            self._layouts[channels] = Layout(slots=self.slots, copies=self.copies, channels=channels)
        return self._layouts[channels]

    def initial(self, channels: int) -> Tensor:
        """The flat tensor of all parameters before training, float32."""
        return self.layout(channels).initial().float()

    def views(self, flat: Tensor, channels: int) -> tuple[Tensor, ...]:
        """The slots of a flat tensor of parameters or of their gradients."""
        return self.layout(channels).views(flat)

    def forward(self, x: Tensor, parameters: Tensor | Sequence[Tensor]) -> Tensor:
        """The activations of `x`, of its shape: (slices, ..., channels)."""
        return self.value((x,), self.flat(parameters, x.shape[-1]))

    def backward(
        self, x: Tensor, upstream: Tensor, parameters: Tensor | Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | Sequence[Tensor]]:
        """The gradients by `x`, of its shape, and by each slice's parameters: flat, or a list as these are given."""
        (dx,), gradients = self.gradients((x,), upstream, self.flat(parameters, x.shape[-1]))
        return dx, gradients if isinstance(parameters, Tensor) else self.views(gradients, x.shape[-1])

    def flat(self, parameters: Tensor | Sequence[Tensor], channels: int) -> Tensor:
        """Parameters as one flat tensor."""
        return parameters if isinstance(parameters, Tensor) else self.layout(channels).flat(parameters)

    def value(self, inputs: Sequence[Tensor], flat: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The activations of `inputs`, tensors of one shape: x, and gate if some activation reads it.

        `out` is a contiguous tensor for them.
        """
        given = self._given(inputs, flat)
        y = torch.empty_like(given[0]) if out is None else out
        if y.numel():
            self._table(FORWARD, given[0].shape).run(given, [y], flat.contiguous(), None)
        return y

    def value_and_slope(self, x: Tensor, *, out: tuple[Tensor, Tensor]) -> None:
        """The activations of `x` and their derivatives by it, into two contiguous tensors.

        That takes less than `value` and, later, `gradients`. Only for functions of x alone, without parameters.
        """
        if self.slots or self.inputs != ("x",):
            raise ConfigError("a population with parameters or gates has no slopes: ask for gradients.")
        given = self._given((x,), torch.empty(0))
        if x.numel():
            self._table(WITH_SLOPE, x.shape).run(given, out, torch.empty(0), None)

    def gradients(
        self, inputs: Sequence[Tensor], upstream: Tensor, flat: Tensor, *, out: Sequence[Tensor] | None = None
    ) -> tuple[Sequence[Tensor], Tensor]:
        """By each of `inputs`, and by the flat parameters, of what has the gradient `upstream` by the value.

        `out` has contiguous tensors for the former.
        """
        given = self._given((*inputs, upstream), flat)
        found = [torch.empty_like(tensor) for tensor in given[:-1]] if out is None else out
        if not upstream.numel():
            return found, torch.zeros_like(flat)
        sums = torch.empty_like(flat, memory_format=torch.contiguous_format)
        self._table(BACKWARD, given[0].shape).run(given, found, flat.contiguous(), sums)
        return found, sums

    def _given(self, tensors: Sequence[Tensor], flat: Tensor) -> list[Tensor]:
        """The tensors as the native call reads them; raises `ConfigError` for what it cannot take."""
        x = tensors[0]
        check_shape(x, len(self.activations) * self.copies)
        for tensor in tensors:
            if tensor.shape != x.shape:
                raise ConfigError(
                    f"a population of inputs {tuple(x.shape)} cannot take a tensor {tuple(tensor.shape)}."
                )
        for tensor in (*tensors, flat):
            if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
                raise ConfigError(
                    f"a stacked call takes float32 on the CPU, not {tensor.dtype} on {tensor.device}: see Population."
                )
        if flat.numel() != self.layout(x.shape[-1]).size:
            raise ConfigError(
                f"the population has {self.layout(x.shape[-1]).size} parameters for {x.shape[-1]} channels, but "
                f"{flat.numel()} are given."
            )
        return [tensor.contiguous() for tensor in tensors]

    def _table(self, kind: int, shape: torch.Size) -> Table:
        key = (kind, shape)
        if key not in self._tables:
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
            self._tables[key] = self._compiler.table(
                members=self._members,
                kind=kind,
                copies=self.copies,
                numbers=self._numbers(shape[-1]),
                channels=shape[-1],
                elements=shape[1:].numel(),
                inputs=(*self.inputs, "upstream") if kind == BACKWARD else self.inputs,
            )
        return self._tables[key]

    def _numbers(self, channels: int) -> list[list[Any]]:
        """For each activation where the numbers of its sweep's parameters are; entries of arrays are parameters."""
        found: list[list[Any]] = [[] for _ in self.activations]
        for slot, offset in zip(self.slots, self.layout(channels).offsets, strict=False):
            places, length = slot.places(channels), slot.spec.length or 1
            found[slot.member] += [
                self._compiler.numbers(offset=offset + entry * places, stride=length * places, places=places)
                for entry in range(length)
            ]
        return found


def _again(activations: Sequence[Activation], gains: Sequence[float], copies: int) -> PopulationFunction:
    return PopulationFunction(activations, gains=gains, copies=copies)


def checked_gains(activations: Sequence[Activation], gains: Sequence[float] | None, copies: int) -> Sequence[float]:
    """The gain of each activation; raises `ConfigError` for a population that cannot be."""
    if not activations:
        raise ConfigError("a population needs at least one activation.")
    if copies < 1:
        raise ConfigError(f"copies is {copies}: give a positive number of slices for each activation.")
    if gains is None:
        return [1.0] * len(activations)
    if len(gains) != len(activations):
        raise ConfigError(f"there are {len(gains)} gains for {len(activations)} activations: give one for each.")
    return gains


def check_shape(x: Tensor, slices: int) -> None:
    """Raise `ConfigError` unless `x` is a stack of that many slices."""
    if x.dim() < 2 or x.shape[0] != slices:
        raise ConfigError(
            f"the population has {slices} slices, but the input has the shape {tuple(x.shape)}: give (slices, ..., "
            "channels)."
        )


@functools.cache
def can_stack() -> bool:
    """Whether the best backend for the CPU runs populations in one call; it looks at the folder of backends once."""
    return hasattr(backends.best(torch.device("cpu")), "stack")


def _compiler() -> Compiler:
    backend = backends.best(torch.device("cpu"))
    if not can_stack():
        raise UnsupportedError(f"the backend {backend.name} runs no populations in one call.")
    return cast("Compiler", backend.stack())  # type: ignore[attr-defined]
