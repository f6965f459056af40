"""A family: a catalog entry whose values can be asked for at any parameters, many settings at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from actsearch.analysis.catalog import Entry
from actsearch.compile.eager import Evaluator, compile_eager
from actsearch.compile.stability import stabilise
from actsearch.errors import ActsearchError
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Apply, walk

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A pointwise function of `x` with scalar parameters, as something to evaluate."""

    name: str
    year: int
    parameters: tuple[str, ...]
    initial: Array
    """Shape (parameters,)."""
    evaluator: Evaluator

    def values(self, u: Array, settings: Array) -> Array:
        """Values at `u`, shape (rows, points), with row i under the parameters `settings[i]`; NaN outside its domain.

        `settings` has the shape (rows, parameters).
        """
        named = {name: torch.from_numpy(settings[:, i : i + 1]) for i, name in enumerate(self.parameters)}
        with torch.no_grad():
            return self.evaluator({"x": torch.from_numpy(u), **named}).numpy()


def family_of(activation: Activation, *, name: str = "", year: int = 0) -> Family:
    """The family of an activation that `is_comparable`."""
    return Family(
        name=name,
        year=year,
        parameters=tuple(spec.name for spec in activation.parameters),
        initial=np.array([spec.scalar for spec in activation.parameters]),
        evaluator=compile_eager(stabilise(activation.expression)),
    )


def is_comparable(activation: Activation) -> bool:
    """Whether it can be compared by its values: of `x` alone, and with the derivative that its values have."""
    if activation.inputs != ("x",) or activation.unsupported_by_pointwise():
        return False
    return not any(isinstance(node, Apply) and node.operator == "detach" for node in walk(activation.expression))


def form(activation: Activation) -> str:
    """Hash of formula and initial values, blind to names and to what has a parameter of its own."""
    specs = (replace(spec, granularity="layer", shared=False) for spec in activation.parameters)
    return replace(activation, parameters=tuple(specs)).hash


def activations(entries: Iterable[Entry]) -> dict[str, tuple[Entry, Activation]]:
    """Entries that have one activation, by name, with it."""
    found = {}
    for entry in entries:
        try:
            found[entry.name] = (entry, entry.activation)
        except ActsearchError:
            continue
    return found
