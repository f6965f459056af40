"""A family: a catalog entry whose values can be asked for at any parameters, many settings at once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from actsearch.analysis.catalog import Entry
from actsearch.analysis.novelty.points import Array
from actsearch.compile.eager import Evaluator, compile_eager
from actsearch.compile.stability import stabilise
from actsearch.errors import ActsearchError
from actsearch.grammar.activation import Activation
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, rename, walk
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.parameter import ParameterSpec

_PERIODIC = frozenset({"sin", "cos", "tan", "sinc"})
_PIECES = frozenset({"maximum", "minimum", "greater", "equal", "where", "elu"})
_COSTLY = frozenset({"mittag_leffler"})
_MOST_ORDERS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A pointwise function of `x` with scalar parameters, as something to evaluate."""

    name: str
    year: int
    parameters: tuple[str, ...]
    initial: Array
    """Shape (parameters,)."""
    evaluator: Evaluator
    is_periodic: bool
    """Whether something in it oscillates."""
    is_costly: bool
    """Whether its values take hundreds of steps."""
    has_pieces: bool
    """Whether it is made of pieces, each of them a simpler function."""

    def values(self, u: Array, settings: Array) -> Array:
        """Values at `u`, shape (rows, points), with row i under the parameters `settings[i]`; NaN outside its domain.

        `settings` has the shape (rows, parameters).
        """
        named = {name: torch.from_numpy(settings[:, i : i + 1]) for i, name in enumerate(self.parameters)}
        return self.evaluator({"x": torch.from_numpy(u), **named}).numpy()


def family_of(activation: Activation, *, name: str = "", year: int = 0) -> Family:
    """The family of an activation that `is_comparable`."""
    operators = {node.operator for node in walk(activation.expression) if isinstance(node, Apply)}
    return Family(
        name=name,
        year=year,
        parameters=tuple(spec.name for spec in activation.parameters),
        initial=np.array([spec.scalar for spec in activation.parameters]),
        evaluator=compile_eager(stabilise(activation.expression)),
        is_periodic=bool(operators & _PERIODIC),
        is_costly=bool(operators & _COSTLY),
        has_pieces=bool(operators & _PIECES) or any(OPERATORS[name].kinks for name in operators),
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


def kind(activation: Activation) -> str:
    """Hash of the formula alone, as `form`; that of an array keeps its values."""
    specs = (spec if spec.length else ParameterSpec(name=spec.name) for spec in activation.parameters)
    return form(replace(activation, parameters=tuple(specs)))


def aligned(activation: Activation, other: Activation) -> dict[str, float]:
    """Values of the scalar parameters of `other` that make it `activation`, which is of the same `kind`."""
    names = [spec.name for spec in other.parameters]
    values = {spec.name: spec.initial for spec in activation.parameters}
    for order in itertools.islice(itertools.permutations(values), _MOST_ORDERS):
        if canonical(rename(activation.expression, dict(zip(order, names, strict=True)))) == other.expression:
            found = dict(zip(names, (values[name] for name in order), strict=True))
            return {name: value for name, value in found.items() if not isinstance(value, tuple)}
    return {}


def activations(entries: Iterable[Entry]) -> dict[str, tuple[Entry, Activation]]:
    """Entries that have one activation, by name, with it."""
    found = {}
    for entry in entries:
        try:
            found[entry.name] = (entry, entry.activation)
        except ActsearchError:
            continue
    return found


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Have torch compute without gradients, it and numpy on one thread: on small arrays threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad(), threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
