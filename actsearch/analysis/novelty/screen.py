"""Which fits are worth the time: those that start at the rows of the table most like the function asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.novelty.fit import CENTRE, PARAMETERS, SCALE, Problem, fit
from actsearch.analysis.novelty.points import POINTS, Array
from actsearch.analysis.novelty.settings import MOST_PARAMETERS
from actsearch.analysis.novelty.table import Shapes, Table, normalised

_INPUTS, _SETTINGS, _BOTH = 52, 28, 10
"""How many families are tried by input scale and centre, by parameters, by all of these."""
_COSTLY_INPUTS = 3
"""A family that takes long is tried by input scale and centre where it is among that many."""
_ITERATIONS = 2
"""Of all fits, at first."""
_BANDS = (0.55, 1.8)
"""Where input scales are parted into small, middling and large ones."""
_SIZES = (2, 4)
_SCHEDULE = ((28, 3), (10, 6))
"""How many fits go on after that, and for how many iterations more."""
_SOLVED = 1e-20
"""Sum of squared residuals, relative to f, at which nothing is left to fit."""
_LARGEST = 1e140
_OF_EACH = 3
"""How many fits of one family go on."""
_TRUST = 0.9
"""What likeness to a derivative counts for: a function moves along it for a short way only."""


def fitted(table: Table, values: Array) -> list[Problem]:
    """Problems that have been fitted to the function with `values` at `POINTS`, the best ones first."""
    shape = normalised(values[None])[0]
    # Squares of values beyond that overflow.
    if not len(table.families) or not shape.any() or np.abs(values).max() > _LARGEST:
        return []
    starts = [*_by_input(table, shape), *_by_setting(table, shape), *_by_both(table, shape)]
    # Those with about as many free numbers go together, as all of a batch are padded to the most.
    sizes = [int(np.searchsorted(_SIZES, problem.free.sum())) for problem in starts]
    rounds = [[start for start, of in zip(starts, sizes, strict=True) if of == size] for size in range(len(_SIZES) + 1)]
    tried = [fit(problems, values, POINTS, iterations=_ITERATIONS) for problems in rounds]
    problems, costs = [problem for some, _ in tried for problem in some], np.concatenate([cost for _, cost in tried])
    solved = _SOLVED * float(np.var(values) * len(values))
    done: list[Problem] = []
    for kept, iterations in _SCHEDULE:
        # What is exact already takes no place from what may become so.
        done += _best(problems, np.where(costs <= solved, costs, np.inf), kept)
        problems, costs = fit(
            _best(problems, np.where(costs > solved, costs, np.inf), kept), values, POINTS, iterations=iterations
        )
    return [*done, *_best(problems, costs, len(problems))]


def _best(problems: Sequence[Problem], costs: Array, most: int) -> list[Problem]:
    """The problems with the least costs, best first."""
    kept: list[Problem] = []
    of_each: dict[str, int] = {}
    for index in np.argsort(costs, kind="stable"):
        name = problems[index].family.name
        if np.isfinite(costs[index]) and of_each.get(name, 0) < _OF_EACH and len(kept) < most:
            of_each[name] = of_each.get(name, 0) + 1
            kept.append(problems[index])
    return kept


def _by_input(table: Table, shape: Array) -> Iterator[Problem]:
    plain, near = _likeness(table.inputs, shape)
    starts = table.inputs.starts
    for rank, index in enumerate(_first(near, starts, _INPUTS)):
        if rank >= _COSTLY_INPUTS and table.families[table.leaders[index]].is_costly:
            continue
        # A start from far, one from the middle and one from near: each may lead to a dead end.
        own = plain[starts[index] : starts[index + 1]]
        bands = np.searchsorted(_BANDS, table.inputs.warps[starts[index] : starts[index + 1], 1])
        for band in range(len(_BANDS) + 1):
            row, side = divmod(int(np.where(bands[:, None] == band, own, -1.0).argmax()), 2)
            warp = table.inputs.warps[starts[index] + row]
            yield _problem(table, table.leaders[index], warp, side, parameters=False)


def _by_setting(table: Table, shape: Array) -> Iterator[Problem]:
    starts, likeness = table.setting_starts, np.abs(table.responses @ shape)
    has_parameters = _has_parameters(table)
    best = np.where(has_parameters, np.maximum.reduceat(likeness, starts[:-1]), -1.0)
    for index in np.argsort(-best, kind="stable")[:_SETTINGS]:
        if not has_parameters[index]:
            continue
        own = likeness[starts[index] : starts[index + 1]]
        for setting in np.argsort(-own)[:2]:
            yield _of_setting(table, index, int(setting), inputs=False)
        limits = [number for number, setting in enumerate(table.settings[index]) if setting.limits]
        for setting in sorted(limits, key=lambda number: -own[number])[:2]:
            yield _of_setting(table, index, setting, inputs=False)


def _by_both(table: Table, shape: Array) -> Iterator[Problem]:
    has_parameters = _has_parameters(table)
    plain, _ = _likeness(table.both, shape)
    for index in _first(plain, table.both.starts, _BOTH):
        if has_parameters[index]:
            row, side = _row(plain, table.both.starts, index)
            yield _problem(table, index, table.both.warps[row], side, parameters=True)


def _has_parameters(table: Table) -> NDArray[np.bool_]:
    return np.array([0 < len(family.parameters) <= MOST_PARAMETERS for family in table.families])


def _likeness(shapes: Shapes, shape: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How much of a shape, and of the shape read backwards, each function has, and has with its tangents.

    Both (functions, 2).
    """
    half = normalised(shape[None, ::2])[0]
    columns = np.stack([half, half[::-1]], axis=1).astype(np.float32)
    plain, *tangents = (np.square(rows @ columns) for rows in shapes.rows)
    return plain, plain + _TRUST * sum(tangents, np.float32(0))


def _first(likeness: NDArray[np.float32], starts: NDArray[np.int64], count: int) -> list[int]:
    """The families most alike."""
    best = np.maximum.reduceat(np.maximum(likeness[:, 0], likeness[:, 1]), starts[:-1])
    return [int(index) for index in np.argsort(-best, kind="stable")[:count]]


def _row(likeness: NDArray[np.float32], starts: NDArray[np.int64], index: int) -> tuple[int, int]:
    """The row of a family that is most alike, and whether to the shape (0) or to the shape read backwards (1)."""
    row, side = divmod(int(likeness[starts[index] : starts[index + 1]].argmax()), 2)
    return int(starts[index]) + row, side


def _problem(table: Table, index: int, warp: Array, side: int, *, parameters: bool) -> Problem:
    setting, scale, centre = warp
    problem = _of_setting(table, index, int(setting), inputs=True)
    # f(-x) is like g(a*(x - c)) where f(x) is like g(-a*(x + c)).
    problem.theta[SCALE], problem.theta[CENTRE] = (scale, centre) if side == 0 else (-scale, -centre)
    problem.free[PARAMETERS:] &= parameters
    return problem


def _of_setting(table: Table, index: int, number: int, *, inputs: bool) -> Problem:
    family, setting = table.families[index], table.settings[index][number]
    free = [inputs, inputs, *(name not in setting.limits for name in family.parameters)]
    theta = np.concatenate([[1.0, 0.0], setting.values])
    return Problem(family=family, theta=theta, free=np.array(free), limits=setting.limits)
