"""Which fits are worth the time: those that start at the rows of the table most like the function asked about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from actsearch.analysis.novelty.family import Array
from actsearch.analysis.novelty.fit import CENTRE, PARAMETERS, SCALE, Problem
from actsearch.analysis.novelty.settings import MOST_PARAMETERS
from actsearch.analysis.novelty.table import WARPS, Table, normalised

_INPUTS, _SETTINGS, _BOTH = 24, 24, 16
"""How many families are fitted by input scale and centre, by parameters, by all of them."""


def promising(table: Table, values: Array) -> list[Problem]:
    """Problems that start near the function with `values` at `POINTS`, the better half of what could be tried."""
    shape = normalised(values[None])[0]
    if not len(table.families) or not shape.any():
        return []
    mirrored = np.stack([shape, shape[::-1]], axis=1).astype(np.float32)
    likeness = np.abs(table.shapes @ mirrored)
    at_settings = np.abs(table.responses @ shape)
    return [*_by_input(table, likeness), *_by_setting(table, at_settings), *_by_both(table, likeness)]


def _by_input(table: Table, likeness: Array) -> Iterator[Problem]:
    rows = table.shape_starts[:-1, None] + np.arange(WARPS)
    found = likeness[rows]
    for index in _first(found.max(axis=(1, 2)), _INPUTS):
        for side in (0, 1):
            row = int(rows[index, found[index, :, side].argmax()])
            yield _problem(table, index, row, side, inputs=True, parameters=False)


def _by_setting(table: Table, likeness: Array) -> Iterator[Problem]:
    starts = table.setting_starts
    for index in _first(np.maximum.reduceat(likeness, starts[:-1]), _SETTINGS):
        family, settings = table.families[index], table.settings[index]
        if not 0 < len(family.parameters) <= MOST_PARAMETERS:
            continue
        own = likeness[starts[index] : starts[index + 1]]
        for setting in np.argsort(-own)[:2]:
            yield _of_setting(table, index, int(setting), inputs=False)
        limits = [number for number, setting in enumerate(settings) if setting.limits]
        for setting in sorted(limits, key=lambda number: -own[number])[:2]:
            yield _of_setting(table, index, setting, inputs=False)


def _by_both(table: Table, likeness: Array) -> Iterator[Problem]:
    best = likeness.max(axis=1)
    fitted = [0 < len(family.parameters) <= MOST_PARAMETERS for family in table.families]
    for index in _first(np.where(fitted, np.maximum.reduceat(best, table.shape_starts[:-1]), -1.0), _BOTH):
        if fitted[index]:
            row = int(
                table.shape_starts[index] + best[table.shape_starts[index] : table.shape_starts[index + 1]].argmax()
            )
            yield _problem(table, index, row, int(likeness[row].argmax()), inputs=True, parameters=True)


def _first(likeness: Array, count: int) -> list[int]:
    return [int(index) for index in np.argsort(-likeness, kind="stable")[:count]]


def _problem(table: Table, index: int, row: int, side: int, *, inputs: bool, parameters: bool) -> Problem:
    setting, scale, centre = table.warped[row]
    problem = _of_setting(table, index, int(setting), inputs=inputs)
    # f(-x) is like g(a*(x - c)) where f(x) is like g(-a*(x + c)).
    problem.theta[SCALE], problem.theta[CENTRE] = (scale, centre) if side == 0 else (-scale, -centre)
    problem.free[PARAMETERS:] &= parameters
    return problem


def _of_setting(table: Table, index: int, number: int, *, inputs: bool) -> Problem:
    family, setting = table.families[index], table.settings[index][number]
    free = [inputs, inputs, *(name not in setting.limits for name in family.parameters)]
    theta = np.concatenate([[1.0, 0.0], setting.values])
    return Problem(family=family, theta=theta, free=np.array(free), limits=setting.limits)
