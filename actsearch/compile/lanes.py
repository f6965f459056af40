"""Activations as lanes: each computes some channels of the output of the same inputs, as MaxMin and CReLU do.

Output lane k is what the activation with the selector `lane:k` computes, and the lanes stand one after the other along
the channels. They read x, or where one of them reads a gate, the halves x and gate of their one input. Sources: Shang,
Sohn, Almeida, Lee (2016), arXiv:1603.05201, for concatenated ReLU; Anil, Lucas, Grosse (2019), arXiv:1811.05381, for
MaxMin.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from actsearch.compile import gates
from actsearch.compile.module import build
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation, Candidate


def lanes_of(candidate: Candidate) -> tuple[Activation, ...]:
    """The activations of a candidate's lanes, by number; raises `UnsupportedError` if it assigns to anything else."""
    lanes = dict(candidate.assignment)
    selectors = [f"lane:{number}" for number in range(1, len(candidate.assignment) + 1)]
    if not lanes or sorted(lanes) != sorted(selectors):
        found = ", ".join(dict.fromkeys(selector for selector, _ in candidate.assignment)) or "nothing"
        raise UnsupportedError(
            f"a layer is made of one activation, or of lane:1, lane:2 and so on, but the candidate assigns to "
            f"{found[:60]}: take `activation.module()` for each."
        )
    return tuple(lanes[selector] for selector in selectors)


def gains_of(candidate: Candidate, gain: float | Sequence[float]) -> tuple[float, ...]:
    """The gains of a candidate's lanes, by number, where `gain` is one for all or has them in order of assignment."""
    if not isinstance(gain, Sequence):
        return (float(gain),) * len(candidate.assignment)
    found = {selector: own for (selector, _), own in zip(candidate.assignment, gain, strict=True)}
    return tuple(float(found[f"lane:{number}"]) for number in range(1, len(found) + 1))


def build_candidate(candidate: Candidate, **options: Any) -> nn.Module:
    """The layer of a candidate: that of its one activation (see `build`), else its lanes (see `build_lanes`)."""
    return build(candidate.activation, **options) if candidate.is_everywhere else build_lanes(candidate, **options)


def build_lanes(
    candidate: Candidate,
    *,
    backend: str | None = None,
    gain: float | Sequence[float] = 1.0,
    channels: int | None = None,
    channel_dim: int = 1,
    shared: MutableMapping[str, nn.Parameter] | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    cache: Path | None = None,
) -> LanesModule:
    """The layer whose output has the lanes of `candidate`, each times `gain`, one after the other along `channel_dim`.

    `gain` is one number for all of them, or one for each activation in the order of the assignment. `channels` is the
    number of channels of x, which is half of the input's where some lane reads a gate; None takes it from the first
    input. The other options are those of `actsearch.compile.module.build`. Lanes have parameters of their own, but for
    those that are marked as shared: these are one in all lanes. Raises `UnsupportedError` for a candidate that assigns
    to anything but lanes.
    """
    lanes = lanes_of(candidate)
    together = {} if shared is None else shared
    layers = [
        build(
            lane, backend=backend, gain=own, channels=channels, channel_dim=channel_dim, shared=together,
            device=device, dtype=dtype, cache=cache,
        )
        for lane, own in zip(lanes, gains_of(candidate, gain), strict=True)
    ]  # fmt: skip
    return LanesModule(layers, [lane.inputs for lane in lanes], channel_dim)


class LanesModule(nn.Module):
    """Layers side by side, called `lane_1`, `lane_2` and so on; `reads` has the inputs that each of them takes."""

    def __init__(self, layers: Sequence[nn.Module], reads: Sequence[tuple[str, ...]], channel_dim: int) -> None:
        super().__init__()
        self.channel_dim = channel_dim
        self._takes_gate = ["gate" in names for names in reads]
        self._gate: gates.Gate = "split" if any(self._takes_gate) else "none"
        for number, layer in enumerate(layers, 1):
            self.add_module(f"lane_{number}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """The lanes of `x`, along `channel_dim`; of the dtype and device of `x`.

        Raises `ConfigError` for an input without that dimension, or of an odd number of channels where it is halved.
        """
        gates.check_dimension(x, self.channel_dim)
        inputs = gates.inputs(x, None, self._gate, self.channel_dim)
        return torch.cat(list(self._lanes(inputs)), self.channel_dim)

    def _lanes(self, inputs: tuple[Tensor, ...]) -> Iterator[Tensor]:
        for layer, takes_gate in zip(self.children(), self._takes_gate, strict=True):
            yield layer(*(inputs if takes_gate else inputs[:1]))
