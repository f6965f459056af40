"""An activation as one readable Python file with one public `nn.Module`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actsearch import __version__
from actsearch.compile.artifact import write_whole
from actsearch.compile.lanes import lanes_of
from actsearch.errors import ConfigError
from actsearch.export import general, lanes, pointwise
from actsearch.grammar.activation import Activation, Candidate


def export_module(
    winner: Activation | Candidate,
    *,
    gain: float = 1.0,
    class_name: str | None = None,
    lineage: Mapping[str, Any] | None = None,
    version: str = __version__,
) -> str:
    """Source of a module that computes `gain` times an activation, or the lanes of a candidate, and needs torch alone.

    What Triton can embed goes along: functions of `x` with a number per layer or channel for parameters. `lineage` is
    printed into the header as it is given, a line an entry. Raises `ConfigError` for a class name that is none,
    `UnsupportedError` for a candidate that assigns activations to sites: each of these is a module of its own.
    """
    name = class_name or "Activation"
    if not re.fullmatch(r"[A-Z][A-Za-z0-9_]*", name):
        raise ConfigError(f"{name!r} is no class name: begin with a capital letter, go on with letters and digits.")
    said: dict[str, Any] = {"gain": gain, "class_name": name, "lineage": lineage or {}, "version": version}
    if isinstance(winner, Candidate):
        if not winner.is_everywhere:
            return lanes.page(lanes_of(winner), identity=winner.id, **said)
        winner = winner.activation
    return pointwise.page(winner, **said) if pointwise.takes(winner) else general.page(winner, **said)


def write(path: Path, source: str) -> None:
    """Write the `source` of a module to the file `path`, whole or not at all. Raises `StoreError`."""
    write_whole(path, source)
