"""The table that queries are screened against: every comparable entry at many settings, scales and centres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.catalog import Entry, catalog
from actsearch.analysis.novelty.family import Family, activations, family_of, form, is_comparable, kind
from actsearch.analysis.novelty.points import GRID, POINTS, Array
from actsearch.analysis.novelty.settings import Setting, respond, settings_of
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import size

_SCALES = 2.0 ** (np.arange(-6, 7) / 2)
_EXTREME = [(scale, centre) for scale in (1 / 64, 1 / 32, 1 / 16, 16.0, 32.0) for centre in (-1.0, 0.0, 1.0)]
_FREQUENCIES = [(0.5 * step, side * 0.8 / step) for step in range(1, 80) for side in (-1.0, 1.0)]
"""For what oscillates: scales as near to each other as ten units of x need, each with two phases."""
_BESIDE = [(1.0, 0.0), (0.5, 0.0), (2.0, 0.0), (1.0, -1.5), (1.0, 1.5)]
"""Scales and centres beside every other setting."""
_EDGE = 4.2
_MOVE = 1e-5
"""Step of the difference quotients by a, relative, and by c."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Functions g(a*(x - c)) at every other of `POINTS`: what each looks like without its mean, and how it moves.

    With a > 0 only: for a < 0 the function asked about is read backwards.
    """

    rows: NDArray[np.float32]
    """Of each function orthonormal rows, (vectors, functions, points): g, then, if there are more, what its derivatives
    by a and by c add to that. Zero where it has no value."""
    starts: NDArray[np.int64]
    """Where each family begins, and the number of functions."""
    warps: Array
    """Of each function: the setting's index within the family, scale a, centre c."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Families by index, and the rows made from them."""

    families: tuple[Family, ...]
    values: Array
    """Of each family at its initial setting on `GRID`: (families, points)."""
    spans: Mapping[str, float]
    """Range of the values of each family at its initial setting on `GRID`."""
    settings: tuple[tuple[Setting, ...], ...]
    """Of each family, the initial one first."""
    responses: Array
    """Of every setting of every family at `POINTS`, in order, normalised as `shapes`: (settings, points)."""
    setting_starts: NDArray[np.int64]
    """Where in `responses` each family begins, and their number."""
    leaders: tuple[int, ...]
    """Indices of families no two of which are the same at their initial settings, up to output scale and shift."""
    inputs: Shapes
    """Each leader's initial setting at many scales and centres."""
    both: Shapes
    """Every setting at a few."""
    forms: Mapping[str, str]
    """Form of every entry that has one activation, comparable or not, by name."""
    kinds: Mapping[str, str]
    hashes: Mapping[str, str]
    years: Mapping[str, int]
    sizes: Mapping[str, int]
    """Number of nodes of every entry's formula."""
    activations: Mapping[str, Activation]


def table_of(entries: Mapping[str, Entry] | None = None) -> Table:
    """The table of some entries, by default of the catalog; made once a process for the last few it is asked for."""
    return _table_of(tuple((catalog() if entries is None else entries).values()))


@lru_cache(maxsize=4)
def _table_of(entries: tuple[Entry, ...]) -> Table:
    return _build({entry.name: entry for entry in entries})


def _build(entries: Mapping[str, Entry]) -> Table:
    known = activations(entries.values())
    families, values, settings = [], [], []
    for name, (entry, activation) in known.items():
        if is_comparable(activation):
            family = family_of(activation, name=name, year=entry.year)
            found = settings_of(family)
            response = family.values(GRID[None], family.initial[None])[0]
            if np.isfinite(response).all() and found and (found[0].values == family.initial).all():
                families.append(family)
                values.append(response)
                settings.append(tuple(found))
    responses = [respond(f, np.array([s.values for s in found])) for f, found in zip(families, settings, strict=True)]
    none = [np.zeros((0, len(POINTS)))]
    leaders = _leaders(families, values)
    return Table(
        families=tuple(families),
        values=np.array(values).reshape(-1, len(GRID)),
        spans={family.name: float(np.ptp(row)) for family, row in zip(families, values, strict=True)},
        settings=tuple(settings),
        responses=normalised(np.concatenate(responses or none)),
        setting_starts=_starts([len(found) for found in settings]),
        leaders=tuple(leaders),
        inputs=_shapes(
            [families[i] for i in leaders],
            [settings[i] for i in leaders],
            [_many(families[i]) for i in leaders],
            vectors=3,
        ),
        both=_shapes(families, settings, [_few(found) for found in settings], vectors=1),
        forms={name: form(activation) for name, (_, activation) in known.items()},
        kinds={name: kind(activation) for name, (_, activation) in known.items() if activation.parameters},
        hashes={name: activation.hash for name, (_, activation) in known.items()},
        sizes={name: size(activation.expression) for name, (_, activation) in known.items()},
        years={name: entry.year for name, (entry, _) in known.items()},
        activations={name: activation for name, (_, activation) in known.items()},
    )


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _leaders(families: Sequence[Family], values: Sequence[Array]) -> list[int]:
    """Of the families that are the same at first, up to output scale and shift, the simplest and earliest."""
    first: dict[int, int] = {}
    shapes = normalised(np.array(values).reshape(-1, len(GRID)))
    alike = np.abs(shapes @ shapes.T) >= 1 - 1e-13
    order = sorted(range(len(families)), key=lambda i: (len(families[i].parameters), families[i].year))
    for index in order:
        for other in np.flatnonzero(alike[index]):
            first.setdefault(int(other), index)
    return sorted(index for index in range(len(families)) if first.get(index, index) == index)


def _many(family: Family) -> Array:
    """Scales and centres at which a family at its initial setting is tabulated, as `Shapes.warps`."""
    found = list(_EXTREME)
    for scale in _SCALES:
        # What is steep must be met within its own width.
        step = min(max(0.6 / scale, 0.25), 1.0)
        reach = int(_EDGE / step)
        found += [(scale, step * index) for index in range(-reach, reach + 1)]
    found += _FREQUENCIES if family.is_periodic else []
    return np.array([(0, *pair) for pair in found])


def _few(settings: Sequence[Setting]) -> Array:
    return np.array([(index, *pair) for index in range(len(settings)) for pair in _BESIDE])


def _shapes(
    families: Sequence[Family], settings: Sequence[Sequence[Setting]], warps: Sequence[Array], *, vectors: int
) -> Shapes:
    points = POINTS[::2]
    rows = [np.zeros((vectors, 0, len(points)), dtype=np.float32)]
    for family, known, warp in zip(families, settings, warps, strict=True):
        chosen = np.array([setting.values for setting in known])[warp[:, 0].astype(int)]
        scales, centres = warp[:, 1, None], warp[:, 2, None]
        moves = ((1.0, 0.0), (1.0 + _MOVE, 0.0), (1.0, _MOVE))[:vectors]
        moved = [family.values(scales * by * (points - centres - to), chosen) for by, to in moves]
        with np.errstate(all="ignore"):
            parts = [moved[0], *(part - moved[0] for part in moved[1:])]
        rows.append(_orthonormal(parts).astype(np.float32))
    return Shapes(
        rows=np.concatenate(rows, axis=1),
        starts=_starts([len(warp) for warp in warps]),
        warps=np.concatenate([np.zeros((0, 3)), *warps]),
    )


def _orthonormal(parts: Sequence[Array]) -> Array:
    """Rows of the same index, one of each part, made orthonormal: (parts, rows, points)."""
    found: list[Array] = []
    for part in parts:
        row = normalised(part)
        for _ in range(2):  # Once more for what rounding leaves.
            for other in found:
                row = row - (row * other).sum(axis=1, keepdims=True) * other
        norm = np.sqrt((row * row).sum(axis=1, keepdims=True))
        # A direction that the others have already says nothing.
        found.append(np.where(norm > 1e-4, row / np.maximum(norm, 1e-300), 0.0))
    return np.stack(found)


def normalised(rows: Array) -> Array:
    """Rows without their means and of norm 1; zero where a row is not finite or does not vary."""
    with np.errstate(all="ignore"):
        centred = rows - rows.mean(axis=1, keepdims=True)
        largest = np.abs(centred).max(axis=1, keepdims=True)
        varies = np.isfinite(largest) & (largest > 1e-9 * np.abs(rows).max(axis=1, keepdims=True))
        centred = np.where(varies, centred / np.where(varies, largest, 1.0), 0.0)
    norms = np.sqrt((centred * centred).sum(axis=1, keepdims=True))
    return np.where(varies, centred / np.maximum(norms, 1e-300), 0.0)
