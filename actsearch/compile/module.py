"""An activation as an `nn.Module`."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from actsearch.compile import backend as backends
from actsearch.compile.backend import Function
from actsearch.compile.stages import refuse_gate
from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation, ParameterSpec


def build(
    activation: Activation,
    *,
    backend: str | None = None,
    gain: float = 1.0,
    channels: int | None = None,
    channel_dim: int = 1,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    cache: Path | None = None,
) -> ActivationModule:
    """The layer that computes `gain` times `activation`, with its learnable parameters.

    `backend` is a name or the path of a `backend.py`; None takes the best for the device of each input. `channels`
    is the size of the dimension `channel_dim` of the inputs and is needed for per-channel parameters only; None takes
    it from the first input. `cache` is the folder of generated kernels (None: the user's cache). Raises
    `UnsupportedError` for an activation of two inputs, `UnknownNameError` for an unknown backend, `ConfigError` for
    `channels` or a gain that cannot be.
    """
    refuse_gate(activation)
    if backend is not None:
        backends.load_backend(backend)
    return ActivationModule(
        activation, backend=backend, gain=gain, channels=channels, channel_dim=channel_dim, device=device, dtype=dtype,
        cache=cache,
    )  # fmt: skip


class ActivationModule(nn.Module):
    """`gain` times an activation; parameters have shape (1,) per layer and (channels,) per channel. See `build`."""

    def __init__(
        self,
        activation: Activation,
        *,
        backend: str | None,
        gain: float,
        channels: int | None,
        channel_dim: int,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        cache: Path | None,
    ) -> None:
        super().__init__()
        if channels is not None and channels < 1:
            raise ConfigError(f"channels is {channels}: give a positive number, or None for that of the first input.")
        self.activation, self.gain, self.channel_dim = activation, float(gain), channel_dim
        self._backend, self._cache = backend, cache
        self._functions: dict[torch.device, Function] = {}
        for spec in activation.parameters:
            size = 1 if spec.granularity == "layer" else channels
            self.register_parameter(attribute(spec.name), _parameter(spec, size, device, dtype))

    def forward(self, x: Tensor) -> Tensor:
        """The activation of `x`, of its shape, dtype and device."""
        if self.activation.is_per_channel:
            self._fit_channels(x)
        parameters = {spec.name: getattr(self, attribute(spec.name)) for spec in self.activation.parameters}
        return self._function(x.device)(x, parameters, self.channel_dim)

    def extra_repr(self) -> str:
        """The expression, and what differs from the defaults."""
        parts = [self.activation.text]
        if self.gain != 1:
            parts.append(f"gain={self.gain:g}")
        if self.activation.is_per_channel and self.channel_dim != 1:
            parts.append(f"channel_dim={self.channel_dim}")
        return ", ".join(parts)

    def __getstate__(self) -> dict[str, Any]:
        # Compiled functions hold modules, which neither copy nor pickle; they are made again where they are used.
        return {**self.__dict__, "_functions": {}}

    def _function(self, device: torch.device) -> Function:
        if device not in self._functions:
            self._functions[device] = self._compile(device)
        return self._functions[device]

    # Files are read and written here, which torch.compile is not to look into.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _compile(self, device: torch.device) -> Function:
        backend = backends.load_backend(self._backend) if self._backend else backends.best(device)
        backends.require(backend, device)
        return backend.compile(self.activation, gain=self.gain, cache=self._cache)

    def _fit_channels(self, x: Tensor) -> None:
        """Check the size of the channel dimension, and give parameters without a shape theirs."""
        if not -x.dim() <= self.channel_dim < x.dim():
            raise ConfigError(f"channel_dim is {self.channel_dim}, but the input has only {x.dim()} dimension(s).")
        size = x.shape[self.channel_dim]
        for spec in self.activation.parameters:
            parameter = getattr(self, attribute(spec.name))
            if spec.granularity == "layer":
                continue
            if isinstance(parameter, UninitializedParameter):
                parameter.materialize((size,), device=x.device)
                nn.init.constant_(parameter, spec.initial)
            if parameter.numel() != size:
                raise ConfigError(
                    f"the parameter {spec.name} has {parameter.numel()} channels, but dimension {self.channel_dim} of "
                    f"the input has {size}."
                )

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:  # noqa: FBT001
        for name, parameter in self.named_parameters(recurse=False):
            # A parameter that still waits for its size cannot be detached.
            as_it_is = keep_vars or isinstance(parameter, UninitializedParameter)
            destination[prefix + name] = parameter if as_it_is else parameter.detach()

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *others: Any) -> None:
        for spec in self.activation.parameters:
            parameter, saved = getattr(self, attribute(spec.name)), state_dict.get(prefix + attribute(spec.name))
            waits = isinstance(parameter, UninitializedParameter)
            if waits and isinstance(saved, Tensor) and not isinstance(saved, UninitializedParameter):
                parameter.materialize(saved.shape)
        super()._load_from_state_dict(state_dict, prefix, *others)


def attribute(name: str) -> str:
    """The module's attribute that holds the parameter `name`: its name, unless a module already has such a thing."""
    taken = hasattr(nn.Module, name) or name in _OWN or keyword.iskeyword(name)
    return f"{name}_" if taken else name


_OWN = frozenset({"activation", "gain", "channels", "channel_dim", "inplace", "training"})


def _parameter(
    spec: ParameterSpec, size: int | None, device: torch.device | str | None, dtype: torch.dtype | None
) -> nn.Parameter:
    if size is None:
        return UninitializedParameter(device=device, dtype=dtype)  # type: ignore[call-arg, return-value]
    return nn.Parameter(torch.full((size,), spec.initial, device=device, dtype=dtype))
