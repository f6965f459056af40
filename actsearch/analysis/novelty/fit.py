"""Many small least-squares problems at once: output scale and shift eliminated, the rest by Levenberg and Marquardt.

A problem asks for `f(x) = A * g(a*(x - c); p) + B`. For given (a, c, p) the best A and B are a regression on one
variable, so only the others are stepped, with the Jacobian of what remains after that regression (variable projection
in Kaufman's form: Golub and Pereyra, Inverse Problems 19 (2003) R1). Steps of all problems are solved together; each
family is evaluated once an iteration, for all of its problems and all of their difference quotients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.novelty.family import Family
from actsearch.analysis.novelty.match import Limit
from actsearch.analysis.novelty.points import Array

SCALE, CENTRE, PARAMETERS = 0, 1, 2
"""Columns of `theta`: a, c, and where the parameters of the family begin."""
# From nearer or farther than that every function looks like a polynomial, or like its tails.
_LARGEST_SCALE, _FARTHEST_CENTRE, _LARGEST_PARAMETER = 64.0, 8.0, 1e4
_STEP = 1e-6
"""Relative step of the difference quotients."""
_DAMPING = 0.03
_EXACT = 1e-13
"""Residual, relative to f, at which a problem is solved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Where a fit starts and what it may move."""

    family: Family
    theta: Array
    """Shape (2 + parameters,): a, c, parameters."""
    free: NDArray[np.bool_]
    """What of `theta` may move."""
    scaled: bool = True
    """Whether A is fitted, else 1."""
    shifted: bool = True
    """Whether B is fitted, else 0."""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """Parameters that stand for a limit, and which; they do not move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Problems sorted by family, padded to as many numbers, and as many free ones, as one of them has."""

    slices: list[tuple[Family, slice]]
    columns: NDArray[np.int64]
    """Columns of `theta` that are free, (problems, free), and 0 where there are fewer."""
    is_free: NDArray[np.bool_]
    """Which of `columns` are meant."""
    scaled: Array
    shifted: Array
    target: Array
    x: Array

    def evaluate(self, theta: Array) -> tuple[Array, Array]:
        """Values (problems, points) and difference quotients (problems, free, points) at `theta`."""
        count, most = self.columns.shape
        row = np.arange(count)[:, None]
        step = _STEP * np.maximum(np.abs(theta[row, self.columns]), 0.1)
        moved = np.repeat(theta[:, None, :], 1 + most, axis=1)
        moved[row, 1 + np.arange(most), self.columns] += step
        u = moved[:, :, SCALE, None] * (self.x - moved[:, :, CENTRE, None])
        values = np.empty((count, 1 + most, len(self.x)))
        for family, rows in self.slices:
            settings = moved[rows, :, PARAMETERS : PARAMETERS + len(family.parameters)]
            points = u[rows].reshape(-1, len(self.x))
            found = family.values(points, settings.reshape(len(points), len(family.parameters)))
            values[rows] = found.reshape(-1, 1 + most, len(self.x))
        quotients = (values[:, 1:] - values[:, :1]) / step[:, :, None]
        return values[:, 0], np.where(self.is_free[:, :, None], quotients, 0.0)

    def stepped(self, theta: Array, step: Array) -> Array:
        """`theta` with its free columns moved, within bounds."""
        moved = theta.copy()
        np.add.at(moved, (np.arange(len(theta))[:, None], self.columns), np.where(self.is_free, step, 0.0))
        size = np.abs(moved[:, SCALE]).clip(1 / _LARGEST_SCALE, _LARGEST_SCALE)
        moved[:, SCALE] = np.copysign(size, moved[:, SCALE])
        moved[:, CENTRE] = moved[:, CENTRE].clip(-_FARTHEST_CENTRE, _FARTHEST_CENTRE)
        moved[:, PARAMETERS:] = moved[:, PARAMETERS:].clip(-_LARGEST_PARAMETER, _LARGEST_PARAMETER)
        return moved

    def project(self, values: Array, quotients: Array) -> tuple[Array, Array, Array]:
        """Cost, residual and Jacobian of the residual, with A and B at their best where they are fitted."""
        shifted, scaled = self.shifted[:, None], self.scaled[:, None]
        values = values - shifted * values.mean(axis=1, keepdims=True)
        target = self.target - shifted * self.target.mean(axis=1, keepdims=True)
        norm = np.maximum((values * values).sum(axis=1, keepdims=True), 1e-300)
        factor = np.where(scaled > 0, (target * values).sum(axis=1, keepdims=True) / norm, 1.0)
        residual = target - factor * values
        jacobian = quotients - shifted[:, :, None] * quotients.mean(axis=2, keepdims=True)
        along = (jacobian @ values[:, :, None]) / norm[:, :, None]
        jacobian = factor[:, :, None] * (jacobian - scaled[:, :, None] * along * values[:, None, :])
        cost = (residual * residual).sum(axis=1)
        bad = ~np.isfinite(cost) | ~np.isfinite(jacobian).all(axis=(1, 2))
        cost[bad], residual[bad], jacobian[bad] = np.inf, 0.0, 0.0
        return cost, residual, jacobian


def fit(problems: Sequence[Problem], target: Array, x: Array, *, iterations: int) -> tuple[list[Problem], Array]:
    """The problems where they end, and their sums of squared residuals; in another order than they were given.

    `target` is f at the points `x`. A problem that has no value where it starts has the cost infinity.
    """
    if not problems:
        return [], np.zeros(0)
    ordered = sorted(problems, key=lambda problem: problem.family.name)
    batch, theta = _batch(ordered, target, x)
    with np.errstate(all="ignore"):
        theta, cost = _minimise(batch, theta, iterations)
    done = [replace(problem, theta=row[: len(problem.theta)]) for problem, row in zip(ordered, theta, strict=True)]
    return done, cost


def _batch(problems: Sequence[Problem], target: Array, x: Array) -> tuple[_Batch, Array]:
    width = max(len(problem.theta) for problem in problems)
    most = max(int(problem.free.sum()) for problem in problems)
    theta = np.zeros((len(problems), width))
    columns = np.zeros((len(problems), max(1, most)), dtype=np.int64)
    is_free = np.zeros(columns.shape, dtype=bool)
    for row, problem in enumerate(problems):
        theta[row, : len(problem.theta)] = problem.theta
        free = np.flatnonzero(problem.free)
        columns[row, : len(free)], is_free[row, : len(free)] = free, True
    slices, start = [], 0
    for row in range(1, len(problems) + 1):
        if row == len(problems) or problems[row].family is not problems[start].family:
            slices.append((problems[start].family, slice(start, row)))
            start = row
    batch = _Batch(
        slices=slices,
        columns=columns,
        is_free=is_free,
        scaled=np.array([float(problem.scaled) for problem in problems]),
        shifted=np.array([float(problem.shifted) for problem in problems]),
        target=np.broadcast_to(target, (len(problems), len(x))),
        x=x,
    )
    return batch, theta


def _minimise(batch: _Batch, theta: Array, iterations: int) -> tuple[Array, Array]:
    cost, residual, jacobian = batch.project(*batch.evaluate(theta))
    solved = _EXACT**2 * (batch.target[0] ** 2).sum()
    damping = np.full(len(theta), _DAMPING)
    for _ in range(iterations):
        if (cost <= solved).all():
            break
        trial = batch.stepped(theta, _steps(residual, jacobian, damping))
        trial_cost, trial_residual, trial_jacobian = batch.project(*batch.evaluate(trial))
        better = trial_cost < cost
        theta[better], cost[better] = trial[better], trial_cost[better]
        residual[better], jacobian[better] = trial_residual[better], trial_jacobian[better]
        damping = np.where(better, damping / 10, damping * 10).clip(1e-12, 1e8)
    return theta, cost


def _steps(residual: Array, jacobian: Array, damping: Array) -> Array:
    normal = jacobian @ jacobian.transpose(0, 2, 1)
    diagonal = np.einsum("pii->pi", normal)
    # Columns that do not move have a zero diagonal: any positive number there leaves them where they are.
    floor = 1e-14 * diagonal.max(axis=1, keepdims=True) + 1e-300
    diagonal += damping[:, None] * diagonal + floor
    gradient = jacobian @ residual[:, :, None]
    return np.asarray(np.linalg.solve(normal, gradient)[:, :, 0], dtype=np.float64)
