"""Settings of a family's parameters that a search for a match begins from, limits among them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from actsearch.analysis.novelty.family import Family
from actsearch.analysis.novelty.match import Limit
from actsearch.analysis.novelty.points import POINTS, Array

MOST_PARAMETERS = 6
"""A family with more of them stays at its initial values."""
_VALUES = (-3.0, -1.0, -0.3, 0.0, 0.1, 0.3, 0.5, 1.0, 2.0, 4.0, 10.0)
_FREQUENCIES = tuple(0.6 * step for step in range(1, 51))
"""As near to each other as ten units of x need to tell what oscillates."""
_PAIRED = (-1.0, 0.3, 1.0, 3.0)
_RAYS: Mapping[Limit, tuple[tuple[float, ...], ...]] = {
    "0": (tuple(10.0**-k for k in range(2, 10)), tuple(-(10.0**-k) for k in range(2, 10))),
    "inf": (tuple(10.0**k for k in range(2, 10)),),
    "-inf": (tuple(-(10.0**k) for k in range(2, 10)),),
}
"""Values that a parameter takes on its way to a limit."""
_CONVERGED = 2e-6
"""Largest change, relative to the values, from the best point of a ray to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Values of a family's parameters; those of `limits` stand for what the family tends to."""

    values: Array
    limits: Mapping[str, Limit] = field(default_factory=dict)


def settings_of(family: Family) -> list[Setting]:
    """Settings worth starting from, the initial one first, each with finite values that vary on [-5, 5]."""
    rows = [family.initial]
    if 0 < len(family.parameters) <= MOST_PARAMETERS:
        rows += list(_moved(family))
    found = [Setting(values=row) for row in rows] + list(_limits(family))
    responses = respond(family, np.array([setting.values for setting in found]))
    with np.errstate(all="ignore"):
        spread = responses.max(axis=1) - responses.min(axis=1)
        useful = np.isfinite(spread) & (spread > 1e-9 * np.abs(responses).max(axis=1))
    return [setting for setting, keep in zip(found, useful, strict=True) if keep]


def respond(family: Family, settings: Array) -> Array:
    """Values at `POINTS` for each row of `settings`."""
    return family.values(np.tile(POINTS, (len(settings), 1)), np.ascontiguousarray(settings))


def _moved(family: Family) -> Iterator[Array]:
    """One parameter after the other, then two together."""
    count = len(family.parameters)
    for index in range(count):
        dense = _FREQUENCIES if family.is_periodic else ()
        for value in (*_VALUES, *dense, 0.5 * family.initial[index], 2 * family.initial[index]):
            if value != family.initial[index]:
                yield _with(family.initial, (index, value))
    for first, second in itertools.combinations(range(min(count, 4)), 2):
        for one, other in itertools.product(_PAIRED, repeat=2):
            yield _with(family.initial, (first, one), (second, other))


def _limits(family: Family) -> Iterator[Setting]:
    """Limits that the family has at its initial values and that are none of its members."""
    if len(family.parameters) > MOST_PARAMETERS:
        return
    for index, name in enumerate(family.parameters):
        at_zero = respond(family, _with(family.initial, (index, 0.0))[None])[0]
        for end, rays in _RAYS.items():
            for ray in rays:
                values = np.array([_with(family.initial, (index, value)) for value in ray])
                responses = respond(family, values)
                best = _converged(responses)
                if best is None:
                    continue
                if end == "0" and _alike(responses[best], at_zero):
                    break
                yield Setting(values=values[best], limits={name: end})
                break


def _converged(responses: Array) -> int | None:
    """Index of the row that is nearest to where the rows tend to; None if they tend nowhere."""
    with np.errstate(all="ignore"):
        changes = np.abs(np.diff(responses, axis=0)).max(axis=1)
        scale = np.abs(responses[1:]).max(axis=1)
        spread = responses[1:].max(axis=1) - responses[1:].min(axis=1)
        changes = np.where(np.isfinite(changes) & (spread > 1e-3 * scale), changes / np.maximum(scale, 1e-300), np.inf)
    best = int(changes.argmin())
    return best + 1 if changes[best] <= _CONVERGED else None


def _alike(one: Array, other: Array) -> bool:
    return bool(np.isfinite(other).all() and np.abs(one - other).max() <= 1e-4 * np.abs(one).max())


def _with(row: Array, *changes: tuple[int, float]) -> Array:
    changed = row.copy()
    for index, value in changes:
        changed[index] = value
    return changed
