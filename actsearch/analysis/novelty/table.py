"""The table that queries are screened against: every comparable entry at many settings, scales and centres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.catalog import Entry, catalog
from actsearch.analysis.novelty.family import Array, Family, activations, family_of, form, is_comparable
from actsearch.analysis.novelty.points import GRID, POINTS
from actsearch.analysis.novelty.settings import Setting, respond, settings_of
from actsearch.grammar.activation import Activation

_SCALES = 2.0 ** (np.arange(-6, 7) / 2)
_CENTRES = np.arange(-4.0, 5.0)
_FEW_SCALES, _FEW_CENTRES = np.array([0.5, 1.0, 2.0]), np.array([-2.0, 0.0, 2.0])
_STEEP = [(scale, centre) for scale in (1 / 32, 1 / 16, 16.0, 32.0) for centre in (-1.0, 0.0, 1.0)]
WARPS = len(_SCALES) * len(_CENTRES) + len(_STEEP)
"""Rows of `Table.shapes` that each family begins with, at its initial setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Families by index, and the rows made from them."""

    families: tuple[Family, ...]
    values: Array
    """Of each family at its initial setting on `GRID`: (families, points)."""
    settings: tuple[tuple[Setting, ...], ...]
    """Of each family, the initial one first."""
    responses: Array
    """Of every setting of every family at `POINTS`, in order, normalised as `shapes`: (settings, points)."""
    setting_starts: NDArray[np.int64]
    """Where in `responses` each family begins, and their number."""
    shapes: NDArray[np.float32]
    """Every setting at several scales and centres, without its mean, of norm 1, or zero where that has no value."""
    shape_starts: NDArray[np.int64]
    warped: Array
    """Of each row of `shapes`: setting's index within the family, scale a, centre c."""
    forms: Mapping[str, str]
    """Form of every entry that has one activation, comparable or not, by name."""
    hashes: Mapping[str, str]
    years: Mapping[str, int]
    activations: Mapping[str, Activation]


def table_of(entries: Mapping[str, Entry] | None = None) -> Table:
    """The table of some entries, by default of the catalog; that one is made once a process."""
    return _table_of_catalog() if entries is None else _build(entries)


@cache
def _table_of_catalog() -> Table:
    return _build(catalog())


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
    rows = [_shapes(family, found) for family, found in zip(families, settings, strict=True)]
    responses = [respond(f, np.array([s.values for s in found])) for f, found in zip(families, settings, strict=True)]
    none = [np.zeros((0, len(POINTS)))]
    return Table(
        families=tuple(families),
        values=np.array(values).reshape(-1, len(GRID)),
        settings=tuple(settings),
        responses=normalised(np.concatenate(responses or none)),
        setting_starts=_starts([len(found) for found in settings]),
        shapes=np.concatenate([shapes for shapes, _ in rows] or none).astype(np.float32),
        shape_starts=_starts([len(shapes) for shapes, _ in rows]),
        warped=np.concatenate([warped for _, warped in rows] or [np.zeros((0, 3))]),
        forms={name: form(activation) for name, (_, activation) in known.items()},
        hashes={name: activation.hash for name, (_, activation) in known.items()},
        years={name: entry.year for name, (entry, _) in known.items()},
        activations={name: activation for name, (_, activation) in known.items()},
    )


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _shapes(family: Family, settings: list[Setting]) -> tuple[NDArray[np.float32], Array]:
    """Rows of `Table.shapes` and of `Table.warped`; only f(a*(x - c)) with a > 0, as f is read backwards for a < 0."""
    many = [(0, scale, centre) for scale in _SCALES for centre in _CENTRES] + [(0, a, c) for a, c in _STEEP]
    few = [
        (index, scale, centre) for index in range(1, len(settings)) for scale in _FEW_SCALES for centre in _FEW_CENTRES
    ]
    warped = np.array(many + few)
    u = warped[:, 1, None] * (POINTS - warped[:, 2, None])
    chosen = np.array([setting.values for setting in settings])[warped[:, 0].astype(int)]
    return normalised(family.values(u, chosen)).astype(np.float32), warped


def normalised(rows: Array) -> Array:
    """Rows without their means and of norm 1; zero where a row is not finite or does not vary."""
    with np.errstate(all="ignore"):
        centred = rows - rows.mean(axis=1, keepdims=True)
        largest = np.abs(centred).max(axis=1, keepdims=True)
        varies = np.isfinite(largest) & (largest > 1e-9 * np.abs(rows).max(axis=1, keepdims=True))
        centred = np.where(varies, centred / np.where(varies, largest, 1.0), 0.0)
    norms = np.sqrt((centred * centred).sum(axis=1, keepdims=True))
    return np.where(varies, centred / np.maximum(norms, 1e-300), 0.0)
