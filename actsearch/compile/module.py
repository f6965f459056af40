"""An activation as an `nn.Module`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from actsearch.compile import backend as backends
from actsearch.compile import gates, library, parameters
from actsearch.compile.backend import Function
from actsearch.compile.fused import Fused, running_tensors, swept_tensors
from actsearch.compile.reference import Estimates
from actsearch.compile.saving import BUDGETS, INPUT, Keeping, check, plan_of
from actsearch.compile.saving import library as saving_library
from actsearch.compile.stages import stage
from actsearch.compile.statistics.reductions import estimates, update
from actsearch.compile.tracing import untraced
from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation


def build(
    activation: Activation,
    *,
    backend: str | None = None,
    gain: float = 1.0,
    channels: int | None = None,
    channel_dim: int = 1,
    split: bool = False,
    saving: str = INPUT,
    shared: MutableMapping[str, nn.Parameter] | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    cache: Path | None = None,
) -> ActivationModule:
    """The layer that computes `gain` times `activation`, with its learnable parameters.

    `backend` is a name or the path of a `backend.py`; None takes the best for the device of each input. `channels`
    is the size of the dimension `channel_dim` of the inputs and is needed for per-channel parameters only; None takes
    it from the first input. With `split` an activation of two inputs takes one tensor: x is the first half of its
    channels, gate the second. `saving` says what is kept for the backward: "input"; "output", with a bit or two where
    that says what the derivative is; "bits:1" to "bits:4", to which the derivative is rounded; "auto", what keeps least
    within a budget of gradient error (`actsearch.compile.saving`). Parameters that sites share are taken from `shared`,
    by name, or put there. `cache` is the folder of generated kernels (None: the user's cache). Raises
    `UnknownNameError` for an unknown backend, `ConfigError` for `channels` that cannot be, for `split` where no gate is
    read, or for a `saving` that is not for the activation.
    """
    if split and "gate" not in activation.inputs:
        raise ConfigError(f"split=True is for activations of x and gate, and {activation.text[:60]!r} reads no gate.")
    check(saving)
    if backend is not None:
        backends.load_backend(backend)
    return ActivationModule(
        activation, backend=backend, gain=gain, channels=channels, channel_dim=channel_dim, split=split, saving=saving,
        shared=shared, device=device, dtype=dtype, cache=cache,
    )  # fmt: skip


class ActivationModule(nn.Module):
    """`gain` times an activation; `actsearch.compile.parameters` says the shapes of its parameters. See `build`."""

    def __init__(
        self,
        activation: Activation,
        *,
        backend: str | None,
        gain: float,
        channels: int | None,
        channel_dim: int,
        split: bool,
        saving: str,
        shared: MutableMapping[str, nn.Parameter] | None,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        cache: Path | None,
    ) -> None:
        super().__init__()
        if channels is not None and channels < 1:
            raise ConfigError(f"channels is {channels}: give a positive number, or None for that of the first input.")
        self.activation, self.gain, self.channel_dim = activation, float(gain), channel_dim
        self._backend, self._saving, self._cache = backend, saving, cache
        self._described = {
            training: library.describe(activation, gain=self.gain, backend=backend, cache=cache, training=training)
            for training in (True, False)
        }
        # Asked beforehand, because torch.compile is not to look into how a plan is made.
        self._kept = frozenset(
            found for found in BUDGETS if plan_of(activation, saving, found, gain=self.gain) is not None
        )
        self._described_saving = saving_library.describe(self._described[True], saving)
        self._gate: gates.Gate = "split" if split else "given" if "gate" in activation.inputs else "none"
        # Whether torch.compile is to keep its kernels as an operator.
        self._is_operator = backend != backends.REFERENCE or saving != INPUT
        self._functions: dict[torch.device, Function] = {}
        for spec in activation.parameters:
            known = shared if shared is not None and spec.shared else {}
            if spec.name not in known:
                known[spec.name] = parameters.make(spec, channels, device, dtype)
            self.register_parameter(attribute(spec.name), known[spec.name])
        self._attributes = tuple(attribute(spec.name) for spec in activation.parameters)
        # A parameter per layer fits every input.
        self._fitted = [(i, spec) for i, spec in enumerate(activation.parameters) if spec.granularity != "layer"]
        self._estimates = tuple(estimates(activation.expression, 1))
        # Training differs from evaluation where there is something to be estimated or to be drawn.
        self._has_modes = bool(self._estimates) or activation.is_stochastic
        self._staged = {
            mode: stage(activation, gain=self.gain, training=mode) for mode in (True, False) if self._has_modes
        }
        for index, (_, value) in enumerate(estimates(activation.expression, channels or 0, device).items()):
            self.register_buffer(f"running_{index}", value)

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """The activation of `x` (and `gate`, of its shape), of the shape, dtype and device of `x`.

        Raises `ConfigError` for a gate that the activation does not read, one that it misses or one of another shape.
        """
        inputs = gates.inputs(x, gate, self._gate, self.channel_dim)
        x = inputs[0]
        own = [getattr(self, name) for name in self._attributes]
        for index, spec in self._fitted:
            parameters.fit(own[index], spec, x, self.channel_dim)
        if torch.compiler.is_compiling() and self._is_operator:
            return self._operator(inputs, own)
        return self._function(x.device)(inputs, own, self.channel_dim, self._known(x))

    def _operator(self, inputs: Sequence[Tensor], own: Sequence[Tensor]) -> Tensor:
        """The layer as an operator of torch."""
        x, training = inputs[0], self.training or not self._has_modes
        if x.dtype in self._kept and torch.is_grad_enabled() and x.requires_grad:
            return saving_library.call(self._described_saving, x, self.channel_dim)
        tensors = [*swept_tensors(self.activation, own, x, self.channel_dim)]
        known, staged = self._known(x), self._staged.get(training)
        if known is not None and staged is not None and not training:
            tensors += running_tensors(staged, known.running)
        noise = len(staged.noise) if staged is not None else 0
        y, batch = library.call(self._described[training], inputs, noise, tensors, self.channel_dim)
        if known is not None and batch:
            for running, value in zip(known.running.values(), batch, strict=True):
                update(running, value.to(running.dtype))
        return y

    def _known(self, x: Tensor) -> Estimates | None:
        """What a call needs to know; running estimates get their size from the first input."""
        if not self._estimates:
            return Estimates(self.training, {}) if self._has_modes else None
        buffers = [getattr(self, f"running_{index}") for index in range(len(self._estimates))]
        if not buffers[0].numel():
            fresh = estimates(self.activation.expression, x.shape[self.channel_dim], x.device)
            buffers = list(fresh.values())
            for index, buffer in enumerate(buffers):
                self.register_buffer(f"running_{index}", buffer)
        return Estimates(self.training, dict(zip(self._estimates, buffers, strict=True)))

    def prepare(self, x: Tensor, worker: Executor) -> Future[None] | None:
        """Have `worker` compile the kernels for inputs like `x`; None where there is nothing to compile ahead."""
        inputs = gates.inputs(x, x if self._gate == "given" else None, self._gate, self.channel_dim)
        for spec in self.activation.parameters:
            parameters.fit(getattr(self, attribute(spec.name)), spec, inputs[0], self.channel_dim)
        function = self._function(x.device)
        return function.prepare(inputs[0], self.channel_dim, worker) if isinstance(function, Fused) else None

    def extra_repr(self) -> str:
        """The expression, and what differs from the defaults."""
        parts = [self.activation.text]
        if self.gain != 1:
            parts.append(f"gain={self.gain:g}")
        if self.channel_dim != 1:
            parts.append(f"channel_dim={self.channel_dim}")
        if self._saving != INPUT:
            parts.append(f"saving={self._saving!r}")
        return ", ".join(parts)

    def __getstate__(self) -> dict[str, Any]:
        # Compiled functions hold modules, which neither copy nor pickle; they are made again where they are used.
        return {**self.__dict__, "_functions": {}}

    def _function(self, device: torch.device) -> Function:
        if device not in self._functions:
            # Files are read and written there.
            self._functions[device] = untraced(self._compile)(device)
        return self._functions[device]

    def _compile(self, device: torch.device) -> Function:
        function = backends.compile_for(self.activation, device, self._backend, gain=self.gain, cache=self._cache)
        return function if self._saving == INPUT else Keeping(function, self.activation, self._saving, self.gain)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:  # noqa: FBT001
        for name, parameter in self.named_parameters(recurse=False):
            # A parameter that still waits for its size cannot be detached.
            as_it_is = keep_vars or isinstance(parameter, UninitializedParameter)
            destination[prefix + name] = parameter if as_it_is else parameter.detach()
        for name, buffer in self.named_buffers(recurse=False):
            destination[prefix + name] = buffer

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *others: Any) -> None:
        for index in range(len(self._estimates)):
            saved = state_dict.get(f"{prefix}running_{index}")
            if isinstance(saved, Tensor) and not getattr(self, f"running_{index}").numel():
                self.register_buffer(f"running_{index}", torch.empty_like(saved))
        for spec in self.activation.parameters:
            parameter, saved = getattr(self, attribute(spec.name)), state_dict.get(prefix + attribute(spec.name))
            waits = isinstance(parameter, UninitializedParameter)
            if waits and isinstance(saved, Tensor) and not isinstance(saved, UninitializedParameter):
                parameter.materialize(saved.shape)
        super()._load_from_state_dict(state_dict, prefix, *others)


def attribute(name: str) -> str:
    """The module's attribute that holds the parameter `name`: its name, unless a module already has such a thing."""
    taken = hasattr(nn.Module, name) or name in _OWN or _ESTIMATE.fullmatch(name) or keyword.iskeyword(name)
    return f"{name}_" if taken else name


_ESTIMATE = re.compile(r"running_\d+")
_OWN = frozenset({"activation", "gain", "channels", "channel_dim", "inplace", "training"})
