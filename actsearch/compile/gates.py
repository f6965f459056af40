"""The tensors that a layer hands to its activation: x, and where it is gated, a gate."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from actsearch.errors import ConfigError

Gate = Literal["none", "given", "split"]
"""Whether a gate is read, and whether it comes as a tensor of its own or as the second half of x."""


def inputs(x: Tensor, gate: Tensor | None, kind: Gate, channel_dim: int) -> tuple[Tensor, ...]:
    """What the compiled activation takes of a call with `x` and `gate`.

    Raises `ConfigError` for a gate that is not read, one that is missing and one of another shape.
    """
    if kind == "none":
        if gate is not None:
            raise ConfigError("the activation reads no gate: call the layer with x alone.")
        return (x,)
    if kind == "split":
        return _halves(x, gate, channel_dim)
    if gate is None:
        raise ConfigError("the activation reads gate: call the layer with (x, gate), or build it with split=True.")
    if gate.shape != x.shape:
        raise ConfigError(f"x has the shape {tuple(x.shape)} and gate {tuple(gate.shape)}: give equal shapes.")
    return (x, gate)


def check_dimension(x: Tensor, channel_dim: int) -> None:
    """Raise `ConfigError` if `x` has no dimension `channel_dim`."""
    if not -x.dim() <= channel_dim < x.dim():
        raise ConfigError(f"channel_dim is {channel_dim}, but the input has only {x.dim()} dimension(s).")


def _halves(x: Tensor, gate: Tensor | None, channel_dim: int) -> tuple[Tensor, ...]:
    if gate is not None:
        raise ConfigError("the layer splits its one input (split=True): give no gate.")
    check_dimension(x, channel_dim)
    channels = x.shape[channel_dim]
    if channels % 2:
        raise ConfigError(
            f"dimension {channel_dim} of the input has {channels} channels: split=True needs an even number, x being "
            "the first half and gate the second."
        )
    return x.tensor_split(2, channel_dim)
