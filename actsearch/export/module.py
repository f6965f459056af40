"""An activation as one readable Python file with one public `nn.Module`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actsearch import __version__
from actsearch.compile.artifact import write_whole
from actsearch.compile.lanes import gains_of, lanes_of
from actsearch.errors import ConfigError
from actsearch.export import general, lanes, layers, pointwise
from actsearch.grammar.activation import Activation, Candidate


def export_module(
    winner: Activation | Candidate,
    *,
    gain: float | Sequence[float] = 1.0,
    class_name: str | None = None,
    lineage: Mapping[str, Any] | None = None,
    version: str = __version__,
) -> str:
    """Source of a module that computes `gain` times a winner and needs torch alone.

    Of a candidate of several activations `gain` is one number for all, or one for each in the order of the assignment.
    Lanes stand side by side in one layer; of activations for layers the module is told which by `layer=`, from 1. What
    Triton can embed goes along: functions of `x` with a number per layer or channel for parameters. `lineage` is
    printed into the header as it is given, a line an entry. Raises `ConfigError` for a class name that is none,
    `UnsupportedError` for layers that read gate, and for a candidate that assigns to lanes and layers.
    """
    name = class_name or "Activation"
    if not re.fullmatch(r"[A-Z][A-Za-z0-9_]*", name):
        raise ConfigError(f"{name!r} is no class name: begin with a capital letter, go on with letters and digits.")
    said: dict[str, Any] = {"class_name": name, "lineage": lineage or {}, "version": version}
    candidate = Candidate.everywhere(winner) if isinstance(winner, Activation) else winner
    gains = tuple(gain) if isinstance(gain, Sequence) else (gain,) * len(candidate.assignment)
    if not candidate.is_everywhere:
        if (activations := layers.layers_of(candidate)) is not None:
            by_layer = dict(zip((selector for selector, _ in candidate.assignment), gains, strict=True))
            gains = tuple(by_layer[f"layer:{number}"] for number in range(1, len(gains) + 1))
            return layers.page(activations, identity=candidate.id, gains=gains, **said)
        return lanes.page(lanes_of(candidate), identity=candidate.id, gains=gains_of(candidate, gains), **said)
    said["gain"] = gains[0]
    activation = candidate.activation
    return pointwise.page(activation, **said) if pointwise.takes(activation) else general.page(activation, **said)


def write(path: Path, source: str) -> None:
    """Write the `source` of a module to the file `path`, whole or not at all. Raises `StoreError`."""
    write_whole(path, source)
